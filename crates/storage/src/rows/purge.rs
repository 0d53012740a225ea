//! Contacts and histories without the values of variables that were removed.

use domain::contact::document::Document;
use domain::contact::field::Key;
use domain::contact::record::{self, Malformed, Reader, put_entry};
use domain::history::{self, Change, ChangeKind};

/// Bytes of rows that one transaction reads: a contact may have megabytes of variables.
pub const MAX_BYTES: usize = 4 << 20;

/// A patch that clears variables; their numbers rise.
pub fn clearing(numbers: &[u32]) -> Vec<u8> {
    let mut patch = Vec::new();
    for number in numbers {
        put_entry(&mut patch, Key::of_variable(*number), &[]);
    }
    patch
}

/// The document without what the patch clears, all else as it was; `None` where nothing of that is in it.
///
/// # Errors
/// [`Malformed`] where the document does not read.
pub fn without(bytes: &[u8], patch: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let record = Document::read(bytes)?.record;
    let mut out = bytes[..bytes.len() - record.len()].to_vec();
    let mut undo = Vec::new();
    record::merge(record, patch, &mut out, &mut undo)?;
    Ok((!undo.is_empty()).then_some(out))
}

/// The stored changes of a batch without the values of these variables; `None` where there are none in it. `pack`:
/// whether every node reads compressed ones.
///
/// # Errors
/// [`Malformed`] where the changes do not read.
pub fn forgotten(stored: &[u8], numbers: &[u32], pack: bool) -> Result<Option<Vec<u8>>, Malformed> {
    let is_gone = |key: Key| key.variable().is_some_and(|number| numbers.contains(&number));
    let bytes = history::unpack(stored.to_vec());
    let (mut out, mut found) = (Vec::with_capacity(bytes.len()), false);
    for change in history::read(&bytes)? {
        let (head, record) = match change.kind {
            ChangeKind::Updated => (&[][..], change.before),
            ChangeKind::Removed => {
                let record = Document::read(change.before)?.record;
                (&change.before[..change.before.len() - record.len()], record)
            }
            ChangeKind::Created | ChangeKind::Erased => (&[][..], &[][..]),
        };
        let mut before = head.to_vec();
        let mut reader = Reader::new(record);
        while let Some(entry) = reader.entry()? {
            let gone = is_gone(entry.key);
            found |= gone && !entry.value.is_empty();
            // That there was a change remains; but a contact's stored form holds no empty values.
            if !gone || change.kind == ChangeKind::Updated {
                put_entry(&mut before, entry.key, if gone { &[] } else { entry.value });
            }
        }
        let mut after = Vec::new();
        let mut reader = Reader::new(change.after.unwrap_or_default());
        while let Some(entry) = reader.entry()? {
            if is_gone(entry.key) {
                found = true;
            } else {
                put_entry(&mut after, entry.key, entry.value);
            }
        }
        let after = change.after.map(|_| after.as_slice());
        Change { before: &before, after, ..change }.put(&mut out);
    }
    if !found {
        return Ok(None);
    }
    Ok(Some(if pack { history::pack(&out).into_owned() } else { out }))
}
