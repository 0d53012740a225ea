//! `/v3/request/list`

use crate::clock::Timestamp;
use crate::http::call::{Call, Outcome};
use crate::http::page;
use crate::intake::problem::{self, Problem};
use crate::intake::update::{Refusal, find_list};
use crate::json::{Keys, Raw, read_body};
use crate::report;
use crate::storage::{RequestFilter, RequestState};

/// `POST /v3/request/list`: the newest first.
pub async fn list(call: Call) -> Outcome {
    let keys = Keys(["status", "contactListId", "from", "to", "offset", "limit"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let state = read_state(body.get(0)).map_err(|problem| problems.push(problem)).ok().flatten();
    let list = match body.get(1) {
        None => None,
        raw => find_list(&call.app.catalogue, call.caller.account, raw, &mut problems).await?,
    };
    let from = read_time(body.get(2), "from").map_err(|problem| problems.push(problem)).ok().flatten();
    let to = read_time(body.get(3), "to").map_err(|problem| problems.push(problem)).ok().flatten();
    let window = page::read_window(body.get(4), body.get(5), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let filter = RequestFilter { state, lists: list.map(|list| vec![list.no]), from, to };
    let page = call.app.storage.list_requests(call.caller.account, filter, window).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(page::answer(&page, window, report::summary_object).warn(warnings))
}

fn read_state(raw: Option<Raw<'_>>) -> Result<Option<RequestState>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    match raw.as_text().as_deref() {
        Some("queued") => Ok(Some(RequestState::Queued)),
        Some("processing") => Ok(Some(RequestState::Processing)),
        Some("processed") => Ok(Some(RequestState::Processed)),
        _ => {
            let text = "Argument status must be queued, processing or processed";
            Err(Problem::new("INVALID_STATUS", text).of("status"))
        }
    }
}

fn read_time(raw: Option<Raw<'_>>, key: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let time = raw.as_text().and_then(|text| Timestamp::parse(&text));
    let text = format!("Argument {key} must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date");
    time.map(Some).ok_or_else(|| Problem::new("INVALID_TIME", text).of(key))
}
