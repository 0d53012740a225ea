//! `/v3/request/…`

pub mod list;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Outcome};
use crate::id::ObjectId;
use crate::intake::problem::{self, Problem};
use crate::json::{Keys, Raw, read_body};
use crate::report;

/// The most ids of one call.
const MAX_IDS: usize = 100;

/// `POST /v3/request/find`
pub async fn find(call: Call) -> Outcome {
    let body = read_body(&call.body, &Keys(["ids"])).ok_or_else(problem::bad_request)?;
    let ids = read_ids(body.get(0))?;
    let mut known: Vec<_> = ids.iter().filter_map(|id| ObjectId::parse(id)).collect();
    known.sort_unstable();
    known.dedup();
    let found = call.app.storage.find_requests(call.caller.account, known).await?;
    let requests: Map<String, Value> =
        found.iter().map(|request| (request.id.to_string(), report::request_object(request))).collect();
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new([("requests", json!(requests))]).warn(warnings))
}

fn read_ids(raw: Option<Raw<'_>>) -> Result<Vec<String>, Problem> {
    let text = "Argument ids must be an array of strings";
    let wrong = || Problem::new("INVALID_IDS", text).of("ids");
    let elements = raw.ok_or_else(|| problem::required("ids"))?.elements().ok_or_else(wrong)?;
    if elements.len() > MAX_IDS {
        return Err(problem::too_many("ids", elements.len()));
    }
    let texts = elements.into_iter().map(|element| element.as_text().map(std::borrow::Cow::into_owned));
    texts.collect::<Option<_>>().ok_or_else(wrong)
}
