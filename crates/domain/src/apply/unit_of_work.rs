//! The contacts that a group of batches touches, held in memory while the rule decides.

mod documents;
mod erased;
mod holders;
mod types;

use std::collections::{HashMap, HashSet};

use self::documents::Documents;
pub use self::erased::{EraseForm, Erased, known_of};
use self::holders::Holders;
pub use self::types::{
    Former, FormerHolder, IndexEntry, ListState, MergeUndone, Merged, OptedOut, Slot, put_identifiers,
};
use crate::contact::choice::{Flags, Head, State};
use crate::contact::document::Document;
use crate::contact::identifier::{HashKey, IdentifierKind, Identifiers};
use crate::contact::record::Malformed;
use crate::journal::{AccountNo, ContactNo, ListNo};

/// The numbers under which a contact stands in the index: one for each identifier, and one more for an address whose
/// former form is another (see [`HashKey::index`]).
type Hashes = [Option<u64>; IdentifierKind::ALL.len() + 1];

/// All that the items of a group can see and change.
#[derive(Debug)]
pub struct UnitOfWork {
    key: HashKey,
    lists: HashMap<ListNo, ListState>,
    sources: HashSet<u64>,
    /// Identifiers whose bearers were erased, of those that the items name; see [`HashKey::erased`].
    erased: Erased,
    slots: Vec<Slot>,
    /// The stored forms of all slots.
    documents: Documents,
    /// Who bears what, by hash.
    holders: Holders,
    /// Hashes of contacts that are damaged on disk. Their identifiers cannot be known.
    damaged: HashSet<(ListNo, u64)>,
    /// The slots of contacts that items name by their numbers; `None` for one that is damaged on disk.
    numbered: HashMap<(ListNo, ContactNo), Option<u32>>,
    /// The last winners of merged contacts that the links of persons name.
    winners: HashMap<(ListNo, ContactNo), ContactNo>,
    /// Where the consent ledger ends of contacts that are gone, and that the links of persons name.
    gone: HashMap<(ListNo, ContactNo), Option<Head>>,
    /// Identifiers that were changed, for results that were told before.
    pub formers: Vec<Former>,
    /// The same, for those who look for a contact by what it bore once.
    pub former_holders: Vec<FormerHolder>,
    /// Identifiers whose bearers were erased and are now brought back.
    pub forgiven: Vec<(AccountNo, [u8; 16])>,
    /// Contacts that were merged.
    pub merged: Vec<Merged>,
    /// Merges that were undone, or renewed.
    pub merges_undone: Vec<MergeUndone>,
    /// What was turned off for contacts that are gone.
    pub opted_out: Vec<OptedOut>,
}

impl UnitOfWork {
    /// With nobody in it yet.
    pub fn new(key: HashKey, lists: HashMap<ListNo, ListState>, sources: HashSet<u64>) -> Self {
        Self {
            key,
            lists,
            sources,
            erased: Erased::new(),
            slots: Vec::new(),
            documents: Documents::default(),
            holders: Holders::default(),
            damaged: HashSet::new(),
            numbered: HashMap::new(),
            winners: HashMap::new(),
            gone: HashMap::new(),
            formers: Vec::new(),
            former_holders: Vec::new(),
            forgiven: Vec::new(),
            merged: Vec::new(),
            merges_undone: Vec::new(),
            opted_out: Vec::new(),
        }
    }

    /// Room for so many contacts under so many hashes. What grows by doubling leaves holes of all sizes, which the page
    /// cache of the store then fills for good.
    pub fn reserve(&mut self, contacts: usize, hashes: usize) {
        self.slots.reserve(contacts);
        self.holders.reserve(hashes);
    }

    /// The same, and these identifiers are of people who were erased.
    pub fn without(self, erased: Erased) -> Self {
        Self { erased, ..self }
    }

    /// Whether the bearer of an identifier was erased from the account.
    pub fn is_erased(&self, account: AccountNo, kind: IdentifierKind, text: &str) -> bool {
        !self.erased.is_empty() && !known_of(&self.key, &self.erased, account, kind, text).is_empty()
    }

    /// Lets the bearer of an identifier come back.
    pub fn forgive(&mut self, account: AccountNo, kind: IdentifierKind, text: &str) {
        if self.erased.is_empty() {
            return;
        }
        for hash in known_of(&self.key, &self.erased, account, kind, text) {
            self.erased.remove(&hash);
            self.forgiven.push(hash);
        }
    }

