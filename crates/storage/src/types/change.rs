//! Changes of contacts, and how far a reader of them has come.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::contact::Contact;
use super::source::Source;
use crate::Error;
use domain::clock::Timestamp;
use domain::contact::field::Key;
use domain::contact::identifier::Identifiers;
use domain::contact::record::{Malformed, Reader, put_number};
use domain::history::FieldChange;
use domain::id::ObjectId;
use domain::journal::{AccountNo, BatchKind, ContactNo, ListNo};

/// What happened to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAction {
    /// It was created, or restored under its number.
    Created,
    /// Fields of it changed.
    Updated,
    /// It was removed.
    Removed,
    /// The person was erased: nothing but the number is left.
    Erased,
}

impl ChangeAction {
    /// The word of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Erased => "erased",
        }
    }
}

/// What is read of each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Which contact it is, and its identifiers as of the change.
    #[default]
    Ids,
    /// The old and the new value of each field that changed as well.
    Fields,
    /// The contact as it is when the page is read.
    Contact,
    /// Both: the values of the fields that changed, and the contact.
    Both,
}

/// Where reading begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ChangesFrom {
    /// Behind the last change: nothing is read, and `next` is the cursor of this moment.
    #[default]
    Now,
    /// At the oldest change that is stored.
    Start,
    /// Behind a cursor.
    After(ChangeCursor),
}

/// What is read.
#[derive(Clone, Debug)]
pub struct ChangeQuery {
    /// The account.
    pub account: AccountNo,
    /// The one list that the cursor is about; `None` for one about all lists that the reader may see.
    pub scope: Option<ListNo>,
    /// The lists to read. They are the account's.
    pub lists: Vec<ListNo>,
    /// Where to begin.
    pub from: ChangesFrom,
    /// Changes at most.
    pub limit: usize,
    /// Bytes of values after which the page ends; one change is read in any case.
    pub bytes: usize,
    /// What to read of each.
    pub detail: Detail,
    /// Only updates of these fields, by list, and of these updates only these fields. Other actions are always read.
    pub fields: Option<HashMap<ListNo, HashSet<Key>>>,
}

impl ChangeQuery {
    /// The changes of all these lists from now on: ids alone.
    pub const fn new(account: AccountNo, lists: Vec<ListNo>) -> Self {
        Self {
            account,
            scope: None,
            lists,
            from: ChangesFrom::Now,
            limit: 1_000,
            bytes: 8 << 20,
            detail: Detail::Ids,
            fields: None,
        }
    }
}

/// One change of one contact.
#[derive(Clone, Debug)]
pub struct Change {
    /// The list.
    pub list: ListNo,
    /// The contact's number in it.
    pub number: ContactNo,
    /// What was done.
    pub action: ChangeAction,
    /// The identifiers after the change; of a removal those before it.
    pub identifiers: Identifiers<Option<String>>,
    /// By which request.
    pub request: ObjectId,
    /// What that asked for.
    pub asked: BatchKind,
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was applied.
    pub at: Timestamp,
    /// For [`Detail::Fields`] and [`Detail::Both`]: the fields, with their stored values.
    pub fields: Vec<FieldChange>,
    /// For [`Detail::Contact`] and [`Detail::Both`]: the contact as it is now; `None` where it is gone, or damaged on disk.
    pub contact: Option<Contact>,
    /// How far one has come in the list behind this change.
    pub mark: Mark,
}

/// Changes that follow each other.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The changes.
    pub changes: Vec<Change>,
    /// The cursor before the first of them.
    pub first: ChangeCursor,
    /// The cursor behind the last of them.
    pub next: ChangeCursor,
    /// Whether there is more to read at once.
    pub more: bool,
    /// The sources that the changes name, by number, as far as they still exist.
    pub sources: HashMap<u64, Source>,
}

impl ChangePage {
    /// The stored form of the cursor behind each change.
    pub fn cursors(&self) -> impl Iterator<Item = Vec<u8>> {
        self.changes.iter().scan(self.first.clone(), |cursor, change| {
            cursor.advance(change.mark);
            Some(cursor.to_bytes())
        })
    }
}

/// Why changes cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangesError {
    /// Changes behind the cursor were deleted by retention.
    #[error("the cursor is older than the changes that are stored")]
    Expired,
    /// The cursor is of another store, of another scope, or of a state that this store never had or has lost.
    #[error("the cursor is not of this store")]
    Unknown,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How far a reader has come in one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The list.
    pub list: ListNo,
    /// The position of the last batch that was read.
    pub position: u64,
    /// How many changes of it were read; [`Mark::ALL`] for all.
    pub index: u32,
    /// The checksum of that batch's request. Another batch at this position is one of another store, or of this store
    /// after an older backup was restored.
    pub check: u32,
}

impl Mark {
    /// All changes of the batch.
    pub const ALL: u32 = u32::MAX;

    /// Behind a batch.
    pub fn behind(list: ListNo, position: u64, request: ObjectId) -> Self {
        Self { list, position, index: Self::ALL, check: Self::check(request) }
    }

