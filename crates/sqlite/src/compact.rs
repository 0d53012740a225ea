//! Getting rid of what erased people have left in the free parts of the files, and giving back the room that is free.
//!
//! SQLite overwrites what it deletes, but when it moves entries from one page to another it leaves copies in the room
//! that comes free. So the files are written anew, without any free room, and their logs are emptied.

use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::time::Instant;

use super::open::empty_log;
use super::{SqliteStore, append, backlog, error, marks, signed, unsigned};
use domain::journal::BatchKind;
use storage::Error;

/// With more waiting than this, accepting would stand still for long while the journal is written anew.
const MAX_WAITING: u64 = 64 << 20;

/// So many times as long as it took, it is not done again: applying stands still meanwhile.
const PAUSE: u32 = 10;

/// Less free room than this is not given back: it is soon used again.
const MIN_FREE: u64 = 16 << 20;

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

/// Writes both files anew where somebody was erased since they were, or one that is free for a good part.
pub async fn compact(store: &SqliteStore) -> Result<(), Error> {
    let (due, free) = store
        .read(|pair, _| Ok((due(&pair.store)?, [is_free(&pair.intake)?, is_free(&pair.store)?])))
        .await?;
    let nothing = due.accounts.is_empty() && free == [false, false];
    if nothing || backlog::counted(&store.shared).backlog().bytes > MAX_WAITING {
        return Ok(());
    }
    if !super::lock(&store.shared.vacuums).is_due() {
        return Ok(());
    }
    let start = Instant::now();
    let written = match due.accounts.is_empty() {
        true => give_back(store, free).await,
        false => write_both_anew(store, due).await,
    };
    // Also where it failed: on a disk without room for it, applying must not stand still all the time.
    super::lock(&store.shared.vacuums).took(start.elapsed());
    written
}

async fn write_both_anew(store: &SqliteStore, due: Due) -> Result<(), Error> {
    append::forget_applied(store).await?;
    let accounts = due.accounts.clone();
    let intake = store
        .intake
        .call(move |intake| forget_warnings(intake, &accounts).and_then(|()| write_anew(intake)))
        .await?;
    if !intake || !store.write(|pair, _| write_anew(&pair.store)).await? {
        tracing::info!("store: rewrite after an erase postponed, a reader is active");
        return Ok(());
    }
    store.write(move |pair, _| done(&pair.store, &due)).await
}

/// Whether so much of a file is free that writing the rest of it anew pays: half as much as is kept, and not little.
fn is_free(connection: &Connection) -> Result<bool, Error> {
    let number = |pragma: &str| {
        let found = connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0).map(unsigned));
        found.map_err(error)
    };
    let (free, pages, size) = (number("freelist_count")?, number("page_count")?, number("page_size")?);
    Ok(free * size >= MIN_FREE && 3 * free >= pages)
}

async fn give_back(store: &SqliteStore, [intake, main]: [bool; 2]) -> Result<(), Error> {
    // Where somebody reads, it is done another time.
    if intake {
        store.intake.call(|intake| write_anew(intake)).await?;
    }
    if main {
        store.write(|pair, _| write_anew(&pair.store)).await?;
    }
    Ok(())
}

/// What the files are to be written anew for.
struct Due {
    /// The accounts that had somebody erased.
    accounts: Vec<i64>,
    /// A position: what was applied up to it is in that, and what came after it may not be.
    applied: u64,
}

fn due(store: &Connection) -> Result<Due, Error> {
    // In this order: who is erased between the two counts as later.
    let applied = marks::applied(store)?;
    let accounts = store
        .prepare_cached("SELECT account FROM scrub")
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .map_err(error)?;
    Ok(Due { accounts, applied })
}

/// Warnings of remembered answers may quote what was sent.
fn forget_warnings(intake: &Connection, accounts: &[i64]) -> Result<(), Error> {
    for account in accounts {
        intake.execute("UPDATE once SET warnings = '[]' WHERE account = ?1", [account]).map_err(error)?;
    }
    Ok(())
}

/// Writes a file anew; whether that is done. A reader that stays, such as a backup, keeps the log and what is in it.
fn write_anew(connection: &Connection) -> Result<bool, Error> {
    if !empty_log(connection)? {
        return Ok(false);
    }
    connection.execute_batch("VACUUM").map_err(error)?;
    empty_log(connection)
}

/// Who was erased while the files were written may have left something in them: such accounts stay.
fn done(store: &Connection, due: &Due) -> Result<(), Error> {
    let delete = "DELETE FROM scrub WHERE account = ?1 AND NOT EXISTS \
                  (SELECT 1 FROM request WHERE position > ?2 AND account = ?1 AND kind = ?3)";
    for account in &due.accounts {
        let bound = params![account, signed(due.applied), BatchKind::Erase.code()];
        store.execute(delete, bound).map_err(error)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erase(store: &Connection, account: i64, position: i64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO request VALUES (?1, randomblob(12), ?2, 0, x'', ?3, 0, 0, x'', NULL, 0)";
        store.execute(insert, params![position, account, BatchKind::Erase.code()])?;
        store.execute("INSERT OR IGNORE INTO scrub VALUES (?1)", [account])?;
        store.execute("UPDATE setting SET value = ?1", [position]).map(drop)
    }

    #[test]
    fn an_account_that_has_somebody_erased_while_the_files_are_written_is_not_done()
    -> Result<(), Box<dyn std::error::Error>> {
        let store = Connection::open_in_memory()?;
        for migration in [
            include_str!("../migrations/store/V1__store.sql"),
            include_str!("../migrations/store/V2__history.sql"),
        ] {
            store.execute_batch(migration)?;
        }
        store.execute("INSERT INTO setting VALUES ('applied', 0)", [])?;
        erase(&store, 1, 1)?;
        erase(&store, 2, 2)?;
        let first = due(&store)?;
        assert_eq!((first.accounts.as_slice(), first.applied), (&[1, 2][..], 2));
        erase(&store, 1, 3)?;
        done(&store, &first)?;
        let second = due(&store)?;
        assert_eq!((second.accounts.as_slice(), second.applied), (&[1][..], 3));
        done(&store, &second)?;
        assert_eq!(due(&store)?.accounts, [0; 0]);
        Ok(())
    }
}
