//! `/v3/contacts/…`

pub mod changes;
pub mod duplicates;
pub mod find;
pub mod links;
pub mod search;
pub mod stream;

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Group, Method};
use app::accept::Accepted;
use app::contacts as use_case;
use wire::ingest::{self, BodyKind, contacts, remove};
use wire::request::Results;

static GROUP: Group = Group {
    name: "Contacts",
    text: "Batches of contacts. A 200 promises that a batch is on disk, not that it is visible yet. Batches of a \
        list are applied in the order of acceptance, each exactly once. request/find and the webhook report the \
        result of each contact.",
};

/// `POST /v3/contacts/update`
pub static UPDATE: Method = Method {
    operation: &use_case::UPDATE,
    group: &GROUP,
    summary: "Change contacts of a list, or make them",
    text: "Each contact is looked up by `contact`; the fields that the item names are set, all others stay. userId, \
           email and phoneNumber are each unique inside a list: an item that would take another contact's identifier \
           ends in `IDENTIFIER_TAKEN` and changes nothing. An item is applied whole or not at all, and one that \
           fails does not touch the others. If anything in the request is invalid, the server stores nothing of \
           it and reports every error.",
    body: Body { params: &[&contacts::UPDATE, &contacts::UPDATED], optional: false },
    examples: &[
        Example {
            summary: "A contact with every field, made if it is not there",
            body: include_str!("examples/contacts-update.json"),
            answer: r#"{"result":true,"requestId":"5d915c22d132d5f45a4e38b8","errors":[]}"#,
        },
        Example {
            summary: "One field of a contact",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","contacts":[{"contact":"myUserId","firstName":"Jo"}]}"#,
            answer: r#"{"result":true,"requestId":"5d915c22d132d5f45a4e38be","errors":[]}"#,
        },
        Example {
            summary: "A misspelt key is ignored, with a warning",
            body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","contacts":[{"contact":"myUserId","firstname":"Jo"}]}"#,
            answer: r#"{"result":true,"requestId":"5d915c23d132d5f45a4e38b9","errors":[],"warnings":[{"position":0,
                "field":"firstname","code":"UNKNOWN_FIELD","message":"Argument firstname is unknown and was ignored"}]}"#,
        },
    ],
    handler: &update,
};

/// `POST /v3/contacts/add`
pub static ADD: Method = Method {
    operation: &use_case::ADD,
    group: &GROUP,
    summary: "Make contacts of a list",
    text: "A contact is made with the fields that its item names. If the list already has one of its identifiers, \
        the item ends in `CONTACT_EXISTS` and changes nothing.",
    body: Body { params: &[&contacts::ADD, &contacts::ADDED], optional: false },
    examples: &[Example {
        summary: "What would become of a contact",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","dryRun":true,"contacts":[{"email":"user@example.com"}]}"#,
        answer: r#"{"result":true,"requestId":"5d915c24d132d5f45a4e38ba","results":{"success":[],"errors":[
            {"position":0,"error":"CONTACT_EXISTS","contact":{"id":null,"email":"user@example.com","phone":null,
            "userId":null},"humanError":"A contact of the list has this email already: contact 5d9155ba4e38b10000000001",
            "taken":{"field":"email","id":"5d9155ba4e38b10000000001"}}]},"errors":[]}"#,
    }],
    handler: &add,
};

/// `POST /v3/contacts/remove`
pub static REMOVE: Method = Method {
    operation: &use_case::REMOVE,
    group: &GROUP,
    summary: "Remove contacts of a list",
    text: "Name contacts by 1 to 100 identifiers. The server removes them in the order emails, phoneNumbers, \
        userIds, and `position` counts in that order. request/undo restores removed contacts as long as histories \
        are stored; contact/erase is final.",
    body: Body { params: &[&remove::REMOVE], optional: false },
    examples: &[Example {
        summary: "Contacts of a list, by two kinds of identifiers",
        body: r#"{"contactListId":"5d9155bad132d5f45a4e38b1","emails":["nobody@example.com"],"userIds":["nobody"]}"#,
        answer: r#"{"result":true,"requestId":"5d915c25d132d5f45a4e38bb","errors":[]}"#,
    }],
    handler: &remove,
};

/// What a method that makes a batch answers.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Taken {
    /// Where the request was a dry run: what would become of each item.
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Results>,
}

async fn update(call: Call) -> Outcome<Taken> {
    Ok(answer(ingest::accept(call.context()?, BodyKind::Update, &call.body).await?))
}

async fn add(call: Call) -> Outcome<Taken> {
    Ok(answer(ingest::accept(call.context()?, BodyKind::Add, &call.body).await?))
}

async fn remove(call: Call) -> Outcome<Taken> {
    Ok(answer(ingest::accept(call.context()?, BodyKind::Remove, &call.body).await?))
}

/// The answer to a batch that was accepted.
fn answer(accepted: Accepted) -> Answer<Taken> {
    let Accepted { request, results, warnings } = accepted;
    Answer { members: Taken { results: results.map(Results::of) }, warnings, request: Some(request) }
}
