//! `/v3/request/undo`

use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Answer, Call, Outcome};
use super::method::{Body, Example, Method};
use super::request::GROUP;
use app::accept::Accepted;
use app::undo as use_case;
use domain::id::ObjectId;
use wire::ingest::undo;

/// `POST /v3/request/undo`
pub static UNDO: Method = Method {
    operation: &use_case::UNDO,
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
    Ok(queued(undo::accept(call.context()?, &call.body).await?))
}

/// The answer to a batch that was accepted. The id is a member of its own here.
pub fn queued(accepted: Accepted) -> Answer<Queued> {
    Answer::new(Queued { request_id: accepted.request }).warn(accepted.warnings)
}
