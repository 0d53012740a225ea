//! Both files as of one moment, to be read beside a server that goes on writing them.
//!
//! A read transaction on each pins what it sees. The contacts come first: between the two beginnings batches may be
//! appended, which is well, but one may also be applied and leave the journal. Such a pair is told by its positions,
//! as it would be at a start, and is taken again. Nobody is held up, and nothing is left behind by a reader that is
//! killed: only the logs cannot be emptied while it reads.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error;
use super::files::one_name;
use super::marks::Marks;
use super::open::{Age, Paths, no_setting, setting};
use domain::clock::{Clock, Timestamp};
use storage::Error;

/// How often a pair is taken that does not fit; that a second one does not is a rare chance already.
const TRIES: u32 = 50;

/// How long a checkpoint of another process is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// A store at one moment, each file in a read transaction.
pub struct Snapshot {
    /// Contacts, results, webhooks.
    pub store: Connection,
    /// Accounts, lists, and the journal.
    pub intake: Connection,
    /// How far it had applied.
    pub marks: Marks,
    /// When it was taken: all that was answered before is in it.
    pub taken_at: Timestamp,
    /// Whether the files fit each other.
    pub age: Age,
}

impl Snapshot {
    /// Takes a store as it is now. Nothing is written, and nothing is brought to the present schema.
    ///
    /// # Errors
    /// Where there is no store, or the files cannot be read.
    pub fn take(paths: &Paths, clock: &dyn Clock) -> Result<Self, Error> {
        paths.check_restored()?;
        let (store, intake) = (open(&paths.store)?, open(&paths.intake)?);
        let mut tries = 0;
        loop {
            let taken_at = clock.now();
            begin(&store)?;
            let marks = Marks::read(&store)?;
            begin(&intake)?;
            let age = Age::of(&intake, &store)?;
            tries += 1;
            if age == Age::Same || tries == TRIES {
                return Ok(Self { store, intake, marks, taken_at, age });
            }
            for connection in [&store, &intake] {
                connection.execute_batch("ROLLBACK").map_err(error)?;
            }
        }
    }

    /// Sees whether the two files belong together.
    ///
    /// # Errors
    /// Where they are of two stores, or of different age.
    pub fn check(&self, paths: &Paths) -> Result<(), Error> {
        let id = |connection| setting::<[u8; 16]>(connection, "store_id");
        let (store, intake) = (id(&self.store)?, id(&self.intake)?);
        if intake.ok_or_else(|| no_setting("store_id"))? != store.ok_or_else(|| no_setting("store_id"))? {
            let [intake, store] = [paths.intake.display(), paths.store.display()];
            return Err(Error::Damaged(format!("{store} and {intake} are halves of different stores")));
        }
        self.age.check(paths)
    }
}

/// The first read is what fixes the moment, so there is one.
fn begin(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_master LIMIT 1").map_err(error)
}

fn open(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::Unavailable(format!("{} is not there", path.display())));
    }
    one_name(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(BUSY).map_err(error)?;
    Ok(connection)
}