    /// Adds a contact that the store has, under the hashes by which it was found: nobody asks for its others. Returns
    /// its slot.
    ///
    /// # Errors
    /// [`Malformed`] where its stored form does not read.
    pub fn load(
        &mut self,
        list: ListNo,
        number: ContactNo,
        document: &[u8],
        hashes: impl Iterator<Item = u64>,
    ) -> Result<u32, Malformed> {
        let email = Document::read(document)?.identifiers()?.email;
        // One that was found by a former form of its address is looked for by the present one.
        let present = email.filter(|text| !text.is_ascii());
        let present = present.map(|text| self.key.hash(list.0.unsigned_abs(), IdentifierKind::Email, text));
        let document = self.documents.keep_to_change(document);
        let (new, dirty, returned, removed_at, indexed) = (false, false, false, None, None);
        let flags = (0, Flags::default());
        let index =
            self.push(Slot { list, number, document, new, dirty, returned, removed_at, flags, indexed });
        for hash in hashes.chain(present) {
            self.holders.hold(hash, index);
        }
        Ok(index)
    }

    /// Marks the hashes of a damaged contact. A look-up of them fails: it must not create a second contact beside it.
    pub fn load_damaged(&mut self, list: ListNo, hashes: impl Iterator<Item = u64>) {
        self.damaged.extend(hashes.map(|hash| (list, hash)));
    }

    /// Lets a contact be found by its number: its slot, or `None` if it is damaged on disk.
    pub fn number(&mut self, list: ListNo, number: ContactNo, slot: Option<u32>) {
        self.numbered.insert((list, number), slot);
    }

    /// The contact with that number, if it is there now.
    ///
    /// # Errors
    /// [`Malformed`] if it is damaged on disk.
    pub fn find_number(&self, list: ListNo, number: ContactNo) -> Result<Option<u32>, Malformed> {
        match self.numbered.get(&(list, number)) {
            None => Ok(None),
            Some(None) => Err(Malformed),
            Some(Some(slot)) => Ok(Some(*slot).filter(|slot| self.slot(*slot).removed_at.is_none())),
        }
    }

    /// Lets a merged contact be followed to the winner that is left. That must have been loaded under its number.
    pub fn follow(&mut self, list: ListNo, loser: ContactNo, winner: ContactNo) {
        self.winners.insert((list, loser), winner);
    }

    /// The contact that is left of a merged one, if it is there now.
    ///
    /// # Errors
    /// [`Malformed`] if it is damaged on disk.
    pub fn find_winner(&self, list: ListNo, loser: ContactNo) -> Result<Option<u32>, Malformed> {
        self.winners.get(&(list, loser)).map_or(Ok(None), |winner| self.find_number(list, *winner))
    }

    /// Loads a contact that is gone, with the end of its consent ledger. A new end replaces the old one.
    pub fn load_gone(&mut self, list: ListNo, number: ContactNo, end: Option<Head>) {
        self.gone.insert((list, number), end);
    }

    /// The end of the consent ledger of a contact that is gone; `None` if it never was there, or was erased.
    ///
    /// # Errors
    /// [`Malformed`] if it is damaged on disk.
    pub fn end_of_gone(&self, list: ListNo, number: ContactNo) -> Result<Option<Option<Head>>, Malformed> {
        if let Some(end) = self.gone.get(&(list, number)) {
            return Ok(Some(*end));
        }
        // An item before has removed it.
        let Some(Some(slot)) = self.numbered.get(&(list, number)) else { return Ok(None) };
        let record = Document::read(self.document(self.slot(*slot)))?.record;
        Ok(Some(State::read(record)?.choices.head))
    }

    /// The list's state; one that was not loaded is gone.
    pub fn list(&self, list: ListNo) -> Option<&ListState> {
        self.lists.get(&list).filter(|state| state.alive)
    }

    /// Whether the source is (still) there.
    pub fn has_source(&self, source: u64) -> bool {
        self.sources.contains(&source)
    }

