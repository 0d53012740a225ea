//! The change rule: what an item does to the contacts (contract, section 4).

use super::outcome::{self, Action, Failure, Outcome};
use super::plan::{Plan, PlannedItem, Waiting};
use super::world::{Former, World, put_identifiers};
use crate::clock::Timestamp;
use crate::contact::document::{Document, Header};
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{self, Malformed, Reader, put_entry};
use crate::journal::{BatchKind, ContactNo};

/// Applies every item of every batch to the world, in order, and returns the outcomes of each batch in their
/// stored form (see [`outcome`]).
pub fn apply(waiting: &[Waiting], plan: &Plan<'_>, world: &mut World, now: Timestamp) -> Vec<Vec<u8>> {
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
) -> Vec<u8> {
    let mut results = Vec::new();
    let Some(items) = items else {
        outcome::put(&mut results, &Outcome::Failed(Failure::Damaged, Identifiers::default()));
        return results;
    };
    for (index, item) in (0..).zip(items) {
        let change = Change { batch, index, item, now };
        let outcome = match change.apply(world) {
            Ok(Ok((action, number))) => Outcome::Done(action, number),
            Ok(Err(failure)) => Outcome::Failed(failure, asked(item)),
            Err(Malformed) => Outcome::Failed(Failure::Damaged, asked(item)),
        };
        outcome::put(&mut results, &outcome);
    }
    results
}

/// The identifiers that a failed item asked for, those that it would clear left out.
fn asked<'a>(item: &PlannedItem<'a>) -> Identifiers<Option<&'a str>> {
    let mut asked = item.item.asked().unwrap_or_default();
    for kind in IdentifierKind::ALL {
        let text = asked.get_mut(kind);
        *text = text.filter(|text| !text.is_empty());
    }
    asked
}

/// What an item did, or why it did nothing. The world is as before where it failed.
type Applied = Result<(Action, ContactNo), Failure>;

struct Change<'a> {
    batch: &'a Waiting,
    index: u32,
    item: &'a PlannedItem<'a>,
    now: Timestamp,
}

impl Change<'_> {
    fn apply(&self, world: &mut World) -> Result<Applied, Malformed> {
        if let Err(failure) = self.check_references(world)? {
            return Ok(Err(failure));
        }
        match (self.look_up(world)?, self.batch.kind) {
            (Some(found), _) => self.update(world, found),
            (None, BatchKind::Upsert) => self.create(world),
            (None, BatchKind::Update) => Ok(Err(Failure::ContactNotFound)),
        }
    }

    /// The list, its variables and the source were there at acceptance; they may have gone since.
    fn check_references(&self, world: &World) -> Result<Result<(), Failure>, Malformed> {
        let Some(list) = world.list(self.batch.list) else { return Ok(Err(Failure::ListNotFound)) };
        let mut variables = Reader::new(self.item.variables);
        while let Some(entry) = variables.entry()? {
            if entry.key.variable().is_none_or(|number| !list.variables.contains(&number)) {
                return Ok(Err(Failure::VariableNotFound));
            }
        }
        if self.item.source.is_some_and(|source| !world.has_source(source)) {
            return Ok(Err(Failure::SourceNotFound));
        }
        Ok(Ok(()))
    }

    /// As userId, then as what the text is by its form; an e-mail address is never a phone number.
    fn look_up(&self, world: &World) -> Result<Option<u32>, Malformed> {
        let (list, item) = (self.batch.list, &self.item.item);
        let [as_user_id, as_itself] = self.item.lookup;
        if let Some(found) = world.find(list, IdentifierKind::UserId, item.contact, as_user_id)? {
            return Ok(Some(found));
        }
        if item.kind == IdentifierKind::UserId {
            return Ok(None);
        }
        world.find(list, item.kind, item.contact, as_itself)
    }

    fn create(&self, world: &mut World) -> Result<Applied, Malformed> {
        let item = &self.item.item;
        let wanted = item.asked()?;
        if IdentifierKind::ALL.iter().all(|kind| wanted.get(*kind).is_none_or(str::is_empty)) {
            return Ok(Err(Failure::IdentifierRequired));
        }
        for kind in IdentifierKind::ALL {
            let named = *self.item.named.get(kind);
            // What `contact` fills was looked up already, and nobody has it.
            if let Some((text, hash)) = named.filter(|(text, _)| !text.is_empty())
                && world.find(self.batch.list, kind, text, hash)?.is_some()
            {
                return Ok(Err(Failure::IdentifierTaken));
            }
        }
        let header = Header { created_at: self.now, updated_at: self.now, renamed_at: 0 };
        let mut document = Vec::with_capacity(item.patch.len() + item.contact.len() + 24);
        header.put(&mut document);
        // The patch is laid over what `contact` fills, so that what it names itself wins, a clearing too.
        let mut filled = Vec::with_capacity(item.contact.len() + 4);
        put_entry(&mut filled, item.kind.field().key(), item.contact.as_bytes());
        record::merge(&filled, item.patch, &mut document)?;
        Ok(Ok((Action::Created, world.create(self.batch.list, &document)?)))
    }

    fn update(&self, world: &mut World, found: u32) -> Result<Applied, Malformed> {
        let slot = world.slot(found);
        let number = slot.number;
        let old = Document::read(world.document(slot))?;
        let before = old.identifiers()?;
        let renamed = match self.check_identifiers(world, found, &before)? {
            Ok(renamed) => renamed,
            Err(failure) => return Ok(Err(failure)),
        };
        let header = Header {
            created_at: old.header.created_at,
            updated_at: self.now,
            renamed_at: if renamed { self.batch.position } else { old.header.renamed_at },
        };
        let mut document = Vec::with_capacity(old.record.len() + self.item.item.patch.len() + 32);
        header.put(&mut document);
        if !record::merge(old.record, self.item.item.patch, &mut document)? {
            return Ok(Ok((Action::Unchanged, number)));
        }
        if renamed {
            let former = self.former(number, &before);
            world.formers.push(former);
        }
        world.replace(found, &document, renamed)?;
        Ok(Ok((Action::Updated, number)))
    }

    /// Whether the item changes an identifier of the contact, or why it may not.
    fn check_identifiers(
        &self,
        world: &World,
        found: u32,
        before: &Identifiers<Option<&str>>,
    ) -> Result<Result<bool, Failure>, Malformed> {
        let (mut renamed, mut left) = (false, false);
        for kind in IdentifierKind::ALL {
            let had = *before.get(kind);
            let Some((text, hash)) = *self.item.named.get(kind) else {
                left |= had.is_some();
                continue;
            };
            left |= !text.is_empty();
            if had.unwrap_or_default() == text {
                continue;
            }
            renamed = true;
            if !text.is_empty()
                && world.find(self.batch.list, kind, text, hash)?.is_some_and(|holder| holder != found)
            {
                return Ok(Err(Failure::IdentifierTaken));
            }
        }
        Ok(if left { Ok(renamed) } else { Err(Failure::IdentifierRequired) })
    }

    fn former(&self, number: ContactNo, before: &Identifiers<Option<&str>>) -> Former {
        let mut identifiers = Vec::new();
        put_identifiers(&mut identifiers, before);
        Former { list: self.batch.list, number, position: self.batch.position, item: self.index, identifiers }
    }
}

#[cfg(test)]
mod tests;
