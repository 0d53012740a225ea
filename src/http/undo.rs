//! `/v3/request/undo`

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Method};
use super::request::GROUP;
use crate::app::{Operation, Reach};
use crate::id::ObjectId;
use crate::intake::accept::Accepted;
use crate::intake::undo;

/// `POST /v3/request/undo`
pub static UNDO: Method = Method {
    operation: &Operation::batch("/v3/request/undo", Reach::Seen),
    group: &GROUP,
    summary: "Put back what a request changed",
    text: "Restores, per contact, the fields that the request changed and that nothing has changed since. A \
        contact that it created is removed, unless a later request changed it. One that it removed is restored \
        with its id. An undo is queued like any request, has a webhook, and can be undone. Its results list, per \
        contact, the fields that were `restored` and those that were `kept`, with the reason. An identifier that \
        now belongs to another contact stays there, and an erased person is not restored. A request can be undone \
        as long as histories are stored: 90 days, unless the operator has configured another time.",
    body: Body { params: &[&undo::UNDO], optional: false },
    examples: &[Example {
        summary: "A request is undone",
        body: r#"{"requestId":"5d915c22d132d5f45a4e38b8"}"#,
        answer: r#"{"result":true,"requestId":"5d915c26d132d5f45a4e38bc","errors":[]}"#,
    }],
    handler: &undo,
};

/// What is answered where a request was accepted, whose path does not show its id by itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    /// The id of this request, by which request/find knows it.
    request_id: ObjectId,
}

async fn undo(call: Call) -> Outcome<Queued> {
    let (app, sender) = (&call.app, call.sender()?);
    let accepted = undo::accept(&app.catalogue, &app.writer, sender, &call.body).await?;
    Ok(queued(accepted, call.request_id))
}

/// The answer to a request that has just got this id, or that was accepted before.
pub fn queued(accepted: Accepted, request_id: ObjectId) -> Answer<Queued> {
    match accepted {
        Accepted::Before(known) => {
            // The id is a member of its own here, and told once.
            let members = Queued { request_id: known.request };
            Answer { request: None, ..Answer::again(&known, members) }
        }
        Accepted::Kept { warnings } | Accepted::Tried { warnings, .. } => {
            Answer::new(Queued { request_id }).warn(warnings)
        }
    }
}
