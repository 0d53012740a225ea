//! `/v3/contact-source/get` and `/v3/contact-source/find`

use serde::Serialize;
use serde_json::json;

use super::{customer_source_id, name};
use crate::contact::amount::Cac;
use crate::http::call::{Answer, Call, Outcome};
use crate::http::page;
use crate::id::ObjectId;
use crate::intake::problem::{self, Problem};
use crate::intake::update::Refusal;
use crate::json::{Keys, Members, Raw, read_body};
use crate::storage::{Source, SourceFilter, SourceRef};

/// A source as it is answered, without its id: the two methods have different keys for that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceData {
    name: String,
    customer_source_id: Option<String>,
    cac: Option<CacData>,
    created_at: String,
    updated_at: String,
}

/// What contact-source/get answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Got {
    source_id: ObjectId,
    #[serde(flatten)]
    source: SourceData,
}

/// An entry of what contact-source/find answers.
#[derive(Debug, Serialize)]
struct Found {
    id: ObjectId,
    #[serde(flatten)]
    source: SourceData,
}

/// An amount with five decimals, and its currency.
#[derive(Debug, Serialize)]
struct CacData {
    value: String,
    currency: &'static str,
}

/// `POST /v3/contact-source/get`: by the first that is given of sourceId, customerSourceId and name.
pub async fn get(call: Call) -> Outcome {
    let keys = Keys(["sourceId", "customerSourceId", "name"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let (key, text, reference) = read_reference(&body)?;
    let found = match reference {
        Some(reference) => call.app.catalogue.source(call.caller.account, reference).await?,
        None => None,
    };
    let source = found.ok_or_else(|| super::not_found(key, &text))?;
    let data = Got { source_id: source.id, source: show(&source) };
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new([("data", json!(data))]).warn(warnings))
}

/// The key and the text by which a source is asked for, and what it may name; `None` where no source can have that id.
fn read_reference(body: &Members<'_, 3>) -> Result<(&'static str, String, Option<SourceRef>), Problem> {
    for (place, key) in ["sourceId", "customerSourceId", "name"].into_iter().enumerate() {
        let Some(raw) = body.get(place) else { continue };
        let text = raw.as_text().ok_or_else(|| problem::not_a_string(key))?.into_owned();
        if text.trim().is_empty() {
            continue;
        }
        let reference = match place {
            0 => ObjectId::parse(&text).map(SourceRef::Id),
            1 => Some(SourceRef::Customer(text.clone())),
            _ => Some(SourceRef::Name(text.clone())),
        };
        return Ok((key, text, reference));
    }
    Err(Problem::new("IDENTIFIER_REQUIRED", "sourceId, customerSourceId or name must be filled"))
}

/// `POST /v3/contact-source/find`: names and ids are compared exactly.
pub async fn find(call: Call) -> Outcome {
    let keys = Keys(["name", "customerSourceId", "offset", "limit"]);
    let body = read_body(&call.body, &keys).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let filter = SourceFilter {
        name: read_filter(body.get(0), name, &mut problems),
        customer_source_id: read_filter(body.get(1), customer_source_id, &mut problems),
    };
    let window = page::read_window(body.get(2), body.get(3), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let page = call.app.storage.find_sources(call.caller.account, filter, window).await?;
    let show_one = |source: &Source| Found { id: source.id, source: show(source) };
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(page::answer(&page, window, show_one).warn(warnings))
}

/// A text to compare with; one that is blank is as one that is left out.
fn read_filter(raw: Option<Raw<'_>>, wrong: fn() -> Problem, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(text) = raw?.as_text() else {
        problems.push(wrong());
        return None;
    };
    Some(text.into_owned()).filter(|text| !text.trim().is_empty())
}

fn show(source: &Source) -> SourceData {
    SourceData {
        name: source.name.clone(),
        customer_source_id: source.customer_source_id.clone(),
        cac: source.cac.as_ref().map(show_cac),
        created_at: source.created_at.to_string(),
        updated_at: source.updated_at.to_string(),
    }
}

fn show_cac(cac: &Cac) -> CacData {
    CacData { value: cac.value.to_string(), currency: cac.currency.as_str() }
}
