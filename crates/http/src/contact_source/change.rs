//! `/v3/contact-source/update` and `/v3/contact-source/remove`

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::{GROUP, read_cac_key, read_customer_id, read_name};
use crate::call::{Answer, Call, Nothing, Outcome};
use crate::method::{Body, Example, Method};
use app::Refusal;
use app::sources::{self, MAX_NAME, SourceChange, not_found};
use domain::contact::field::is_customer_source_id;
use domain::id::ObjectId;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::SourceRef;
use wire::ingest::fields::{CAC_SHAPE, CUSTOMER_SOURCE};

/// The most sources of one call.
const MAX_REMOVED: usize = 100;

/// `POST /v3/contact-source/update`
pub static UPDATE: Method = Method {
    operation: &sources::UPDATE,
    group: &GROUP,
    summary: "Change a source",
    text: "Absent members stay as they are. Its name and its customerSourceId stay unique in the account.",
    body: Body { params: &[&CHANGED], optional: false },
    examples: &[Example {
        summary: "Another name and another cost",
        body: r#"{"source":"mySourceId","name":"Shop","cac":{"value":3,"currency":"EUR"}}"#,
        answer: r#"{"result":true}"#,
    }],
    handler: &update,
};

const CHANGED: [FieldSpec; 4] = [
    FieldSpec::required(
        "source",
        ValueType::filled(usize::MAX),
        "The sourceId or the customerSourceId of the source.",
    ),
    FieldSpec::optional("name", ValueType::filled(MAX_NAME), "Its new name."),
    FieldSpec::optional("customerSourceId", CUSTOMER_SOURCE, "Your own id of it; `\"\"` clears it."),
    FieldSpec::optional("cac", CAC_SHAPE, "The cost of a contact from it. A `value` of `\"\"` clears it."),
];

async fn update(call: Call) -> Outcome<Nothing> {
    let mut body = read_body(&call.body, &Keys::of(&CHANGED)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let text = read_source(body.get(0)).map_err(|problem| problems.push(problem)).ok();
    let source = match &text {
        Some(text) => call.app.queries.source_by_any(&call.caller, text).await?,
        None => None,
    };
    if let Some(text) = text.filter(|_| source.is_none()) {
        problems.push(not_found("source", &text));
    }
    let mut unknown = std::mem::take(&mut body.unknown);
    let change = read_change(&body, &mut problems, &mut unknown);
    let Some(source) = source.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    call.app.commands.change_source(&call.caller, &source, change).await?;
    Ok(Answer::new(Nothing {}).warn(unknown.into_iter().map(problem::unknown_field).collect()))
}

fn read_source(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    let text = "Argument 'source' must be a non-empty string: ID or customerSourceId of updating instance";
    raw.and_then(Raw::as_trimmed)
        .filter(|source| !source.is_empty())
        .map(Cow::into_owned)
        .ok_or_else(|| Problem::new("INVALID_SOURCE", text).of("source"))
}

fn read_change(
    body: &Members<'_, 4>,
    problems: &mut Vec<Problem>,
    unknown: &mut Vec<String>,
) -> SourceChange {
    let mut change = SourceChange::default();
    if body.get(1).is_some() {
        change.name = read_name(body.get(1)).map_err(|problem| problems.push(problem)).ok();
    }
    change.customer_id =
        read_customer_id(body.get(2)).map_err(|problem| problems.push(problem)).ok().flatten();
    change.cac = body.get(3).map(|raw| read_cac_key(raw, problems, unknown));
    change
}

/// `POST /v3/contact-source/remove`
pub static REMOVE: Method = Method {
    operation: &sources::REMOVE,
    group: &GROUP,
    summary: "Remove sources",
    text: "At most 100 at a time; those that are not there are passed over, unless none is. Contacts from a removed \
           source lose the reference and keep the cost that they had from it. Batches that wait and name it end in \
           `SOURCE_NOT_FOUND` for such contacts.",
    body: Body { params: &[&REMOVED_BY], optional: false },
    examples: &[Example {
        summary: "A source by your own id",
        body: r#"{"customerSourceIds":["mySourceId"]}"#,
        answer: r#"{"result":true,"affectedRows":1}"#,
    }],
    handler: &remove,
};

const REMOVED_BY: [FieldSpec; 2] = [
    FieldSpec::optional(
        "ids",
        ValueType::Array { of: &ValueType::TEXT, min: 0, max: MAX_REMOVED },
        "The ids that contact-source/add gave.",
    ),
    FieldSpec::optional(
        "customerSourceIds",
        ValueType::Array {
            of: &ValueType::pattern(usize::MAX, r"^\s*([A-Za-z0-9]{1,40})\s*$"),
            min: 0,
            max: MAX_REMOVED,
        },
        "Your own ids of sources.",
    ),
];

/// What contact-source/remove answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Removed {
    /// How many sources were removed.
    affected_rows: usize,
}

async fn remove(call: Call) -> Outcome<Removed> {
    let body = read_body(&call.body, &Keys::of(&REMOVED_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let ids = read_texts(body.get(0), "ids", "INVALID_IDS", &mut problems);
    let customer = read_texts(body.get(1), "customerSourceIds", "INVALID_CUSTOMER_SOURCE_IDS", &mut problems);
    problems.extend(wrong_ids(&customer));
    let count = ids.len() + customer.len();
    if count > MAX_REMOVED {
        let field = if ids.len() > MAX_REMOVED { "ids" } else { "customerSourceIds" };
        problems = vec![problem::too_many(field, count)];
    } else if count == 0 && problems.is_empty() {
        problems.push(Problem::new("IDENTIFIER_REQUIRED", "Add at least one identifier to remove"));
    }
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let ids = ids.iter().filter_map(|id| ObjectId::parse(id)).map(SourceRef::Id);
    let sources = ids.chain(customer.into_iter().map(SourceRef::Customer)).collect();
    let affected_rows = call.app.commands.remove_sources(&call.caller, sources).await?;
    let warnings = body.unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(Removed { affected_rows }).warn(warnings))
}

fn read_texts(
    raw: Option<Raw<'_>>,
    key: &'static str,
    code: &'static str,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let Some(raw) = raw else { return Vec::new() };
    let texts = raw.elements().and_then(|elements| {
        elements.into_iter().map(|element| element.as_trimmed().map(Cow::into_owned)).collect::<Option<_>>()
    });
    texts.unwrap_or_else(|| {
        problems.push(Problem::new(code, format!("Argument {key} must be an array of strings")).of(key));
        Vec::new()
    })
}

fn wrong_ids(ids: &[String]) -> impl Iterator<Item = Problem> {
    let text = "Each customerSourceId must be an alphanumeric string with 40 max chars length";
    let wrong = ids.iter().enumerate().filter(|(_, id)| !is_customer_source_id(id));
    wrong.map(move |(position, _)| {
        Problem::new("INVALID_CUSTOMER_SOURCE_ID", text).of("customerSourceIds").at(position)
    })
}
