//! What a batch changed, in the form in which it is kept: enough to tell a contact's history and to undo a request.
//!
//! A batch's changes are one row, written behind those of the batches before it. A change says what it replaced and
//! at which position the contact was changed before, so a contact's history is a chain that begins in its header:
//! keeping it costs an append, and no index. What a change put in place is what the next one replaced, or what the
//! contact holds now: whoever walks the chain, from the newest back, knows both.

use std::collections::BTreeMap;

use crate::contact::document::{self, Document};
use crate::contact::field::Key;
use crate::contact::identifier::Identifiers;
use crate::contact::record::{Malformed, Reader, put_bytes, put_number};
use crate::journal::ContactNo;

/// What a change did to its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there. Where `previous` is not 0, it was removed then, and came back as the same contact.
    Created,
    /// Fields of it changed; `before` is the patch that changes them back.
    Updated,
    /// It was removed; `before` is its stored form, see [`crate::contact::document`].
    Removed,
    /// The person was erased since, and what the change was with it.
    Erased,
}

impl ChangeKind {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Removed, Self::Erased];
}

/// One change of one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// What was done.
    pub kind: ChangeKind,
    /// The contact.
    pub number: ContactNo,
    /// The position of the batch that changed it before; this batch's own where an item before this did; 0 for none.
    pub previous: u64,
    /// What was replaced, see [`ChangeKind`].
    pub before: &'a [u8],
}

impl<'a> Change<'a> {
    /// The identifiers that it replaced or took away; an empty text was none.
    ///
    /// # Errors
    /// [`Malformed`] where what it replaced does not read.
    pub fn identifiers(&self) -> Result<Identifiers<Option<&'a str>>, Malformed> {
        match self.kind {
            ChangeKind::Updated => document::identifiers(self.before),
            ChangeKind::Removed => Document::read(self.before)?.identifiers(),
            ChangeKind::Created | ChangeKind::Erased => Ok(Identifiers::default()),
        }
    }

    /// Appends the change.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        put_number(out, self.number.0);
        put_number(out, self.previous);
        put_bytes(out, self.before);
    }
}

/// Reads the changes of a batch, in the order in which they were made.
///
/// # Errors
/// [`Malformed`] where they do not read to the end.
pub fn read(bytes: &[u8]) -> Result<Vec<Change<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut changes = Vec::new();
    while !reader.is_empty() {
        let kind = *ChangeKind::ALL.get(usize::from(reader.byte()?)).ok_or(Malformed)?;
        let (number, previous) = (ContactNo(reader.number()?), reader.number()?);
        changes.push(Change { kind, number, previous, before: reader.bytes()? });
    }
    Ok(changes)
}

/// The fields of a contact by their keys; one that is empty is left out.
pub type Fields = BTreeMap<Key, Vec<u8>>;

/// Reads a record, or a patch, where empty values are kept.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn fields(record: &[u8]) -> Result<Fields, Malformed> {
    let mut reader = Reader::new(record);
    let mut fields = Fields::new();
    while let Some(entry) = reader.entry()? {
        fields.insert(entry.key, entry.value.to_vec());
    }
    Ok(fields)
}

/// What one change did to one field; empty where there was or is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub key: Key,
    /// What it was.
    pub old: Vec<u8>,
    /// What it became.
    pub new: Vec<u8>,
}

/// A contact's history, told from now back: what the contact was after the change that comes next.
#[derive(Clone, Debug, Default)]
pub struct Backwards {
    state: Fields,
    /// What it was when it had come back, until its removal is told.
    returned: Option<Fields>,
}

impl Backwards {
    /// From a contact as it is stored now; `None` for one that was removed.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn from(document: Option<&[u8]>) -> Result<Self, Malformed> {
        let state = match document {
            Some(document) => fields(Document::read(document)?.record)?,
            None => Fields::new(),
        };
        Ok(Self { state, returned: None })
    }

    /// Goes back over a change, and tells what it did.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn step(&mut self, change: &Change<'_>) -> Result<Vec<FieldChange>, Malformed> {
        let mut told = Vec::new();
        match change.kind {
            ChangeKind::Updated => {
                for (key, old) in fields(change.before)? {
                    let new = self.state.remove(&key).unwrap_or_default();
                    if !old.is_empty() {
                        self.state.insert(key, old.clone());
                    }
                    told.push(FieldChange { key, old, new });
                }
            }
            ChangeKind::Created => {
                let made = std::mem::take(&mut self.state);
                self.returned = (change.previous != 0).then(|| made.clone());
                told.extend(made.into_iter().map(|(key, new)| FieldChange { key, old: Vec::new(), new }));
            }
            ChangeKind::Removed => {
                self.state = fields(Document::read(change.before)?.record)?;
                let gone = self.state.clone().into_iter();
                told.extend(gone.map(|(key, old)| FieldChange { key, old, new: Vec::new() }));
            }
            ChangeKind::Erased => {}
        }
        Ok(told)
    }

    /// Goes back over a change, and tells which fields are different for it. A removal and the return after it count
    /// as one change, of the fields that did not come back as they were.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn touched(&mut self, change: &Change<'_>) -> Result<Vec<Key>, Malformed> {
        let after = self.returned.take();
        let told = self.step(change)?;
        Ok(match (change.kind, after) {
            (ChangeKind::Removed, Some(after)) => {
                let keys = after.keys().chain(self.state.keys());
                keys.filter(|key| after.get(key) != self.state.get(key)).copied().collect()
            }
            // Told with its removal.
            (ChangeKind::Created, _) if self.returned.is_some() => Vec::new(),
            _ => told.into_iter().map(|change| change.key).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn changes_read_as_written_and_no_bytes_make_a_reader_panic(
            changes in prop::collection::vec((0..4_usize, any::<u64>(), any::<u64>(), any::<Vec<u8>>()), 0..6),
            noise in any::<Vec<u8>>(),
        ) {
            let changes: Vec<_> = changes
                .iter()
                .map(|(kind, number, previous, before)| Change {
                    kind: ChangeKind::ALL[*kind],
                    number: ContactNo(*number),
                    previous: *previous,
                    before,
                })
                .collect();
            let mut bytes = Vec::new();
            changes.iter().for_each(|change| change.put(&mut bytes));
            prop_assert_eq!(read(&bytes), Ok(changes));
            let _ = read(&noise);
        }
    }
}
