//! Forgetting the values of variables that were removed: they are personal data. The list's contacts come first, then
//! their histories: what is appended to these after that holds none of them.
//!
//! The intake file holds which variables those are, and how far their list was walked. What a chunk has done is
//! written down after it: a crash between the two has the chunk walked once more, and changes nothing by that.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::catalogue::variables::{self, Removed};
use super::contacts::contact_id;
use super::{Pair, SqliteStore, error};
use domain::contact::record::Malformed;
use domain::contact::sealed;
use storage::Error;
use storage::rows::purge::{MAX_BYTES, clearing, forgotten, without};

/// Contacts that one transaction looks at: applying waits no longer than that.
const CHUNK: u16 = 2_000;

/// Rows of the table history that one transaction looks at: each holds the changes of a batch.
const HISTORY_CHUNK: u16 = 200;

/// A cursor from here on has all contacts behind it, and the histories up to the position above this. No contact
/// has so high a row id.
const HISTORY: i64 = 1 << 62;

/// Looks at one chunk, and returns how much was done; 0 where no removed variable has values any more.
pub async fn purge(store: &SqliteStore) -> Result<usize, Error> {
    // On the thread that applies: whatever it applies after this knows that the variables are gone.
    let walked = store.write(|pair, _| walk(pair)).await?;
    let Some((removed, reached, looked_at)) = walked else { return Ok(0) };
    store.intake.call(move |intake| variables::scrubbed(intake, &removed, reached)).await?;
    Ok(looked_at + 1)
}

/// What was walked: the variables, the cursor or `None` at the end, and the number of rows.
type Walked = (Removed, Option<i64>, usize);

fn walk(pair: &mut Pair) -> Result<Option<Walked>, Error> {
    let Some(removed) = variables::removed(&pair.intake)? else { return Ok(None) };
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let walk = if removed.cursor < HISTORY { walk_contacts } else { walk_history };
    let (reached, looked_at) = walk(&transaction, &removed)?;
    transaction.commit().map_err(error)?;
    Ok(Some((removed, reached, looked_at)))
}

fn walk_contacts(store: &Transaction<'_>, removed: &Removed) -> Result<(Option<i64>, usize), Error> {
    let (first, last) = (contact_id(removed.list, 0), contact_id(removed.list, (1 << 40) - 1));
    let select = "SELECT id, document FROM contact WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    let (chunk, ends) = read(store, select, [removed.cursor.max(first), last], CHUNK).map_err(error)?;
    let patch = clearing(&removed.numbers);
    let update = "UPDATE contact SET document = ?2 WHERE id = ?1";
    rewrite(store, &chunk, update, |stored| {
        let changed = without(sealed::open(stored), &patch)?;
        Ok(changed.map(|document| sealed::sealed(&document)))
    })?;
    // Contacts that are made after this hold none of them: the walk need not run after those who make contacts.
    let reached = chunk.last().map(|(id, _)| *id).filter(|_| !ends);
    Ok((Some(reached.unwrap_or(HISTORY)), chunk.len()))
}

fn walk_history(store: &Transaction<'_>, removed: &Removed) -> Result<(Option<i64>, usize), Error> {
    let select = "SELECT position, changes FROM history WHERE list = ?1 AND position > ?2 \
                  ORDER BY position LIMIT ?3";
    let from = removed.cursor - HISTORY;
    let (chunk, ends) = read(store, select, [removed.list.0, from], HISTORY_CHUNK).map_err(error)?;
    let update = "UPDATE history SET changes = ?2 WHERE position = ?1";
    rewrite(store, &chunk, update, |changes| forgotten(changes, &removed.numbers, true))?;
    let reached = chunk.last().map(|(position, _)| HISTORY + position);
    Ok((reached.filter(|_| !ends), chunk.len()))
}

/// Rows by their keys.
type Chunk = Vec<(i64, Vec<u8>)>;

/// The next rows, and whether there are no more behind them.
fn read(store: &Connection, select: &str, range: [i64; 2], limit: u16) -> rusqlite::Result<(Chunk, bool)> {
    let mut select = store.prepare_cached(select)?;
    let mut rows = select.query(params![range[0], range[1], limit])?;
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_BYTES {
        let Some(row) = rows.next()? else {
            let ends = chunk.len() < usize::from(limit);
            return Ok((chunk, ends));
        };
        let stored: Vec<u8> = row.get(1)?;
        bytes += stored.len();
        chunk.push((row.get(0)?, stored));
    }
    Ok((chunk, false))
}

/// Writes those rows again of which `change` makes something else.
fn rewrite(
    store: &Connection,
    chunk: &Chunk,
    update: &str,
    change: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Malformed>,
) -> Result<(), Error> {
    for (key, stored) in chunk {
        match change(stored) {
            Ok(Some(stored)) => store
                .prepare_cached(update)
                .and_then(|mut update| update.execute(params![key, stored]))
                .map(drop)
                .map_err(error)?,
            Ok(None) => {}
            Err(Malformed) => tracing::error!(key, update, "store: row damaged on disk, left as it is"),
        }
    }
    Ok(())
}
