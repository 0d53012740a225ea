//! `/v3/request/list`

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::requests;
use domain::argument::{TIME, read_time};
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{RequestFilter, RequestState};
use wire::ingest::list::LIST_ID;
use wire::{
    request as report,
    request::{SummaryObject, state_name},
};

/// `POST /v3/request/list`
pub static LIST: Method = Method {
    operation: &requests::LIST,
    group: &GROUP,
    summary: "Requests by state, list and time",
    text: "The newest first. They have the form of request/find, with counts in place of the results. While \
        requests are accepted and processed, consecutive pages may repeat or miss an entry; with `to` in the past \
        they do not.",
    body: Body { params: &[&NARROWED_BY], optional: true },
    examples: &[
        Example {
            summary: "The last that was processed",
            body: r#"{"status":"processed","limit":1}"#,
            answer: r#"{"result":true,"data":[{"id":"5d915c27d132d5f45a4e38bd","source":"contact/erase",
                "status":"processed","webHookUri":null,"createdAt":"2026-10-14 09:30:03",
                "updatedAt":"2026-10-14 09:30:03","counts":{"success":0,"errors":0},
                "webHook":{"status":"none","attempts":0}}],"totalCount":6,"offset":0,"limit":1,"errors":[]}"#,
        },
        Example {
            summary: "What waits",
            body: r#"{"status":"queued","to":"2026-10-14"}"#,
            answer: r#"{"result":true,"data":[],"totalCount":0,"offset":0,"limit":20,"errors":[]}"#,
        },
    ],
    handler: &list,
};

/// How far a request may have come.
const STATES: [RequestState; 3] = [RequestState::Queued, RequestState::Processing, RequestState::Processed];

const STATE_NAMES: [&str; 3] = [state_name(STATES[0]), state_name(STATES[1]), state_name(STATES[2])];

const NARROWED_BY: [FieldSpec; 6] = [
    FieldSpec::optional("status", ValueType::Word(&STATE_NAMES), "Requests that have come so far."),
    FieldSpec { required: false, text: "Requests of this list.", ..LIST_ID },
    FieldSpec::optional(
        "from",
        TIME,
        "Requests that were accepted then or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that \
         day, UTC.",
    ),
    FieldSpec::optional("to", TIME, "Requests that were accepted before that."),
    OFFSET_KEY,
    LIMIT_KEY,
];

async fn list(call: Call) -> Outcome<Paged<SummaryObject>> {
    let body = read_body(&call.body, &Keys::of(&NARROWED_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let state = read_state(body.get(0)).map_err(|problem| problems.push(problem)).ok().flatten();
    let list = match body.get(1) {
        None => None,
        raw => call.list(raw, &mut problems).await?,
    };
    let from = read_time(body.get(2), "from").map_err(|problem| problems.push(problem)).ok().flatten();
    let to = read_time(body.get(3), "to").map_err(|problem| problems.push(problem)).ok().flatten();
    let window = page::read_window(body.get(4), body.get(5), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let filter = RequestFilter { state, from, to, ..RequestFilter::default() };
    let page = call.app.queries.list_requests(&call.caller, list.as_deref(), filter, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Paged::of(page, window, report::summary_object)).warn(warnings))
}

fn read_state(raw: Option<Raw<'_>>) -> Result<Option<RequestState>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.as_trimmed();
    let state = STATES.into_iter().find(|state| text.as_deref() == Some(state_name(*state)));
    state.map(Some).ok_or_else(|| {
        let text = "Argument status must be queued, processing or processed";
        Problem::new("INVALID_STATUS", text).of("status")
    })
}
