//! The embedded store: its connections, and a thread for each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::failure::Failure;
use super::files::{self, Taken};
use super::open::{self, Paths};
use super::rows::View;
use super::search::SearchFile;
use super::shared::{Pair, Shared, error};
use super::turns::Hands;
use super::worker::Workers;
use storage::{Error, Role, Space};

/// Threads that read; more than the machine's cores would only queue inside SQLite.
const READERS: usize = 2;

/// How often it is looked whether the files are where they were.
const WATCH: Duration = Duration::from_secs(1);

/// What can be set of the embedded store.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The page cache of the connection that applies, in KiB; it fills as it is used.
    pub cache_kib: u64,
    /// Pages that the write-ahead log of the contacts gathers before they are copied into the file. More would
    /// copy a page less often, but then so much at once that those who wait for the disk to accept a batch notice.
    pub checkpoint_pages: i64,
}

impl Settings {
    /// What suits most.
    pub const DEFAULT: Self = Self { cache_kib: 512 * 1_024, checkpoint_pages: 4_096 };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A store in two SQLite files.
pub struct SqliteStore {
    pub(super) paths: Paths,
    pub(super) shared: Arc<Shared>,
    pub(super) intake: Workers<Connection>,
    pub(super) writer: Workers<Pair>,
    pub(super) readers: Workers<Pair>,
    /// Who may send is asked here: it must not wait behind those who read much.
    pub(super) gate: Workers<Connection>,
    /// The search index, of the process that serves the store.
    pub(super) search: Option<SearchFile>,
    /// Whether the disk has failed.
    pub(super) failure: Failure,
    /// Held for as long as this process serves the store, and dropped last: see [`Taken`].
    taken: Option<Taken>,
}

impl SqliteStore {
    /// Opens the store at `path`, making it where there is none.
    ///
    /// # Errors
    /// Where another process serves it, a half is missing or foreign, or it was written by a later version.
    pub fn open(path: &Path, role: Role, settings: &Settings) -> Result<Self, Error> {
        Self::open_with(path, role, settings, &Hands::Threads)
    }

    /// Opens the store at `path`, to be worked on by these hands.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, role: Role, settings: &Settings, hands: &Hands) -> Result<Self, Error> {
        let paths = Paths::new(path);
        let mut taken = matches!(role, Role::Server).then(|| Taken::take(&paths)).transpose()?;
        open::prepare(&paths, settings, taken.is_some())?;
        if let Some(taken) = &mut taken {
            // Those that were made just now; no connection is open.
            taken.take_files(&paths)?;
        }
        // Accepting writes little and must not wait for a long checkpoint.
        let small = Settings { cache_kib: 2 * 1_024, checkpoint_pages: 1_000 };
        let failure = Failure::new();
        let connect = |path: &Path, settings: &Settings| {
            let mut connection = open::connect(path, settings)?;
            open::checkpoint_from(&mut connection, settings.checkpoint_pages, &failure)?;
            Ok::<_, Error>(connection)
        };
        let intake = connect(&paths.intake, &small)?;
        let pair = |settings: &Settings| {
            Ok::<_, Error>(Pair {
                store: connect(&paths.store, settings)?,
                intake: connect(&paths.intake, &small)?,
            })
        };
        let writer = pair(settings)?;
        let readers = (0..READERS).map(|_| pair(&small)).collect::<Result<Vec<_>, _>>()?;
        let shared = Arc::new(Shared::load(&writer)?);
        let gate = connect(&paths.intake, &small)?;
        let search = match &mut taken {
            Some(taken) => {
                taken.watch_logs(&paths)?;
                let opened = SearchFile::open(&paths, shared.store_id, hands);
                // Contacts are served without it.
                opened.inspect_err(|error| tracing::error!(%error, "search: opening the index failed")).ok()
            }
            None => None,
        };
        Ok(Self {
            paths,
            shared,
            intake: Workers::start("intake", vec![intake], &failure, hands)?,
            writer: Workers::start("store", vec![writer], &failure, hands)?,
            readers: Workers::start("reader", readers, &failure, hands)?,
            gate: Workers::start("gate", vec![gate], &failure, hands)?,
            search,
            failure,
            taken,
        })
    }

    /// Bytes of the write-ahead logs.
    pub(super) fn log_bytes(&self) -> u64 {
        let logs = [&self.paths.intake, &self.paths.store].map(|path| files::beside(path, "-wal"));
        logs.iter().filter_map(|log| log.metadata().ok()).map(|log| log.len()).sum()
    }

    pub(super) fn room(&self) -> Option<Space> {
        let free = [&self.paths.intake, &self.paths.store].map(|path| {
            let disk = rustix::fs::statvfs(path).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        });
        let free = free.into_iter().collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some(Space { free, logs: self.log_bytes() })
    }

    /// Returns once a file of the store is not where it was opened: what is acknowledged from then on would be found by
    /// nobody who opens the store anew. Nothing is committed after that.
    pub(super) async fn moved(&self) -> Error {
        let Some(taken) = &self.taken else { return std::future::pending().await };
        loop {
            tokio::time::sleep(WATCH).await;
            if let Err(error) = taken.check() {
                self.failure.note(&error);
                return error;
            }
        }
    }

    /// Runs a job where much may be read.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Pair, &Shared) -> Result<T, Error> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.readers.call(move |pair| job(pair, &shared)).await
    }

    /// Runs a job that reads contacts, all of them as of one moment.
    pub(super) async fn view<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.read(|pair, shared| {
            let store = &pair.store.transaction().map_err(error)?;
            job(&View { store, intake: &pair.intake, shared })
        })
        .await
    }

    /// Runs a job on the thread that writes the contacts.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Pair, &Shared) -> Result<T, Error> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.writer.call(move |pair| job(pair, &shared)).await
    }
}
