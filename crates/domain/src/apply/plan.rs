//! Reads the batches that wait, and says which identifiers they touch.

use super::consent::About;
use crate::contact::choice::Flags;
use crate::contact::field::Field;
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader};
use crate::id::ObjectId;
use crate::journal::{self, AccountNo, BatchKind, ContactNo, ListNo};

/// A batch that waits, with its place in the order.
#[derive(Debug)]
pub struct Waiting {
    /// The journal position: batches are applied in its order.
    pub position: u64,
    /// The id of its request.
    pub request: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// The list that it changes.
    pub list: ListNo,
    /// What it asks for.
    pub kind: BatchKind,
    /// Whether it may bring people back who were erased.
    pub restore_erased: bool,
    /// The public part of the token that sent it.
    pub token: String,
    /// The items, as they were accepted; empty where the disk has damaged the batch.
    pub items: Vec<u8>,
}

impl Waiting {
    /// Whether the disk has damaged it. Items that were written begin with their count, and are never empty.
    pub const fn is_damaged(&self) -> bool {
        self.items.is_empty()
    }
}

/// What a group of batches asks for.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The items of each batch, in order; `None` for a batch that does not read.
    pub batches: Vec<Option<Vec<PlannedItem<'a>>>>,
}

/// Identifiers with their hashes.
type Named<'a> = Identifiers<Option<(&'a str, u64)>>;

