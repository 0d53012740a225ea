//! `/v3/contact-source/…`

use serde_json::json;

use super::call::{Answer, Call, Outcome};
use crate::intake::check::{fits, is_customer_source_id, read_cac};
use crate::intake::problem::{self, Problem};
use crate::intake::refusal::Refusal;
use crate::json::{Keys, Raw, read_body};
use crate::storage::{AddError, NewSource};

/// The longest name of a source, in Unicode scalar values.
const MAX_NAME: usize = 150;

/// `POST /v3/contact-source/add`
pub async fn add(call: Call) -> Outcome {
    let mut body =
        read_body(&call.body, &Keys(["name", "customerSourceId", "cac"])).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let name = read_name(body.get(0)).map_err(|problem| problems.push(problem)).ok();
    let customer_source_id =
        read_customer_source_id(body.get(1)).map_err(|problem| problems.push(problem)).ok().flatten();
    let mut unknown = std::mem::take(&mut body.unknown);
    let cac = match body.get(2).map(read_cac) {
        None => None,
        Some(Ok((cac, keys))) => {
            unknown.extend(keys.into_iter().map(|key| format!("cac.{key}")));
            cac
        }
        Some(Err(mut wrong)) => {
            problems.append(&mut wrong);
            None
        }
    };
    let Some(name) = name.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let now = call.app.clock.now();
    let id = call.app.ids.next(now);
    let source = NewSource { name, customer_source_id, cac };
    call.app.storage.add_source(call.caller.account, id, source, now).await.map_err(|error| match error {
        AddError::Exists(_) => {
            let text = "Contact source with this parameters is already registered";
            Refusal::from(Problem::new("SOURCE_EXISTS", text))
        }
        other => other.into(),
    })?;
    call.app.catalogue.changed();
    let warnings = unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new([("sourceId", json!(id))]).warn(warnings))
}

fn read_name(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let text = "Argument 'name' must be a non-empty string with max length 150 chars";
    raw.and_then(Raw::as_text)
        .filter(|name| !name.trim().is_empty() && fits(name, MAX_NAME))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| Problem::new("INVALID_NAME", text).of("name"))
}

fn read_customer_source_id(raw: Option<Raw<'_>>) -> Result<Option<String>, Problem> {
    let text = "Argument 'customerSourceId' must be an alphanumeric string with max length 40 chars";
    let wrong = || Problem::new("INVALID_CUSTOMER_SOURCE_ID", text).of("customerSourceId");
    let Some(raw) = raw else { return Ok(None) };
    let id = raw.as_text().ok_or_else(wrong)?;
    if id.trim().is_empty() {
        return Ok(None);
    }
    if is_customer_source_id(&id) { Ok(Some(id.into_owned())) } else { Err(wrong()) }
}
