//! The rows of `queue` and `progress`: one of each list, rewritten by almost every batch.
//!
//! A transaction that stays open anywhere in the database keeps all their old versions. Statements therefore never look
//! a row up by its list alone, which would visit every version: the number in the key only rises, and the newest
//! version has the highest. The same holds for the rows of `batch` that were applied and deleted: they are below the
//! last request of their list.

/// Locks the list's `progress` and waits for the node that applies it.
pub const LOCK_PROGRESS: &str =
    "SELECT next FROM progress WHERE list = $1 ORDER BY next DESC LIMIT 1 FOR UPDATE";

/// The same, without waiting. Of a row that changes meanwhile there is none, as of one that is locked.
pub const TRY_PROGRESS: &str = "SELECT next FROM progress WHERE list = $1 \
                                AND next = (SELECT max(next) FROM progress WHERE list = $1) FOR UPDATE SKIP LOCKED";

/// Reads the number of the list's next contact.
pub const NEXT: &str = "SELECT next FROM progress WHERE list = $1 ORDER BY next DESC LIMIT 1";

/// Counts contacts, under the lock: the next number, and how many more there are.
pub const COUNT: &str = "UPDATE progress SET next = $2, contacts = contacts + $3 WHERE list = $1 \
                         AND next = (SELECT max(next) FROM progress WHERE list = $1)";

/// Counts a contact less, under the lock.
pub const COUNT_ERASED: &str = "UPDATE progress SET contacts = contacts - 1 WHERE list = $1 \
                                AND next = (SELECT max(next) FROM progress WHERE list = $1)";

/// Locks the list's `queue` and waits for other appends. `$2`: a position that was given before, 0 if none is known. No
/// row: the database has lost that position, or the list has no queue.
pub const LOCK_QUEUE: &str = "SELECT last FROM queue WHERE list = $1 AND last >= $2 FOR UPDATE";

/// Gives `$2` positions and keeps the lock; `$3` as above. What was applied has a lower one in any case.
pub const GIVE: &str = "UPDATE queue SET last = greatest(last, (SELECT max(position) FROM request WHERE list = $1)) + $2 \
                        WHERE list = $1 AND last >= $3 RETURNING last";

/// What a statement about the list `$1` adds to read only what waits of `batch`.
pub const WAITING: &str = "position > coalesce((SELECT max(position) FROM request WHERE list = $1), 0)";

/// What an `INSERT … SELECT` about the list `$1` selects from, before the values: `p.list` is the list. Citus runs the
/// statement on the list's shard, as one command. With `$1` itself in place of a column it would select on the
/// coordinator, copy the rows to the shard, and commit in two phases. Every list and queue has a row.
macro_rules! of_list {
    () => {
        "(SELECT list FROM progress WHERE list = $1 AND next = (SELECT max(next) FROM progress WHERE list = $1)) AS p \
         CROSS JOIN"
    };
}
pub(super) use of_list;
