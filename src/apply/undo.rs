//! Undoing a request: per contact, the fields that it changed and that nothing has changed since are put back.
//!
//! What a request did to a contact is undone as one change, last contact first: what one gives back another may take.

use std::collections::{BTreeMap, HashSet};

use super::outcome::{self, Action, Failure, Outcome, Undone};
use super::plan::Waiting;
use super::rule::Decided;
use super::turn::Turn;
use super::world::World;
use crate::clock::Timestamp;
use crate::contact::document::{self, Document};
use crate::contact::field::{Field, Key};
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, put_entry};
use crate::history::{self, Change, ChangeKind, Fields};
use crate::journal::ContactNo;

/// What the request did to one contact.
#[derive(Debug, Default)]
pub struct Deed {
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

impl Deed {
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

    /// Nothing of it is put back.
    fn left_alone(&self, failure: Failure) -> Undone {
        // A field that the request set before it removed the contact was nothing.
        let replaced = self.replaced.iter().filter(|(_, old)| self.is_there || !old.is_empty());
        Undone { restored: Vec::new(), kept: replaced.map(|(key, _)| (*key, failure)).collect() }
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
    pub deed: Deed,
    /// What has happened since.
    pub since: Since,
    /// Its slot, where it is there now.
    pub slot: Option<u32>,
    /// The position of the batch that removed it, where it is not.
    pub removed_at: u64,
}

impl Subject {
    /// The identifiers that it may get back.
    pub fn wanted(&self) -> Identifiers<Option<&str>> {
        let mut wanted = Identifiers::default();
        for kind in IdentifierKind::ALL {
            let old = self.deed.replaced.get(&kind.field().key());
            *wanted.get_mut(kind) =
                old.and_then(|old| std::str::from_utf8(old).ok()).filter(|text| !text.is_empty());
        }
        wanted
    }

