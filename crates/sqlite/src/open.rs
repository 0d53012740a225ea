//! Opening a store: two files that belong together, and are refused apart.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::failure::Failure;
use super::schema::{self, Half};
use super::{Pair, Settings, address_form, files, log};
use storage::Error;

/// How long a writer waits for another process's small commit.
const BUSY: Duration = Duration::from_secs(10);

/// How long the readers of a log are waited for that is to be emptied: whoever accepts batches waits meanwhile.
const BRIEF: Duration = Duration::from_millis(100);

/// A log that has grown beyond this, beside a reader that stayed, is cut to it once it is begun again.
pub const LOG_LIMIT: u32 = 64 << 20;

/// Where the two files of a store are.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Contacts, results, webhooks.
    pub store: PathBuf,
    /// Accounts, lists, and the journal.
    pub intake: PathBuf,
    /// The search index.
    pub search: PathBuf,
    /// Locked by whoever serves the store.
    pub lock: PathBuf,
    /// Where a backup is made ready to be put in place of the files.
    pub restoring: PathBuf,
    /// The same once it is ready: until this is gone again, the files are not to be used.
    pub restored: PathBuf,
}

impl Paths {
    /// The files of the store at `path`.
    pub fn new(path: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        // Never `-journal`, `-wal` or `-shm`: those names are SQLite's, and it deletes such files.
        Self {
            store: path.to_owned(),
            intake: with(".intake"),
            search: with(".search"),
            lock: with(".lock"),
            restoring: with(".restoring"),
            restored: with(".restored"),
        }
    }

    /// Sees whether the files are whole.
    ///
    /// # Errors
    /// Where a backup was being put in their place, and that did not come to its end.
    pub fn check_restored(&self) -> Result<(), Error> {
        if self.restored.exists() {
            let store = self.store.display();
            let text = format!("the restore of {store} was cut short: run the same `rollbook restore` again");
            return Err(Error::Damaged(text));
        }
        Ok(())
    }
}

/// Whether there is a store at `path`, or a half of one.
pub fn exists(path: &Path) -> bool {
    let paths = Paths::new(path);
    paths.store.exists() || paths.intake.exists()
}

/// Makes both files where there are none, brings both to the present schema, and checks that they belong together.
/// `alone`: whether the caller has the store for itself.
///
/// # Errors
/// Where one half is missing or foreign, a log is damaged, one is of a later version, or of an earlier one that serves it.
pub fn prepare(paths: &Paths, settings: &Settings, alone: bool) -> Result<(), Error> {
    paths.check_restored()?;
    for path in [&paths.intake, &paths.store] {
        files::one_name(path)?;
    }
    if alone {
        // Before SQLite reads them. What a command beside this is writing now is the end of a log.
        log::check(&paths.intake)?;
        log::check(&paths.store)?;
    }
    if paths.store.exists() && !paths.intake.exists() {
        return Err(Error::Damaged(format!(
            "{} is there, but its other half {} is missing",
            paths.store.display(),
            paths.intake.display()
        )));
    }
    make_private(&paths.intake)?;
    let mut intake = connect(&paths.intake, settings)?;
    schema::migrate(&mut intake, Half::Intake, paths, alone)?;
    if alone {
        catalogue_is_whole(&intake, &paths.intake)?;
    }
    let fresh = domain::secret::random::<16>();
    intake.execute("INSERT OR IGNORE INTO setting VALUES ('store_id', ?1)", [fresh]).map_err(super::error)?;
    // The intake file comes first and says when the other has been made: a crash between the two is told
    // from a file that went missing.
    let has_store: Option<i64> = setting(&intake, "has_store")?;
    if has_store.is_some() && !paths.store.exists() {
        return Err(Error::Damaged(format!(
            "{} is there, but its other half {} is missing",
            paths.intake.display(),
            paths.store.display()
        )));
    }
    make_private(&paths.store)?;
    let mut store = connect(&paths.store, settings)?;
    schema::migrate(&mut store, Half::Store, paths, alone)?;
    join(&intake, &mut store, has_store.is_some(), paths)?;
    if alone { address_form::bring(Pair { store, intake }) } else { Ok(()) }
}

/// The tables of an intake file that say what there is: a row that a disk has lost would look like one that was removed,
/// and a batch for such a list would end as one for a list that is gone.
const CATALOGUE: [&str; 9] = [
    "account",
    "user",
    "token",
    "token_list",
    "list",
    "variable",
    "source",
    "removed_source",
    "removed_variable",
];

/// Has SQLite hold the catalogue's rows against its indexes before anything is applied by it. They are few.
fn catalogue_is_whole(intake: &Connection, path: &Path) -> Result<(), Error> {
    for table in CATALOGUE {
        let check = format!("PRAGMA integrity_check('{table}')");
        let found: String = intake.query_row(&check, [], |row| row.get(0)).map_err(super::error)?;
        if found != "ok" {
            let found = found.lines().find(|line| !line.starts_with("***")).unwrap_or_default();
            let text = format!("{}: {found}: see `rollbook check`", path.display());
            return Err(Error::Damaged(text));
        }
    }
    Ok(())
}

/// Only the owner may read a new file: it holds personal data.
pub(super) fn make_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))
}

fn join(intake: &Connection, store: &mut Connection, made: bool, paths: &Paths) -> Result<(), Error> {
    let id: [u8; 16] = setting(intake, "store_id")?.ok_or_else(|| no_setting("store_id"))?;
    if !made {
        first_settings(store, id)?;
    }
    // A command that opens the store while it is served must not wait for the applier: it only reads here.
    let known: Option<[u8; 16]> = setting(store, "store_id")?;
    if known != Some(id) {
        let [intake, store] = [paths.intake.display(), paths.store.display()];
        return Err(Error::Damaged(match known {
            Some(_) => format!("{store} and {intake} are halves of different stores"),
            None => format!("{store} has lost its contents; {intake} knows that it had some"),
        }));
    }
    if !made {
        intake.execute("INSERT OR IGNORE INTO setting VALUES ('has_store', 1)", []).map_err(super::error)?;
    }
    Age::of(intake, store)?.check(paths)
}

