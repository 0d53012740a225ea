//! Looking contacts up in the index.

use rusqlite::{Connection, params};

use crate::contacts::{MAX_NUMBER, contact_id, split_id};
use domain::journal::{ContactNo, ListNo};
use domain::search::{PREFIX_LETTERS, fold};
use storage::Lookup;

const WORDS: &str = "SELECT rowid FROM word_index WHERE word_index MATCH ?1 AND rowid > ?2 AND rowid <= ?3 \
                     ORDER BY rowid LIMIT ?4";
const PHONES: &str = "SELECT rowid FROM phone_index WHERE phone_index MATCH ?1 AND rowid > ?2 AND rowid <= ?3 \
                      ORDER BY rowid LIMIT ?4";

/// The numbers that a look-up finds, in their order.
pub fn lookup(
    index: &Connection,
    list: ListNo,
    lookup: &Lookup,
    after: ContactNo,
    limit: u32,
) -> rusqlite::Result<Vec<ContactNo>> {
    let last = contact_id(list, MAX_NUMBER);
    // Behind the last number there is nothing, and the list of the next one must not begin there.
    if after.0 >= MAX_NUMBER {
        return Ok(Vec::new());
    }
    let behind = contact_id(list, after.0);
    match lookup {
        Lookup::Words(words) | Lookup::Beginnings(words) if words.is_empty() => Ok(Vec::new()),
        Lookup::Words(words) => matching(index, WORDS, &expression(words, false), [behind, last], limit),
        Lookup::Beginnings(words) => matching(index, WORDS, &expression(words, true), [behind, last], limit),
        Lookup::PhoneEnd(end) => matching(index, PHONES, &format!("\"{end}\""), [behind, last], limit),
    }
}

fn matching(
    index: &Connection,
    select: &str,
    expression: &str,
    [behind, last]: [i64; 2],
    limit: u32,
) -> rusqlite::Result<Vec<ContactNo>> {
    let mut select = index.prepare_cached(select)?;
    let found =
        select.query_map(params![expression, behind, last, limit], |row| Ok(split_id(row.get(0)?).1))?;
    found.collect()
}

/// The words as FTS5 reads them. They have no quotes: they are letters and digits.
fn expression(words: &[String], beginnings: bool) -> String {
    let of_word = |word: &String| match beginnings {
        true => format!("\"{}\"*", fold::cut(word, PREFIX_LETTERS)),
        false => format!("\"{word}\""),
    };
    words.iter().map(of_word).collect::<Vec<_>>().join(" AND ")
}
