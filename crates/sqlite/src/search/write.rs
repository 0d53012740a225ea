//! Writing the index, and removing what erased people have left in it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::entries::{Block, Texts, block_of};
use super::state;
use crate::contacts::{MAX_NUMBER, contact_id};
use crate::{error, open, signed};
use domain::journal::ListNo;
use domain::search::{Entry, Phone};
use storage::{Error, SearchWrite};

/// Pages that each step merges: commits stay short.
const MERGE: i64 = 200;

/// A larger step merges a page for so many of its entries: merging does not fall behind.
const ENTRIES_PER_PAGE: i64 = 5;

/// Pages that a step of tidying merges.
const TIDY: i64 = 500;

/// Blocks of a removed list that one transaction deletes: about a thousand contacts.
const FORGOTTEN_BLOCKS: i64 = 16;

/// Where tidying stands: all segments are to be merged into one; they are being merged; the log is to be emptied.
const BEGIN: i64 = 1;
const MERGING: i64 = 2;
const MERGED: i64 = 3;

/// Stores a step.
pub fn write(index: &mut Connection, write: &SearchWrite) -> Result<bool, Error> {
    let transaction = index.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    if state(&transaction, write.list).map_err(error)? != write.before {
        return Ok(false);
    }
    put_all(&transaction, write)?;
    if write.erased {
        mark(&transaction, BEGIN).map_err(error)?;
    }
    let entries = i64::try_from(write.entries.len()).unwrap_or(i64::MAX);
    merge(&transaction, MERGE.max(entries / ENTRIES_PER_PAGE)).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(true)
}

fn put_all(index: &Transaction<'_>, write: &SearchWrite) -> Result<(), Error> {
    let mut wanted: BTreeMap<i64, Vec<(i64, Texts)>> = BTreeMap::new();
    for (number, entry) in &write.entries {
        let id = contact_id(write.list, number.0);
        wanted.entry(block_of(id)).or_default().push((id, texts_of(entry.as_ref())));
    }
    let range = write.range.map(|(behind, last)| {
        [contact_id(write.list, behind.0), contact_id(write.list, last.0.min(MAX_NUMBER))]
    });
    if let Some([behind, last]) = range {
        // Contacts that are gone are in blocks that no entry may name.
        for block in blocks(index, [block_of(behind), block_of(last)], i64::MAX).map_err(error)? {
            wanted.entry(block).or_default();
        }
    }
    for (number, entries) in wanted {
        let mut block = Block::load(index, number)?;
        let gone = |id: &i64| range.is_some_and(|[behind, last]| *id > behind && *id <= last);
        for id in block.ids().into_iter().filter(gone) {
            if !entries.iter().any(|(known, _)| *known == id) {
                put(index, &mut block, id, &Texts::default()).map_err(error)?;
            }
        }
        for (id, texts) in &entries {
            put(index, &mut block, *id, texts).map_err(error)?;
        }
        block.store(index)?;
    }
    let after = &write.after;
    let scanned = after.scanned.map(|number| signed(number.0));
    let mut insert =
        index.prepare_cached("INSERT OR REPLACE INTO feed VALUES (?1, ?2, ?3, ?4)").map_err(error)?;
    insert.execute(params![write.list.0, after.version, after.cursor, scanned]).map(drop).map_err(error)
}

fn texts_of(entry: Option<&Entry>) -> Texts {
    let phone = entry.and_then(|entry| entry.phone).map(Phone::end).unwrap_or_default();
    Texts { words: entry.map(Entry::text).unwrap_or_default(), phone }
}

/// The stored blocks of a range, both ends included, at most `max`.
fn blocks(index: &Connection, [first, last]: [i64; 2], max: i64) -> rusqlite::Result<Vec<i64>> {
    let select = "SELECT block FROM entry WHERE block BETWEEN ?1 AND ?2 ORDER BY block LIMIT ?3";
    index.prepare_cached(select)?.query_map([first, last, max], |row| row.get(0))?.collect()
}

