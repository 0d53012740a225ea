//! What a batch changed, in the form in which it is kept: enough to tell a contact's history and to undo a request.
//!
//! A batch's changes are one row, written behind those of the batches before it. A change says what it replaced and
//! at which position the contact was changed before, so a contact's history is a chain that begins in its header:
//! keeping it costs an append, and no index.
//!
//! A change also holds what it put in place, so that the change feed reads rows in their order and needs no other.
//! Rows of earlier versions do not have that: there it is what the next change replaced, or what the contact has now.

mod packed;

use std::collections::BTreeMap;

use crate::contact::document::{self, Document};
use crate::contact::field::Key;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_bytes, put_entry, put_number};
use crate::journal::ContactNo;

pub use self::packed::{pack, unpack};

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
    /// What was put in place, as a record: of a creation all fields, of an update the identifiers that the contact has
    /// then and the other fields that changed, without those that were cleared. What is shown nowhere is left out. `None`
    /// in a row of an earlier version, and for the other kinds.
    pub after: Option<&'a [u8]>,
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
        self.put_with(self.after.map(|after| [after, &[]]), out);
    }

    /// Appends the change with another `after`, which is in two parts.
    pub fn put_with(&self, after: Option<[&[u8]; 2]>, out: &mut Vec<u8>) {
        let with = if after.is_some() { WITH_AFTER } else { 0 };
        out.push(self.kind as u8 | with);
        put_number(out, self.number.0);
        put_number(out, self.previous);
        put_bytes(out, self.before);
        if let Some([one, other]) = after {
            put_number(out, (one.len() + other.len()) as u64);
            out.extend_from_slice(one);
            out.extend_from_slice(other);
        }
    }
}

/// The bit beside the kind of a change that has [`Change::after`]. Earlier versions do not read it.
const WITH_AFTER: u8 = 4;

/// The `after` of an update: `record` is the contact's new record, `patch` what was laid over the old one, and `undo`
/// the patch that changes it back.
///
/// # Errors
/// [`Malformed`] where one of them does not read.
pub fn after_update(record: &[u8], patch: &[u8], undo: &[u8]) -> Result<Vec<u8>, Malformed> {
    let is_identifier = |key| IdentifierKind::ALL.iter().any(|kind| kind.field().key() == key);
    let mut after = Vec::with_capacity(patch.len() + 64);
    let mut reader = Reader::new(record);
    // Identifiers have the lowest keys.
    while let Some(entry) = reader.entry()?.filter(|entry| is_identifier(entry.key)) {
        put_entry(&mut after, entry.key, entry.value);
    }
    let (mut patch, mut undo) = (Reader::new(patch), Reader::new(undo));
    while let Some(changed) = undo.entry()? {
        while let Some(entry) = patch.entry()? {
            if entry.key == changed.key {
                if !entry.value.is_empty() && !is_identifier(entry.key) && entry.key.is_shown() {
                    put_entry(&mut after, entry.key, entry.value);
                }
                break;
            }
        }
    }
    Ok(after)
}

/// The `after` of a creation, in two parts: `record` without what is shown nowhere.
///
/// # Errors
/// [`Malformed`] where it does not read as far as that.
pub fn after_creation(record: &[u8]) -> Result<[&[u8]; 2], Malformed> {
    let mut reader = Reader::new(record);
    loop {
        let before = record.len() - reader.rest().len();
        match reader.entry()? {
            Some(entry) if entry.key == Key::CHOICES => return Ok([&record[..before], reader.rest()]),
            Some(entry) if entry.key < Key::CHOICES => {}
            _ => return Ok([record, &[]]),
        }
    }
}

/// The changes of a batch in the form of earlier versions.
///
/// # Errors
/// [`Malformed`] where they do not read to the end.
pub fn without_after(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(bytes.len());
    for change in read(bytes)? {
        Change { after: None, ..change }.put(&mut out);
    }
    Ok(out)
}

/// Reads the changes of a batch, in the order in which they were made.
///
/// # Errors
/// [`Malformed`] where they do not read to the end.
pub fn read(bytes: &[u8]) -> Result<Vec<Change<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut changes = Vec::new();
    while !reader.is_empty() {
        let code = reader.byte()?;
        let kind = *ChangeKind::ALL.get(usize::from(code & !WITH_AFTER)).ok_or(Malformed)?;
        let (number, previous) = (ContactNo(reader.number()?), reader.number()?);
        let before = reader.bytes()?;
        let after = if code & WITH_AFTER == 0 { None } else { Some(reader.bytes()?) };
        changes.push(Change { kind, number, previous, before, after });
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

    /// The contact's fields after the change that comes next.
    pub const fn state(&self) -> &Fields {
        &self.state
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
    use crate::contact::record;

    /// A record or a patch: values have at least so many bytes.
    fn record(shortest: usize) -> impl Strategy<Value = Vec<u8>> {
        let value = prop::collection::vec(any::<u8>(), shortest..4);
        prop::collection::btree_map(1..9_u8, value, 0..8).prop_map(|entries| {
            let mut out = Vec::new();
            entries.iter().for_each(|(key, value)| put_entry(&mut out, Key::of_number(*key), value));
            out
        })
    }

    proptest! {
        #[test]
        fn changes_read_as_written_and_no_bytes_make_a_reader_panic(
            changes in prop::collection::vec(
                (0..4_usize, any::<u64>(), any::<u64>(), any::<Vec<u8>>(), any::<Option<Vec<u8>>>()), 0..6,
            ),
            noise in any::<Vec<u8>>(),
        ) {
            let changes: Vec<_> = changes
                .iter()
                .map(|(kind, number, previous, before, after)| Change {
                    kind: ChangeKind::ALL[*kind],
                    number: ContactNo(*number),
                    previous: *previous,
                    before,
                    after: after.as_deref(),
                })
                .collect();
            let mut bytes = Vec::new();
            changes.iter().for_each(|change| change.put(&mut bytes));
            let earlier: Vec<_> = changes.iter().map(|change| Change { after: None, ..*change }).collect();
            let stripped = without_after(&bytes);
            prop_assert_eq!(stripped.as_deref().map(read), Ok(Ok(earlier)));
            prop_assert_eq!(read(&bytes), Ok(changes));
            let _ = read(&noise);
        }

        #[test]
        fn what_an_update_put_in_place_is_the_identifiers_and_what_changed(
            record in record(1), patch in record(0),
        ) {
            let (mut new, mut undo) = (Vec::new(), Vec::new());
            record::merge(&record, &patch, &mut new, &mut undo)?;
            let after = fields(&after_update(&new, &patch, &undo)?)?;
            let (new, undo) = (fields(&new)?, fields(&undo)?);
            let is_told = |key: &Key| *key <= Key::of_number(3) || undo.contains_key(key);
            let expected: Fields = new.into_iter().filter(|(key, _)| is_told(key)).collect();
            prop_assert_eq!(after, expected);
        }
    }
}