    /// See [`Mark::check`].
    pub fn check(request: ObjectId) -> u32 {
        crc32fast::hash(&request.to_bytes())
    }
}

/// How far a reader has come in all its lists. A list without a mark was not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    store: u32,
    scope: Option<ListNo>,
    turn: ListNo,
    marks: BTreeMap<ListNo, Mark>,
}

/// The form that this version writes and reads.
const VERSION: u8 = 1;

impl ChangeCursor {
    /// A cursor without marks; `store` tells the account and its store from others.
    pub const fn new(store: u32, scope: Option<ListNo>) -> Self {
        Self { store, scope, turn: ListNo::NONE, marks: BTreeMap::new() }
    }

    /// Whether it is of this account, store and scope.
    pub fn is_of(&self, store: u32, scope: Option<ListNo>) -> bool {
        (self.store, self.scope) == (store, scope)
    }

    /// The mark of a list.
    pub fn mark(&self, list: ListNo) -> Option<Mark> {
        self.marks.get(&list).copied()
    }

    /// The list that was read last: the next page begins with the one behind it, so that no busy list keeps others
    /// waiting.
    pub const fn turn(&self) -> ListNo {
        self.turn
    }

    /// Goes on to a mark.
    pub fn advance(&mut self, mark: Mark) {
        self.turn = mark.list;
        self.marks.insert(mark.list, mark);
    }

    /// Keeps the marks of these lists alone: the others were removed, or are not visible.
    pub fn retain(&mut self, lists: &[ListNo]) {
        self.marks.retain(|list, _| lists.contains(list));
    }

    /// Its stored form, and the text of it that a client gets is [`ChangeCursor::encode`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + 16 * self.marks.len());
        out.push(VERSION);
        out.extend_from_slice(&self.store.to_le_bytes());
        put_number(&mut out, self.scope.map_or(0, |list| list.0.unsigned_abs()));
        put_number(&mut out, self.turn.0.unsigned_abs());
        let mut last = 0;
        for mark in self.marks.values() {
            let list = mark.list.0.unsigned_abs();
            put_number(&mut out, list - last);
            put_number(&mut out, mark.position);
            put_number(&mut out, u64::from(mark.index.wrapping_add(1)));
            out.extend_from_slice(&mark.check.to_le_bytes());
            last = list;
        }
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// From its stored form.
    ///
    /// # Errors
    /// [`Malformed`] where it is none, or of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let (bytes, check) = bytes.split_last_chunk::<4>().ok_or(Malformed)?;
        let mut reader = Reader::new(bytes);
        if crc32fast::hash(bytes).to_le_bytes() != *check || reader.byte()? != VERSION {
            return Err(Malformed);
        }
        let store = u32::from_le_bytes(reader.array()?);
        let number = |reader: &mut Reader<'_>| i64::try_from(reader.number()?).map_err(|_| Malformed);
        let scope = Some(ListNo(number(&mut reader)?)).filter(|list| *list != ListNo::NONE);
        let mut cursor = Self::new(store, scope);
        let turn = ListNo(number(&mut reader)?);
        let mut list = 0_i64;
        while !reader.is_empty() {
            list = list.checked_add(number(&mut reader)?).ok_or(Malformed)?;
            let position = reader.number()?;
            let index = u32::try_from(reader.number()?).map_err(|_| Malformed)?.wrapping_sub(1);
            let check = u32::from_le_bytes(reader.array()?);
            cursor.advance(Mark { list: ListNo(list), position, index, check });
        }
        cursor.turn = turn;
        Ok(cursor)
    }

    /// Its text: letters, digits, `-` and `_`.
    pub fn encode(&self) -> String {
        Self::text_of(&self.to_bytes())
    }

    /// The text of a stored form.
    pub fn text_of(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From its text.
    ///
    /// # Errors
    /// [`Malformed`] where it is none.
    pub fn decode(text: &str) -> Result<Self, Malformed> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed)?;
        Self::from_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_read_as_written_and_no_other_text_is_one(
            store: u32, scope in prop::option::of(1..i64::MAX), turn in 0..i64::MAX,
            marks in prop::collection::btree_map(1..1_i64 << 40, (any::<u64>(), any::<u32>(), any::<u32>()), 0..5),
            bit: prop::sample::Index, noise in ".{0,40}",
        ) {
            let mut cursor = ChangeCursor::new(store, scope.map(ListNo));
            for (list, (position, index, check)) in marks {
                cursor.advance(Mark { list: ListNo(list), position, index, check });
            }
            cursor.turn = ListNo(turn);
            prop_assert_eq!(ChangeCursor::decode(&cursor.encode()), Ok(cursor.clone()));
            let mut bytes = cursor.to_bytes();
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(ChangeCursor::from_bytes(&bytes), Err(Malformed));
            prop_assert_eq!(ChangeCursor::decode(&noise), Err(Malformed));
        }
    }
}
