//! The account of the token, and its rights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tool::{About, Result, Tool, ToolCall};
use app::ACCESS;

/// The account and the rights of the token.
pub struct DescribeAccess;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArguments {}

/// The rights of the token.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessAnswer {
    /// The name of the account.
    account_name: String,
    /// Whether the token may change something.
    may_write: bool,
    /// The ids of the lists that the token is limited to; null without a limit.
    limited_to_lists: Option<Vec<String>>,
}

impl Tool for DescribeAccess {
    const ABOUT: About = About {
        name: "describe_access",
        title: "Describe access",
        text: "The account, and the rights of the access token: whether it may change contacts, and which lists it sees.",
        operation: &ACCESS,
    };
    type Arguments = NoArguments;
    type Answer = AccessAnswer;

    async fn run(call: ToolCall, _: NoArguments) -> Result<AccessAnswer> {
        let lists = call.caller.scope.lists.as_ref();
        Ok(AccessAnswer {
            account_name: call.caller.account_name.clone(),
            may_write: !call.caller.read_only,
            limited_to_lists: lists.map(|lists| lists.iter().map(ToString::to_string).collect()),
        })
    }
}
