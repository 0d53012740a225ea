//! The journal: accepted batches, on disk before they are answered, until they are applied.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, TransactionBehavior, params};

use super::{SqliteStore, error, open, signed, unsigned};
use crate::journal::Batch;
use crate::storage::{AppendError, Backlog, Error};

/// Rows that one commit forgets: an append never waits behind more than that.
const FORGET: i64 = 32;

/// Writes batches in one transaction.
pub async fn append(store: &SqliteStore, batches: Vec<Arc<Batch>>) -> Result<(), AppendError> {
    let shared = Arc::clone(&store.shared);
    // The two layers of the result: whether the thread answered at all, and what it found.
    let outcome = store.intake.call(move |intake| {
        let count = batches.len() as u64;
        let bytes: u64 = batches.iter().map(|batch| batch.items.len() as u64).sum();
        // Counted before the commit: an applier may be done with them before this thread goes on.
        shared.waiting_batches.fetch_add(count, Ordering::Relaxed);
        shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let outcome = insert(intake, &batches).or_else(|failure| look_again(intake, &batches, failure));
        if outcome.is_err() {
            shared.waiting_batches.fetch_sub(count, Ordering::Relaxed);
            shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(outcome)
    });
    outcome.await.map_err(AppendError::Unknown)?
}

fn insert(intake: &mut Connection, batches: &[Arc<Batch>]) -> Result<(), rusqlite::Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO batch (request, account, list, list_id, token, kind, accepted_at, webhook, \
             webhook_receiver, items_check, items) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        for batch in batches {
            insert.execute(params![
                batch.request.to_bytes(),
                batch.account.0,
                batch.list.0,
                batch.list_id.to_bytes(),
                batch.token,
                batch.kind.code(),
                batch.accepted_at.millis(),
                batch.webhook.as_ref().map(|webhook| &webhook.uri),
                batch.webhook.as_ref().map(|webhook| &webhook.receiver),
                crc32fast::hash(&batch.items),
                batch.items,
            ])?;
        }
    }
    transaction.commit()
}

/// A commit that failed may have been kept all the same (contract, section 1): the file is asked.
fn look_again(
    intake: &Connection,
    batches: &[Arc<Batch>],
    failure: rusqlite::Error,
) -> Result<(), AppendError> {
    let synced = !matches!(
        &failure,
        rusqlite::Error::SqliteFailure(code, _) if code.extended_code == rusqlite::ffi::SQLITE_IOERR_FSYNC
    );
    let failure = error(failure);
    if !synced {
        // What the disk will keep of it is not known even to SQLite.
        return Err(AppendError::Unknown(failure));
    }
    match all_there(intake, batches) {
        Ok(true) => Ok(()),
        Ok(false) => Err(AppendError::NotKept(failure)),
        Err(_) => Err(AppendError::Unknown(failure)),
    }
}

/// Whether every batch is in the file. One of them could be there from before, and says nothing of the others.
fn all_there(intake: &Connection, batches: &[Arc<Batch>]) -> rusqlite::Result<bool> {
    let mut select = intake.prepare_cached("SELECT 1 FROM batch WHERE request = ?1")?;
    for batch in batches {
        if !select.exists([batch.request.to_bytes()])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes batches that are applied, a few rows a commit. The caller has seen the apply commit return.
pub async fn forget_applied(store: &SqliteStore) -> Result<(), Error> {
    loop {
        let applied = signed(store.shared.applied.load(Ordering::Acquire));
        let forgotten = store.intake.call(move |intake| {
            let delete = "DELETE FROM batch WHERE position IN \
                          (SELECT position FROM batch WHERE position <= ?1 ORDER BY position LIMIT ?2)";
            intake
                .prepare_cached(delete)
                .and_then(|mut delete| delete.execute([applied, FORGET]))
                .map_err(error)
        });
        if forgotten.await? == 0 {
            return Ok(());
        }
    }
}

/// The position up to which the store has applied.
pub fn applied_position(store: &Connection) -> Result<u64, Error> {
    open::setting(store, "applied")?.map(unsigned).ok_or_else(|| open::no_setting("applied"))
}

/// What waits above a position.
pub fn count_waiting(intake: &Connection, applied: u64) -> Result<Backlog, Error> {
    let count = "SELECT count(*), coalesce(sum(length(items)), 0) FROM batch WHERE position > ?1";
    intake
        .query_row(count, [signed(applied)], |row| {
            Ok(Backlog { batches: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?) })
        })
        .map_err(error)
}
