//! What can be told of a store that is being served, for those who measure it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{error, signed};
use storage::Error;

/// The bytes of the tables and indexes of the contacts' file, the largest first. Every page is looked at.
///
/// # Errors
/// Where the file cannot be read.
pub fn table_sizes(database: &Path) -> Result<Vec<(String, u64)>, Error> {
    let sizes = |store: Connection| {
        let text = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC";
        let mut query = store.prepare(text)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        rows.collect()
    };
    open(database).and_then(sizes).map_err(error)
}

/// The journal position that is reached, and how many batches each transaction above `after` had, in their order.
///
/// # Errors
/// Where the file cannot be read.
pub fn transactions(database: &Path, after: u64) -> Result<(u64, Vec<u32>), Error> {
    let read = |store: Connection| {
        // All that is applied together is applied at one time.
        let text = "SELECT count(*), max(position) FROM request WHERE position > ?1 \
                    GROUP BY processed_at ORDER BY min(position)";
        let mut query = store.prepare(text)?;
        let rows = query.query_map([signed(after)], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        let rows: Vec<(u32, i64)> = rows.collect::<rusqlite::Result<_>>()?;
        let last = rows.iter().map(|(_, position)| position.unsigned_abs()).max();
        Ok((last.unwrap_or(after), rows.into_iter().map(|(batches, _)| batches).collect()))
    };
    open(database).and_then(read).map_err(error)
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
}
