//! The change rule: what an item does to the contacts (contract, section 4).

use super::consent;
use super::ledger::How;
use super::outcome::{self, Action, Failure, Note, Outcome, Taken};
use super::plan::{Plan, PlannedItem, Waiting};
use super::turn::{Applied, Turn};
use super::world::{OptedOut, World};
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

/// Applies every item of every batch to the world, in order.
pub fn apply(waiting: &[Waiting], plan: &Plan<'_>, world: &mut World, now: Timestamp) -> Vec<Decided> {
    waiting
        .iter()
        .zip(&plan.batches)
        .map(|(batch, items)| apply_batch(batch, items.as_deref(), world, now))
        .collect()
}

fn apply_batch(
    batch: &Waiting,
    items: Option<&[PlannedItem<'_>]>,
    world: &mut World,
    now: Timestamp,
) -> Decided {
    let (mut results, mut changes, mut consents, mut failed) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut settled = Vec::new();
    let Some(items) = items else { return Decided::failed(Failure::Damaged) };
    for (index, item) in (0..).zip(items) {
        let turn = Turn { batch, index, now, changes: &mut changes, consents: &mut consents };
        let mut step =
            Step { batch, item, turn, taken: None, notes: Vec::new(), said: 0, settled: &mut settled };
        let outcome = match step.apply(world) {
            Ok((action, slot)) => Outcome::Done(action, world.slot(slot).number, step.notes),
            Err(failure) => {
                failed += 1;
                let holder = |(kind, slot)| Taken { kind, holder: world.slot(slot).number };
                Outcome::Failed(failure, asked(batch, item, world), step.taken.map(holder))
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

/// Applies the items of a batch to a world that is thrown away afterwards.
pub fn try_out(batch: &Waiting, items: &[PlannedItem<'_>], world: &mut World, now: Timestamp) -> Vec<Tried> {
    let (mut changes, mut consents, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    let mut tried = Vec::with_capacity(items.len());
    for (index, item) in (0..).zip(items) {
        let turn = Turn { batch, index, now, changes: &mut changes, consents: &mut consents };
        let mut step =
            Step { batch, item, turn, taken: None, notes: Vec::new(), said: 0, settled: &mut settled };
        tried.push(match step.apply(world) {
            Ok((action, slot)) => {
                let slot = world.slot(slot);
                let borne = Document::read(world.document(slot)).and_then(|document| document.identifiers());
                // A slot that is new has a number that the next contact gets, whoever makes it.
                let number = Some(slot.number).filter(|_| !slot.new);
                let identifiers = borne.unwrap_or_default().map(|text| text.map(str::to_owned));
                Tried::Done(action, number, identifiers, step.notes)
            }
            Err(failure) => {
                let asked = asked(batch, item, world).map(|text| text.map(str::to_owned));
                let taken = step.taken.map(|(kind, slot)| (kind, world.slot(slot)));
                let taken = taken.map(|(kind, slot)| (kind, Some(slot.number).filter(|_| !slot.new)));
                Tried::Failed(failure, asked, taken)
            }
        });
    }
    tried
}

/// The identifiers that a failed item asked for; those that it would clear are left out, and those of people who
/// were erased: nothing of them is kept.
fn asked<'a>(batch: &Waiting, item: &PlannedItem<'a>, world: &World) -> Identifiers<Option<&'a str>> {
    let mut asked = item.item.asked_in(batch.kind).unwrap_or_default();
    for kind in IdentifierKind::ALL {
        let text = asked.get_mut(kind);
        *text = text.filter(|text| !text.is_empty() && !world.is_erased(batch.account, kind, text));
    }
    asked
}

/// One item and its turn.
struct Step<'a> {
    batch: &'a Waiting,
    item: &'a PlannedItem<'a>,
    turn: Turn<'a>,
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
    fn apply(&mut self, world: &mut World) -> Applied {
        self.said = self.turn.consents.len();
        let applied = self.decide(world);
        if applied.is_err() {
            self.turn.consents.truncate(self.said);
        }
        applied
    }

    fn decide(&mut self, world: &mut World) -> Applied {
        self.check_references(world)?;
        let mut found = self.look_up(world)?;
        if found.is_none() && self.item.is_linked() {
            found = self.opt_out(world)?;
        }
        match (found, self.batch.kind) {
            (
                Some(found),
                BatchKind::Update
                | BatchKind::Upsert
                | BatchKind::UpdateExact
                | BatchKind::UpsertExact
                | BatchKind::UpdateByNumber,
            ) => self.update(world, found),
            (Some(found), BatchKind::Remove) => self.turn.remove(world, found),
            (None, BatchKind::Upsert | BatchKind::UpsertExact) => {
                self.create(world, Failure::IdentifierTaken)
            }
            (None, BatchKind::Add) => self.create(world, Failure::ContactExists),
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
    fn check_references(&self, world: &World) -> Result<(), Failure> {
        let list = world.list(self.batch.list).ok_or(Failure::ListNotFound)?;
        let mut variables = Reader::new(self.item.variables);
        while let Some(entry) = variables.entry()? {
            if entry.key.variable().is_none_or(|number| !list.variables.contains(&number)) {
                return Err(Failure::VariableNotFound);
            }
        }
        if self.item.source.is_some_and(|source| !world.has_source(source)) {
            return Err(Failure::SourceNotFound);
        }
        Ok(())
    }

    /// A link of a contact that is gone: it stays off if an undo restores the contact. The contact that is left of a
    /// merged one takes the item.
    fn opt_out(&mut self, world: &mut World) -> Result<Option<u32>, Malformed> {
        let (list, item) = (self.batch.list, &self.item.item);
        let Some(number) = item.number(self.batch.kind) else { return Ok(None) };
        let (mut flags, mut reader) = (Flags::default(), Reader::new(item.patch));
        while let Some(entry) = reader.entry()? {
            if let Some(flag) = Flags::of_key(entry.key).filter(|_| entry.value.is_empty()) {
                flags.set(flag, true);
            }
        }
        if let Some(end) = world.end_of_gone(list, number)? {
            let proof = Proof::of_patch(item.patch)?;
            let end = self.turn.ledger(How::Request).add(number, end, (flags, Flags::default()), proof);
            self.said = self.turn.consents.len();
            world.load_gone(list, number, Some(end));
            world.opted_out.push(OptedOut { list, number, flags, consent: end.position });
        }
        world.find_winner(list, number)
    }

    /// As userId, then as what the text is by its form; an e-mail address is never a phone number.
    fn look_up(&self, world: &World) -> Result<Option<u32>, Malformed> {
        let (list, item) = (self.batch.list, &self.item.item);
        if let Some(number) = item.number(self.batch.kind) {
            return world.find_number(list, number);
        }
        let [as_user_id, as_itself] = self.item.lookup;
        if let Some(hash) = as_user_id {
            let found = world.find(list, IdentifierKind::UserId, item.contact, hash)?;
            if found.is_some() || item.kind == IdentifierKind::UserId {
                return Ok(found);
            }
        }
        as_itself.map_or(Ok(None), |hash| world.find(list, item.kind, item.contact, hash))
    }

    /// `taken` is what it is called where another contact bears an identifier of the new one.
    fn create(&mut self, world: &mut World, taken: Failure) -> Applied {
        let (item, batch) = (&self.item.item, self.batch);
        let wanted = item.asked()?;
        if IdentifierKind::ALL.iter().all(|kind| wanted.get(*kind).is_none_or(str::is_empty)) {
            return Err(Failure::IdentifierRequired);
        }
        for kind in IdentifierKind::ALL {
            let named = self.item.named(kind);
            // What `contact` fills was looked up already, and nobody has it.
            if let Some((text, hash)) = named.filter(|(text, _)| !text.is_empty())
                && let Some(holder) = world.find(batch.list, kind, text, hash)?
            {
                self.taken = Some((kind, holder));
                return Err(taken);
            }
        }
        self.check_erased(world, &wanted, &Identifiers::default())?;
        // The patch is laid over what `contact` fills, so that what it names itself wins, a clearing too.
        let mut filled = Vec::with_capacity(item.contact.len() + 4);
        if batch.kind.upserts() {
            put_entry(&mut filled, item.kind.field().key(), item.contact.as_bytes());
        }
        // All flags of a new contact are of this batch.
        let number = world.next_number(batch.list);
        let mut ledger = self.turn.ledger(How::Request);
        let mut patch = item.patch;
        if self.item.has_flags {
            let said = (patch, self.item.about);
            consent::settle(&filled, said, Flags::every(), number, &mut ledger, self.settled)?;
            patch = self.settled;
        }
        self.forgive(world, &wanted);
        let applied = self.turn.create(world, &filled, patch)?;
        world.change_flags(applied.1, batch.position, Flags::every());
        Ok(applied)
    }

    fn update(&mut self, world: &mut World, found: u32) -> Applied {
        let before = Document::read(world.document(world.slot(found)))?.identifiers()?;
        let renamed = self.check_identifiers(world, found, &before)?;
        if renamed {
            let wanted = self.item.item.named()?;
            self.check_erased(world, &wanted, &before)?;
            self.forgive(world, &wanted);
        }
        if !self.item.has_flags {
            return self.turn.update(world, found, self.item.item.patch, renamed);
        }
        let position = self.batch.position;
        let slot = world.slot(found);
        let record = Document::read(world.document(slot))?.record;
        let changed = world.flags_changed(found, position);
        let mut ledger = self.turn.ledger(How::Request);
        let said = (self.item.item.patch, self.item.about);
        let settled = consent::settle(record, said, changed, slot.number, &mut ledger, self.settled)?;
        let applied = self.turn.update(world, found, self.settled, renamed)?;
        world.change_flags(found, position, settled.changed);
        self.notes = settled.notes;
        Ok(applied)
    }

    /// Whether the item changes an identifier of the contact, or why it may not.
    fn check_identifiers(
        &mut self,
        world: &World,
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
                && let Some(holder) = world.find(self.batch.list, kind, text, hash)?
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
        world: &World,
        wanted: &Identifiers<Option<&str>>,
        before: &Identifiers<Option<&str>>,
    ) -> Result<(), Failure> {
        let erased = |kind: IdentifierKind| {
            let fresh = wanted.get(kind).filter(|text| *before.get(kind) != Some(*text));
            fresh.is_some_and(|text| world.is_erased(self.batch.account, kind, text))
        };
        let refused = !self.batch.restore_erased && IdentifierKind::ALL.into_iter().any(erased);
        if refused { Err(Failure::ContactErased) } else { Ok(()) }
    }

    /// Those whom the batch brings back are erased no longer.
    fn forgive(&self, world: &mut World, wanted: &Identifiers<Option<&str>>) {
        if self.batch.restore_erased {
            for kind in IdentifierKind::ALL {
                if let Some(text) = wanted.get(kind) {
                    world.forgive(self.batch.account, kind, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
