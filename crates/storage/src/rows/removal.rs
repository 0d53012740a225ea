//! How a contact was removed.

use super::{ContactId, Rows, merged};
use crate::{Error, Place, Removal};
use domain::contact::record::Malformed;
use domain::history::{self, ChangeKind};

/// How a contact was removed; `None` if it is there or was erased. Without its history, only its merge is known.
///
/// # Errors
/// The store cannot be read, or a stored change does not parse.
pub fn find(rows: &impl Rows, contact: ContactId) -> Result<Option<Removal>, Error> {
    let (list, number) = contact;
    let merged_into = merged::follow(rows, &[contact])?.pop().map(|(_, winner)| winner);
    let position = rows.removed_at(contact)?;
    if position == 0 {
        return Ok(merged_into.map(|_| Removal { merged_into, ..Removal::default() }));
    }
    let opted_out = rows.opted_out(contact)?;
    let mut removal = Removal { merged_into, opted_out, ..Removal::default() };
    if let Some(entry) = rows.history_at(Place { list, position })? {
        let damaged = |malformed: Malformed| Error::Damaged(format!("history at {position}: {malformed}"));
        let changes = history::read(&entry.changes).map_err(damaged)?;
        let last = changes.iter().rev().find(|change| change.number == number);
        if let Some(removed) = last.filter(|change| change.kind == ChangeKind::Removed) {
            removal.identifiers = removed.identifiers().map_err(damaged)?.map(|text| text.map(str::to_owned));
        }
    }
    Ok(Some(removal))
}
