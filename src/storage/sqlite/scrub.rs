//! Forgetting the values of variables that were removed: they are personal data.
//!
//! The intake file holds which variables those are, and how far their list was walked. What a chunk has done is
//! written down after it: a crash between the two has the chunk walked once more, and changes nothing by that.

use rusqlite::{Connection, TransactionBehavior, params};

use super::catalogue::variables::{self, Removed};
use super::contacts::contact_id;
use super::{Pair, SqliteStore, error};
use crate::contact::document::Document;
use crate::contact::field::Key;
use crate::contact::record::{self, Malformed, put_entry};
use crate::storage::Error;

/// Contacts that one transaction looks at: applying waits no longer than that.
const CHUNK: u16 = 2_000;

/// A contact may have megabytes of variables: a chunk that has read so many bytes ends there.
const MAX_BYTES: usize = 4 << 20;

/// Looks at one chunk of contacts, and returns how much was done; 0 where no removed variable has values any more.
pub async fn scrub(store: &SqliteStore) -> Result<usize, Error> {
    // On the thread that applies: whatever it applies after this knows that the variables are gone.
    let walked = store.write(|pair, _| walk(pair)).await?;
    let Some((removed, reached, looked_at)) = walked else { return Ok(0) };
    store.intake.call(move |intake| variables::scrubbed(intake, &removed, reached)).await?;
    Ok(looked_at + 1)
}

/// What was walked: the variables, the last row id or `None` at the end of the list, and the number of contacts.
type Walked = (Removed, Option<i64>, usize);

fn walk(pair: &mut Pair) -> Result<Option<Walked>, Error> {
    let Some(removed) = variables::removed(&pair.intake)? else { return Ok(None) };
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let (chunk, ends) = read(&transaction, &removed).map_err(error)?;
    let mut patch = Vec::new();
    for number in &removed.numbers {
        put_entry(&mut patch, Key::of_variable(*number), &[]);
    }
    for (id, document) in &chunk {
        match without(document, &patch) {
            Ok(Some(document)) => transaction
                .prepare_cached("UPDATE contact SET document = ?2 WHERE id = ?1")
                .and_then(|mut update| update.execute(params![id, document]))
                .map(drop)
                .map_err(error)?,
            Ok(None) => {}
            Err(Malformed) => {
                tracing::error!(contact = id, "a contact was damaged on disk; it stays as it is")
            }
        }
    }
    transaction.commit().map_err(error)?;
    // Contacts that are made after this hold none of them: the walk need not run after those who make contacts.
    let reached = chunk.last().map(|(id, _)| *id).filter(|_| !ends);
    Ok(Some((removed, reached, chunk.len())))
}

/// Contacts by their row ids.
type Chunk = Vec<(i64, Vec<u8>)>;

/// The next contacts with their row ids and documents, and whether the list ends with them.
fn read(store: &Connection, removed: &Removed) -> rusqlite::Result<(Chunk, bool)> {
    let first = removed.cursor.max(contact_id(removed.list, 0));
    let last = contact_id(removed.list, (1 << 40) - 1);
    let mut select = store
        .prepare_cached("SELECT id, document FROM contact WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3")?;
    let mut rows = select.query(params![first, last, CHUNK])?;
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_BYTES {
        let Some(row) = rows.next()? else {
            let ends = chunk.len() < usize::from(CHUNK);
            return Ok((chunk, ends));
        };
        let document: Vec<u8> = row.get(1)?;
        bytes += document.len();
        chunk.push((row.get(0)?, document));
    }
    Ok((chunk, false))
}

/// The document without what the patch clears, all else as it was; `None` where nothing of that is in it.
fn without(bytes: &[u8], patch: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let record = Document::read(bytes)?.record;
    let mut out = bytes[..bytes.len() - record.len()].to_vec();
    let mut undo = Vec::new();
    record::merge(record, patch, &mut out, &mut undo)?;
    Ok((!undo.is_empty()).then_some(out))
}
