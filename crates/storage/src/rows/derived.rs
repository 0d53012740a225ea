//! What changes put in place that an earlier version has written: their rows hold only what was replaced, so a
//! contact's changes are followed from its stored form back.

use std::collections::HashMap;

use super::history::Walk;
use super::{ContactId, Rows};
use crate::Error;
use domain::contact::document::Document;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::record::Malformed;
use domain::history::{Backwards, FieldChange, Fields};

/// What one change left behind: the identifiers, and what it did to the fields.
type One = (Identifiers<Option<String>>, Vec<FieldChange>);

/// The changes of a contact by position, the last of a batch in front.
#[derive(Debug, Default)]
pub struct Derived(HashMap<u64, Vec<One>>);

impl Derived {
    /// The change of the contact that so many others of its batch come before.
    pub fn get(&self, position: u64, nth: usize) -> Option<One> {
        let of_batch = self.0.get(&position)?;
        of_batch.get(of_batch.len().checked_sub(nth + 1)?).cloned()
    }
}

/// Follows the changes of a contact back to a position. Of a contact with more changes than a walk takes, the oldest
/// are not there.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn derive(rows: &impl Rows, contact: ContactId, position: u64) -> Result<Derived, Error> {
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    let stored = rows.document(contact)?;
    let head = match &stored {
        Some(stored) => Document::read(stored).map_err(damaged)?.header.changed_at,
        None => rows.removed_at(contact)?,
    };
    let mut back = Backwards::from(stored.as_deref()).map_err(damaged)?;
    let mut walk = Walk::new(rows, contact, head);
    let mut derived = Derived::default();
    while walk.next_position() >= position.max(1) {
        walk.step(|entry, change| {
            let identifiers = identifiers(back.state());
            let fields = back.step(change).map_err(damaged)?;
            derived.0.entry(entry.position).or_default().push((identifiers, fields));
            Ok(())
        })?;
    }
    Ok(derived)
}

fn identifiers(fields: &Fields) -> Identifiers<Option<String>> {
    let mut found = Identifiers::default();
    for kind in IdentifierKind::ALL {
        let value = fields.get(&kind.field().key());
        *found.get_mut(kind) = value.map(|value| String::from_utf8_lossy(value).into_owned());
    }
    found
}
