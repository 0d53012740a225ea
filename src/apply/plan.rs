//! Reads the batches that wait, and says which identifiers they touch.

use crate::contact::field::Field;
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader};
use crate::journal::{self, BatchKind, ListNo};

/// A batch that waits, with its place in the order.
#[derive(Debug)]
pub struct Waiting {
    /// The journal position: batches are applied in its order.
    pub position: u64,
    /// The list that it changes.
    pub list: ListNo,
    /// What it asks for.
    pub kind: BatchKind,
    /// The items, as they were accepted.
    pub items: Vec<u8>,
}

/// What a group of batches asks for.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The items of each batch, in order; `None` for a batch that does not read.
    pub batches: Vec<Option<Vec<PlannedItem<'a>>>>,
}

/// An item, with the hashes of every identifier that it looks up or would give.
#[derive(Clone, Copy, Debug)]
pub struct PlannedItem<'a> {
    /// As it was accepted.
    pub item: journal::Item<'a>,
    /// The hash of `contact` taken as a userId, and as what it is by its form.
    pub lookup: [u64; 2],
    /// The identifiers that the patch names, with their hashes; an empty text clears.
    pub named: Identifiers<Option<(&'a str, u64)>>,
    /// The source that the patch names; `None` also where it clears it.
    pub source: Option<u64>,
    /// The part of the patch that is about variables.
    pub variables: &'a [u8],
}

impl<'a> Plan<'a> {
    /// Reads the items of all batches.
    pub fn read(waiting: &'a [Waiting], key: &HashKey) -> Self {
        let batches = waiting
            .iter()
            .map(|batch| {
                let items = journal::read_items(&batch.items).ok()?;
                items.into_iter().map(|item| PlannedItem::read(item, batch.list, key).ok()).collect()
            })
            .collect();
        Self { batches }
    }

    /// Every hash whose holders must be loaded, with its list: sorted, each once.
    pub fn hashes(&self, waiting: &[Waiting]) -> Vec<(u64, ListNo)> {
        let mut hashes = Vec::new();
        for (batch, items) in waiting.iter().zip(&self.batches) {
            for item in items.iter().flatten() {
                hashes.extend(item.lookup.map(|hash| (hash, batch.list)));
                for kind in IdentifierKind::ALL {
                    hashes.extend(item.named.get(kind).map(|(_, hash)| (hash, batch.list)));
                }
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Every source that an item names: sorted, each once.
    pub fn sources(&self) -> Vec<u64> {
        let mut sources: Vec<_> =
            self.batches.iter().flatten().flatten().filter_map(|item| item.source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

impl<'a> PlannedItem<'a> {
    fn read(item: journal::Item<'a>, list: ListNo, key: &HashKey) -> Result<Self, Malformed> {
        let list = list.0.unsigned_abs();
        let as_user_id = key.hash(list, IdentifierKind::UserId, item.contact);
        let as_itself = match item.kind {
            IdentifierKind::UserId => as_user_id,
            kind => key.hash(list, kind, item.contact),
        };
        let mut planned = Self {
            item,
            lookup: [as_user_id, as_itself],
            named: Identifiers::default(),
            source: None,
            variables: &[],
        };
        let mut reader = Reader::new(item.patch);
        loop {
            let here = reader.rest();
            let Some(entry) = reader.entry()? else { break };
            if entry.key.variable().is_some() {
                // Variables have the highest keys: all that follow are variables.
                planned.variables = here;
                break;
            }
            if entry.key == Field::Source.key() {
                planned.source = entry.value.try_into().ok().map(u64::from_le_bytes);
            }
            if let Some(kind) = IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == entry.key) {
                let text = std::str::from_utf8(entry.value).map_err(|_| Malformed)?;
                let hash = if kind == item.kind && text == item.contact {
                    as_itself
                } else {
                    key.hash(list, kind, text)
                };
                *planned.named.get_mut(kind) = Some((text, hash));
            }
        }
        Ok(planned)
    }
}
