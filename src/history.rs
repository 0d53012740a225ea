//! What a batch changed, in the form in which it is kept: enough to tell a contact's history and to undo a request.
//!
//! A batch's changes are one row, written behind those of the batches before it. A change says what it replaced and
//! at which position the contact was changed before, so a contact's history is a chain that begins in its header:
//! keeping it costs an append, and no index. What a change put in place is what the next one replaced, or what the
//! contact holds now: whoever walks the chain, from the newest back, knows both.

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

impl Change<'_> {
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
