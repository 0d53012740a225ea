//! Contacts of a list.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema;
use super::tool::{About, Result, Tool, ToolCall, damaged, parse_id};
use app::contacts::read;
use app::find::{ContactQuery, PARAMS};
use app::person::Identifiers;
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::json::{Keys, read_members};
use domain::problem::{self, Problem};
use storage::{Contact, List, Way};
use wire::contact::Shown;

/// Contacts of one answer at most: each is sent twice, as text and as structure.
const MAX_LIMIT: u32 = 50;

/// Contacts or changes of one answer by default.
const LIMIT: u32 = 20;

/// Finds contacts.
pub struct FindContacts;

/// Which contacts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindArguments {
    /// The id of the list.
    contact_list_id: String,
    /// What the contacts must match: all members that are given. All contacts match an empty filter.
    #[serde(default)]
    #[schemars(schema_with = "filter")]
    filter: Map<String, Value>,
    /// Where the page begins: `next` of the answer before.
    after: Option<String>,
    /// Whether to count all contacts that match. The server then looks at every contact of the list.
    #[serde(default)]
    count: bool,
    /// How many contacts there are at most, 1 to 50; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// The schema of a filter.
pub fn filter(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(schema::table(&PARAMS)).unwrap_or_default()
}

/// The contacts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The contacts, each with its id.
    contacts: Vec<FoundContact>,
    /// Where the next page begins: send it as `after`. Null on the last page. A page may be short, or empty.
    next: Option<ObjectId>,
    /// How many contacts match in all; null without `count`.
    total_count: Option<u64>,
    /// Contacts that are damaged on disk and left out.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FoundContact {
    /// The id of the contact.
    contact_id: ObjectId,
    /// Its fields.
    contact: Shown,
}

impl Tool for FindContacts {
    const ABOUT: About = About {
        name: "find_contacts",
        title: "Find contacts",
        text: "Contacts of a list that match a filter, a page at a time. To look up one person by e-mail address, phone \
               number or user ID, use get_contact.",
        operation: &read::FIND,
    };
    type Arguments = FindArguments;
    type Answer = Found;

    async fn run(call: ToolCall, arguments: FindArguments) -> Result<Found> {
        let list = call.list(&arguments.contact_list_id).await?;
        let limit = within(arguments.limit, MAX_LIMIT)?;
        let wanted = read_filter(&arguments.filter, Some(&list))?;
        let after = arguments.after.as_deref().map(|after| read_after(after, &list)).transpose()?;
        let way = Way::Up(ContactNo(after.unwrap_or_default()));
        let filter = call.queries.filter(&call.caller, Some(&list), &wanted).await?;
        let total_count = match arguments.count {
            true => Some(call.queries.count(&call.caller, &list, &filter).await?.matching),
            false => None,
        };
        let found =
            call.queries.find_contacts(&call.caller, &list, way, &filter, read::bounds(limit)).await?;
        let rows = found.rows.iter().map(|(_, contact)| contact);
        let suppressed = call.queries.suppressions_of(&call.caller, rows).await?;
        let mut contacts = Vec::with_capacity(found.rows.len());
        for ((number, contact), suppressed) in found.rows.iter().zip(&suppressed) {
            let contact_id = ObjectId::of_contact(list.id, number.0);
            let contact = Shown::of(contact, &list, suppressed).map_err(damaged)?;
            contacts.push(FoundContact { contact_id, contact });
        }
        let warning = |number: &ContactNo| problem::contact_damaged(list.id, *number).message;
        Ok(Found {
            contacts,
            total_count,
            next: found.next.map(|way| ObjectId::of_contact(list.id, way.number().0)),
            warnings: found.damaged.iter().map(warning).collect(),
        })
    }
}

/// Reads a filter, with the variables of the list. Unknown keys are refused at every depth.
pub fn read_filter(filter: &Map<String, Value>, list: Option<&List>) -> Result<ContactQuery> {
    let text = Value::Object(filter.clone()).to_string();
    let members = read_members(&text, &Keys::of(&PARAMS)).ok_or_else(problem::bad_request)?;
    let (mut warnings, mut problems) = (Vec::new(), Vec::new());
    let values = std::array::from_fn(|place| members.get(place));
    let wanted = ContactQuery::read(values, list, &mut warnings, &mut problems);
    problems.extend(members.unknown.iter().map(|name| unknown(name)));
    problems.extend(warnings.into_iter().map(|warning| unknown(&warning.field.unwrap_or_default())));
    match problems.is_empty() {
        true => Ok(wanted),
        false => Err(app::Refusal::Invalid(problems).into()),
    }
}

