//! `/v3/contact-list/get` and `/v3/contact-list/find`

use schemars::JsonSchema;
use serde::Serialize;

use super::{DOMAIN, GROUP, SENDER, unknown};
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::{self, LIMIT_KEY, OFFSET_KEY, Paged};
use app::Refusal;
use app::lists::{self, ListQuery};
use domain::argument;
use domain::clock::Timestamp;
use domain::contact::field::{Field, Kind};
use domain::id::ObjectId;
use domain::json::{Keys, Members, Raw, read_body};
use domain::problem;
use domain::schema::{FieldSpec, ValueType};
use storage::{List, Page, VariableKind};
use wire::ingest::list::{LIST_ID, read_list_id};

/// `POST /v3/contact-list/get`
pub static GET: Method = Method {
    operation: &lists::GET,
    group: &GROUP,
    summary: "Read a list",
    text: "The name, the variables of the list, and the fields of every contact.",
    body: Body { params: &[&ONE, &SENDER], optional: false },
    examples: &[Example {
        summary: "A list with two variables",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
        answer: include_str!("../examples/contact-list-get.json"),
    }],
    handler: &get,
};

const ONE: [FieldSpec; 3] = [
    FieldSpec {
        required: false,
        text: "The id of the list, as contact-list/create gave it. Required, unless `domainId` or `domain` is given.",
        ..LIST_ID
    },
    DOMAIN[0],
    DOMAIN[1],
];

/// What contact-list/get answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Got {
    /// The list.
    data: ListData,
}

/// A list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ContactList")]
struct ListData {
    /// Its name.
    contact_list_name: String,
    /// Its id.
    contact_list_id: ObjectId,
    /// Whether it is the account's default list: 1 if so. The oldest list is.
    #[schemars(extend("enum" = ["0", "1"]))]
    is_default: &'static str,
    /// When it was made.
    created_at: Timestamp,
    /// When its name or its variables last changed.
    updated_at: Timestamp,
    /// The effect of items on flags that were set to false: see contact-list/update. If the list follows its account,
    /// this is the rule of the account.
    #[schemars(extend("enum" = ["allow", "keep"]))]
    opt_out: &'static str,
    #[serde(flatten)]
    domain: Domain,
    /// The variables that it defines, in the order in which they were added.
    custom_variables: Vec<VariableData>,
    /// The fields that every contact has.
    default_variables: Vec<VariableData>,
}

/// The vendor's members about sending. This server sends nothing, so all of them are null.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Domain {
    /// Always null.
    domain_id: Option<String>,
    /// Always null.
    domain: Option<String>,
    /// Always null.
    default_from_email: Option<String>,
    /// Always null.
    default_from_name: Option<String>,
    /// Always null.
    company: Option<String>,
    /// Always null.
    reply_to_email: Option<String>,
    /// Always null.
    reply_to_name: Option<String>,
    /// Always null.
    sms_from_name: Option<String>,
}

/// A variable of a list, or a field that every contact has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Variable")]
struct VariableData {
    /// Its name.
    name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["string", "date", "datetime", "bool", "integer"]))]
    kind: &'static str,
}

async fn get(call: Call) -> Outcome<Got> {
    let body = read_body(&call.body, &Keys::of(&ONE)).ok_or_else(problem::bad_request)?;
    if body.get(0).is_none() && names_domain(&body, 1) {
        let list = call.app.queries.default_list(&call.caller).await?;
        // An account without a list that the token sees has none to mean.
        let list = list.ok_or_else(|| problem::required(LIST_ID.name))?;
        return Ok(Answer::new(Got { data: show(&list) }).warn(unknown(body.unknown)));
    }
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let Some(list) = list else { return Err(Refusal::Invalid(problems)) };
    Ok(Answer::new(Got { data: show(&list) }).warn(unknown(body.unknown)))
}

/// Whether one of the two keys of [`DOMAIN`], the first of them at `place`, is given.
fn names_domain<const N: usize>(body: &Members<'_, N>, place: usize) -> bool {
    body.get(place).is_some() || body.get(place + 1).is_some()
}

/// `POST /v3/contact-list/find`
pub static FIND: Method = Method {
    operation: &lists::FIND,
    group: &GROUP,
    summary: "Find lists",
    text: "The oldest first. An id that the account does not have matches nothing.",
    body: Body { params: &[&FOUND_BY, &SENDER], optional: true },
    examples: &[Example {
        summary: "No list has this name",
        body: r#"{"contactListName":"Customers of another shop"}"#,
        answer: r#"{"result":true,"data":[],"totalCount":0,"offset":0,"limit":20}"#,
    }],
    handler: &find,
};

const FOUND_BY: [FieldSpec; 6] = [
    FieldSpec { required: false, text: "The list with this id.", ..LIST_ID },
    FieldSpec::optional(
        "contactListName",
        ValueType::TEXT,
        "Lists with exactly this name; all if it is blank.",
    ),
    OFFSET_KEY,
    LIMIT_KEY,
    DOMAIN[0],
    DOMAIN[1],
];

async fn find(call: Call) -> Outcome<Paged<ListData>> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let id =
        body.get(0).and_then(|raw| read_list_id(Some(raw)).map_err(|problem| problems.push(problem)).ok());
    let name = argument::read_filter(
        body.get(1).map(Raw::as_text),
        || problem::not_a_string("contactListName"),
        &mut problems,
    );
    let window = page::read_window(body.get(2), body.get(3), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let id = id.map(|id| ObjectId::parse(&id));
    let page = if id == Some(None) {
        Page { rows: Vec::new(), total: 0 }
    } else {
        let default = id.is_none() && names_domain(&body, 4);
        let query = ListQuery { id: id.flatten(), name, default };
        call.app.queries.lists(&call.caller, query, window).await?
    };
    Ok(Answer::new(Paged::of(page, window, |list| show(&list))).warn(unknown(body.unknown)))
}

fn show(list: &List) -> ListData {
    let about = &list.about;
    let custom = list.variables.iter().map(|variable| VariableData {
        name: variable.name.clone(),
        kind: match variable.kind {
            VariableKind::String => "string",
            VariableKind::Date => "date",
        },
    });
    ListData {
        contact_list_name: about.name.clone(),
        contact_list_id: list.id,
        is_default: if about.is_default { "1" } else { "0" },
        created_at: about.created_at,
        updated_at: about.updated_at,
        opt_out: list.opt_out().name(),
        domain: Domain::default(),
        custom_variables: custom.collect(),
        default_variables: default_variables(),
    }
}

/// What every contact has, as contact/get answers it: those whose value stands alone.
fn default_variables() -> Vec<VariableData> {
    let fields = Field::ANSWERED.iter().map(|field| (field.name(), field_type(*field)));
    let others = [
        ("createdAt", "datetime"),
        ("updatedAt", "datetime"),
        ("sourceName", "string"),
        ("sourceId", "string"),
        ("customerSourceId", "string"),
    ];
    fields.chain(others).map(|(name, kind)| VariableData { name: name.to_owned(), kind }).collect()
}

const fn field_type(field: Field) -> &'static str {
    match field.kind() {
        Some(Kind::Flag) => "bool",
        Some(Kind::Birthday) => "date",
        Some(Kind::Gender | Kind::Score) => "integer",
        _ => "string",
    }
}
