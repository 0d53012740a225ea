//! One item's turn: what it does to its contact, with all that others must know of it. Whether it may is decided
//! before.

use super::ledger::{How, Ledger};
use super::outcome::{Action, Failure};
use super::plan::Waiting;
use super::unit_of_work::{Former, MergeUndone, UnitOfWork, put_identifiers};
use crate::clock::Timestamp;
use crate::contact::document::{Document, Header};
use crate::contact::field::Key;
use crate::contact::identifier::Identifiers;
use crate::contact::record::{self, Malformed};
use crate::history::{self, Change, ChangeKind};
use crate::journal::ContactNo;

/// What an item did and to which slot, or why it did nothing. The unit of work is as before where it failed.
pub type Applied = Result<(Action, u32), Failure>;

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Damaged
    }
}

/// An item at its turn.
pub struct ItemContext<'a> {
    /// The batch that it is of.
    pub batch: &'a Waiting,
    /// Its place in the batch.
    pub index: u32,
    /// When it is applied.
    pub now: Timestamp,
    /// Where its change is written down, see [`crate::history`].
    pub changes: &'a mut Vec<u8>,
    /// Where what it says of flags is written down, see [`super::ledger`].
    pub consents: &'a mut Vec<u8>,
}

/// Whether what was replaced is only what was chosen about flags.
fn only_choices(replaced: &[u8]) -> Result<bool, Malformed> {
    let mut reader = record::Reader::new(replaced);
    let first = reader.entry()?.map(|entry| entry.key);
    Ok(first == Some(Key::CHOICES) && reader.is_empty())
}

impl ItemContext<'_> {
    /// Makes a contact with the next number: `patch` laid over `record`.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub fn create(&mut self, work: &mut UnitOfWork, record: &[u8], patch: &[u8]) -> Applied {
        let mut document = Vec::with_capacity(record.len() + patch.len() + 28);
        self.header(self.now, 0).put(&mut document);
        let head = document.len();
        record::lay_over(record, patch, &mut document)?;
        let slot = work.create(self.batch.list, &document)?;
        let after = history::after_creation(&document[head..])?;
        self.note(ChangeKind::Created, work.slot(slot).number, 0, &[], Some(after));
        Ok((Action::Created, slot))
    }

    /// Brings a contact back under its number; `removed_at` is the position of the batch that removed it.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub fn bring_back(
        &mut self,
        work: &mut UnitOfWork,
        number: ContactNo,
        created_at: Timestamp,
        record: &[u8],
        removed_at: u64,
    ) -> Applied {
        let mut document = Vec::with_capacity(record.len() + 28);
        // Results from before the removal look for what it bore then.
        self.header(created_at, self.batch.position).put(&mut document);
        document.extend_from_slice(record);
        let slot = work.bring_back(self.batch.list, number, &document)?;
        // And those from the time when it was away, that it bore nothing.
        let former = self.former(number, &Identifiers::default());
        work.formers.push(former);
        let (list, after) = (self.batch.list, self.batch.position);
        work.merges_undone.push(MergeUndone { list, loser: number, before: 0, after });
        let after = history::after_creation(record)?;
        self.note(ChangeKind::Created, number, removed_at, &[], Some(after));
        Ok((Action::Created, slot))
    }

    /// Changes a contact; `renamed` says whether an identifier of it changes.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub fn update(&mut self, work: &mut UnitOfWork, found: u32, patch: &[u8], renamed: bool) -> Applied {
        let slot = work.slot(found);
        let number = slot.number;
        let old = Document::read(work.document(slot))?;
        let previous = old.header.changed_at;
        let renamed_at = if renamed { self.batch.position } else { old.header.renamed_at };
        let mut document = Vec::with_capacity(old.record.len() + patch.len() + 36);
        self.header(old.header.created_at, renamed_at).put(&mut document);
        let head = document.len();
        let mut undo = Vec::new();
        record::merge(old.record, patch, &mut document, &mut undo)?;
        if undo.is_empty() {
            return Ok((Action::Unchanged, found));
        }
        if only_choices(&undo)? {
            // No value changed: it shows in no history.
            document.clear();
            old.header.put(&mut document);
            record::merge(old.record, patch, &mut document, &mut undo)?;
            work.replace(found, &document, None)?;
            return Ok((Action::Unchanged, found));
        }
        if renamed {
            let former = self.former(number, &old.identifiers()?);
            work.formers.push(former);
        }
        let after = history::after_update(&document[head..], patch, &undo)?;
        work.replace(found, &document, renamed.then_some(self.batch.position))?;
        self.note(ChangeKind::Updated, number, previous, &undo, Some([&after, &[]]));
        Ok((Action::Updated, found))
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub fn remove(&mut self, work: &mut UnitOfWork, found: u32) -> Applied {
        let slot = work.slot(found);
        let number = slot.number;
        let document = work.document(slot).to_vec();
        let old = Document::read(&document)?;
        let former = self.former(number, &old.identifiers()?);
        work.formers.push(former);
        work.remove(found, self.batch.position)?;
        self.note(ChangeKind::Removed, number, old.header.changed_at, &document, None);
        Ok((Action::Removed, found))
    }

    /// The ledger, for what has records written.
    pub fn ledger(&mut self, how: How) -> Ledger<'_> {
        let Waiting { list, position, request, token, .. } = self.batch;
        let (list, position, request) = (*list, *position, *request);
        Ledger { list, position, request, token, how, now: self.now, out: self.consents }
    }

    const fn header(&self, created_at: Timestamp, renamed_at: u64) -> Header {
        Header { created_at, updated_at: self.now, renamed_at, changed_at: self.batch.position }
    }

    fn note(
        &mut self,
        kind: ChangeKind,
        number: ContactNo,
        previous: u64,
        before: &[u8],
        after: Option<[&[u8]; 2]>,
    ) {
        Change { kind, number, previous, before, after: None }.put_with(after, self.changes);
    }

    fn former(&self, number: ContactNo, before: &Identifiers<Option<&str>>) -> Former {
        let mut identifiers = Vec::new();
        put_identifiers(&mut identifiers, before);
        Former { list: self.batch.list, number, position: self.batch.position, item: self.index, identifiers }
    }
}
