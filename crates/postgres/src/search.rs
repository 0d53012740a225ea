//! The search index: in tables of its own, and without a word of a person.
//!
//! A GIN index keeps a word that was deleted until it is built anew. So it holds hashes, keyed with the key of the store
//! and the list: of the beginnings of words, of whole words, and of the last digits of phone numbers. A hash may stand
//! for two words, and a beginning is hashed up to 8 letters: the caller compares what is found with the contacts.

use async_trait::async_trait;
use tokio_postgres::Row;

use super::PostgresStore;
use super::session::{Session, get, get_number};
use super::shared::Shared;
use super::signals::Notice;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{AccountNo, ContactNo, ListNo};
use domain::search::{Entry, fold};
use storage::{Error, Lookup, SearchIndex, SearchState, SearchWrite};

/// Letters of the beginnings that are hashed. Of a word with another count the next shorter one is looked up.
const LENGTHS: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// Entries of a list that are read before the index is asked: a common beginning is found among them.
const NEAR: i64 = 2_000;

/// Entries of a removed list that one transaction deletes.
const CHUNK: i64 = 2_000;

const STATE: &str = "SELECT version, cursor, scanned, list FROM search_feed";

#[async_trait]
impl SearchIndex for PostgresStore {
    async fn claim_search(&self) -> Result<bool, Error> {
        self.write(|session, shared| claim(session, shared, "search")).await
    }

    async fn all_lists(&self) -> Result<Vec<(AccountNo, ListNo)>, Error> {
        self.read(|session, _| {
            let rows = session.query("SELECT account, no FROM list ORDER BY no", &[])?;
            rows.iter().map(|row| Ok((AccountNo(get(row, 0)?), ListNo(get(row, 1)?)))).collect()
        })
        .await
    }

    async fn search_states(&self) -> Result<Vec<(ListNo, SearchState)>, Error> {
        self.read(|session, _| {
            let rows = session.query(STATE, &[])?;
            rows.iter().map(|row| Ok((ListNo(get(row, 3)?), read_state(row)?))).collect()
        })
        .await
    }

    async fn search_state(&self, list: ListNo) -> Result<Option<SearchState>, Error> {
        self.read(move |session, _| {
            let row = session.query_opt(&format!("{STATE} WHERE list = $1"), &[&list.0])?;
            row.map(|row| read_state(&row)).transpose()
        })
        .await
    }

    async fn write_search(&self, write: SearchWrite) -> Result<bool, Error> {
        self.write(move |session, shared| put(session, &shared.key, &write)).await
    }

    async fn forget_search(&self, list: ListNo) -> Result<bool, Error> {
        self.write(move |session, _| forget(session, list)).await
    }

    async fn tidy_search(&self) -> Result<bool, Error> {
        // There is nothing of a person in the index.
        Ok(false)
    }

    async fn reset_search(&self) -> Result<(), Error> {
        self.write(|session, _| {
            for row in session.query(STATE, &[])? {
                session.execute("DELETE FROM search_feed WHERE list = $1", &[&get::<i64>(&row, 3)?])?;
            }
            Notice::Applied.send(session);
            Ok(())
        })
        .await
    }

    async fn search(
        &self,
        list: ListNo,
        lookup: Lookup,
        after: ContactNo,
        limit: u32,
    ) -> Result<Vec<ContactNo>, Error> {
        self.read(move |session, shared| {
            let terms = looked_up(&shared.key, list, &lookup);
            if terms.is_empty() { Ok(Vec::new()) } else { find(session, list, &terms, after, limit) }
        })
        .await
    }
}

