//! Merging two contacts: the loser is removed, and the winner gets what it lacks.
//!
//! A no wins: a flag that one of the two has set to false is false afterwards. The request's history has both changes, so
//! an undo takes the winner's fields back and restores the loser with its own.

use std::collections::HashSet;

use super::consent;
use super::item_context::ItemContext;
use super::ledger::How;
use super::outcome::{self, Action, Failure, Outcome};
use super::plan::Waiting;
use super::rule::{Decided, Tried};
use super::unit_of_work::{Merged, UnitOfWork};
use crate::clock::Timestamp;
use crate::contact::choice::{Choices, Flags, State};
use crate::contact::document::{self, Document};
use crate::contact::field::Key;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_entry};
use crate::history::{self, Fields};
use crate::journal::{self, ContactNo};

/// Which of the two a field is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The winner, also where it has none.
    Winner,
    /// The loser, where it has one.
    Loser,
}

/// What is merged, as the batch says it.
#[derive(Debug)]
pub struct Asked {
    /// The contact that stays.
    pub winner: ContactNo,
    /// The contact that is removed.
    pub loser: ContactNo,
    /// Fields that do not follow the rule that the winner gets what it lacks.
    pub rules: Vec<(Key, Side)>,
}

impl Asked {
    /// The items of a batch that asks for it.
    pub fn items(&self) -> Vec<u8> {
        let mut rules = self.rules.clone();
        rules.sort_unstable_by_key(|(key, _)| *key);
        let mut patch = Vec::new();
        for (key, from) in rules {
            put_entry(&mut patch, key, &[from as u8]);
        }
        let mut items = journal::ItemsWriter::default();
        items.add(IdentifierKind::UserId, &self.winner.0.to_string(), &patch);
        items.add(IdentifierKind::UserId, &self.loser.0.to_string(), &[]);
        items.finish()
    }

    /// Side the items of a batch.
    ///
    /// # Errors
    /// [`Malformed`] where they are none.
    pub fn read(items: &[u8]) -> Result<Self, Malformed> {
        let items = journal::read_items(items)?;
        let [winner, loser] = items.as_slice() else { return Err(Malformed) };
        let number = |item: &journal::Item<'_>| item.contact.parse().map(ContactNo).map_err(|_| Malformed);
        let (mut rules, mut reader) = (Vec::new(), Reader::new(winner.patch));
        while let Some(entry) = reader.entry()? {
            let from = match entry.value {
                [0] => Side::Winner,
                [1] => Side::Loser,
                _ => return Err(Malformed),
            };
            rules.push((entry.key, from));
        }
        Ok(Self { winner: number(winner)?, loser: number(loser)?, rules })
    }
}

/// Merges two contacts. The results are that of the winner, then that of the loser; both fail where one is not there.
pub fn merge(
    batch: &Waiting,
    asked: &Asked,
    [winner, loser]: [Option<u32>; 2],
    work: &mut UnitOfWork,
    now: Timestamp,
) -> Decided {
    let (mut changes, mut consents) = (Vec::new(), Vec::new());
    let merged = apply(batch, asked, [winner, loser], work, now, (&mut changes, &mut consents));
    let mut results = Vec::new();
    match merged {
        Ok(action) => {
            outcome::put(&mut results, &Outcome::Done(action, asked.winner, Vec::new()));
            outcome::put(&mut results, &Outcome::Done(Action::Removed, asked.loser, Vec::new()));
            Decided { results, changes, consents, failed: 0 }
        }
        Err(failure) => {
            for _ in 0..2 {
                outcome::put(&mut results, &Outcome::Failed(failure, Identifiers::default(), None));
            }
            Decided { results, changes: Vec::new(), consents: Vec::new(), failed: 2 }
        }
    }
}

