//! The change rule: what an item does to the contacts (contract, section 4).

use super::consent;
use super::item_context::{Applied, ItemContext};
use super::ledger::How;
use super::outcome::{self, Action, Failure, Note, Outcome, Taken};
use super::plan::{Plan, PlannedItem, Waiting};
use super::unit_of_work::{OptedOut, UnitOfWork};
use crate::clock::Timestamp;
use crate::contact::choice::Flags;
use crate::contact::document::Document;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::proof::Proof;
use crate::contact::record::{Malformed, Reader, put_entry};
use crate::journal::{BatchKind, ContactNo};

/// What was decided of a batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Decided {
    /// The outcomes of its items in their stored form, see [`outcome`].
    pub results: Vec<u8>,
    /// What it changed, see [`crate::history`].
    pub changes: Vec<u8>,
    /// What it said of flags, see [`super::ledger`].
    pub consents: Vec<u8>,
    /// How many items failed.
    pub failed: u32,
}

impl Decided {
    /// Nothing was done, for a reason that is the batch's and no item's.
    pub fn failed(failure: Failure) -> Self {
        let mut results = Vec::new();
        outcome::put(&mut results, &Outcome::Failed(failure, Identifiers::default(), None));
        Self { results, changes: Vec::new(), consents: Vec::new(), failed: 1 }
    }
}

/// Applies every item of every batch to the unit of work, in order.
pub fn apply(waiting: &[Waiting], plan: &Plan<'_>, work: &mut UnitOfWork, now: Timestamp) -> Vec<Decided> {
    waiting
        .iter()
        .zip(&plan.batches)
        .map(|(batch, items)| apply_batch(batch, items.as_deref(), work, now))
        .collect()
}

fn apply_batch(
    batch: &Waiting,
    items: Option<&[PlannedItem<'_>]>,
    work: &mut UnitOfWork,
    now: Timestamp,
) -> Decided {
    let (mut results, mut changes, mut consents, mut failed) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut settled = Vec::new();
    let Some(items) = items else { return Decided::failed(Failure::Damaged) };
    for (index, item) in (0..).zip(items) {
        let context = ItemContext { batch, index, now, changes: &mut changes, consents: &mut consents };
        let mut step =
            Step { batch, item, context, taken: None, notes: Vec::new(), said: 0, settled: &mut settled };
        let outcome = match step.apply(work) {
            Ok((action, slot)) => Outcome::Done(action, work.slot(slot).number, step.notes),
            Err(failure) => {
                failed += 1;
                let holder = |(kind, slot)| Taken { kind, holder: work.slot(slot).number };
                Outcome::Failed(failure, asked(batch, item, work), step.taken.map(holder))
            }
        };
        outcome::put(&mut results, &outcome);
    }
    // Hundreds of them wait to be written.
    results.shrink_to_fit();
    changes.shrink_to_fit();
    consents.shrink_to_fit();
    Decided { results, changes, consents, failed }
}

/// What an item would do.
#[derive(Debug, PartialEq, Eq)]
pub enum Tried {
    /// It would be applied: what it would do, the contact (none yet where it would be made), and the contact's
    /// identifiers then, or those that it would be removed with, and what is to be said of it.
    Done(Action, Option<ContactNo>, Identifiers<Option<String>>, Vec<Note>),
    /// It would fail, and asks for these identifiers, one of which may be another contact's: which, and that contact
    /// (none yet where an item before it would make it).
    Failed(Failure, Identifiers<Option<String>>, Option<(IdentifierKind, Option<ContactNo>)>),
}

/// Applies the items of a batch to a unit of work that is thrown away afterwards.
pub fn dry_run(
    batch: &Waiting,
    items: &[PlannedItem<'_>],
    work: &mut UnitOfWork,
    now: Timestamp,
) -> Vec<Tried> {
    let (mut changes, mut consents, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    let mut tried = Vec::with_capacity(items.len());
    for (index, item) in (0..).zip(items) {
        let context = ItemContext { batch, index, now, changes: &mut changes, consents: &mut consents };
        let mut step =
            Step { batch, item, context, taken: None, notes: Vec::new(), said: 0, settled: &mut settled };
        tried.push(match step.apply(work) {
            Ok((action, slot)) => {
                let slot = work.slot(slot);
                let borne = Document::read(work.document(slot)).and_then(|document| document.identifiers());
                // A slot that is new has a number that the next contact gets, whoever makes it.
                let number = Some(slot.number).filter(|_| !slot.new);
                let identifiers = borne.unwrap_or_default().map(|text| text.map(str::to_owned));
                Tried::Done(action, number, identifiers, step.notes)
            }
            Err(failure) => {
                let asked = asked(batch, item, work).map(|text| text.map(str::to_owned));
                let taken = step.taken.map(|(kind, slot)| (kind, work.slot(slot)));
                let taken = taken.map(|(kind, slot)| (kind, Some(slot.number).filter(|_| !slot.new)));
                Tried::Failed(failure, asked, taken)
            }
        });
    }
    tried
}

/// The identifiers that a failed item asked for; those that it would clear are left out, and those of people who
/// were erased: nothing of them is kept.
fn asked<'a>(batch: &Waiting, item: &PlannedItem<'a>, work: &UnitOfWork) -> Identifiers<Option<&'a str>> {
    let mut asked = item.item.asked_in(batch.kind).unwrap_or_default();
    for kind in IdentifierKind::ALL {
        let text = asked.get_mut(kind);
        *text = text.filter(|text| !text.is_empty() && !work.is_erased(batch.account, kind, text));
    }
    asked
}

/// One item and its turn.
struct Step<'a> {
    batch: &'a Waiting,
    item: &'a PlannedItem<'a>,
    context: ItemContext<'a>,
    /// Where it fails since another contact has an identifier: which, and the slot of that contact.
    taken: Option<(IdentifierKind, u32)>,
    /// What is to be said of it, where it is applied.
    notes: Vec<Note>,
    /// Bytes of the ledger that stay if it fails: those before it, and of a contact that is gone.
    said: usize,
    /// Room for the patch of an item that names flags.
    settled: &'a mut Vec<u8>,
}

