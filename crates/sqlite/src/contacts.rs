//! Contacts by their identifiers.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::{Pair, catalogue, error, signed, unsigned};
use domain::contact::document::HEAD;
use domain::contact::sealed;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::Error;

/// Bits of a contact's row id that are its number; the list's number stands above.
const NUMBER_BITS: u32 = 40;

/// The highest number that a contact can have.
pub const MAX_NUMBER: u64 = (1 << NUMBER_BITS) - 1;

/// The most lists that a store can number.
pub const MAX_LISTS: i64 = 1 << (62 - NUMBER_BITS);

/// The row id of a contact.
pub const fn contact_id(list: ListNo, number: u64) -> i64 {
    list.0 << NUMBER_BITS | signed(number)
}

/// The list and number of a row id.
pub const fn split_id(id: i64) -> (ListNo, ContactNo) {
    (ListNo(id >> NUMBER_BITS), ContactNo(unsigned(id) & MAX_NUMBER))
}

/// How many contacts lists have.
pub fn count(store: &Connection, lists: &[ListNo]) -> Result<HashMap<ListNo, u64>, Error> {
    let mut select = store.prepare_cached("SELECT contacts FROM list WHERE list = ?1").map_err(error)?;
    let mut counts = HashMap::with_capacity(lists.len());
    for list in lists {
        let count = select.query_row([list.0], |row| row.get(0).map(unsigned)).optional().map_err(error)?;
        counts.extend(count.map(|count| (*list, count)));
    }
    Ok(counts)
}

/// How many contacts all lists of an account have.
pub fn count_all(pair: &Pair, account: AccountNo) -> Result<u64, Error> {
    let lists = catalogue::lists::of_account(&pair.intake, account)?;
    let lists: Vec<_> = lists.into_iter().map(|(list, _)| list).collect();
    Ok(count(&pair.store, &lists)?.values().sum())
}

/// The numbers under a hash.
pub fn numbers(store: &Connection, hash: u64) -> rusqlite::Result<Vec<u64>> {
    let mut select = store.prepare_cached("SELECT number FROM identifier WHERE hash = ?1")?;
    let rows = select.query_map([signed(hash)], |row| row.get(0).map(unsigned))?;
    rows.collect()
}

/// A contact's stored form, or what it begins with where it is long.
pub enum Head {
    /// All of it.
    Whole(Vec<u8>),
    /// The first [`HEAD`] bytes: a contact may have megabytes of variables, and a result asks for its identifiers only.
    First(Vec<u8>),
}

impl Head {
    /// The document, as far as it is there: none where it is damaged.
    pub fn document(&self) -> &[u8] {
        match self {
            Self::Whole(stored) => sealed::open(stored),
            Self::First(stored) => sealed::open_head(stored),
        }
    }
}

/// The head of a contact.
pub fn head(store: &Connection, id: i64) -> Result<Option<Head>, Error> {
    // SQLite knows a length without reading what has it.
    let short = "SELECT iif(length(document) <= 4 * ?2, document, NULL) FROM contact WHERE id = ?1";
    let limit = i64::try_from(HEAD).unwrap_or(i64::MAX);
    let found: Option<Option<Vec<u8>>> = store
        .prepare_cached(short)
        .and_then(|mut select| select.query_row([id, limit], |row| row.get(0)).optional())
        .map_err(error)?;
    match found {
        Some(None) => {
            let blob = store.blob_open("main", "contact", "document", id, true).map_err(error)?;
            let mut bytes = vec![0; HEAD];
            blob.read_at_exact(&mut bytes, 0).map_err(error)?;
            Ok(Some(Head::First(bytes)))
        }
        other => Ok(other.flatten().map(Head::Whole)),
    }
}

/// The stored form of a contact, see [`sealed`].
pub fn stored(store: &Connection, id: i64) -> Result<Option<Vec<u8>>, Error> {
    store
        .prepare_cached("SELECT document FROM contact WHERE id = ?1")
        .and_then(|mut select| select.query_row([id], |row| row.get(0)).optional())
        .map_err(error)
}
