//! What is indexed of each contact, in blocks: FTS5 needs the very text again to delete it. The texts of neighbours are
//! alike, so a block takes a third of its contacts' texts.

use std::collections::BTreeMap;

use domain::history::{pack, unpack};
use rusqlite::{Connection, OptionalExtension as _, ToSql};
use storage::Error;

use crate::error;

/// Contacts of a block, as a power of two. Larger blocks save little, and a single change writes the whole block.
const BITS: u32 = 6;

/// What is indexed of a contact: words with one space between them, and the end of the phone number. Empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Exactly what `word_index` was given.
    pub words: String,
    /// Exactly what `phone_index` was given.
    pub phone: String,
}

impl Texts {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.phone.is_empty()
    }
}

/// The block of a contact.
pub const fn block_of(id: i64) -> i64 {
    id >> BITS
}

/// A block in memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    number: i64,
    texts: BTreeMap<u8, Texts>,
    is_changed: bool,
}

impl Block {
    /// Reads a block; one that is not there is empty.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn load(index: &Connection, number: i64) -> Result<Self, Error> {
        let mut select = index.prepare_cached("SELECT texts FROM entry WHERE block = ?1").map_err(error)?;
        let stored: Option<Vec<u8>> =
            select.query_row([number], |row| row.get(0)).optional().map_err(error)?;
        let texts = stored.map_or(Some(BTreeMap::new()), |stored| read(&unpack(stored)));
        let texts = texts.ok_or_else(|| Error::Failed(format!("search index: block {number} is damaged")))?;
        Ok(Self { number, texts, is_changed: false })
    }

    /// The ids of its contacts.
    pub fn ids(&self) -> Vec<i64> {
        self.texts.keys().map(|place| self.number << BITS | i64::from(*place)).collect()
    }

    /// Stores what is indexed of a contact, and returns what was.
    pub fn put(&mut self, id: i64, texts: &Texts) -> Texts {
        // The low bits: always below 64.
        let place = (id & ((1 << BITS) - 1)) as u8;
        let before = match texts.is_empty() {
            true => self.texts.remove(&place),
            false => self.texts.insert(place, texts.clone()),
        };
        let before = before.unwrap_or_default();
        self.is_changed |= before != *texts;
        before
    }

    /// Writes the block if it changed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn store(&self, index: &Connection) -> Result<(), Error> {
        if !self.is_changed {
            return Ok(());
        }
        let run = |sql: &str, values: &[&dyn ToSql]| index.prepare_cached(sql)?.execute(values);
        let done = if self.texts.is_empty() {
            run("DELETE FROM entry WHERE block = ?1", &[&self.number])
        } else {
            let bytes = written(&self.texts);
            let bytes = bytes.ok_or_else(|| Error::Failed("search index: a text is too long".to_owned()))?;
            run("INSERT OR REPLACE INTO entry VALUES (?1, ?2)", &[&self.number, &pack(&bytes)])
        };
        done.map(drop).map_err(error)
    }
}

/// For each contact: its place, the length of the phone's end and that of the words (16 bits, little endian), and both
/// texts. The first byte is below 64: [`pack`] needs it below 128.
fn written(texts: &BTreeMap<u8, Texts>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (place, Texts { words, phone }) in texts {
        // An entry has at most 128 words of 64 letters, and 6 digits: they fit.
        bytes.extend([*place, u8::try_from(phone.len()).ok()?]);
        bytes.extend(u16::try_from(words.len()).ok()?.to_le_bytes());
        bytes.extend(phone.as_bytes());
        bytes.extend(words.as_bytes());
    }
    Some(bytes)
}

fn read(mut bytes: &[u8]) -> Option<BTreeMap<u8, Texts>> {
    let mut texts = BTreeMap::new();
    while let Some(([place, phone, low, high], rest)) = bytes.split_first_chunk::<4>() {
        let (phone, rest) = rest.split_at_checked(usize::from(*phone))?;
        let (words, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([*low, *high])))?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        texts.insert(*place, Texts { words: text(words)?, phone: text(phone)? });
        bytes = rest;
    }
    bytes.is_empty().then_some(texts)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn texts(words: &str, phone: &str) -> Texts {
        Texts { words: words.to_owned(), phone: phone.to_owned() }
    }

    fn index() -> Connection {
        let index = Connection::open_in_memory().expect("memory");
        index.execute_batch(include_str!("schema.sql")).expect("the schema");
        index
    }

    fn bytes(index: &Connection) -> i64 {
        index
            .query_row("SELECT coalesce(sum(length(texts)), 0) FROM entry", [], |row| row.get(0))
            .expect("a sum")
    }

    #[test]
    fn a_block_returns_what_it_was_given_and_goes_with_its_last_contact() {
        let index = index();
        // The last contact of one block and the first of the next.
        let (one, other) = (64 * 7 - 1, 64 * 7);
        for (id, given) in [(one, texts("ada lovelace", "")), (other, texts("", "654321"))] {
            let mut block = Block::load(&index, block_of(id)).expect("a block");
            assert_eq!(block.put(id, &given), Texts::default());
            block.store(&index).expect("it is written");
            let mut block = Block::load(&index, block_of(id)).expect("a block");
            assert_eq!(block.ids(), [id]);
            assert_eq!(block.put(id, &Texts::default()), given);
            block.store(&index).expect("it is written");
            assert_eq!(Block::load(&index, block_of(id)).expect("a block").ids(), [] as [i64; 0]);
        }
        assert_eq!(bytes(&index), 0);
    }

    #[test]
    fn a_full_block_takes_less_than_half_of_its_texts() {
        let (index, mut plain) = (index(), 0);
        let mut block = Block::load(&index, -3).expect("a block");
        for place in 0..64 {
            let given = texts(&format!("com example person{place} surname{}", place * 37 % 11), "210987");
            plain += given.words.len() + given.phone.len();
            block.put(-3 * 64 + place, &given);
        }
        block.store(&index).expect("it is written");
        let again = Block::load(&index, -3).expect("a block");
        assert_eq!((&again.texts, again.number), (&block.texts, block.number));
        assert!(bytes(&index) * 2 < plain as i64, "{} of {plain}", bytes(&index));
    }

    #[test]
    fn what_a_disk_has_damaged_is_an_error() {
        for damaged in [&[1][..], &[1, 2, 0, 0, b'1'], &[1, 0, 1, 0, 0xff], &[0x80, 1, 2, 3, 4, 5]] {
            let index = index();
            index.execute("INSERT INTO entry VALUES (5, ?1)", [damaged]).expect("a row");
            assert!(Block::load(&index, 5).is_err(), "{damaged:?}");
        }
    }
}