/// An argument that the tool does not have.
pub fn unknown(name: &str) -> Problem {
    Problem::new("UNKNOWN_ARGUMENT", format!("Argument {name} is unknown")).of(name)
}

fn read_after(after: &str, list: &List) -> Result<u64> {
    let number = parse_id(after, "after")?.contact_number(list.id);
    number.ok_or_else(|| {
        let text = "Argument after must be the next of an answer about this list";
        Problem::new("INVALID_AFTER", text).of("after").into()
    })
}

/// A limit from 1 to `max`.
pub fn within(limit: Option<u32>, max: u32) -> Result<u32> {
    let limit = limit.unwrap_or(LIMIT);
    match (1..=max).contains(&limit) {
        true => Ok(limit),
        false => {
            let text = format!("Argument limit must be an integer from 1 to {max}");
            Err(Problem::new("INVALID_LIMIT", text).of("limit").into())
        }
    }
}

/// How a contact is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactKey {
    /// The kind of `value`.
    #[schemars(with = "String", extend("enum" = ["contactId", "userId", "email", "phoneNumber"]))]
    kind: KeyKind,
    /// The identifier, such as user@example.com or +15555555.
    value: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeyKind {
    ContactId,
    UserId,
    Email,
    PhoneNumber,
}

impl ContactKey {
    /// The identifiers by which the store finds the contact; none if a contact id is unknown.
    pub async fn identifiers(&self, call: &ToolCall, list: &List) -> Result<Identifiers> {
        let text = self.value.trim().to_owned();
        let kind = match self.kind {
            KeyKind::UserId => IdentifierKind::UserId,
            KeyKind::Email => IdentifierKind::Email,
            KeyKind::PhoneNumber => IdentifierKind::PhoneNumber,
            KeyKind::ContactId => {
                let number = parse_id(&text, "value")?.contact_number(list.id).map(ContactNo);
                let Some(number) = number else { return Ok(Vec::new()) };
                let contact = call.queries.contact_by_number(&call.caller, list, number).await?;
                return contact.map_or_else(|| Ok(Vec::new()), |contact| named_by(&contact));
            }
        };
        Ok(vec![(kind, text)])
    }
}

/// The identifiers of a contact, in the order in which contacts are looked up.
fn named_by(contact: &Contact) -> Result<Identifiers> {
    let document = Document::read(&contact.document).map_err(damaged)?;
    let identifiers = document.identifiers().map_err(damaged)?;
    let one = |kind: IdentifierKind| identifiers.get(kind).map(|text| (kind, text.to_owned()));
    Ok(IdentifierKind::ALL.into_iter().filter_map(one).collect())
}

/// Reads a contact.
pub struct GetContact;

/// Which contact.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetArguments {
    /// The id of the list.
    contact_list_id: String,
    /// An identifier of the contact.
    by: ContactKey,
}

/// The contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Got {
    /// The id of the contact; null if the list has no such contact.
    contact_id: Option<ObjectId>,
    /// The contact; null if the list has no such contact.
    contact: Option<Shown>,
}

impl Tool for GetContact {
    const ABOUT: About = About {
        name: "get_contact",
        title: "Get a contact",
        text: "One contact of a list, with all its fields, variables and suppressions.",
        operation: &read::GET,
    };
    type Arguments = GetArguments;
    type Answer = Got;

    async fn run(call: ToolCall, arguments: GetArguments) -> Result<Got> {
        let list = call.list(&arguments.contact_list_id).await?;
        let identifiers = arguments.by.identifiers(&call, &list).await?;
        let found = call.queries.contact(&call.caller, &list, identifiers).await?;
        let Some((number, contact)) = found else { return Ok(Got { contact_id: None, contact: None }) };
        let suppressed = call.queries.suppressions_of(&call.caller, [&contact]).await?;
        let suppressed = suppressed.into_iter().next().unwrap_or_default();
        let shown = Shown::of(&contact, &list, &suppressed).map_err(damaged)?;
        Ok(Got { contact_id: Some(ObjectId::of_contact(list.id, number.0)), contact: Some(shown) })
    }
}
