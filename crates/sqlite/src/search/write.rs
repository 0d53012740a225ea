//! Writing the index, and removing what erased people have left in it.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

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

/// Contacts of a removed list that one transaction deletes.
const CHUNK: i64 = 1_000;

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
    put_all(&transaction, write).map_err(error)?;
    if write.erased {
        mark(&transaction, BEGIN).map_err(error)?;
    }
    let entries = i64::try_from(write.entries.len()).unwrap_or(i64::MAX);
    merge(&transaction, MERGE.max(entries / ENTRIES_PER_PAGE)).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(true)
}

fn put_all(index: &Transaction<'_>, write: &SearchWrite) -> rusqlite::Result<()> {
    if let Some((behind, last)) = write.range {
        let range = [contact_id(write.list, behind.0), contact_id(write.list, last.0.min(MAX_NUMBER))];
        let mut select =
            index.prepare_cached("SELECT id FROM entry WHERE id > ?1 AND id <= ?2 ORDER BY id")?;
        let known = select.query_map(range, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        let ids: Vec<_> = write.entries.iter().map(|(number, _)| contact_id(write.list, number.0)).collect();
        for id in known.into_iter().filter(|id| ids.binary_search(id).is_err()) {
            put(index, id, None)?;
        }
    }
    for (number, entry) in &write.entries {
        put(index, contact_id(write.list, number.0), entry.as_ref())?;
    }
    let after = &write.after;
    let scanned = after.scanned.map(|number| signed(number.0));
    index.prepare_cached("INSERT OR REPLACE INTO feed VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        write.list.0,
        after.version,
        after.cursor,
        scanned
    ])?;
    Ok(())
}

/// Makes an entry what it is to be.
fn put(index: &Connection, id: i64, entry: Option<&Entry>) -> rusqlite::Result<()> {
    let mut select = index.prepare_cached("SELECT words, phone FROM entry WHERE id = ?1")?;
    let known: Option<(String, Option<String>)> =
        select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let entry =
        entry.filter(|entry| !entry.is_empty()).map(|entry| (entry.text(), entry.phone.map(Phone::end)));
    if known == entry {
        return Ok(());
    }
    let (known_words, known_phone) = known.unwrap_or_default();
    let (words, phone) = entry.clone().unwrap_or_default();
    replace(index, [DELETE_WORDS, INSERT_WORDS], id, [&known_words, &words])?;
    let phones = [known_phone.unwrap_or_default(), phone.unwrap_or_default()];
    replace(index, [DELETE_PHONE, INSERT_PHONE], id, [&phones[0], &phones[1]])?;
    match entry {
        Some((words, phone)) => {
            let insert = "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)";
            index.prepare_cached(insert)?.execute(params![id, words, phone])?;
        }
        None => {
            index.prepare_cached("DELETE FROM entry WHERE id = ?1")?.execute([id])?;
        }
    }
    Ok(())
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
    let more = forget_some(&transaction, list).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(more)
}

fn forget_some(index: &Transaction<'_>, list: ListNo) -> rusqlite::Result<bool> {
    let select = "SELECT id FROM entry WHERE id BETWEEN ?1 AND ?2 LIMIT ?3";
    let range = [contact_id(list, 0), contact_id(list, MAX_NUMBER), CHUNK];
    let mut select = index.prepare_cached(select)?;
    let ids = select.query_map(range, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for id in &ids {
        put(index, *id, None)?;
    }
    if ids.is_empty() {
        index.execute("DELETE FROM feed WHERE list = ?1", [list.0])?;
    } else {
        mark(index, BEGIN)?;
        merge(index, MERGE)?;
    }
    Ok(!ids.is_empty())
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