    /// The contact in a slot.
    pub fn slot(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    /// The flags of the contact in a slot that the batch at a position has changed so far.
    pub fn flags_changed(&self, index: u32, position: u64) -> Flags {
        let (last, flags) = self.slot(index).flags;
        if last == position { flags } else { Flags::default() }
    }

    /// Notes that the batch at a position has changed flags of the contact in a slot.
    pub fn change_flags(&mut self, index: u32, position: u64, flags: Flags) {
        let before = self.flags_changed(index, position);
        self.slots[index as usize].flags = (position, before.with(flags));
    }

    /// The stored form of the contact in a slot, see [`crate::contact::document`].
    pub fn document(&self, slot: &Slot) -> &[u8] {
        self.documents.get(slot.document)
    }

    /// The contact that has an identifier now. The first version stored some spellings of one address as two contacts
    /// of a list: then the one with the exact spelling, else the older one.
    ///
    /// # Errors
    /// [`Malformed`] where a contact that may be the one does not read, and no other is.
    pub fn find(
        &self,
        list: ListNo,
        kind: IdentifierKind,
        text: &str,
        hash: u64,
    ) -> Result<Option<u32>, Malformed> {
        let mut found: Option<u32> = None;
        for index in self.holders.of(hash) {
            let slot = self.slot(index);
            // A hash may be shared: the contact itself decides.
            let borne = Document::read(self.document(slot))?.text(kind.field())?;
            let Some(borne) = borne.filter(|borne| slot.list == list && kind.same(borne, text)) else {
                continue;
            };
            if borne == text {
                return Ok(Some(index));
            }
            if found.is_none_or(|other| slot.number < self.slot(other).number) {
                found = Some(index);
            }
        }
        let is_damaged = |hash| self.damaged.contains(&(list, hash));
        if found.is_none()
            && !self.damaged.is_empty()
            && self.key.lookups(list.0.unsigned_abs(), kind, text).any(is_damaged)
        {
            return Err(Malformed);
        }
        Ok(found)
    }

    /// The number that the next new contact of a list gets.
    pub fn next_number(&self, list: ListNo) -> ContactNo {
        ContactNo(self.lists.get(&list).map_or(0, |state| state.next))
    }

    /// The position of the last record of the contact in a slot in the consent ledger; 0 where there is none.
    pub fn consent_at(&self, slot: &Slot) -> u64 {
        let state = Document::read(self.document(slot)).and_then(|document| State::read(document.record));
        state.ok().and_then(|state| state.choices.head).map_or(0, |head| head.position)
    }

    /// Adds a new contact under the next number, and returns its slot.
    ///
    /// # Errors
    /// [`Malformed`] where its stored form does not read.
    pub fn create(&mut self, list: ListNo, document: &[u8]) -> Result<u32, Malformed> {
        let state = self.lists.entry(list).or_default();
        let number = ContactNo(state.next);
        state.next += 1;
        self.add(list, number, document)
    }

    /// Adds a contact that the store has not (any more) under a number that was its own, and returns its slot.
    ///
    /// # Errors
    /// [`Malformed`] where its stored form does not read.
    pub fn bring_back(&mut self, list: ListNo, number: ContactNo, document: &[u8]) -> Result<u32, Malformed> {
        let slot = self.add(list, number, document)?;
        self.slots[slot as usize].returned = true;
        Ok(slot)
    }

    fn add(&mut self, list: ListNo, number: ContactNo, document: &[u8]) -> Result<u32, Malformed> {
        let document = self.documents.keep(document);
        self.lists.entry(list).or_default().made += 1;
        let (new, dirty, returned, removed_at, indexed) = (true, true, false, None, None);
        let flags = (0, Flags::default());
        let index =
            self.push(Slot { list, number, document, new, dirty, returned, removed_at, flags, indexed });
        self.hold_all(index)?;
        Ok(index)
    }

    /// Takes a contact away; its stored form stays to be read.
    ///
    /// # Errors
    /// [`Malformed`] where its stored form does not read.
    pub fn remove(&mut self, index: u32, position: u64) -> Result<(), Malformed> {
        self.note_indexed(index)?;
        self.leave_all(index, position, &Hashes::default())?;
        self.release_all(index)?;
        let slot = &mut self.slots[index as usize];
        (slot.dirty, slot.removed_at) = (true, Some(position));
        let list = slot.list;
        self.lists.entry(list).or_default().removed += 1;
        Ok(())
    }

    /// Writes down under which hashes the store has a contact, before it changes what it bears for the first time.
    fn note_indexed(&mut self, index: u32) -> Result<(), Malformed> {
        let slot = self.slot(index);
        if slot.indexed.is_none() && !slot.new {
            let indexed = self.hashes(slot)?;
            self.slots[index as usize].indexed = Some(Box::new(indexed));
        }
        Ok(())
    }

    /// Writes down which identifiers a contact bears now and will not bear.
    fn leave_all(&mut self, index: u32, position: u64, after: &Hashes) -> Result<(), Malformed> {
        let slot = self.slot(index);
        let (list, number, before) = (slot.list, slot.number, self.hashes(slot)?);
        // One entry an identifier: whoever looks for a former bearer looks for the former forms of what it bore too.
        for (before, after) in before.into_iter().zip(after).take(IdentifierKind::ALL.len()) {
            if let Some(hash) = before.filter(|_| before != *after) {
                self.former_holders.push(FormerHolder { entry: IndexEntry { hash, list, number }, position });
            }
        }
        Ok(())
    }

    /// Puts a new form of a contact in place of the old; `renamed` is the position of the batch where an identifier
    /// changed.
    ///
    /// # Errors
    /// [`Malformed`] where one of the forms does not read.
    pub fn replace(&mut self, index: u32, document: &[u8], renamed: Option<u64>) -> Result<(), Malformed> {
        if let Some(position) = renamed {
            self.note_indexed(index)?;
            let borne = Document::read(document)?.identifiers()?;
            let after = self.hashes_of(self.slot(index).list, &borne);
            self.leave_all(index, position, &after)?;
            // Those who take an identifier and give it up again must not pile up under its hash.
            self.release_all(index)?;
        }
        let slot = &mut self.slots[index as usize];
        slot.document = self.documents.replace(slot.document, document);
        slot.dirty = true;
        self.documents.tidy(self.slots.iter_mut().map(|slot| &mut slot.document));
        if renamed.is_some() { self.hold_all(index) } else { Ok(()) }
    }

    /// The lists that were loaded, with what became of them.
    pub fn lists(&self) -> impl Iterator<Item = (ListNo, &ListState)> {
        self.lists.iter().map(|(list, state)| (*list, state))
    }

    /// The contacts to write, in the store's order.
    pub fn changed(&self) -> Vec<&Slot> {
        let mut changed: Vec<_> = self.slots.iter().filter(|slot| slot.dirty).collect();
        changed.sort_unstable_by_key(|slot| (slot.list, slot.number));
        changed
    }

    /// The entries to take out of the index of identifiers, and those to put in, each in its order.
    ///
    /// # Errors
    /// [`Malformed`] where a contact does not read.
    pub fn index_changes(&self) -> Result<(Vec<IndexEntry>, Vec<IndexEntry>), Malformed> {
        let made = self.slots.iter().filter(|slot| slot.new).count();
        let (mut stale, mut fresh) = (Vec::new(), Vec::with_capacity(made * IdentifierKind::ALL.len()));
        let none = Hashes::default();
        for slot in &self.slots {
            let indexed = match &slot.indexed {
                Some(indexed) => indexed,
                None if slot.new => &none,
                None => continue,
            };
            let wanted = if slot.removed_at.is_some() { none } else { self.hashes(slot)? };
            for (had, has) in indexed.iter().zip(wanted) {
                if *had != has {
                    let entry = |hash| IndexEntry { hash, list: slot.list, number: slot.number };
                    stale.extend(had.map(entry));
                    fresh.extend(has.map(entry));
                }
            }
        }
        stale.sort_unstable();
        fresh.sort_unstable();
        Ok((stale, fresh))
    }

    fn push(&mut self, slot: Slot) -> u32 {
        // A group is bounded far below this by the number of its batches.
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(slot);
        index
    }

    fn hashes(&self, slot: &Slot) -> Result<Hashes, Malformed> {
        let borne = Document::read(self.document(slot))?.identifiers()?;
        Ok(self.hashes_of(slot.list, &borne))
    }

    fn hashes_of(&self, list: ListNo, borne: &Identifiers<Option<&str>>) -> Hashes {
        let mut hashes = Hashes::default();
        for (place, kind) in IdentifierKind::ALL.into_iter().enumerate() {
            let Some(text) = borne.get(kind) else { continue };
            let (hash, former) = self.key.index(list.0.unsigned_abs(), kind, text);
            hashes[place] = Some(hash);
            if kind == IdentifierKind::Email {
                hashes[IdentifierKind::ALL.len()] = former;
            }
        }
        hashes
    }

    fn hold_all(&mut self, index: u32) -> Result<(), Malformed> {
        for hash in self.hashes(self.slot(index))?.into_iter().flatten() {
            self.holders.hold(hash, index);
        }
        Ok(())
    }

    fn release_all(&mut self, index: u32) -> Result<(), Malformed> {
        for hash in self.hashes(self.slot(index))?.into_iter().flatten() {
            self.holders.release(hash, index);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
