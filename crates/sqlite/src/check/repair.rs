//! Mending what a check has found. Whoever does this has the store for itself.

use std::path::Path;

use rusqlite::Connection;

use super::super::open::{self, connect};
use super::super::{Settings, error};
use super::{contacts, intake, records};
use storage::Error;
use storage::rows::check::{Mend, Report};

/// Little is gained by more memory: most is walked along once.
const SETTINGS: Settings = Settings { cache_kib: 64 * 1_024, ..Settings::DEFAULT };

/// Mends one thing, in a transaction that has begun.
type Step = fn(&Connection) -> Result<(), Error>;

/// Mends what can be mended; the caller checks again.
pub fn repair(paths: &open::Paths, report: &Report) -> Result<(), Error> {
    let asked = |mend| report.asks_for(mend);
    if asked(Mend::Variables) {
        let intake = connect(&paths.intake, &SETTINGS)?;
        in_transaction(&intake, intake::mend_variables)?;
    }
    for path in [&paths.store, &paths.intake] {
        if asked(Mend::Derived) {
            derived(path)?;
        }
    }
    let store = connect(&paths.store, &SETTINGS)?;
    if asked(Mend::IndexAnew) && report.to_the_end {
        in_transaction(&store, index_anew)?;
    }
    let steps: [(Mend, Step); 4] = [
        (Mend::Index, contacts::mend_index),
        (Mend::Lists, contacts::mend_lists),
        (Mend::Orphans, records::mend_orphans),
        (Mend::Failed, records::mend_failed),
    ];
    for (mend, step) in steps {
        if asked(mend) {
            in_transaction(&store, step)?;
        }
    }
    if [Mend::IndexAnew, Mend::Derived, Mend::Pages].into_iter().any(asked) {
        // Pages that nothing uses any more, damaged ones among them, are not copied. Where something else is damaged
        // SQLite refuses, and what is mended stays so.
        for connection in [&store, &connect(&paths.intake, &SETTINGS)?] {
            if let Err(failure) = connection.execute_batch("VACUUM") {
                tracing::warn!(%failure, "store: rewriting a file failed");
            }
        }
    }
    open::empty_log(&store).map(drop)
}

fn in_transaction(
    connection: &Connection,
    step: impl FnOnce(&Connection) -> Result<(), Error>,
) -> Result<(), Error> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(error)?;
    let done = step(connection).and_then(|()| connection.execute_batch("COMMIT").map_err(error));
    if done.is_err() {
        // What it has failed with is what is told.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// Makes the index of identifiers anew without touching its pages: those that are damaged could not be deleted.
fn index_anew(store: &Connection) -> Result<(), Error> {
    forget(store, "name = 'identifier'")?;
    contacts::mend_index(store)
}

/// Takes objects out of the schema as if they had never been, and makes them again, empty.
fn forget(connection: &Connection, which: &str) -> Result<(), Error> {
    let select = format!("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND {which}");
    let again = connection
        .prepare(&select)
        .and_then(|mut select| {
            select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        })
        .map_err(error)?;
    let delete = format!("DELETE FROM sqlite_schema WHERE sql IS NOT NULL AND {which}");
    connection
        .execute_batch("PRAGMA writable_schema = ON")
        .and_then(|()| connection.execute(&delete, []))
        .and_then(|_| connection.execute_batch("PRAGMA writable_schema = RESET"))
        .map_err(error)?;
    for statement in again {
        connection.execute_batch(&statement).map_err(error)?;
    }
    Ok(())
}

/// Makes SQLite's own indexes anew: those that have a statement without touching their pages, the others by `REINDEX`.
fn derived(path: &Path) -> Result<(), Error> {
    let connection = connect(path, &SETTINGS)?;
    in_transaction(&connection, |connection| forget(connection, "type = 'index'"))?;
    connection.execute_batch("REINDEX").map_err(error)
}
