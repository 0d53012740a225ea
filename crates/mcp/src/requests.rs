//! Requests and their results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::contacts::within;
use super::tool::{About, Result, Tool, ToolCall, parse_id};
use app::requests;
use domain::problem;
use storage::{Request, RequestFilter, RequestState, Window};
use wire::{
    request as report,
    request::{RequestObject, SummaryObject},
};

/// Requests of one answer at most.
const MAX_LIMIT: u32 = 100;

/// Lists requests.
pub struct ListRequests;

/// Which requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListArguments {
    /// The id of the list. Without it, all lists that the token sees.
    contact_list_id: Option<String>,
    /// Only requests of this state.
    #[schemars(with = "Option<String>", extend("enum" = ["queued", "processing", "processed", null]))]
    status: Option<State>,
    /// How many of the newest requests are left out; 0 by default.
    offset: Option<u64>,
    /// How many requests there are at most, 1 to 100; 20 by default.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    Queued,
    Processing,
    Processed,
}

impl From<State> for RequestState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Processing => Self::Processing,
            State::Processed => Self::Processed,
        }
    }
}

/// Requests, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The requests, with counts of their results.
    requests: Vec<SummaryObject>,
    /// How many requests match in all.
    total_count: u64,
}

impl Tool for ListRequests {
    const ABOUT: About = About {
        name: "list_requests",
        title: "List requests",
        text: "Accepted requests that changed contacts, the newest first, with counts of what succeeded and failed. \
               Requests are known for 7 days.",
        operation: &requests::LIST,
    };
    type Arguments = ListArguments;
    type Answer = Listed;

    async fn run(call: ToolCall, arguments: ListArguments) -> Result<Listed> {
        let list = match &arguments.contact_list_id {
            Some(id) => Some(call.list(id).await?),
            None => None,
        };
        let window = Window {
            offset: arguments.offset.unwrap_or_default(),
            limit: within(arguments.limit, MAX_LIMIT)?,
        };
        let filter = RequestFilter { state: arguments.status.map(Into::into), ..RequestFilter::default() };
        let page = call.queries.list_requests(&call.caller, list.as_deref(), filter, window).await?;
        let requests = page.rows.into_iter().map(report::summary_object).collect();
        Ok(Listed { requests, total_count: page.total })
    }
}

/// Reads a request.
pub struct GetRequest;

/// Which request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetArguments {
    /// The id of the request.
    request_id: String,
}

/// The request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Got {
    /// The request, with the result of each contact.
    #[serde(serialize_with = "as_object")]
    #[schemars(with = "RequestObject<'_>")]
    request: Request,
}

fn as_object<S: Serializer>(request: &Request, serializer: S) -> Result<S::Ok, S::Error> {
    report::request_object(request).serialize(serializer)
}

impl Tool for GetRequest {
    const ABOUT: About = About {
        name: "get_request",
        title: "Get a request",
        text: "One request with the result of each of its contacts, and the state of its webhook.",
        operation: &requests::FIND,
    };
    type Arguments = GetArguments;
    type Answer = Got;

    async fn run(call: ToolCall, arguments: GetArguments) -> Result<Got> {
        let id = parse_id(&arguments.request_id, "requestId")?;
        let found = call.queries.requests(&call.caller, vec![id]).await?;
        let request = found.into_iter().next().ok_or_else(|| problem::request_not_found(&id.to_string()))?;
        Ok(Got { request })
    }
}
