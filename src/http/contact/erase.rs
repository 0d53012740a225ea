//! `/v3/contact/erase`

use crate::http::call::{Call, Outcome};
use crate::http::method::{Access, Body, Example, Method, Reach};
use crate::http::undo::{Queued, queued};
use crate::intake::erase;

/// `POST /v3/contact/erase`
pub static ERASE: Method = Method {
    path: "/v3/contact/erase",
    group: &super::GROUP,
    summary: "Erase a person from all lists",
    text: "The contacts that bear one of the identifiers are deleted in all lists of the account (in a list where \
           nobody bears it now, the one that bore it last), and those that share a userId or an e-mail address with \
           them. A phone number leads to further contacts only where it is given. With them go their histories, those \
           of contacts that bore one of these and were removed, and their identifiers in the results of requests. It \
           is a request like any other: what was accepted before it is applied first. It cannot be undone, and may be \
           asked for again at any time.\n\nA keyed hash of each identifier stays, so that \
           the person does not come back by accident: an item that would give a contact such an identifier ends in \
           `CONTACT_ERASED`, unless its request says `restoreErased`.",
    access: Access::Batch,
    reach: Reach::Account,
    body: Body { params: &[&erase::ERASE], optional: false },
    examples: &[Example {
        summary: "A person who asks to be forgotten",
        body: r#"{"email":"forgotten@example.com"}"#,
        answer: r#"{"result":true,"requestId":"5d915c27d132d5f45a4e38bd","errors":[]}"#,
    }],
    handler: &erase,
};

async fn erase(call: Call) -> Outcome<Queued> {
    let sender = call.sender()?;
    Ok(queued(erase::accept(&call.app.writer, sender, &call.body).await?, call.request_id))
}
