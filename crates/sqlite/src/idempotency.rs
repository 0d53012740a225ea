//! Idempotency keys: which request was accepted with one.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::error;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, Batch, ListNo, Once};
use storage::{Error, Remembered};

const SELECT: &str = "SELECT fingerprint, request, warnings FROM once \
                      WHERE account = ?1 AND list = ?2 AND key = ?3 AND used_at > ?4";

fn read(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    Ok(Remembered {
        fingerprint: row.get(0)?,
        request: ObjectId::from_bytes(row.get(1)?),
        warnings: row.get(2)?,
    })
}

/// What was accepted with the key after `since`.
pub fn find(
    intake: &Connection,
    account: AccountNo,
    list: ListNo,
    key: &str,
    since: Timestamp,
) -> Result<Option<Remembered>, Error> {
    intake
        .prepare_cached(SELECT)
        .and_then(|mut select| {
            select.query_row(params![account.0, list.0, key, since.millis()], read).optional()
        })
        .map_err(error)
}

/// Takes a key for a batch, or tells for which request it was taken before.
pub fn take(
    transaction: &Transaction<'_>,
    batch: &Batch,
    once: &Once,
) -> rusqlite::Result<Option<Remembered>> {
    let scope = params![batch.account.0, batch.list.0, once.key, once.since.millis()];
    let known = transaction.prepare_cached(SELECT)?.query_row(scope, read).optional()?;
    if known.is_none() {
        // One whose time is up may still be there.
        let mut insert =
            transaction.prepare_cached("INSERT OR REPLACE INTO once VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        insert.execute(params![
            batch.account.0,
            batch.list.0,
            once.key,
            once.fingerprint,
            batch.request.to_bytes(),
            once.warnings,
            batch.accepted_at.millis(),
        ])?;
    }
    Ok(known)
}

/// Forgets keys that were used before, a chunk of them.
pub fn prune(intake: &Connection, before: Timestamp, chunk: i64) -> Result<usize, Error> {
    let delete = "DELETE FROM once WHERE (account, list, key) IN \
                  (SELECT account, list, key FROM once WHERE used_at < ?1 LIMIT ?2)";
    intake
        .prepare_cached(delete)
        .and_then(|mut delete| delete.execute([before.millis(), chunk]))
        .map_err(error)
}
