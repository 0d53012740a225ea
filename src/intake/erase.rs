//! `POST /v3/contact/erase`: from the body to a batch that waits.

use super::accept::{self, Accepted, Sender};
use super::identifiers;
use super::problem;
use super::top::{WEB_HOOK_URI, read_webhook};
use super::writer::Writer;
use crate::app::Refusal;
use crate::id::ObjectId;
use crate::journal::{BatchKind, ItemsWriter, ListNo};
use crate::json::{Keys, read_body};
use crate::param::Param;

/// The keys of the body.
pub const ERASE: [Param; 5] = {
    let [user_id, email, phone_number, external_id] = identifiers::PARAMS;
    [user_id, email, phone_number, external_id, WEB_HOOK_URI]
};

/// Checks a body and makes its batch durable.
///
/// # Errors
/// See [`Refusal`]; nothing is kept then, save where the outcome is unknown.
pub async fn accept(writer: &Writer, sender: Sender, body: &[u8]) -> Result<Accepted, Refusal> {
    let members = read_body(body, &Keys::of(&ERASE)).ok_or_else(problem::bad_request)?;
    if let Some(before) = accept::before(writer, &sender, ListNo::NONE).await? {
        return Ok(before);
    }
    let mut problems = Vec::new();
    let given = identifiers::read([0, 1, 2, 3].map(|place| members.get(place)), &mut problems);
    let webhook = read_webhook(members.get(4), &mut problems);
    if !problems.is_empty() {
        return Err(Refusal::Invalid(problems));
    }
    let mut items = ItemsWriter::default();
    given.iter().for_each(|(kind, text)| items.add(*kind, text, &[]));
    // Of no list, so no token that is limited to lists sees it.
    let nowhere = (ListNo::NONE, ObjectId::from_bytes([0; 12]));
    let batch = sender.batch(BatchKind::Erase, nowhere, webhook, items.finish());
    let warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    accept::keep(writer, sender, batch, warnings).await
}
