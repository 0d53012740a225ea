//! `/v3/contacts/…`

use super::call::{Answer, Call, Nothing, Outcome};
use super::method::{Access, Body, Example, Group, Method, Reach};
use crate::intake::update::{self, Sender};

static GROUP: Group = Group {
    name: "Contacts",
    text: "Batches of contacts. The 200 promises that a batch is on disk, not that it is visible yet: batches of a \
           list are applied in the order in which they were accepted, each exactly once. What became of each contact \
           is told by request/find and by the webhook.",
};

/// `POST /v3/contacts/update`
pub static UPDATE: Method = Method {
    path: "/v3/contacts/update",
    group: &GROUP,
    summary: "Change contacts of a list, or make them",
    text: "Each contact is looked up by `contact`; the fields that the item names are set, all others stay. userId, \
           email and phoneNumber are each unique inside a list: an item that would take another contact's identifier \
           ends in `IDENTIFIER_TAKEN` and changes nothing. An item is applied whole or not at all, and one that \
           fails does not touch the others. If anything in the request is invalid, nothing of it is kept, and \
           everything that is wrong is told at once.",
    access: Access::Write,
    reach: Reach::List,
    body: Body { params: &[&update::TOP, &update::CONTACTS], optional: false },
    examples: &[
        Example {
            summary: "A contact with every field, made if it is not there",
            body: include_str!("examples/contacts-update.json"),
            answer: r#"{"result":true,"requestId":"5d915c22d132d5f45a4e38b8","errors":[]}"#,
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

async fn update(call: Call) -> Outcome<Nothing> {
    let sender = Sender {
        viewer: call.caller.viewer,
        token: call.caller.token,
        request: call.request_id,
        now: call.app.clock.now(),
    };
    let warnings = update::accept(&call.app.catalogue, &call.app.writer, sender, &call.body).await?;
    Ok(Answer::new(Nothing {}).warn(warnings))
}