/// Takes the work of this name for this node, unless another has it that is heard of.
pub(super) fn claim(session: &Session, shared: &Shared, name: &str) -> Result<bool, Error> {
    session.execute("INSERT INTO setting (name) VALUES ($1) ON CONFLICT DO NOTHING", &[&name])?;
    let lock = "SELECT bytes FROM setting WHERE name = $1 FOR NO KEY UPDATE";
    let row = session.query_opt(lock, &[&name])?;
    let holder: Option<Vec<u8>> = row.as_ref().map_or(Ok(None), |row| get(row, 0))?;
    let node = shared.node.as_slice();
    match holder {
        Some(holder) if holder == node => return Ok(true),
        Some(holder) => {
            let live = "SELECT FROM node WHERE id = $1 \
                        AND heard_at > now() - $2::bigint * interval '1 millisecond'";
            let lease = i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX);
            if session.query_opt(live, &[&holder, &lease])?.is_some() {
                return Ok(false);
            }
        }
        None => {}
    }
    session.execute("UPDATE setting SET bytes = $1 WHERE name = $2", &[&node, &name])?;
    Ok(true)
}

fn read_state(row: &Row) -> Result<SearchState, Error> {
    let scanned: Option<i64> = get(row, 2)?;
    Ok(SearchState {
        version: u32::try_from(get::<i64>(row, 0)?).unwrap_or(u32::MAX),
        cursor: get(row, 1)?,
        scanned: scanned.map(|number| ContactNo(number.cast_unsigned())),
    })
}

fn put(session: &Session, key: &HashKey, write: &SearchWrite) -> Result<bool, Error> {
    let (list, after) = (write.list.0, &write.after);
    let (version, scanned) = (i64::from(after.version), signed(after.scanned));
    // The row is locked until the commit: of two nodes, the second finds another state.
    let changed = match &write.before {
        None => {
            let insert = "INSERT INTO search_feed (list, version, cursor, scanned) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT DO NOTHING";
            session.execute(insert, &[&list, &version, &after.cursor, &scanned])?
        }
        Some(before) => {
            let update = "UPDATE search_feed SET version = $2, cursor = $3, scanned = $4 WHERE list = $1 \
                          AND version = $5 AND cursor = $6 AND scanned IS NOT DISTINCT FROM $7";
            let (former, at) = (i64::from(before.version), signed(before.scanned));
            session
                .execute(update, &[&list, &version, &after.cursor, &scanned, &former, &before.cursor, &at])?
        }
    };
    if changed == 0 {
        return Ok(false);
    }
    let numbers: Vec<i64> = write.entries.iter().map(|(number, _)| number.0.cast_signed()).collect();
    if let Some((behind, last)) = write.range {
        let delete =
            "DELETE FROM search_entry WHERE list = $1 AND number > $2 AND number <= $3 AND number <> ALL($4)";
        session.execute(
            delete,
            &[&list, &behind.0.cast_signed(), &i64::try_from(last.0).unwrap_or(i64::MAX), &numbers],
        )?;
    }
    put_entries(session, key, write)?;
    Ok(true)
}

fn put_entries(session: &Session, key: &HashKey, write: &SearchWrite) -> Result<(), Error> {
    let (mut gone, mut numbers, mut terms) = (Vec::new(), Vec::new(), Vec::new());
    for (number, entry) in &write.entries {
        match entry.as_ref().filter(|entry| !entry.is_empty()) {
            None => gone.push(number.0.cast_signed()),
            Some(entry) => {
                numbers.push(number.0.cast_signed());
                // Arrays of arrays have one length in PostgreSQL: each goes as its own text.
                terms.push(array(&indexed(key, write.list, entry)));
            }
        }
    }
    let list = write.list.0;
    if !gone.is_empty() {
        session.execute("DELETE FROM search_entry WHERE list = $1 AND number = ANY($2)", &[&list, &gone])?;
    }
    if !numbers.is_empty() {
        // With the list as a parameter, Citus copies the rows to their shard. By a row of the list it would be one phase, but
        // the index would then lack what it was given for a list without that row.
        let upsert = "INSERT INTO search_entry AS e (list, number, terms) \
                      SELECT $1::bigint, u.number, u.terms::int[] FROM unnest($2::bigint[], $3::text[]) AS u (number, terms) \
                      ON CONFLICT (list, number) DO UPDATE SET terms = excluded.terms WHERE e.terms <> excluded.terms";
        session.execute(upsert, &[&list, &numbers, &terms])?;
    }
    Ok(())
}

