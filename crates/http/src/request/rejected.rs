//! `/v3/request/rejected`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::{Refusal, api_activity};
use domain::argument::{TIME, read_filter, read_time};
use domain::clock::Timestamp;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{HOUR, Rejection, RejectionFilter};

/// `POST /v3/request/rejected`
pub static REJECTED: Method = Method {
    operation: &api_activity::REJECTED,
    group: &GROUP,
    summary: "Rejected requests by hour, token and code",
    text: "Counts the requests of the account's tokens that were answered with a status from 400 to 499. The latest \
        hour comes first, and in it the most frequent. A request with several codes counts once for each, at most 10. Bodies \
        and texts are not stored. A rejected request appears within a minute, and for 7 days.",
    body: Body { params: &[&NARROWED_BY], optional: true },
    examples: &[Example {
        summary: "Bodies that were too large",
        body: r#"{"code":"BODY_TOO_LARGE"}"#,
        answer: r#"{"result":true,"data":[],"totalCount":0,"offset":0,"limit":20,"errors":[]}"#,
    }],
    handler: &rejected,
};

const NARROWED_BY: [FieldSpec; 5] = [
    FieldSpec::optional("token", ValueType::TEXT, "Only of this token: its key."),
    FieldSpec::optional("code", ValueType::TEXT, "Only with this code."),
    FieldSpec::optional(
        "from",
        TIME,
        "Only in the hour of that time or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that day, \
         UTC.",
    ),
    OFFSET_KEY,
    LIMIT_KEY,
];

/// Rejected requests of an hour.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RejectionObject {
    /// The beginning of the hour.
    hour: Timestamp,
    /// The key of the token.
    token: String,
    /// The path of the method.
    method: String,
    /// The status.
    status: u16,
    /// The code.
    code: String,
    /// How many requests.
    count: u64,
    /// When the last of them was.
    last_at: Timestamp,
}

async fn rejected(call: Call) -> Outcome<Paged<RejectionObject>> {
    let body = read_body(&call.body, &Keys::of(&NARROWED_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let wrong = |key: &'static str, code: &'static str| {
        move || Problem::new(code, format!("Argument {key} must be a string")).of(key)
    };
    let token =
        read_filter(body.get(0).map(Raw::as_trimmed), wrong("token", "INVALID_TOKEN_KEY"), &mut problems);
    let code = read_filter(body.get(1).map(Raw::as_trimmed), wrong("code", "INVALID_CODE"), &mut problems);
    let since = read_time(body.get(2), "from").map_err(|problem| problems.push(problem)).ok().flatten();
    let window = page::read_window(body.get(3), body.get(4), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let filter = RejectionFilter { token, code, since };
    let page = call.app.queries.rejections(&call.caller, filter, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Paged::of(page, window, rejection_object)).warn(warnings))
}

fn rejection_object(rejection: Rejection) -> RejectionObject {
    RejectionObject {
        hour: Timestamp::from_millis(rejection.hour.saturating_mul(HOUR)),
        token: rejection.token,
        method: rejection.method,
        status: rejection.status,
        code: rejection.code,
        count: rejection.count,
        last_at: rejection.last_at,
    }
}
