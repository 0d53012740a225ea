//! How a contact was removed.

use super::{ContactId, Rows};
use crate::{Error, Place, Removal};
use domain::contact::record::Malformed;
use domain::history::{self, ChangeKind};

/// How a contact was removed; `None` if it is there, was erased, or its history is deleted.
///
/// # Errors
/// The store cannot be read, or a stored change does not parse.
pub fn find(rows: &impl Rows, contact: ContactId) -> Result<Option<Removal>, Error> {
    let (list, number) = contact;
    let position = rows.departed_at(contact)?;
    let Some(entry) =
        (position > 0).then(|| rows.history_at(Place { list, position })).transpose()?.flatten()
    else {
        return Ok(None);
    };
    let damaged = |malformed: Malformed| Error::Damaged(format!("history at {position}: {malformed}"));
    let changes = history::read(&entry.changes).map_err(damaged)?;
    let last = changes.iter().rev().find(|change| change.number == number);
    let Some(removed) = last.filter(|change| change.kind == ChangeKind::Removed) else { return Ok(None) };
    let identifiers = removed.identifiers().map_err(damaged)?.map(|text| text.map(str::to_owned));
    Ok(Some(Removal { request: entry.request, asked: entry.kind, identifiers }))
}
