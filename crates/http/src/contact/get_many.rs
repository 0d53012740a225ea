//! `/v3/contact/get-many`

use schemars::JsonSchema;
use serde::Serialize;

use super::GROUP;
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use app::{Operation, Reach, Refusal};
use domain::id::ObjectId;
use domain::json::{EnvelopeKeys, Keys, Objects};
use domain::problem::{self, Problem};
use domain::schema::{FieldSpec, ValueType};
use storage::Error;
use wire::contact::Shown;
use wire::ingest::identifiers;
use wire::ingest::list::LIST_ID;

/// Contacts that one request looks up at most.
const MAX: usize = 100;

/// `POST /v3/contact/get-many`
pub static GET_MANY: Method = Method {
    operation: &Operation::read("/v3/contact/get-many", Reach::List),
    group: &GROUP,
    summary: "Read up to 100 contacts by their identifiers",
    text: "All are as of one moment, and each is looked up as contact/get does. `found` holds the contacts in the order \
        in which they were asked for, each with its place in `contacts`; `missing` holds the other places.",
    body: Body { params: &[&[LIST_ID], &[CONTACTS]], optional: false },
    examples: &[Example {
        summary: "A contact that does not exist",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","contacts":[{"userId":"somebody else"}]}"#,
        answer: r#"{"result":true,"found":[],"missing":[0],"errors":[]}"#,
    }],
    handler: &get_many,
};

const CONTACTS: FieldSpec = FieldSpec::required(
    "contacts",
    ValueType::Array { of: &ValueType::Object("Lookup", &identifiers::PARAMS), min: 1, max: MAX },
    "Up to 100 contacts, each by one or more identifiers.",
);

/// What contact/get-many answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Got {
    /// The contacts that were found.
    found: Vec<Found>,
    /// The places in `contacts` of those that were not.
    missing: Vec<usize>,
}

/// A contact that was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundContact")]
struct Found {
    /// Its place in `contacts`.
    position: usize,
    /// Its id.
    contact_id: ObjectId,
    /// The contact.
    contact: Shown,
}

async fn get_many(call: Call) -> Outcome<Got> {
    let keys = EnvelopeKeys {
        outer: Keys::of(&[LIST_ID]),
        array: CONTACTS.name,
        inner: Keys::of(&identifiers::PARAMS),
        keep: MAX,
    };
    let body = keys.read(&call.body).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.members.get(0), &mut problems).await?;
    let mut warnings: Vec<_> = body.members.unknown.iter().cloned().map(problem::unknown_field).collect();
    let mut wanted = Vec::new();
    match body.objects {
        Objects::Elements { count, .. } if count > MAX => {
            problems.push(problem::too_many(CONTACTS.name, count))
        }
        Objects::Elements { kept, count } if count > 0 => {
            for (position, members) in kept.into_iter().enumerate() {
                let Some(members) = members else {
                    problems.push(problem::contacts().at(position));
                    continue;
                };
                let mut here: Vec<Problem> = Vec::new();
                wanted.push(identifiers::read([0, 1, 2, 3].map(|place| members.get(place)), &mut here));
                problems.extend(here.into_iter().map(|problem| problem.at(position)));
                let unknown = members.unknown.into_iter().map(problem::unknown_field);
                warnings.extend(unknown.map(|problem| problem.at(position)));
            }
        }
        Objects::Absent => problems.push(problem::required(CONTACTS.name)),
        Objects::NotAnArray | Objects::Elements { .. } => problems.push(problem::contacts()),
    }
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let rows = call.app.storage.find_contacts(call.caller.scope.account, list.no, wanted).await?;
    let contacts = rows.iter().flatten().map(|(_, contact)| contact);
    let suppressed = call.app.queries.suppressions_of(&call.caller, contacts).await?;
    let mut suppressed = suppressed.into_iter();
    let mut got = Got { found: Vec::new(), missing: Vec::new() };
    for (position, row) in rows.into_iter().enumerate() {
        let Some((number, contact)) = row else {
            got.missing.push(position);
            continue;
        };
        let contact = Shown::of(&contact, &list, &suppressed.next().unwrap_or_default());
        let contact = contact.map_err(|malformed| Refusal::Store(Error::Damaged(malformed.to_string())))?;
        got.found.push(Found { position, contact_id: ObjectId::of_contact(list.id, number.0), contact });
    }
    Ok(Answer::new(got).warn(warnings))
}