    /// The source that it may get back.
    pub fn source(&self) -> Option<u64> {
        let old = self.deed.replaced.get(&Field::Source.key())?;
        old.as_slice().try_into().ok().map(u64::from_le_bytes)
    }
}

/// Undoes what a request did to its contacts, in the order in which it came to them first.
pub fn undo(
    batch: &Waiting,
    subjects: &[Subject],
    world: &mut World,
    key: &HashKey,
    now: Timestamp,
) -> Decided {
    let (mut changes, mut failed) = (Vec::new(), 0);
    let mut outcomes = Vec::with_capacity(subjects.len());
    for (index, subject) in subjects.iter().enumerate().rev() {
        // A request has at most 100 contacts.
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let turn = Turn { batch, index, now, changes: &mut changes };
        let done = Undoing { subject, key, turn }.run(world);
        outcomes.push(done.unwrap_or_else(|failure| {
            failed += 1;
            Outcome::Failed(failure, Identifiers::default())
        }));
    }
    let mut results = Vec::new();
    outcomes.iter().rev().for_each(|outcome| outcome::put(&mut results, outcome));
    Decided { results, changes, failed }
}

struct Undoing<'a> {
    subject: &'a Subject,
    key: &'a HashKey,
    turn: Turn<'a>,
}

impl Undoing<'_> {
    fn run(mut self, world: &mut World) -> Result<Outcome<'static>, Failure> {
        let Subject { number, deed, slot, .. } = self.subject;
        if world.list(self.turn.batch.list).is_none() {
            return Err(Failure::ListNotFound);
        }
        if deed.erased {
            return Err(Failure::ContactErased);
        }
        let (action, undone) = match (deed.was_there, deed.is_there, *slot) {
            // It came and went, or what was to be undone is so already.
            (false, false, _) | (false, true, None) | (true, false, Some(_)) => {
                (Action::Unchanged, Undone::default())
            }
            (false, true, Some(found)) => self.unmake(world, found)?,
            (true, true, Some(found)) => {
                let wanted = deed.replaced.clone();
                self.put_back(world, found, wanted)?
            }
            (true, false, None) if !self.subject.since.changed => self.bring_back(world)?,
            // It came back since, and was removed once more: that is another's doing.
            (true, false, None) => (Action::Unchanged, deed.left_alone(Failure::ChangedSince)),
            (true, true, None) => (Action::Unchanged, deed.left_alone(Failure::ContactNotFound)),
        };
        Ok(Outcome::Undone(action, *number, undone))
    }

    /// Removes a contact that the request made, or takes back what it was made with where others have changed it.
    fn unmake(&mut self, world: &mut World, found: u32) -> Result<(Action, Undone), Failure> {
        let Subject { since, deed, .. } = self.subject;
        if since.changed || since.too_many {
            return self.put_back(world, found, deed.replaced.clone());
        }
        self.turn.remove(world, found)?;
        Ok((Action::Removed, told(deed.replaced.clone(), BTreeMap::new())))
    }

    /// Puts fields of a contact back to what they were.
    fn put_back(
        &mut self,
        world: &mut World,
        found: u32,
        mut wanted: Fields,
    ) -> Result<(Action, Undone), Failure> {
        let mut kept = self.split(world, &mut wanted, Some(found))?;
        let borne = Document::read(world.document(world.slot(found)))?;
        let has = |kind: IdentifierKind, wanted: &Fields| match wanted.get(&kind.field().key()) {
            Some(text) => Ok(!text.is_empty()),
            None => borne.text(kind.field()).map(|text| text.is_some()),
        };
        let mut left = false;
        for kind in IdentifierKind::ALL {
            left |= has(kind, &wanted)?;
        }
        if !left {
            refuse(&mut wanted, &mut kept, Failure::IdentifierRequired, is_identifier);
        }
        let patch = patch(&wanted);
        let before = borne.identifiers()?;
        let named = document::identifiers(&patch)?;
        let renamed = IdentifierKind::ALL
            .iter()
            .any(|kind| named.get(*kind).is_some_and(|text| before.get(*kind).unwrap_or_default() != text));
        let (action, _) = self.turn.update(world, found, &patch, renamed)?;
        Ok((action, told(wanted, kept)))
    }

    /// Brings back a contact that the request removed.
    fn bring_back(&mut self, world: &mut World) -> Result<(Action, Undone), Failure> {
        let Subject { number, deed, removed_at, .. } = self.subject;
        let mut wanted = deed.replaced.clone();
        // A field that the request set before it removed the contact was nothing.
        wanted.retain(|_, value| !value.is_empty());
        let mut kept = self.split(world, &mut wanted, None)?;
        if !wanted.keys().any(|key| is_identifier(*key)) {
            refuse(&mut wanted, &mut kept, Failure::IdentifierRequired, |_| true);
            return Ok((Action::Unchanged, told(wanted, kept)));
        }
        let record = patch(&wanted);
        let (action, _) = self.turn.bring_back(world, *number, deed.created_at, &record, *removed_at)?;
        Ok((action, told(wanted, kept)))
    }

    /// Takes out of `wanted` what cannot be put back, and says why.
    fn split(
        &self,
        world: &World,
        wanted: &mut Fields,
        found: Option<u32>,
    ) -> Result<BTreeMap<Key, Failure>, Failure> {
        let mut kept = BTreeMap::new();
        for (key, value) in &*wanted {
            if let Some(failure) = self.refusal(world, *key, value, found)? {
                kept.insert(*key, failure);
            }
        }
        wanted.retain(|key, _| !kept.contains_key(key));
        Ok(kept)
    }

    fn refusal(
        &self,
        world: &World,
        key: Key,
        value: &[u8],
        found: Option<u32>,
    ) -> Result<Option<Failure>, Malformed> {
        let (list, since) = (self.turn.batch.list, &self.subject.since);
        // First: its values leave histories, and so what has changed since is not known for ever.
        if let Some(number) = key.variable()
            && world.list(list).is_none_or(|list| !list.variables.contains(&number))
        {
            return Ok(Some(Failure::VariableNotFound));
        }
        // A contact that is brought back has nothing that could have changed.
        if found.is_some() && since.touched.contains(&key) {
            return Ok(Some(Failure::ChangedSince));
        }
        if found.is_some() && since.too_many {
            return Ok(Some(Failure::HistoryTooLong));
        }
        if value.is_empty() {
            return Ok(None);
        }
        if key == Field::Source.key() {
            let there = value.try_into().ok().map(u64::from_le_bytes).is_some_and(|no| world.has_source(no));
            return Ok((!there).then_some(Failure::SourceNotFound));
        }
        let Some(kind) = IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == key) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
        let hash = self.key.hash(list.0.unsigned_abs(), kind, text);
        if world.find(list, kind, text, hash)?.is_some_and(|holder| Some(holder) != found) {
            return Ok(Some(Failure::IdentifierTaken));
        }
        let erased = world.is_erased(self.turn.batch.account, kind, text);
        Ok(erased.then_some(Failure::ContactErased))
    }
}

fn is_identifier(key: Key) -> bool {
    IdentifierKind::ALL.iter().any(|kind| kind.field().key() == key)
}

/// Moves what is wanted and fits from there to what is kept.
fn refuse(
    wanted: &mut Fields,
    kept: &mut BTreeMap<Key, Failure>,
    failure: Failure,
    fits: impl Fn(Key) -> bool,
) {
    kept.extend(wanted.keys().filter(|key| fits(**key)).map(|key| (*key, failure)));
    wanted.retain(|key, _| !fits(*key));
}

/// As a patch, or as a record where no value is empty: keys come in their order.
fn patch(fields: &Fields) -> Vec<u8> {
    let mut patch = Vec::new();
    fields.iter().for_each(|(key, value)| put_entry(&mut patch, *key, value));
    patch
}

fn told(restored: Fields, kept: BTreeMap<Key, Failure>) -> Undone {
    Undone { restored: restored.into_keys().collect(), kept: kept.into_iter().collect() }
}