fn signed(number: Option<ContactNo>) -> Option<i64> {
    number.map(|number| number.0.cast_signed())
}

fn array(terms: &[i32]) -> String {
    let terms: Vec<_> = terms.iter().map(ToString::to_string).collect();
    format!("{{{}}}", terms.join(","))
}

fn forget(session: &Session, list: ListNo) -> Result<bool, Error> {
    let delete = "DELETE FROM search_entry WHERE list = $1 AND number IN \
                  (SELECT number FROM search_entry WHERE list = $1 LIMIT $2)";
    let gone = session.execute(delete, &[&list.0, &CHUNK])?;
    if gone == 0 {
        session.execute("DELETE FROM search_feed WHERE list = $1", &[&list.0])?;
    }
    Ok(gone > 0)
}

fn find(
    session: &Session,
    list: ListNo,
    terms: &[i32],
    after: ContactNo,
    limit: u32,
) -> Result<Vec<ContactNo>, Error> {
    let (after, limit) = (after.0.cast_signed(), i64::from(limit));
    // What is common is found near by. What is not is rare enough for the index to give it all: a planner that knows
    // neither would at times read the whole list.
    let near = "SELECT number FROM (SELECT number, terms FROM search_entry WHERE list = $1 AND number > $2 \
                ORDER BY number LIMIT $3) e WHERE terms @> $4 ORDER BY number LIMIT $5";
    let rows = session.query(near, &[&list.0, &after, &NEAR, &terms, &limit])?;
    let rows = if i64::try_from(rows.len()).is_ok_and(|found| found >= limit) {
        rows
    } else {
        let all = "WITH found AS MATERIALIZED (SELECT number FROM search_entry WHERE list = $1 AND terms @> $2) \
                   SELECT number FROM found WHERE number > $3 ORDER BY number LIMIT $4";
        session.query(all, &[&list.0, &terms, &after, &limit])?
    };
    rows.iter().map(|row| get_number(row, 0).map(ContactNo)).collect()
}

/// The terms of an entry, each once, sorted.
fn indexed(key: &HashKey, list: ListNo, entry: &Entry) -> Vec<i32> {
    let mut terms = Vec::new();
    for word in &entry.words {
        terms.push(term(key, list, '=', word));
        let ends = LENGTHS.iter().map(|letters| fold::cut(word, *letters));
        // A word that is shorter than a length is hashed once.
        let mut last = "";
        for beginning in ends {
            if beginning.len() > last.len() {
                terms.push(term(key, list, '^', beginning));
                last = beginning;
            }
        }
    }
    terms.extend(entry.phone.map(|phone| term(key, list, '#', &phone.end())));
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The terms that a contact must have to be found.
fn looked_up(key: &HashKey, list: ListNo, lookup: &Lookup) -> Vec<i32> {
    match lookup {
        Lookup::Words(words) => words.iter().map(|word| term(key, list, '=', word)).collect(),
        Lookup::Beginnings(words) => words.iter().map(|word| beginning(key, list, word)).collect(),
        Lookup::PhoneEnd(end) => vec![term(key, list, '#', end)],
    }
}

fn beginning(key: &HashKey, list: ListNo, word: &str) -> i32 {
    let letters = word.chars().count();
    let length = LENGTHS.into_iter().rev().find(|length| *length <= letters).unwrap_or(1);
    term(key, list, '^', fold::cut(word, length))
}

/// A keyed hash of a text in a list.
fn term(key: &HashKey, list: ListNo, kind: char, text: &str) -> i32 {
    let hash = key.hash(list.0.unsigned_abs(), IdentifierKind::UserId, &format!("search{kind}{text}"));
    // The lower half of it.
    let [a, b, c, d, ..] = hash.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
