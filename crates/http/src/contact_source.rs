//! `/v3/contact-source/…`

pub mod change;
pub mod show;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::Refusal;
use app::sources::{self, CustomerId, MAX_NAME, NewSource, SourceName};
use domain::contact::amount::Cac;
use domain::id::ObjectId;
use domain::json::{Keys, Raw, read_body};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use wire::ingest::check::read_cac;
use wire::ingest::fields::{CAC_SHAPE, CUSTOMER_SOURCE};

static GROUP: Group = Group {
    name: "Contact sources",
    text: "A source says where contacts come from, and what each of them costs unless it says so itself.",
};

/// `POST /v3/contact-source/add`
pub static ADD: Method = Method {
    operation: &sources::ADD,
    group: &GROUP,
    summary: "Register a source",
    text: "Its name and its customerSourceId are each unique in the account.",
    body: Body { params: &[&NEW], optional: false },
    examples: &[Example {
        summary: "A source with a cost",
        body: r#"{"name":"Shop window","customerSourceId":"mySourceId","cac":{"value":"2.05","currency":"EUR"}}"#,
        answer: r#"{"result":true,"sourceId":"5d9156aad132d5f45a4e38b3"}"#,
    }],
    handler: &add,
};

const NEW: [FieldSpec; 3] = [
    FieldSpec::required("name", ValueType::filled(MAX_NAME), "Its name."),
    FieldSpec::optional("customerSourceId", CUSTOMER_SOURCE, "Your own id of it."),
    FieldSpec::optional("cac", CAC_SHAPE, "The cost of a contact from it."),
];

/// What contact-source/add answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewId {
    /// The id of the new source.
    source_id: ObjectId,
}

async fn add(call: Call) -> Outcome<NewId> {
    let mut body = read_body(&call.body, &Keys::of(&NEW)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let name = read_name(body.get(0)).map_err(|problem| problems.push(problem)).ok();
    let customer_id = read_customer_id(body.get(1)).map_err(|problem| problems.push(problem));
    let customer_id = customer_id.ok().flatten().unwrap_or_default();
    let mut unknown = std::mem::take(&mut body.unknown);
    let cac = body.get(2).and_then(|raw| read_cac_key(raw, &mut problems, &mut unknown));
    let Some(name) = name.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let source = NewSource { name, customer_id, cac };
    let source_id = call.app.commands.add_source(&call.caller, source).await?;
    let warnings = unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(NewId { source_id }).warn(warnings))
}

fn read_name(raw: Option<Raw<'_>>) -> Result<SourceName, Problem> {
    SourceName::parse(raw.and_then(Raw::as_text).as_deref())
}

fn read_customer_id(raw: Option<Raw<'_>>) -> Result<Option<CustomerId>, Problem> {
    raw.map(|raw| CustomerId::parse(raw.as_trimmed().as_deref())).transpose()
}

/// Reads `cac`; what is wrong with it is added to the problems, and its unknown keys to those of the body.
fn read_cac_key(raw: Raw<'_>, problems: &mut Vec<Problem>, unknown: &mut Vec<String>) -> Option<Cac> {
    match read_cac(raw) {
        Ok((cac, keys)) => {
            unknown.extend(keys.into_iter().map(|key| format!("cac.{key}")));
            cac
        }
        Err(mut wrong) => {
            problems.append(&mut wrong);
            None
        }
    }
}