/// What a new store has to know. Two processes may make one at the same time: the first wins.
fn first_settings(store: &mut Connection, id: [u8; 16]) -> Result<(), Error> {
    let transaction =
        store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(super::error)?;
    let insert = "INSERT OR IGNORE INTO setting VALUES (?1, ?2)";
    for (name, value) in [("store_id", id), ("hash_key", domain::secret::random::<16>())] {
        transaction.execute(insert, params![name, value]).map_err(super::error)?;
    }
    transaction.execute(insert, params!["applied", 0]).map_err(super::error)?;
    transaction.commit().map_err(super::error)
}

/// How old the two files are, seen from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// They are of one moment, or the journal holds all that the contacts have not seen yet.
    Same,
    /// The journal never gave out the position that the store has applied. It must not be used: the numbers of lists
    /// and sources that it gives out next are borne by others' contacts already.
    OlderJournal,
    /// Positions are given without gaps. Where the next to apply is not there, it was applied and forgotten after
    /// this copy of the contacts was made: what it did would be lost without a word.
    OlderContacts,
}

impl Age {
    /// Compares what the files say.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn of(intake: &Connection, store: &Connection) -> Result<Self, Error> {
        let applied: i64 = setting(store, "applied")?.ok_or_else(|| no_setting("applied"))?;
        let given: Option<i64> = intake
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'batch'", [], |row| row.get(0))
            .optional()
            .map_err(super::error)?;
        if given.unwrap_or_default() < applied {
            return Ok(Self::OlderJournal);
        }
        let next: Option<i64> = intake
            .query_row("SELECT min(position) FROM batch WHERE position > ?1", [applied], |row| row.get(0))
            .map_err(super::error)?;
        let next = next.or(given.map(|given| given + 1));
        Ok(if next.is_some_and(|next| next != applied + 1) { Self::OlderContacts } else { Self::Same })
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// Where the files are not of the same age.
    pub fn check(self, paths: &Paths) -> Result<(), Error> {
        let [intake, store] = [paths.intake.display(), paths.store.display()];
        match self {
            Self::Same => Ok(()),
            Self::OlderJournal => {
                Err(Error::Damaged(format!("{intake} is older than {store}: restore both from one backup")))
            }
            Self::OlderContacts => {
                Err(Error::Damaged(format!("{store} is older than {intake}: restore both from one backup")))
            }
        }
    }
}

/// A setting of one of the files.
///
/// # Errors
/// Where it cannot be read.
pub fn setting<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<Option<T>, Error> {
    connection
        .query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(super::error)
}

/// The error for a setting that every store has.
pub fn no_setting(name: &str) -> Error {
    Error::Damaged(format!("the store has no setting {name}"))
}

/// A connection that writes: commits are on disk when they return.
///
/// # Errors
/// Where the file cannot be opened.
pub fn connect(path: &Path, settings: &Settings) -> Result<Connection, Error> {
    let connection =
        Connection::open(path).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(BUSY).map_err(super::error)?;
    connection.set_prepared_statement_cache_capacity(64);
    stable_plans(&connection)?;
    let cache = -i64::try_from(settings.cache_kib).unwrap_or(i64::MAX);
    let checkpoint = settings.checkpoint_pages;
    let limit = i64::from(LOG_LIMIT);
    for (name, value) in [
        ("cache_size", cache),
        ("wal_autocheckpoint", checkpoint),
        ("journal_size_limit", limit),
        ("foreign_keys", 1),
    ] {
        connection.pragma_update(None, name, value).map_err(super::error)?;
    }
    // What is deleted is overwritten where that costs no further writing; see `vacuum` for the rest.
    connection.pragma_update(None, "secure_delete", "fast").map_err(super::error)?;
    // Where the disk fails at that, SQLite says no more than that the file stays as it was.
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(super::error)?;
    if mode != "wal" {
        return Err(Error::Unavailable(format!("{}: there is no log beside it", path.display())));
    }
    connection.pragma_update(None, "synchronous", "full").map_err(super::error)?;
    Ok(connection)
}

/// Has SQLite plan a statement once. Otherwise it plans a statement about a table with a partial index again for each
/// new value of a parameter, in case the value fits the condition of the index. The statements of this store name such
/// conditions as literals.
fn stable_plans(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).map_err(super::error)
}

/// Copies the log into the file whenever a commit has made it so many pages long. SQLite does so by itself, but tells
/// nobody when the file could not be synced.
///
/// # Errors
/// Where SQLite refuses.
pub fn checkpoint_from(connection: &mut Connection, pages: i64, failure: &Failure) -> Result<(), Error> {
    let failure = failure.clone();
    let hook = move |log: &mut Wal, length| {
        if i64::from(length) >= pages
            && let Err(error) = log.checkpoint()
        {
            // Busy, or no room: the log grows, and the next commit tries again.
            failure.note(&super::error(error));
        }
        Ok(())
    };
    connection.wal_hook(Some(hook)).map_err(super::error)
}

/// Copies the write-ahead log into its file and cuts it to nothing; whether that was possible. It is not while
/// somebody reads what is in it, such as a backup, and nobody may wait that long.
///
/// # Errors
/// Where the file cannot be written.
pub fn empty_log(connection: &Connection) -> Result<bool, Error> {
    connection.busy_timeout(BRIEF).map_err(super::error)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY).map_err(super::error)?;
    busy.map(|busy| !busy).map_err(super::error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
