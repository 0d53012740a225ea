//! `/v3/contact/erase`

use crate::call::{Call, Outcome};
use crate::method::{Body, Example, Method};
use crate::undo::{Queued, queued};
use app::person;
use wire::ingest::erase;

/// `POST /v3/contact/erase`
pub static ERASE: Method = Method {
    operation: &person::ERASE,
    group: &super::GROUP,
    summary: "Erase a person from all lists",
    text: "Deletes the contacts that have one of the identifiers, in all lists of the account. In a list without \
        such a contact, it deletes the one that had it last. It also deletes contacts that share a userId or an \
        e-mail address with these. A phone number leads to further contacts only if the request names it. The \
        method deletes their histories too, those of removed contacts with one of these identifiers, and their \
        identifiers in the results of requests. It is a request like any other: earlier batches are applied \
        first. It cannot be undone, and may be repeated at any time.\n\nA keyed hash of each identifier stays, so \
        that the person is not restored by accident. An item that would give a contact such an identifier ends in \
        `CONTACT_ERASED`, unless its request has `restoreErased`.",
    body: Body { params: &[&erase::ERASE], optional: false },
    examples: &[Example {
        summary: "A person who asks to be forgotten",
        body: r#"{"email":"forgotten@example.com"}"#,
        answer: r#"{"result":true,"requestId":"5d915c27d132d5f45a4e38bd","errors":[]}"#,
    }],
    handler: &erase,
};

async fn erase(call: Call) -> Outcome<Queued> {
    Ok(queued(erase::accept(call.context()?, &call.body).await?))
}
