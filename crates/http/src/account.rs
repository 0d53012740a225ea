//! `/v3/account/…`

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::ACCESS;
use domain::json::{Keys, read_body};
use domain::problem;

static GROUP: Group = Group { name: "Account", text: "The account that a token belongs to." };

/// `POST /v3/account/info`
pub static INFO: Method = Method {
    operation: &ACCESS,
    group: &GROUP,
    summary: "The name of the account",
    text: "A cheap way to try a token. The body is empty or an object.",
    body: Body { params: &[], optional: true },
    examples: &[Example {
        summary: "The account of the token",
        body: "{}",
        answer: r#"{"result":true,"accountName":"Example Shop","accountBalance":0}"#,
    }],
    handler: &info,
};

/// What account/info answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Info {
    /// The account's name.
    account_name: String,
    /// Always 0: there is no billing, but clients read this member.
    account_balance: u8,
}

async fn info(call: Call) -> Outcome<Info> {
    let body = read_body(&call.body, &Keys::of(&[])).ok_or_else(problem::bad_request)?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Info { account_name: call.caller.account_name, account_balance: 0 }).warn(warnings))
}
