//! `/v3/contacts/duplicates` and `/v3/contacts/merge`

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{GROUP, Taken, answer};
use crate::call::{Answer, Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::page::LIMIT_KEY;
use app::{Refusal, duplicates as use_case};
use domain::contact::identifier::Identifiers;
use domain::contact::likeness::Reason;
use domain::id::ObjectId;
use domain::json::{Keys, read_body};
use domain::problem;
use domain::problem::Problem;
use domain::schema::{FieldSpec, ValueType};
use wire::ingest::list::LIST_ID;
use wire::ingest::merge;

/// `POST /v3/contacts/duplicates`
pub static DUPLICATES: Method = Method {
    operation: &use_case::DUPLICATES,
    group: &GROUP,
    summary: "Find contacts that may be one person",
    text: "Returns groups of contacts of a list. They share a phone number in another spelling, an address without \
        case, tag or a provider's dots, or name and birthday. `score` says how likely it is that they are one person. The server \
        reads the whole list for each page, so call it seldom for large lists.",
    body: Body { params: &[&FOUND_BY], optional: false },
    examples: &[Example {
        summary: "A list without any",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1"}"#,
        answer: r#"{"result":true,"requestId":"5d915c2ed132d5f45a4e38ef","data":[],"next":null,"errors":[]}"#,
    }],
    handler: &duplicates,
};

const FOUND_BY: [FieldSpec; 3] = [
    LIST_ID,
    FieldSpec::optional(
        "after",
        ValueType::pattern(16, "^[0-9a-f]{16}$"),
        "The `next` of the page before; left out for the first page.",
    ),
    LIMIT_KEY,
];

/// `POST /v3/contacts/merge`
pub static MERGE: Method = Method {
    operation: &use_case::MERGE,
    group: &GROUP,
    summary: "Merge two contacts of a list",
    text: "The loser is removed, and the winner gets what it lacks of the loser's fields and identifiers. A no wins: a \
        flag that one of the two has set to false is false afterwards. Both results are those of one request, the \
        winner first. request/undo restores both.",
    body: Body { params: &[&merge::MERGE], optional: false },
    examples: &[Example {
        summary: "Two contacts",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","winner":"5d9155ba4e38b10000000001",
            "loser":"5d9155ba4e38b10000000002"}"#,
        answer: r#"{"result":true,"requestId":"5d915c2fd132d5f45a4e38f0","errors":[]}"#,
    }],
    handler: &merge_contacts,
};

/// What contacts/duplicates answers.
#[derive(Serialize, JsonSchema)]
struct DuplicatesData {
    /// The groups.
    data: Vec<GroupObject>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// Contacts that may be one person.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DuplicateGroup")]
struct GroupObject {
    /// Why they may be one person.
    #[schemars(schema_with = "reasons")]
    reason: &'static str,
    /// How likely it is that they are, from 0 to 100.
    score: u8,
    /// The number of contacts; at most 50 of them are returned.
    count: u64,
    /// The contacts, the oldest first.
    contacts: Vec<AlikeObject>,
}

/// A contact that may be another one too.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DuplicateContact")]
struct AlikeObject {
    /// Its id.
    id: ObjectId,
    /// Its userId.
    user_id: Option<String>,
    /// Its address.
    email: Option<String>,
    /// Its phone number.
    phone_number: Option<String>,
}

fn reasons(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Reason::ALL.map(Reason::name) })
}

async fn duplicates(call: Call) -> Outcome<DuplicatesData> {
    let body = read_body(&call.body, &Keys::of(&FOUND_BY)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let list = call.list(body.get(0), &mut problems).await?;
    let after = match body.get(1).map(|raw| raw.as_trimmed()) {
        None => 0,
        Some(text) => text.as_deref().and_then(read_after).unwrap_or_else(|| {
            problems.push(invalid_after());
            0
        }),
    };
    let window = crate::page::read_window(None, body.get(2), &mut problems);
    let Some(list) = list.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let found = call.app.queries.duplicates(&call.caller, &list, after, window.limit as usize).await?;
    let data = found.groups.into_iter().map(|group| GroupObject {
        reason: group.reason.name(),
        score: group.reason.score(),
        count: group.count,
        contacts: group.contacts.into_iter().map(|contact| shown(list.id, contact)).collect(),
    });
    let told = DuplicatesData { data: data.collect(), next: found.next.map(|next| format!("{next:016x}")) };
    Ok(Answer::new(told).warn(body.unknown.into_iter().map(problem::unknown_field).collect()))
}

fn read_after(text: &str) -> Option<u64> {
    let fits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| fits)
}

fn invalid_after() -> Problem {
    Problem::new("INVALID_AFTER", "Argument after must be the next of an earlier answer").of("after")
}

fn shown(list: ObjectId, contact: use_case::Alike) -> AlikeObject {
    let Identifiers { user_id, email, phone_number } = contact.identifiers;
    AlikeObject { id: ObjectId::of_contact(list, contact.number.0), user_id, email, phone_number }
}

async fn merge_contacts(call: Call) -> Outcome<Taken> {
    Ok(answer(merge::accept(call.context()?, &call.body).await?))
}
