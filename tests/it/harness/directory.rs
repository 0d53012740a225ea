//! Where a test keeps its files, and its store.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use postgres as postgres_store;
use postgres::PostgresStore;
use sqlite::{Settings, SqliteStore};
use storage::{Role, Storage};

use super::postgres::Database;
use super::watchdog::Watched;

/// Where files go that no power failure is to survive: in memory, where the system has room for 4 GiB there.
pub fn in_memory() -> PathBuf {
    static PARENT: OnceLock<PathBuf> = OnceLock::new();
    let parent = PARENT.get_or_init(|| {
        let free =
            Command::new("df").args(["--output=avail", "--block-size=1M", "/dev/shm"]).output().expect("df");
        let free =
            String::from_utf8_lossy(&free.stdout).lines().nth(1).and_then(|free| free.trim().parse().ok());
        match free {
            Some(4_096_u64..) => PathBuf::from("/dev/shm"),
            _ => std::env::temp_dir(),
        }
    });
    parent.clone()
}

/// On which store a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    Sqlite,
    Postgres,
}

impl StoreKind {
    /// The one that `ROLLBOOK_TEST_STORE` names: `sqlite`, which is the default, or `postgres`.
    pub fn under_test() -> Self {
        match std::env::var("ROLLBOOK_TEST_STORE").as_deref() {
            Err(_) | Ok("sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("ROLLBOOK_TEST_STORE={other}"),
        }
    }
}

/// How long a node that is gone holds on to what it had out.
pub const LEASE: Duration = Duration::from_secs(1);

/// A directory that goes with the test, and a database where the test needs one.
pub struct Directory(
    PathBuf,
    OnceLock<Database>,
    #[expect(dead_code, reason = "kept for its end")] Option<Watched>,
);

impl Directory {
    pub fn new() -> Self {
        Self::watched(Some(Watched::new()))
    }

    /// One that many tests use, and that stays until the last of them has ended.
    pub fn of_the_run() -> Self {
        Self::watched(None)
    }

    fn watched(watched: Option<Watched>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rollbook-it-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path, OnceLock::new(), watched)
    }

    /// What `--database` names.
    pub fn store(&self, kind: StoreKind) -> PathBuf {
        match kind {
            StoreKind::Sqlite => self.path("rollbook.db"),
            StoreKind::Postgres => PathBuf::from(self.1.get_or_init(Database::new).address()),
        }
    }

    /// Opens the store in it.
    pub async fn open(&self, kind: StoreKind, role: Role) -> Arc<dyn Storage> {
        let store = self.store(kind);
        match kind {
            StoreKind::Sqlite => {
                Arc::new(SqliteStore::open(&store, role, &Settings::default()).expect("a store"))
            }
            StoreKind::Postgres => {
                let settings =
                    postgres_store::Settings { lease: LEASE, ..postgres_store::Settings::default() };
                let address = store.to_str().expect("an address");
                Arc::new(PostgresStore::open(address, role, &settings).await.expect("a store"))
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
