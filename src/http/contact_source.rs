//! `/v3/contact-source/…`

pub mod change;
pub mod show;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use crate::app::{Operation, Reach, Refusal};
use crate::contact::amount::Cac;
use crate::id::ObjectId;
use crate::intake::check::{fits, is_customer_source_id, read_cac};
use crate::intake::fields::{CAC_SHAPE, CUSTOMER_SOURCE};
use crate::intake::problem::{self, Problem};
use crate::json::{Keys, Raw, read_body};
use crate::param::{Param, Shape};
use crate::storage::{AddError, NewSource};

/// The longest name of a source, in Unicode scalar values.
const MAX_NAME: usize = 150;

static GROUP: Group = Group {
    name: "Contact sources",
    text: "A source says where contacts come from, and what each of them costs unless it says so itself.",
};

/// `POST /v3/contact-source/add`
pub static ADD: Method = Method {
    operation: &Operation::write("/v3/contact-source/add", Reach::Account),
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

const NEW: [Param; 3] = [
    Param::required("name", Shape::filled(MAX_NAME), "Its name."),
    Param::optional("customerSourceId", CUSTOMER_SOURCE, "Your own id of it."),
    Param::optional("cac", CAC_SHAPE, "The cost of a contact from it."),
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
    let customer_source_id =
        read_customer_source_id(body.get(1)).map_err(|problem| problems.push(problem)).ok().flatten();
    let mut unknown = std::mem::take(&mut body.unknown);
    let cac = body.get(2).and_then(|raw| read_cac_key(raw, &mut problems, &mut unknown));
    let Some(name) = name.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let now = call.app.clock.now();
    let id = call.app.ids.next(now);
    let source = NewSource { name, customer_source_id, cac };
    call.app.storage.add_source(call.caller.viewer.account, id, source, now).await.map_err(|error| {
        match error {
            AddError::Exists(_) => exists().into(),
            other => Refusal::from(other),
        }
    })?;
    call.app.catalogue.account_changed(call.caller.viewer.account);
    let warnings = unknown.into_iter().map(problem::unknown_field).collect();
    Ok(Answer::new(NewId { source_id: id }).warn(warnings))
}

fn exists() -> Problem {
    Problem::new("SOURCE_EXISTS", "Contact source with this parameters is already registered")
}

fn not_found(key: &'static str, source: &str) -> Problem {
    let text = format!("Contact source {source} not found in your account");
    Problem::new("SOURCE_NOT_FOUND", text).of(key)
}

fn name() -> Problem {
    let text = "Argument 'name' must be a non-empty string with max length 150 chars";
    Problem::new("INVALID_NAME", text).of("name")
}

fn customer_source_id() -> Problem {
    let text = "Argument 'customerSourceId' must be an alphanumeric string with max length 40 chars";
    Problem::new("INVALID_CUSTOMER_SOURCE_ID", text).of("customerSourceId")
}

fn read_name(raw: Option<Raw<'_>>) -> Result<String, Problem> {
    raw.and_then(Raw::as_text)
        .filter(|name| !name.trim().is_empty() && fits(name, MAX_NAME))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(name)
}

/// Reads the caller's own id; one that is blank is none.
fn read_customer_source_id(raw: Option<Raw<'_>>) -> Result<Option<String>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let id = raw.as_trimmed().ok_or_else(customer_source_id)?;
    if id.is_empty() {
        return Ok(None);
    }
    if is_customer_source_id(&id) { Ok(Some(id.into_owned())) } else { Err(customer_source_id()) }
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