/// Makes an entry what it is to be.
fn put(index: &Connection, block: &mut Block, id: i64, texts: &Texts) -> rusqlite::Result<()> {
    let known = block.put(id, texts);
    replace(index, [DELETE_WORDS, INSERT_WORDS], id, [&known.words, &texts.words])?;
    replace(index, [DELETE_PHONE, INSERT_PHONE], id, [&known.phone, &texts.phone])
}

// With the very text that was indexed: FTS5 takes another without a word, and leaves the words in.
const DELETE_WORDS: &str = "INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', ?1, ?2)";
const DELETE_PHONE: &str = "INSERT INTO phone_index (phone_index, rowid, phone) VALUES ('delete', ?1, ?2)";
const INSERT_WORDS: &str = "INSERT INTO word_index (rowid, words) VALUES (?1, ?2)";
const INSERT_PHONE: &str = "INSERT INTO phone_index (rowid, phone) VALUES (?1, ?2)";

/// Replaces what one index has of a contact; an empty text is in none.
fn replace(index: &Connection, statements: [&str; 2], id: i64, texts: [&str; 2]) -> rusqlite::Result<()> {
    if texts[0] == texts[1] {
        return Ok(());
    }
    for (statement, text) in statements.into_iter().zip(texts) {
        if !text.is_empty() {
            index.prepare_cached(statement)?.execute(params![id, text])?;
        }
    }
    Ok(())
}

/// Merges so many pages of each index; a negative number begins to merge all segments. Whether there was any to merge.
fn merge(index: &Connection, pages: i64) -> rusqlite::Result<bool> {
    let before = index.total_changes();
    for merge in [
        "INSERT INTO word_index (word_index, rank) VALUES ('merge', ?1)",
        "INSERT INTO phone_index (phone_index, rank) VALUES ('merge', ?1)",
    ] {
        index.prepare_cached(merge)?.execute([pages])?;
    }
    // One change of each is the command's own row.
    Ok(index.total_changes() - before > 2)
}

fn mark(index: &Connection, step: i64) -> rusqlite::Result<()> {
    index.execute("INSERT OR REPLACE INTO setting VALUES ('tidy', ?1)", [step]).map(drop)
}

/// Deletes a part of the index of a list.
pub fn forget(index: &mut Connection, list: ListNo) -> Result<bool, Error> {
    let transaction = index.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let more = forget_some(&transaction, list)?;
    transaction.commit().map_err(error)?;
    Ok(more)
}

fn forget_some(index: &Transaction<'_>, list: ListNo) -> Result<bool, Error> {
    let range = [0, MAX_NUMBER].map(|number| block_of(contact_id(list, number)));
    let found = blocks(index, range, FORGOTTEN_BLOCKS).map_err(error)?;
    for number in &found {
        let mut block = Block::load(index, *number)?;
        for id in block.ids() {
            put(index, &mut block, id, &Texts::default()).map_err(error)?;
        }
        block.store(index)?;
    }
    if found.is_empty() {
        index.execute("DELETE FROM feed WHERE list = ?1", [list.0]).map_err(error)?;
    } else {
        mark(index, BEGIN).map_err(error)?;
        merge(index, MERGE).map_err(error)?;
    }
    Ok(!found.is_empty())
}

/// One step of removing deleted words from the file. FTS5 leaves a deleted word in the segment where it was until that is
/// merged with all newer ones, and so does a name that was changed. One segment has neither. Then the log is emptied,
/// which holds former pages.
pub fn tidy(index: &mut Connection) -> Result<bool, Error> {
    let Some(step) = open::setting::<i64>(index, "tidy")? else { return Ok(false) };
    if step == MERGED {
        // It is not while a reader is in it: the next round tries again.
        if open::empty_log(index)? {
            index.execute("DELETE FROM setting WHERE name = 'tidy'", []).map_err(error)?;
        }
        return Ok(false);
    }
    let transaction = index.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let tidy_some = || {
        let merged = merge(&transaction, if step == BEGIN { -TIDY } else { TIDY })?;
        let is_done = step == MERGING && !merged;
        mark(&transaction, if is_done { MERGED } else { MERGING })
    };
    tidy_some().map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(true)
}
