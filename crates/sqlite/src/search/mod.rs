//! The search index: `PATH.search`, a file of its own, written by one thread and read by another. Nothing in it is
//! needed to have the contacts: a file that is missing, foreign or of another schema is made anew.

mod entries;
mod lookup;
mod write;

use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::failure::Failure;
use super::open::{self, Paths, make_private};
use super::turns::Hands;
use super::worker::Workers;
use super::{Settings, SqliteStore, error, files};
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::{Error, Lookup, SearchIndex, SearchState, SearchWrite};

/// The schema of the file. Another one is not migrated: the index is built again.
const SCHEMA: i64 = 3;

/// The page cache of each connection, in KiB.
const CACHE_KIB: u64 = 8 * 1_024;

/// The connections to the file.
pub(super) struct SearchFile {
    writer: Workers<Connection>,
    reader: Workers<Connection>,
}

impl SearchFile {
    /// Opens the file, and makes it where it is missing or of another store.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(paths: &Paths, store_id: [u8; 16], hands: &Hands) -> Result<Self, Error> {
        let writer = match prepare(&paths.search, store_id) {
            Ok(writer) => writer,
            // It belongs to another store, or does not read.
            Err(found) => {
                if let Some(found) = found {
                    tracing::warn!(error = %found, "search: opening the index failed, building it again");
                }
                remove(paths)?;
                prepare(&paths.search, store_id)
                    .map_err(|failed| failed.unwrap_or_else(|| Error::Failed("no search index".to_owned())))?
            }
        };
        let reader = connect(&paths.search)?;
        // A disk that fails here takes no contact with it: the store goes on.
        let failure = Failure::new();
        Ok(Self {
            writer: Workers::start("search", vec![writer], &failure, hands)?,
            reader: Workers::start("search_reader", vec![reader], &failure, hands)?,
        })
    }
}

/// Removes the file and its log.
pub(super) fn remove(paths: &Paths) -> Result<(), Error> {
    let log = ["-wal", "-shm"].map(|suffix| files::beside(&paths.search, suffix));
    for path in log.iter().chain([&paths.search]) {
        match std::fs::remove_file(path) {
            Err(failed) if failed.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Unavailable(format!("{}: {failed}", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let settings = Settings { cache_kib: CACHE_KIB, checkpoint_pages: 1_000 };
    let connection = open::connect(path, &settings)?;
    // A power cut may take the last steps, with their cursor: they are done again. What is deleted is overwritten.
    for (name, value) in [("synchronous", "normal"), ("secure_delete", "on")] {
        connection.pragma_update(None, name, value).map_err(error)?;
    }
    Ok(connection)
}

/// Opens the file of this store. `Err(None)`: it is of another store, or of another schema.
fn prepare(path: &Path, store_id: [u8; 16]) -> Result<Connection, Option<Error>> {
    let make = || -> Result<Option<Connection>, Error> {
        make_private(path)?;
        let mut connection = connect(path)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
        let tables = "SELECT count(*) FROM sqlite_master";
        let tables: i64 = transaction.query_row(tables, [], |row| row.get(0)).map_err(error)?;
        if tables == 0 {
            transaction.execute_batch(include_str!("schema.sql")).map_err(error)?;
            let insert = "INSERT INTO setting VALUES ('store_id', ?1), ('schema', ?2)";
            transaction.execute(insert, params![store_id, SCHEMA]).map_err(error)?;
        }
        let known: Option<[u8; 16]> = open::setting(&transaction, "store_id")?;
        let schema: Option<i64> = open::setting(&transaction, "schema")?;
        transaction.commit().map_err(error)?;
        Ok(Some(connection).filter(|_| known == Some(store_id) && schema == Some(SCHEMA)))
    };
    make().map_err(Some)?.ok_or(None)
}

impl SqliteStore {
    fn search_file(&self) -> Result<&SearchFile, Error> {
        let none = || Error::Unavailable("this process does not serve the search index".to_owned());
        self.search.as_ref().ok_or_else(none)
    }
}

#[async_trait]
impl SearchIndex for SqliteStore {
    async fn claim_search(&self) -> Result<bool, Error> {
        Ok(self.search.is_some())
    }

    async fn all_lists(&self) -> Result<Vec<(AccountNo, ListNo)>, Error> {
        self.read(|pair, _| {
            let mut select =
                pair.intake.prepare_cached("SELECT account, no FROM list ORDER BY no").map_err(error)?;
            let lists = select.query_map([], |row| Ok((AccountNo(row.get(0)?), ListNo(row.get(1)?))));
            lists.and_then(Iterator::collect).map_err(error)
        })
        .await
    }

    async fn search_states(&self) -> Result<Vec<(ListNo, SearchState)>, Error> {
        self.search_file()?.writer.call(|index| states(index).map_err(error)).await
    }

    async fn search_state(&self, list: ListNo) -> Result<Option<SearchState>, Error> {
        self.search_file()?.reader.call(move |index| state(index, list).map_err(error)).await
    }

    async fn write_search(&self, write: SearchWrite) -> Result<bool, Error> {
        self.search_file()?.writer.call(move |index| write::write(index, &write)).await
    }

    async fn forget_search(&self, list: ListNo) -> Result<bool, Error> {
        self.search_file()?.writer.call(move |index| write::forget(index, list)).await
    }

    async fn tidy_search(&self) -> Result<bool, Error> {
        self.search_file()?.writer.call(write::tidy).await
    }

    async fn reset_search(&self) -> Result<(), Error> {
        if let Some(file) = &self.search {
            return file.writer.call(|index| reset(index)).await;
        }
        // While nothing serves the store, the file itself goes: it may be damaged.
        if let Ok(_lock) = files::lock_by_name(&self.paths) {
            return remove(&self.paths);
        }
        reset(&connect(&self.paths.search)?)
    }

    async fn search(
        &self,
        list: ListNo,
        lookup: Lookup,
        after: ContactNo,
        limit: u32,
    ) -> Result<Vec<ContactNo>, Error> {
        let file = self.search_file()?;
        file.reader.call(move |index| lookup::lookup(index, list, &lookup, after, limit).map_err(error)).await
    }
}

fn reset(index: &Connection) -> Result<(), Error> {
    index.execute("DELETE FROM feed", []).map(drop).map_err(error)
}

const STATE: &str = "SELECT version, cursor, scanned, list FROM feed";

fn read_state(row: &rusqlite::Row<'_>) -> rusqlite::Result<SearchState> {
    let scanned: Option<i64> = row.get(2)?;
    Ok(SearchState {
        version: row.get(0)?,
        cursor: row.get(1)?,
        scanned: scanned.map(|number| ContactNo(super::unsigned(number))),
    })
}

fn states(index: &Connection) -> rusqlite::Result<Vec<(ListNo, SearchState)>> {
    let mut select = index.prepare_cached(STATE)?;
    let states = select.query_map([], |row| Ok((ListNo(row.get(3)?), read_state(row)?)))?;
    states.collect()
}

fn state(index: &Connection, list: ListNo) -> rusqlite::Result<Option<SearchState>> {
    let select = format!("{STATE} WHERE list = ?1");
    index.prepare_cached(&select)?.query_row([list.0], read_state).optional()
}