/// What merging would do, in a unit of work that is thrown away afterwards.
pub fn dry_run(
    batch: &Waiting,
    asked: &Asked,
    slots: [Option<u32>; 2],
    work: &mut UnitOfWork,
    now: Timestamp,
) -> Vec<Tried> {
    let identifiers = |work: &UnitOfWork, slot: Option<u32>| {
        let document = slot.map(|slot| work.document(work.slot(slot)));
        let borne = document.map(|document| Document::read(document).and_then(|it| it.identifiers()));
        borne.and_then(Result::ok).unwrap_or_default().map(|text| text.map(str::to_owned))
    };
    let loser = identifiers(work, slots[1]);
    match apply(batch, asked, slots, work, now, (&mut Vec::new(), &mut Vec::new())) {
        Ok(action) => vec![
            Tried::Done(action, Some(asked.winner), identifiers(work, slots[0]), Vec::new()),
            Tried::Done(Action::Removed, Some(asked.loser), loser, Vec::new()),
        ],
        Err(failure) => {
            let failed = || Tried::Failed(failure, Identifiers::default(), None);
            vec![failed(), failed()]
        }
    }
}

fn apply(
    batch: &Waiting,
    asked: &Asked,
    slots: [Option<u32>; 2],
    work: &mut UnitOfWork,
    now: Timestamp,
    (changes, consents): (&mut Vec<u8>, &mut Vec<u8>),
) -> Result<Action, Failure> {
    // The values of a variable that was removed are on their way out.
    let variables = work.list(batch.list).ok_or(Failure::ListNotFound)?.variables.clone();
    let [Some(winner), Some(loser)] = slots else { return Err(Failure::ContactNotFound) };
    let read = |slot| -> Result<(Fields, State), Malformed> {
        let record = Document::read(work.document(work.slot(slot)))?.record;
        Ok((history::fields(record)?, State::read(record)?))
    };
    let ((has, own), (gives, other)) = (read(winner)?, read(loser)?);
    let mut wanted = fields(asked, &has, &gives, &variables);
    let is_left = |kind: IdentifierKind| {
        let key = kind.field().key();
        wanted.get(&key).or_else(|| has.get(&key)).is_some_and(|text| !text.is_empty())
    };
    if !IdentifierKind::ALL.into_iter().any(is_left) {
        return Err(Failure::IdentifierRequired);
    }
    // First, so that its identifiers are free.
    let mut context = ItemContext { batch, index: 1, now, changes, consents };
    context.remove(work, loser)?;
    context.index = 0;
    let choices = flags(&mut wanted, own, other, asked.winner, &mut context);
    wanted.insert(Key::CHOICES, choices.bytes());
    let mut patch = Vec::new();
    wanted.iter().for_each(|(key, value)| put_entry(&mut patch, *key, value));
    let named = document::identifiers(&patch)?;
    let renamed = IdentifierKind::ALL.iter().any(|kind| {
        let had = has.get(&kind.field().key()).map_or(&[][..], Vec::as_slice);
        named.get(*kind).is_some_and(|text| text.as_bytes() != had)
    });
    let (action, _) = context.update(work, winner, &patch, renamed)?;
    work.merged.push(Merged { list: batch.list, loser: asked.loser, winner: asked.winner });
    Ok(action)
}

/// What the winner gets of the loser's fields, flags left out.
fn fields(asked: &Asked, has: &Fields, gives: &Fields, variables: &HashSet<u32>) -> Fields {
    let rule = |key: &Key| asked.rules.iter().find(|(named, _)| named == key).map(|(_, from)| *from);
    let gets = |(key, _): &(&Key, &Vec<u8>)| {
        key.is_shown()
            && Flags::of_key(**key).is_none()
            && key.variable().is_none_or(|number| variables.contains(&number))
            && match rule(key) {
                Some(Side::Loser) => true,
                Some(Side::Winner) => false,
                None => !has.contains_key(key),
            }
    };
    gives.iter().filter(gets).map(|(key, value)| (*key, value.clone())).collect()
}

/// Adds the flags of both to the patch: one that either has set to false is false, else one that either has on is on.
fn flags(
    wanted: &mut Fields,
    own: State,
    other: State,
    winner: ContactNo,
    context: &mut ItemContext<'_>,
) -> Choices {
    let mut before = own.choices;
    let mut changed = Vec::new();
    for flag in Flags::ALL {
        let refused = own.is_refused(flag) || other.is_refused(flag);
        let on = !refused && (own.on.has(flag) || other.on.has(flag));
        before.refused.set(flag, refused);
        if on != own.on.has(flag) || refused && !own.is_refused(flag) {
            wanted.insert(flag.key(), if on { vec![1] } else { Vec::new() });
            changed.push((flag, on));
        }
    }
    let changed = changed.into_iter();
    consent::restore(own.choices, before, changed, winner, &mut context.ledger(How::Merge))
}
