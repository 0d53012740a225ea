//! The journal: accepted batches, on disk before they are answered, until they are applied.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::backlog::{Counted, Row, counted};
use super::marks::{self, Marks};
use super::{Pair, Shared, SqliteStore, error, idempotency, is_not_synced, signed, unsigned};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, Batch, BatchKind};
use storage::rows::row_checksum::row_checksum;
use storage::{AppendError, Appended, Error};

/// Rows that one commit forgets: an append never waits behind more than that.
const FORGET: i64 = 32;

/// Writes batches in one transaction.
pub async fn append(store: &SqliteStore, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
    let shared = Arc::clone(&store.shared);
    // The two layers of the result: whether the thread answered at all, and what it found.
    let outcome = store.intake.call(move |intake| {
        let outcome = match insert(intake, &batches) {
            // What the disk will keep of it is not known even to SQLite.
            Err(failure) if is_not_synced(&failure) => return Err(error(failure)),
            Err(failure) => look_again(intake, &batches, failure),
            Ok(appended) => Ok(appended),
        };
        if outcome.is_ok() {
            // The batches are kept: a count that fails is made up for by the next.
            let _ = count_appended(intake, &shared);
        }
        Ok(outcome)
    });
    outcome.await.map_err(AppendError::Unknown)?
}

/// Counts what has come since it was last counted, what other processes appended too.
pub fn count_appended(intake: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    count(intake, &mut counted(shared))
}

fn count(intake: &Connection, counted: &mut Counted) -> rusqlite::Result<()> {
    let mut select = intake.prepare_cached(
        "SELECT position, account, length(items), kind FROM batch WHERE position > ?1 ORDER BY position",
    )?;
    let mut rows = select.query([signed(counted.reached())])?;
    while let Some(row) = rows.next()? {
        // Whatever the disk has done to the rest of it: whoever applies it sees that.
        let number = |column| row.get::<_, i64>(column).unwrap_or_default();
        let alone = BatchKind::from_code(number(3)).is_some_and(BatchKind::stands_alone);
        let row = Row { position: unsigned(row.get(0)?), bytes: unsigned(number(2)), alone };
        counted.appended(AccountNo(number(1)), row);
    }
    Ok(())
}

fn insert(intake: &mut Connection, batches: &[Arc<Batch>]) -> Result<Vec<Appended>, rusqlite::Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut appended = Vec::with_capacity(batches.len());
    for batch in batches {
        // The key is taken in the same transaction: of two that race, the second finds the first.
        let known = match &batch.once {
            Some(key) => idempotency::take(&transaction, batch, key)?,
            None => None,
        };
        appended.push(match known {
            Some(remembered) => Appended::Known(remembered),
            None => {
                insert_batch(&transaction, batch)?;
                Appended::Kept
            }
        });
    }
    transaction.commit()?;
    Ok(appended)
}

fn insert_batch(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO batch (request, account, list, list_id, token, kind, accepted_at, webhook, \
         webhook_receiver, items_check, items, restore_erased) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
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
        row_checksum(batch),
        batch.items,
        batch.restore_erased,
    ])?;
    Ok(())
}

/// When the first batch above the applied position was accepted.
pub fn oldest_waiting(pair: &Pair) -> Result<Option<Timestamp>, Error> {
    // The one behind the position up to which all is applied waits, whoever is ahead of it.
    let applied = marks::applied(&pair.store)?;
    let select = "SELECT accepted_at FROM batch WHERE position > ?1 ORDER BY position LIMIT 1";
    pair.intake
        .prepare_cached(select)
        .and_then(|mut select| select.query_row([signed(applied)], |row| row.get(0)).optional())
        .map(|millis| millis.map(Timestamp::from_millis))
        .map_err(error)
}

/// A commit that failed may have been kept all the same (contract, section 1): the file is asked.
fn look_again(
    intake: &Connection,
    batches: &[Arc<Batch>],
    failure: rusqlite::Error,
) -> Result<Vec<Appended>, AppendError> {
    let failure = error(failure);
    match all_there(intake, batches) {
        Ok(true) => Ok(vec![Appended::Kept; batches.len()]),
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
        let applied = signed(store.shared.applied());
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

/// What waits, as the journal has it.
pub fn count_waiting(intake: &Connection, marks: &Marks) -> Result<Counted, Error> {
    let mut counted = Counted::from(marks.applied);
    count(intake, &mut counted).map_err(error)?;
    counted.applied(marks);
    Ok(counted)
}
