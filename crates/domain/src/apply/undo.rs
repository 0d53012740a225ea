//! Undoing a request: per contact, the fields that it changed and that nothing has changed since are put back.
//!
//! What a request did to a contact is undone as one change. What each contact gets back is settled for all of them
//! before the first is written: what one gives back another may take, also where two have exchanged it.

mod plan;

use std::collections::{BTreeMap, HashSet};

use self::plan::{Act, UndoPlan};
use super::consent;
use super::item_context::ItemContext;
use super::ledger::{How, Ledger};
use super::outcome::{self, Action, Failure, Outcome, Undone};
use super::plan::Waiting;
use super::rule::Decided;
use super::unit_of_work::{MergeUndone, UnitOfWork};
use crate::clock::Timestamp;
use crate::contact::choice::{Choices, Flags, Head, State};
use crate::contact::document::{self, Document};
use crate::contact::field::{Field, Key};
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, put_entry};
use crate::history::{self, Change, ChangeKind, Fields};
use crate::journal::ContactNo;

/// What the request did to one contact.
#[derive(Debug, Default)]
pub struct RecordedChange {
    /// Whether the contact was there before.
    pub was_there: bool,
    /// Whether it was there afterwards.
    pub is_there: bool,
    /// When it was made, where the request removed it.
    pub created_at: Timestamp,
    /// What was replaced, by key: an empty value was nothing.
    pub replaced: Fields,
    /// Whether the person was erased since.
    pub erased: bool,
}

impl RecordedChange {
    /// Of a contact that the request made: whatever it gave it replaced nothing.
    pub fn made(&mut self, given: impl IntoIterator<Item = Key>) {
        self.replaced = given.into_iter().map(|key| (key, Vec::new())).collect();
    }

    /// Adds a change; they must come in the order in which they were made.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn add(&mut self, change: &Change<'_>, first: bool) -> Result<(), Malformed> {
        if first {
            self.was_there = change.kind != ChangeKind::Created;
        }
        self.is_there = change.kind != ChangeKind::Removed;
        self.erased |= change.kind == ChangeKind::Erased;
        let replaced = match change.kind {
            ChangeKind::Updated => history::fields(change.before)?,
            ChangeKind::Removed => {
                let document = Document::read(change.before)?;
                self.created_at = document.header.created_at;
                history::fields(document.record)?
            }
            ChangeKind::Created | ChangeKind::Erased => Fields::new(),
        };
        for (key, old) in replaced {
            // The earliest is what was there before the request.
            self.replaced.entry(key).or_insert(old);
        }
        Ok(())
    }
}

/// What has happened to a contact since.
#[derive(Debug, Default)]
pub struct Since {
    /// The fields that were changed.
    pub touched: HashSet<Key>,
    /// Whether anything was, be it a value that is forgotten since.
    pub changed: bool,
    /// Whether there were more changes than one walks.
    pub too_many: bool,
}

/// A contact that the request changed.
#[derive(Debug)]
pub struct Subject {
    /// Its number.
    pub number: ContactNo,
    /// What the request did to it.
    pub recorded_change: RecordedChange,
    /// What has happened since.
    pub since: Since,
    /// Its slot, where it is there now.
    pub slot: Option<u32>,
    /// The position of the batch that removed it, where it is not.
    pub removed_at: u64,
    /// The position of the batch that is undone.
    pub undone_at: u64,
    /// Where it is not there: the flags that its owner has turned off since it was removed.
    pub opted_out: Flags,
    /// Those of them that its own ledger has already.
    pub recorded: Flags,
    /// The end of its ledger.
    pub ledger_end: Option<Head>,
}

impl Subject {
    /// The identifiers that it may get back.
    pub fn wanted(&self) -> Identifiers<Option<&str>> {
        let mut wanted = Identifiers::default();
        for kind in IdentifierKind::ALL {
            let old = self.recorded_change.replaced.get(&kind.field().key());
            *wanted.get_mut(kind) =
                old.and_then(|old| std::str::from_utf8(old).ok()).filter(|text| !text.is_empty());
        }
        wanted
    }

    /// The source that it may get back.
    pub fn source(&self) -> Option<u64> {
        let old = self.recorded_change.replaced.get(&Field::Source.key())?;
        old.as_slice().try_into().ok().map(u64::from_le_bytes)
    }
}

/// Undoes what a request did to its contacts, in the order in which it came to them first.
pub fn undo(
    batch: &Waiting,
    subjects: &[Subject],
    work: &mut UnitOfWork,
    key: &HashKey,
    now: Timestamp,
) -> Decided {
    let mut plans: Vec<_> = subjects.iter().map(|subject| UndoPlan::of(subject, batch, work)).collect();
    plan::settle(subjects, &mut plans, batch.list, work, key);
    let (mut changes, mut consents, mut failed) = (Vec::new(), Vec::new(), 0);
    let mut outcomes = Vec::with_capacity(subjects.len());
    // Backwards, as what is undone was done: so an undo of this one goes forwards again.
    for (index, (subject, plan)) in subjects.iter().zip(plans).enumerate().rev() {
        // A request has at most 100 contacts.
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let context = ItemContext { batch, index, now, changes: &mut changes, consents: &mut consents };
        outcomes.push(plan.and_then(|plan| grant(subject, plan, context, work)).unwrap_or_else(|failure| {
            failed += 1;
            Outcome::Failed(failure, Identifiers::default(), None)
        }));
    }
    let mut results = Vec::new();
    outcomes.iter().rev().for_each(|outcome| outcome::put(&mut results, outcome));
    Decided { results, changes, consents, failed }
}

