//! Getting rid of what erased people have left in the free parts of the files.
//!
//! SQLite overwrites what it deletes, but when it moves entries from one page to another it leaves copies in the room
//! that comes free. So the files are written anew, without any free room, and their logs are emptied.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{SqliteStore, append, backlog, error};
use crate::storage::Error;

/// With more waiting than this, accepting would stand still for long while the journal is written anew.
const MAX_WAITING: u64 = 64 << 20;

/// So many times as long as it took, it is not done again: applying stands still meanwhile.
const PAUSE: u32 = 10;

/// When files may be written anew again.
#[derive(Debug, Default)]
pub struct Schedule(Option<Instant>);

impl Schedule {
    fn is_due(&self) -> bool {
        self.0.is_none_or(|next| Instant::now() >= next)
    }

    fn took(&mut self, time: Duration) {
        self.0 = Instant::now().checked_add(time * PAUSE);
    }
}

/// Writes both files anew where somebody was erased since they were.
pub async fn vacuum(store: &SqliteStore) -> Result<(), Error> {
    let accounts = store.read(|pair, _| accounts(&pair.store)).await?;
    if accounts.is_empty() || backlog::counted(&store.shared).backlog().bytes > MAX_WAITING {
        return Ok(());
    }
    if !super::lock(&store.shared.vacuums).is_due() {
        return Ok(());
    }
    let start = Instant::now();
    append::forget_applied(store).await?;
    let those = accounts.clone();
    store
        .intake
        .call(move |intake| forget_warnings(intake, &those).and_then(|()| write_anew(intake)))
        .await?;
    store.write(|pair, _| write_anew(&pair.store)).await?;
    store.write(move |pair, _| done(&pair.store, &accounts)).await?;
    super::lock(&store.shared.vacuums).took(start.elapsed());
    Ok(())
}

fn accounts(store: &Connection) -> Result<Vec<i64>, Error> {
    store
        .prepare_cached("SELECT account FROM scrub")
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .map_err(error)
}

/// Warnings of remembered answers may quote what was sent.
fn forget_warnings(intake: &Connection, accounts: &[i64]) -> Result<(), Error> {
    for account in accounts {
        intake.execute("UPDATE once SET warnings = '[]' WHERE account = ?1", [account]).map_err(error)?;
    }
    Ok(())
}

fn write_anew(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("VACUUM").map_err(error)?;
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(error)?;
    if busy {
        // A reader has held on to the log for longer than one waits: another time.
        return Err(Error::Unavailable("the log could not be emptied".to_owned()));
    }
    Ok(())
}

fn done(store: &Connection, accounts: &[i64]) -> Result<(), Error> {
    for account in accounts {
        store.execute("DELETE FROM scrub WHERE account = ?1", [account]).map_err(error)?;
    }
    Ok(())
}
