//! The schema of the two files: which migrations each has seen, and those that it has not.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::open::Paths;
use super::{Pair, files};
use storage::Error;

mod intake_migrations {
    refinery::embed_migrations!("migrations/intake");
}

mod store_migrations {
    refinery::embed_migrations!("migrations/store");
}

/// One of the two files.
#[derive(Clone, Copy, Debug)]
pub enum Half {
    /// Accounts, lists, and the journal.
    Intake,
    /// Contacts, results, webhooks.
    Store,
}

impl Half {
    fn runner(self) -> refinery::Runner {
        match self {
            Self::Intake => intake_migrations::migrations::runner(),
            Self::Store => store_migrations::migrations::runner(),
        }
    }

    fn of(self, paths: &Paths) -> &Path {
        match self {
            Self::Intake => &paths.intake,
            Self::Store => &paths.store,
        }
    }
}

/// Whether both files have seen every migration of this version.
pub fn has_schema(pair: &Pair) -> Result<bool, Error> {
    for (connection, half) in [(&pair.intake, Half::Intake), (&pair.store, Half::Store)] {
        if schema_version(connection).map_err(super::error)? < newest(&half.runner()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn newest(runner: &refinery::Runner) -> Option<i64> {
    runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max()
}

/// Brings a file to the present schema. `alone`: whether the caller has the store for itself.
///
/// # Errors
/// Where the file is of a later version, or of an earlier one that serves it.
pub fn migrate(connection: &mut Connection, half: Half, paths: &Paths, alone: bool) -> Result<(), Error> {
    let (runner, path) = (half.runner(), half.of(paths));
    match age_of_schema(connection, &runner, path)? {
        Ordering::Equal => return Ok(()),
        Ordering::Less => {}
        Ordering::Greater => return Err(later(path)),
    }
    let mut lock = None;
    // A new file is nobody's yet.
    if !alone && schema_version(connection).map_err(super::error)?.is_some() {
        lock = nobody_serves(paths);
        if lock.is_none() {
            // Or it was just making the store.
            if age_of_schema(connection, &runner, path)? == Ordering::Equal {
                return Ok(());
            }
            let text = "is served by an earlier version: stop it before this one changes the schema";
            return Err(Error::Unavailable(format!("{} {text}", paths.store.display())));
        }
    }
    // In one transaction with the note that they were made: a crash between the two would have them made again, which
    // fails for ever.
    let run = runner.set_grouped(true).run(connection);
    drop(lock);
    run.map(drop).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))
}

/// Takes the store for as long as its schema is changed: what serves it knows the schema that it found. Nothing where
/// it is served for longer than the making of a store takes.
fn nobody_serves(paths: &Paths) -> Option<impl Sized> {
    (0..20).find_map(|_| {
        // By name: this process has connections to the files, see `files`.
        let lock = files::lock_by_name(paths).ok();
        if lock.is_none() {
            std::thread::sleep(Duration::from_millis(50));
        }
        lock
    })
}

/// Sees whether both files are of the present schema, and changes nothing.
///
/// # Errors
/// Where one is of an earlier or a later version.
pub fn check_schema(paths: &Paths, intake: &Connection, store: &Connection) -> Result<(), Error> {
    for (connection, half) in [(intake, Half::Intake), (store, Half::Store)] {
        let path = half.of(paths);
        match age_of_schema(connection, &half.runner(), path)? {
            Ordering::Equal => {}
            Ordering::Greater => return Err(later(path)),
            Ordering::Less => {
                let text =
                    format!("{} was written by an earlier version: `rollbook migrate`", path.display());
                return Err(Error::Unavailable(text));
            }
        }
    }
    Ok(())
}

fn later(path: &Path) -> Error {
    Error::Damaged(format!("{} was written by a later version of Rollbook; use that one", path.display()))
}

/// The schema of a file beside that of this version.
fn age_of_schema(connection: &Connection, runner: &refinery::Runner, path: &Path) -> Result<Ordering, Error> {
    let present = schema_version(connection);
    let present = present.map_err(|error| match super::error(error) {
        Error::Damaged(text) => Error::Damaged(format!("{}: {text}", path.display())),
        error => error,
    })?;
    Ok(present.cmp(&newest(runner)))
}

/// The last migration that the file has seen; `None` for a new file.
fn schema_version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let table = "SELECT 1 FROM sqlite_master WHERE name = 'refinery_schema_history'";
    if !connection.prepare(table)?.exists([])? {
        return Ok(None);
    }
    connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
}