/// Gives a contact what it may have back.
fn grant(
    subject: &Subject,
    plan: UndoPlan,
    mut context: ItemContext<'_>,
    work: &mut UnitOfWork,
) -> Result<Outcome<'static>, Failure> {
    let UndoPlan { act, wanted, kept, choices } = plan;
    let (action, _) = match act {
        Act::Leave => (Action::Unchanged, 0),
        Act::Remove(found) => {
            let removed = context.remove(work, found)?;
            // What had restored it was the undo of a merge: that holds again.
            let (list, before) = (context.batch.list, subject.undone_at);
            work.merges_undone.push(MergeUndone { list, loser: subject.number, before, after: 0 });
            removed
        }
        Act::PutBack(found) => {
            let record = Document::read(work.document(work.slot(found)))?.record;
            let patch =
                patch_of_flags(record, &wanted, choices, subject.number, &mut context.ledger(How::Undo))?;
            let before = context.consents.len();
            put_back(&mut context, work, found, &patch).inspect_err(|_| context.consents.truncate(before))?
        }
        Act::BringBack => {
            let before = context.consents.len();
            let record = record_of(&wanted, subject, &mut context.ledger(How::Undo));
            let created_at = subject.recorded_change.created_at;
            context
                .bring_back(work, subject.number, created_at, &record, subject.removed_at)
                .inspect_err(|_| context.consents.truncate(before))?
        }
    };
    Ok(Outcome::Undone(action, subject.number, told(wanted, kept)))
}

/// Puts fields of a contact back to what they were.
fn put_back(
    context: &mut ItemContext<'_>,
    work: &mut UnitOfWork,
    found: u32,
    patch: &[u8],
) -> super::item_context::Applied {
    let before = Document::read(work.document(work.slot(found)))?.identifiers()?;
    let named = document::identifiers(patch)?;
    let renamed = IdentifierKind::ALL
        .iter()
        .any(|kind| named.get(*kind).is_some_and(|text| before.get(*kind).unwrap_or_default() != text));
    context.update(work, found, patch, renamed)
}

/// As a patch, or as a record where no value is empty: keys come in their order.
fn patch(fields: &Fields) -> Vec<u8> {
    let mut patch = Vec::new();
    fields.iter().for_each(|(key, value)| put_entry(&mut patch, *key, value));
    patch
}

/// The record of a contact that comes back: what its owner has turned off meanwhile stays off.
fn record_of(wanted: &Fields, subject: &Subject, ledger: &mut Ledger<'_>) -> Vec<u8> {
    let off = subject.opted_out;
    if off.is_empty() {
        return patch(wanted);
    }
    let mut choices = Choices::read(wanted.get(&Key::CHOICES).map(Vec::as_slice));
    choices.refused = choices.refused.with(off);
    // The person said so: no undo turns them on.
    choices.named = choices.named.with(off);
    choices.head = subject.ledger_end.or(choices.head);
    let unsaid = off.without(subject.recorded);
    if !unsaid.is_empty() {
        choices.head = Some(ledger.add(subject.number, choices.head, (unsaid, Flags::default()), &[]));
    }
    let mut wanted = wanted.clone();
    wanted.insert(Key::CHOICES, choices.bytes());
    patch(&wanted)
}

/// The same, with what was chosen about the flags that are put back.
fn patch_of_flags(
    record: &[u8],
    wanted: &Fields,
    before: Option<Choices>,
    number: ContactNo,
    ledger: &mut Ledger<'_>,
) -> Result<Vec<u8>, Malformed> {
    let restored =
        || wanted.iter().filter_map(|(key, value)| Some((Flags::of_key(*key)?, !value.is_empty())));
    if restored().next().is_none() {
        return Ok(patch(wanted));
    }
    let now = State::read(record)?.choices;
    let choices = consent::restore(now, before.unwrap_or(now), restored(), number, ledger);
    let mut wanted = wanted.clone();
    wanted.insert(Key::CHOICES, choices.bytes());
    Ok(patch(&wanted))
}

fn told(restored: Fields, kept: BTreeMap<Key, Failure>) -> Undone {
    Undone {
        restored: restored.into_keys().filter(|key| key.is_shown()).collect(),
        kept: kept.into_iter().filter(|(key, _)| key.is_shown()).collect(),
    }
}

#[cfg(test)]
mod tests;