impl Step<'_> {
    /// Whole or not at all: one that fails says nothing in the ledger either.
    fn apply(&mut self, work: &mut UnitOfWork) -> Applied {
        self.said = self.context.consents.len();
        let applied = self.decide(work);
        if applied.is_err() {
            self.context.consents.truncate(self.said);
        }
        applied
    }

    fn decide(&mut self, work: &mut UnitOfWork) -> Applied {
        self.check_references(work)?;
        let mut found = self.look_up(work)?;
        if found.is_none() && self.item.is_linked() {
            found = self.opt_out(work)?;
        }
        match (found, self.batch.kind) {
            (
                Some(found),
                BatchKind::Update
                | BatchKind::Upsert
                | BatchKind::UpdateExact
                | BatchKind::UpsertExact
                | BatchKind::UpdateByNumber,
            ) => self.update(work, found),
            (Some(found), BatchKind::Remove) => self.context.remove(work, found),
            (None, BatchKind::Upsert | BatchKind::UpsertExact) => self.create(work, Failure::IdentifierTaken),
            (None, BatchKind::Add) => self.create(work, Failure::ContactExists),
            (
                None,
                BatchKind::Update | BatchKind::UpdateExact | BatchKind::UpdateByNumber | BatchKind::Remove,
            ) => Err(Failure::ContactNotFound),
            // An item of contacts/add looks nobody up; the others have rules of their own.
            (Some(_), BatchKind::Add) | (_, BatchKind::Undo | BatchKind::Erase | BatchKind::Merge) => {
                Err(Failure::Damaged)
            }
        }
    }

    /// The list, its variables and the source were there at acceptance; they may have gone since.
    fn check_references(&self, work: &UnitOfWork) -> Result<(), Failure> {
        let list = work.list(self.batch.list).ok_or(Failure::ListNotFound)?;
        let mut variables = Reader::new(self.item.variables);
        while let Some(entry) = variables.entry()? {
            if entry.key.variable().is_none_or(|number| !list.variables.contains(&number)) {
                return Err(Failure::VariableNotFound);
            }
        }
        if self.item.source.is_some_and(|source| !work.has_source(source)) {
            return Err(Failure::SourceNotFound);
        }
        Ok(())
    }

    /// A link of a contact that is gone: it stays off if an undo restores the contact. The contact that is left of a
    /// merged one takes the item.
    fn opt_out(&mut self, work: &mut UnitOfWork) -> Result<Option<u32>, Malformed> {
        let (list, item) = (self.batch.list, &self.item.item);
        let Some(number) = item.number(self.batch.kind) else { return Ok(None) };
        let (mut flags, mut reader) = (Flags::default(), Reader::new(item.patch));
        while let Some(entry) = reader.entry()? {
            if let Some(flag) = Flags::of_key(entry.key).filter(|_| entry.value.is_empty()) {
                flags.set(flag, true);
            }
        }
        if let Some(end) = work.end_of_gone(list, number)? {
            let proof = Proof::of_patch(item.patch)?;
            let end = self.context.ledger(How::Request).add(number, end, (flags, Flags::default()), proof);
            self.said = self.context.consents.len();
            work.load_gone(list, number, Some(end));
            work.opted_out.push(OptedOut { list, number, flags, consent: end.position });
        }
        work.find_winner(list, number)
    }

    /// As userId, then as what the text is by its form; an e-mail address is never a phone number.
    fn look_up(&self, work: &UnitOfWork) -> Result<Option<u32>, Malformed> {
        let (list, item) = (self.batch.list, &self.item.item);
        if let Some(number) = item.number(self.batch.kind) {
            return work.find_number(list, number);
        }
        let [as_user_id, as_itself] = self.item.lookup;
        if let Some(hash) = as_user_id {
            let found = work.find(list, IdentifierKind::UserId, item.contact, hash)?;
            if found.is_some() || item.kind == IdentifierKind::UserId {
                return Ok(found);
            }
        }
        as_itself.map_or(Ok(None), |hash| work.find(list, item.kind, item.contact, hash))
    }

    /// `taken` is what it is called where another contact bears an identifier of the new one.
    fn create(&mut self, work: &mut UnitOfWork, taken: Failure) -> Applied {
        let (item, batch) = (&self.item.item, self.batch);
        let wanted = item.asked()?;
        if IdentifierKind::ALL.iter().all(|kind| wanted.get(*kind).is_none_or(str::is_empty)) {
            return Err(Failure::IdentifierRequired);
        }
        for kind in IdentifierKind::ALL {
            let named = self.item.named(kind);
            // What `contact` fills was looked up already, and nobody has it.
            if let Some((text, hash)) = named.filter(|(text, _)| !text.is_empty())
                && let Some(holder) = work.find(batch.list, kind, text, hash)?
            {
                self.taken = Some((kind, holder));
                return Err(taken);
            }
        }
        self.check_erased(work, &wanted, &Identifiers::default())?;
        // The patch is laid over what `contact` fills, so that what it names itself wins, a clearing too.
        let mut filled = Vec::with_capacity(item.contact.len() + 4);
        if batch.kind.upserts() {
            put_entry(&mut filled, item.kind.field().key(), item.contact.as_bytes());
        }
        // All flags of a new contact are of this batch.
        let number = work.next_number(batch.list);
        let mut ledger = self.context.ledger(How::Request);
        let mut patch = item.patch;
        if self.item.has_flags {
            let said = (patch, self.item.about);
            consent::settle(&filled, said, Flags::every(), number, &mut ledger, self.settled)?;
            patch = self.settled;
        }
        self.forgive(work, &wanted);
        let applied = self.context.create(work, &filled, patch)?;
        work.change_flags(applied.1, batch.position, Flags::every());
        Ok(applied)
    }

    fn update(&mut self, work: &mut UnitOfWork, found: u32) -> Applied {
        let before = Document::read(work.document(work.slot(found)))?.identifiers()?;
        let renamed = self.check_identifiers(work, found, &before)?;
        if renamed {
            let wanted = self.item.item.named()?;
            self.check_erased(work, &wanted, &before)?;
            self.forgive(work, &wanted);
        }
        if !self.item.has_flags {
            return self.context.update(work, found, self.item.item.patch, renamed);
        }
        let position = self.batch.position;
        let slot = work.slot(found);
        let record = Document::read(work.document(slot))?.record;
        let changed = work.flags_changed(found, position);
        let mut ledger = self.context.ledger(How::Request);
        let said = (self.item.item.patch, self.item.about);
        let settled = consent::settle(record, said, changed, slot.number, &mut ledger, self.settled)?;
        let applied = self.context.update(work, found, self.settled, renamed)?;
        work.change_flags(found, position, settled.changed);
        self.notes = settled.notes;
        Ok(applied)
    }

    /// Whether the item changes an identifier of the contact, or why it may not.
    fn check_identifiers(
        &mut self,
        work: &UnitOfWork,
        found: u32,
        before: &Identifiers<Option<&str>>,
    ) -> Result<bool, Failure> {
        let (mut renamed, mut left) = (false, false);
        for kind in IdentifierKind::ALL {
            let had = *before.get(kind);
            let Some((text, hash)) = self.item.named(kind) else {
                left |= had.is_some();
                continue;
            };
            left |= !text.is_empty();
            if had.unwrap_or_default() == text {
                continue;
            }
            renamed = true;
            if !text.is_empty()
                && let Some(holder) = work.find(self.batch.list, kind, text, hash)?
                && holder != found
            {
                self.taken = Some((kind, holder));
                return Err(Failure::IdentifierTaken);
            }
        }
        if left { Ok(renamed) } else { Err(Failure::IdentifierRequired) }
    }

    /// Whether the batch may give a contact identifiers whose bearers were erased, where some of these are such.
    fn check_erased(
        &self,
        work: &UnitOfWork,
        wanted: &Identifiers<Option<&str>>,
        before: &Identifiers<Option<&str>>,
    ) -> Result<(), Failure> {
        let erased = |kind: IdentifierKind| {
            let fresh = wanted.get(kind).filter(|text| *before.get(kind) != Some(*text));
            fresh.is_some_and(|text| work.is_erased(self.batch.account, kind, text))
        };
        let refused = !self.batch.restore_erased && IdentifierKind::ALL.into_iter().any(erased);
        if refused { Err(Failure::ContactErased) } else { Ok(()) }
    }

    /// Those whom the batch brings back are erased no longer.
    fn forgive(&self, work: &mut UnitOfWork, wanted: &Identifiers<Option<&str>>) {
        if self.batch.restore_erased {
            for kind in IdentifierKind::ALL {
                if let Some(text) = wanted.get(kind) {
                    work.forgive(self.batch.account, kind, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