/// An item, with the hashes of every identifier that it looks up or would give.
#[derive(Debug)]
pub struct PlannedItem<'a> {
    /// As it was accepted.
    pub item: journal::Item<'a>,
    /// The hashes under which its contact is looked up: that of `contact` as a userId, and as what it is by its form
    /// or by what the caller says.
    pub lookup: [Option<u64>; 2],
    /// See [`PlannedItem::named`]; apart, since most updates name none, and a group has 100,000 of them.
    pub(super) named: Option<Box<Named<'a>>>,
    /// The source that the patch names; `None` also where it clears it.
    pub source: Option<u64>,
    /// Whether the patch names a flag: see [`super::consent`].
    pub has_flags: bool,
    /// What it says of how it treats them.
    pub about: About,
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
                let mut planned = Vec::with_capacity(items.len());
                for item in items {
                    planned.push(PlannedItem::read(item, batch, key).ok()?);
                }
                Some(planned)
            })
            .collect();
        Self { batches }
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.batches.iter().flatten().map(Vec::len).sum()
    }

    /// Every hash whose holders must be loaded, with its list: sorted, each once.
    pub fn hashes(&self, waiting: &[Waiting], key: &HashKey) -> Vec<(u64, ListNo)> {
        // Two that are looked up, and one of each kind.
        let mut hashes = Vec::with_capacity(self.items() * (2 + IdentifierKind::ALL.len()));
        for (batch, items) in waiting.iter().zip(&self.batches) {
            for item in items.iter().flatten() {
                hashes.extend(item.lookup.into_iter().flatten().map(|hash| (hash, batch.list)));
                for kind in IdentifierKind::ALL {
                    hashes.extend(item.named(kind).map(|(_, hash)| (hash, batch.list)));
                }
                let list = batch.list.0.unsigned_abs();
                for text in item.addresses() {
                    let former = key.former_lookups(list, IdentifierKind::Email, text);
                    hashes.extend(former.map(|hash| (hash, batch.list)));
                }
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Every contact that an item names by its number: sorted, each once.
    pub fn numbers(&self, waiting: &[Waiting]) -> Vec<(ListNo, ContactNo)> {
        let mut numbers = Vec::new();
        for (batch, items) in waiting.iter().zip(&self.batches) {
            let named = items.iter().flatten().filter_map(|item| item.item.number(batch.kind));
            numbers.extend(named.map(|number| (batch.list, number)));
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The contacts that persons name by the number in a link: sorted, each once. Such a link follows merges.
    pub fn linked(&self, waiting: &[Waiting]) -> Vec<(ListNo, ContactNo)> {
        let mut linked = Vec::new();
        for (batch, items) in waiting.iter().zip(&self.batches) {
            let linked_items = items.iter().flatten().filter(|item| item.is_linked());
            linked.extend(linked_items.filter_map(|item| Some((batch.list, item.item.number(batch.kind)?))));
        }
        linked.sort_unstable();
        linked.dedup();
        linked
    }

    /// What may be kept of every identifier that an item would have a contact bear, where its bearer was erased.
    pub fn erasable(&self, waiting: &[Waiting], key: &HashKey) -> Vec<(AccountNo, [u8; 16])> {
        let mut hashes = Vec::new();
        for (batch, items) in waiting.iter().zip(&self.batches) {
            let account = batch.account.0.unsigned_abs();
            for item in items.iter().flatten() {
                let asked = item.item.asked_in(batch.kind).unwrap_or_default();
                for kind in IdentifierKind::ALL {
                    let text = asked.get(kind).filter(|text| !text.is_empty());
                    let Some(text) = text else { continue };
                    hashes.push((batch.account, key.erased(account, kind, text)));
                    let former = key.erased_formerly(account, kind, text);
                    hashes.extend(former.into_iter().map(|hash| (batch.account, hash)));
                }
            }
        }
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
    /// The identifier of that kind that the patch names, with its hash; an empty text clears.
    pub fn named(&self, kind: IdentifierKind) -> Option<(&'a str, u64)> {
        self.named.as_ref().and_then(|named| *named.get(kind))
    }

    /// Whether a person sent it by a link.
    pub const fn is_linked(&self) -> bool {
        self.has_flags && self.about.options.linked
    }

    /// The addresses that it looks up or would give.
    fn addresses(&self) -> impl Iterator<Item = &'a str> {
        let looked_up = self.lookup[1].filter(|_| self.item.kind == IdentifierKind::Email);
        let named = self.named(IdentifierKind::Email).map(|(text, _)| text);
        looked_up.map(|_| self.item.contact).into_iter().chain(named)
    }

    fn read(item: journal::Item<'a>, batch: &Waiting, key: &HashKey) -> Result<Self, Malformed> {
        let list = batch.list.0.unsigned_abs();
        let lookup = lookup(item, batch.kind, list, key);
        let (about, variables) = (About::default(), &[][..]);
        let mut planned =
            Self { item, lookup, named: None, source: None, has_flags: false, about, variables };
        let mut reader = Reader::new(item.patch);
        loop {
            let here = reader.rest();
            let Some(entry) = reader.entry()? else { break };
            if entry.key.variable().is_some() {
                // Variables have the highest keys: all that follow are variables.
                planned.variables = here;
                break;
            }
            planned.has_flags |= Flags::of_key(entry.key).is_some();
            planned.about.see(entry);
            if entry.key == Field::Source.key() {
                planned.source = entry.value.try_into().ok().map(u64::from_le_bytes);
            }
            if let Some(kind) = IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == entry.key) {
                let text = std::str::from_utf8(entry.value).map_err(|_| Malformed)?;
                let known = lookup[1].filter(|_| kind == item.kind && text == item.contact);
                let hash = known.unwrap_or_else(|| key.hash(list, kind, text));
                *planned.named.get_or_insert_default().get_mut(kind) = Some((text, hash));
            }
        }
        Ok(planned)
    }
}

fn lookup(item: journal::Item<'_>, kind: BatchKind, list: u64, key: &HashKey) -> [Option<u64>; 2] {
    let as_user_id = || key.hash(list, IdentifierKind::UserId, item.contact);
    let as_itself = || key.hash(list, item.kind, item.contact);
    match (kind, item.kind) {
        (
            BatchKind::Add
            | BatchKind::Undo
            | BatchKind::Erase
            | BatchKind::Merge
            | BatchKind::UpdateByNumber,
            _,
        ) => [None, None],
        // The caller has said which identifier it is.
        (BatchKind::Remove | BatchKind::UpdateExact | BatchKind::UpsertExact, _) => [None, Some(as_itself())],
        (BatchKind::Update | BatchKind::Upsert, IdentifierKind::UserId) => [Some(as_user_id()); 2],
        (BatchKind::Update | BatchKind::Upsert, _) => [Some(as_user_id()), Some(as_itself())],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::apply::rule;
    use crate::apply::unit_of_work::{ListState, UnitOfWork};
    use crate::clock::Timestamp;
    use crate::contact::record::put_entry;
    use crate::journal::ItemsWriter;

    const KEY: HashKey = HashKey::from_bytes([1; 16]);

    fn waiting(items: Vec<u8>) -> [Waiting; 1] {
        [Waiting {
            position: 1,
            request: ObjectId::from_bytes([0; 12]),
            account: AccountNo(1),
            list: ListNo(1),
            kind: BatchKind::Upsert,
            restore_erased: false,
            token: String::new(),
            items,
        }]
    }

    #[test]
    fn every_identifier_that_an_item_looks_up_or_names_is_asked_for() {
        let mut patch = Vec::new();
        for (field, value) in [(Field::UserId, "a"), (Field::Email, ""), (Field::PhoneNumber, "+1234567")] {
            put_entry(&mut patch, field.key(), value.as_bytes());
        }
        put_entry(&mut patch, Field::Source.key(), &300_u64.to_le_bytes());
        let mut items = ItemsWriter::default();
        items.add(IdentifierKind::Email, "U@x.com", &patch);
        let waiting = waiting(items.finish());
        let plan = Plan::read(&waiting, &KEY);
        let hashes: Vec<_> = plan.hashes(&waiting, &KEY).into_iter().map(|(hash, _)| hash).collect();
        for (kind, text) in [
            (IdentifierKind::UserId, "U@x.com"),
            (IdentifierKind::Email, "u@X.com"),
            (IdentifierKind::UserId, "a"),
            (IdentifierKind::PhoneNumber, "+1234567"),
        ] {
            assert!(hashes.contains(&KEY.hash(1, kind, text)), "{kind:?} {text}");
        }
        assert_eq!(plan.sources(), [300]);
    }

    proptest! {
        /// A batch whose checksum fits was written by us; but whoever finds a way around it finds no panic.
        #[test]
        fn no_bytes_make_plan_or_rule_panic(
            keys in prop::collection::vec((0..70_u32, prop::collection::vec(any::<u8>(), 0..10)), 0..6),
            kind in 0..3_usize,
            changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        ) {
            let mut patch = Vec::new();
            for (key, value) in &keys {
                crate::contact::record::put_number(&mut patch, u64::from(*key));
                crate::contact::record::put_bytes(&mut patch, value);
            }
            let mut items = ItemsWriter::default();
            for contact in ["a", "u@x.com", "a"] {
                items.add(IdentifierKind::ALL[kind], contact, &patch);
            }
            let mut items = items.finish();
            for (place, byte) in changes {
                let place = place.index(items.len());
                items[place] = byte;
            }
            let waiting = waiting(items);
            let plan = Plan::read(&waiting, &KEY);
            let variables = HashSet::from([0, 1]);
            let state = ListState { alive: true, next: 1, variables, ..ListState::default() };
            let sources = plan.sources().into_iter().collect();
            let mut work = UnitOfWork::new(KEY, HashMap::from([(ListNo(1), state)]), sources);
            let decided = rule::apply(&waiting, &plan, &mut work, Timestamp::from_millis(1));
            prop_assert!(crate::apply::outcome::read(&decided[0].results).is_ok());
            let _ = work.index_changes();
        }
    }
}
