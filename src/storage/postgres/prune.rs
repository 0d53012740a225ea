//! Forgetting what is kept for a time only, and what belonged to a list that is gone.

use super::scrub;
use super::session::{Session, get};
use crate::journal::ListNo;
use crate::storage::rows::activity::minute;
use crate::storage::{Error, Keep};

/// Rows that one transaction deletes: applying waits no longer than that.
const CHUNK: i64 = 2_000;

/// Rows of the table history that one transaction deletes: each holds the changes of a batch.
const HISTORY_CHUNK: i64 = 200;

/// Deletes one chunk, and returns how many rows went.
pub fn prune(session: &Session, keep: Keep) -> Result<usize, Error> {
    // One node does it at a time; another has nothing to add.
    let lock = "SELECT FROM setting WHERE name = 'prune' FOR NO KEY UPDATE SKIP LOCKED";
    if session.query_opt(lock, &[])?.is_none() {
        return Ok(0);
    }
    let mut gone = keys(session, keep)? + scrub::scrub(session)? + requests(session, keep)?;
    gone += activity(session, keep)?;
    gone += behind(session, "former_identifiers", "number, position, item", "request")?;
    gone += history(session, keep)?;
    if let Some(list) = orphaned_list(session)? {
        gone += orphan(session, list)?;
    }
    // Nobody can come back to an account that is gone: its hashes serve nobody.
    let erased = "DELETE FROM erased WHERE (account, hash) IN (SELECT account, hash FROM erased e \
                  WHERE NOT EXISTS (SELECT FROM account a WHERE a.no = e.account) LIMIT $1)";
    gone += session.execute(erased, &[&CHUNK])?;
    Ok(usize::try_from(gone).unwrap_or(usize::MAX))
}

fn keys(session: &Session, keep: Keep) -> Result<u64, Error> {
    let delete = "DELETE FROM once WHERE (list, account, key) IN \
                  (SELECT list, account, key FROM once WHERE used_at < $1 LIMIT $2)";
    session.execute(delete, &[&keep.keys.millis(), &CHUNK])
}

fn activity(session: &Session, keep: Keep) -> Result<u64, Error> {
    let delete = "DELETE FROM activity WHERE (account, minute, list) IN \
                  (SELECT account, minute, list FROM activity WHERE minute < $1 LIMIT $2)";
    session.execute(delete, &[&minute(keep.requests), &CHUNK])
}

fn requests(session: &Session, keep: Keep) -> Result<u64, Error> {
    let delete = "WITH old AS (SELECT list, position FROM request r WHERE processed_at < $1 AND NOT EXISTS \
                  (SELECT FROM delivery d WHERE d.list = r.list AND d.position = r.position AND d.state = 0) \
                  ORDER BY processed_at LIMIT $2), told AS (DELETE FROM delivery d USING old \
                  WHERE d.list = old.list AND d.position = old.position) \
                  DELETE FROM request r USING old WHERE r.list = old.list AND r.position = old.position";
    session.execute(delete, &[&keep.requests.millis(), &CHUNK])
}

/// Rows of `table` that only rows of `other` at or before them need: where the oldest of those is gone, so are they.
fn behind(session: &Session, table: &str, key: &str, other: &str) -> Result<u64, Error> {
    let delete = format!(
        "DELETE FROM {table} WHERE (list, {key}) IN (SELECT t.* FROM progress p CROSS JOIN LATERAL \
         (SELECT list, {key} FROM {table} t WHERE t.list = p.list AND t.position < \
         coalesce((SELECT min(o.position) FROM {other} o WHERE o.list = p.list), {}) LIMIT $1) t LIMIT $1)",
        i64::MAX
    );
    session.execute(&delete, &[&CHUNK])
}

/// Histories, with what only they need.
fn history(session: &Session, keep: Keep) -> Result<u64, Error> {
    let delete = "DELETE FROM history WHERE (list, position) IN \
                  (SELECT list, position FROM history WHERE applied_at < $1 ORDER BY applied_at LIMIT $2)";
    let mut gone = session.execute(delete, &[&keep.history.millis(), &HISTORY_CHUNK])?;
    gone += behind(session, "departed", "number", "history")?;
    gone += behind(session, "former_bearer", "hash, number, position", "history")?;
    Ok(gone)
}

/// A list that has contacts but was removed.
fn orphaned_list(session: &Session) -> Result<Option<ListNo>, Error> {
    let select = "SELECT list FROM progress p WHERE list > 0 AND NOT gone \
                  AND NOT EXISTS (SELECT FROM list l WHERE l.no = p.list) LIMIT 1";
    session.query_opt(select, &[])?.map(|row| get(&row, 0).map(ListNo)).transpose()
}

/// Deletes contacts of a list that is gone, then what else is kept of them, and at last marks that all is done.
fn orphan(session: &Session, list: ListNo) -> Result<u64, Error> {
    session.query_opt("SELECT next FROM progress WHERE list = $1 FOR UPDATE", &[&list.0])?;
    let delete = "DELETE FROM contact WHERE list = $1 AND number IN \
                  (SELECT number FROM contact WHERE list = $1 ORDER BY number LIMIT $2)";
    let mut gone = session.execute(delete, &[&list.0, &CHUNK])?;
    if gone > 0 {
        return Ok(gone);
    }
    // Nobody looks for the contacts of such a list: their index goes after them.
    for (table, key, chunk) in [
        ("identifier", "hash, number", CHUNK),
        ("history", "position", HISTORY_CHUNK),
        ("former_identifiers", "number, position, item", CHUNK),
        ("former_bearer", "hash, number, position", CHUNK),
        ("departed", "number", CHUNK),
    ] {
        let delete = format!(
            "DELETE FROM {table} WHERE list = $1 AND ({key}) IN \
             (SELECT {key} FROM {table} WHERE list = $1 LIMIT $2)"
        );
        gone += session.execute(&delete, &[&list.0, &chunk])?;
    }
    if gone == 0 {
        let done = "UPDATE progress SET gone = true, contacts = 0 WHERE list = $1";
        gone = session.execute(done, &[&list.0])?;
    }
    Ok(gone)
}
