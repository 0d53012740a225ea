//! `POST /v3/request/undo`: from the body to a batch that waits.

use super::accept::{self, Accepted, Sender};
use super::problem::{self, Problem};
use super::top::{WEB_HOOK_URI, read_webhook};
use super::writer::Writer;
use crate::app::Refusal;
use crate::catalogue::{Catalogue, Viewer};
use crate::contact::identifier::IdentifierKind;
use crate::id::ObjectId;
use crate::journal::{BatchKind, ItemsWriter};
use crate::json::{Keys, Raw, read_body};
use crate::param::{Param, Shape};
use crate::storage::Undoable;

/// The keys of the body.
pub const UNDO: [Param; 2] = [
    Param::required("requestId", Shape::filled(usize::MAX), "The id of the request that is to be undone."),
    WEB_HOOK_URI,
];

/// Checks a body and makes its batch durable.
///
/// # Errors
/// See [`Refusal`]; nothing is kept then, save where the outcome is unknown.
pub async fn accept(
    catalogue: &Catalogue,
    writer: &Writer,
    sender: Sender,
    body: &[u8],
) -> Result<Accepted, Refusal> {
    let members = read_body(body, &Keys::of(&UNDO)).ok_or_else(problem::bad_request)?;
    let mut problems = Vec::new();
    let target = find(writer, &sender.viewer, members.get(0), &mut problems).await?;
    if let Some((id, target)) = &target {
        if let Some(before) = accept::before(writer, &sender, target.list).await? {
            return Ok(before);
        }
        problems.extend(obstacle(catalogue, &sender.viewer, *id, target).await?);
    }
    let webhook = read_webhook(members.get(1), &mut problems);
    let target = target.filter(|_| problems.is_empty());
    let Some((id, target)) = target else { return Err(Refusal::Invalid(problems)) };
    let mut items = ItemsWriter::default();
    items.add(IdentifierKind::UserId, &id.to_string(), &[]);
    let batch = sender.batch(BatchKind::Undo, (target.list, target.list_id), webhook, items.finish());
    let warnings = members.unknown.into_iter().map(problem::unknown_field).collect();
    accept::keep(writer, sender, batch, warnings).await
}

/// The request that the body names, of those that the viewer may see.
async fn find(
    writer: &Writer,
    viewer: &Viewer,
    raw: Option<Raw<'_>>,
    problems: &mut Vec<Problem>,
) -> Result<Option<(ObjectId, Undoable)>, Refusal> {
    let text = match raw.map(Raw::as_trimmed) {
        None => return Ok(push(problems, problem::required("requestId"))),
        Some(text) => text.filter(|text| !text.is_empty()),
    };
    let Some(text) = text else { return Ok(push(problems, problem::request_id())) };
    let found = match ObjectId::parse(&text) {
        Some(id) => writer.storage().find_undoable(viewer.account, id).await?.map(|found| (id, found)),
        None => None,
    };
    // Those who may not see a list do not learn here what was done to it, nor what was done to all lists at once.
    let is_seen = |list: &ObjectId| viewer.lists.as_ref().is_none_or(|lists| lists.contains(list));
    match found.filter(|(_, found)| is_seen(&found.list_id)) {
        Some(found) => Ok(Some(found)),
        None => Ok(push(problems, problem::request_not_found(&text))),
    }
}

/// Why a request cannot be undone, if it cannot.
async fn obstacle(
    catalogue: &Catalogue,
    viewer: &Viewer,
    id: ObjectId,
    target: &Undoable,
) -> Result<Option<Problem>, Refusal> {
    let (id, list_id) = (id.to_string(), target.list_id.to_string());
    if target.kind == BatchKind::Erase {
        return Ok(Some(problem::not_undoable(&id)));
    }
    if catalogue.list(viewer, &list_id).await?.is_none() {
        // Who is limited to lists that are gone sees no requests.
        let limited = viewer.lists.is_some();
        return Ok(Some(if limited {
            problem::request_not_found(&id)
        } else {
            problem::list_not_found(&list_id)
        }));
    }
    Ok((!target.has_history).then(|| problem::history_gone(&id)))
}

fn push<T>(problems: &mut Vec<Problem>, problem: Problem) -> Option<T> {
    problems.push(problem);
    None
}
