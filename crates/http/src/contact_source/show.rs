//! `/v3/contact-source/get` and `/v3/contact-source/find`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::sources;
use domain::argument;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::{Source, SourceFilter, SourceRef};
use wire::contact::{ShownCac, show_cac};

/// `POST /v3/contact-source/get`
pub static GET: Method = Method {
    operation: &sources::GET,
    group: &GROUP,
    summary: "Read a source",
    text: "By one of the three; of several the first in the order sourceId, customerSourceId, name.",
    body: Body { params: &[&ASKED_BY], optional: false },
    examples: &[Example {
        summary: "A source with a cost",
        body: r#"{"customerSourceId":"mySourceId"}"#,
        answer: r#"{"result":true,"data":{"sourceId":"5d9156aad132d5f45a4e38b3","name":"Shop window",
            "customerSourceId":"mySourceId","cac":{"value":"2.05000","currency":"EUR"},
            "createdAt":"2026-10-14 09:30:00","updatedAt":"2026-10-14 09:30:00"}}"#,
    }],
    handler: &get,
};

const ASKED_BY: [FieldSpec; 3] = [
    FieldSpec::optional("sourceId", ValueType::TEXT, "The id that contact-source/add gave."),
    FieldSpec::optional("customerSourceId", ValueType::TEXT, "Your own id of the source."),
    FieldSpec::optional("name", ValueType::TEXT, "The name of the source; compared exactly."),
];

/// What contact-source/get answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Got {
    /// The source.
    data: GotSource,
}

/// A source.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Source")]
struct GotSource {
    /// Its id.
    source_id: ObjectId,
    #[serde(flatten)]
    rest: SourceData,
}

/// What is told of a source beside its id, for which the two methods have different keys.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceData {
    /// Its name.
    name: String,
    /// Your own id of it.
    customer_source_id: Option<String>,
    /// The cost of a contact from it.
    cac: Option<ShownCac>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

async fn get(call: Call) -> Outcome<Got> {
    let body = read_body(&call.body, &Keys::of(&ASKED_BY)).ok_or_else(problem::bad_request)?;
    let (key, text, reference) = read_reference(&body)?;
    let found = match reference {
        Some(reference) => call.app.queries.source(&call.caller, reference).await?,
        None => None,
    };
    let source = found.ok_or_else(|| sources::not_found(key, &text))?;
    let data = GotSource { source_id: source.id, rest: show(&source) };
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Got { data }).warn(warnings))
}

/// The key and the text by which a source is asked for, and what it may name; `None` where no source can have that id.
fn read_reference(body: &Members<'_, 3>) -> Result<(&'static str, String, Option<SourceRef>), Problem> {
    for (place, key) in ASKED_BY.iter().map(|param| param.name).enumerate() {
        let Some(raw) = body.get(place) else { continue };
        let text = if key == "name" { raw.as_text() } else { raw.as_trimmed() };
        let text = text.ok_or_else(|| problem::not_a_string(key))?.into_owned();
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

/// `POST /v3/contact-source/find`
pub static FIND: Method = Method {
    operation: &sources::FIND,
    group: &GROUP,
    summary: "Find sources",
    text: "The oldest first.",
    body: Body { params: &[&FOUND_BY], optional: true },
    examples: &[Example {
        summary: "All sources",
        body: "{}",
        answer: r#"{"result":true,"data":[{"id":"5d9156aad132d5f45a4e38b3","name":"Shop window",
            "customerSourceId":"mySourceId","cac":{"value":"2.05000","currency":"EUR"},
            "createdAt":"2026-10-14 09:30:00","updatedAt":"2026-10-14 09:30:00"}],
            "totalCount":1,"offset":0,"limit":20}"#,
    }],
    handler: &find,
};

const FOUND_BY: [FieldSpec; 4] = [
    FieldSpec::optional("name", ValueType::TEXT, "The source with exactly this name; all if it is blank."),
    FieldSpec::optional(
        "customerSourceId",
        ValueType::TEXT,
        "The source with this id of yours; all if it is blank.",
    ),
    OFFSET_KEY,
    LIMIT_KEY,
];

/// A source that was found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundSource")]
struct FoundSource {
    /// Its id.
    id: ObjectId,
    #[serde(flatten)]
    rest: SourceData,
}

async fn find(call: Call) -> Outcome<Paged<FoundSource>> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let filter = SourceFilter {
        name: argument::read_filter(body.get(0).map(Raw::as_text), sources::wrong_name, &mut problems),
        customer_source_id: argument::read_filter(
            body.get(1).map(Raw::as_trimmed),
            sources::wrong_customer_id,
            &mut problems,
        ),
    };
    let window = page::read_window(body.get(2), body.get(3), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let page = call.app.queries.sources(&call.caller, filter, window).await?;
    let found = Paged::of(page, window, |source| FoundSource { id: source.id, rest: show(&source) });
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(found).warn(warnings))
}

fn show(source: &Source) -> SourceData {
    SourceData {
        name: source.name.clone(),
        customer_source_id: source.customer_source_id.clone(),
        cac: source.cac.as_ref().map(show_cac),
        created_at: source.created_at,
        updated_at: source.updated_at,
    }
}
