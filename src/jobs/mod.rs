//! Jobs: imports of uploaded files and changes of many contacts, which run on the server while nobody looks on.
//!
//! A job is a directory (see [`shelf`]), so that it survives the process. What it does it does through the API, called
//! within the process, with the rights of the user who began it. [`run`] is the loop that has jobs done; [`import`] and
//! [`bulk`] are what is done, each batch under a key of its own, so that none takes effect twice; [`tidy`] forgets.

pub mod bulk;
pub mod desk;
pub mod import;
pub mod job;
pub mod run;
pub mod shelf;
pub mod tidy;
pub mod upload;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use self::shelf::Shelf;

/// Jobs that one node runs at a time; others wait. Each takes at most the window of an import, 24 MiB, and some.
pub const SIDE_BY_SIDE: usize = 2;

/// Files that are taken in or looked through at a time, on one node.
const UPLOADS: usize = 4;

/// What is set about jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where their files are.
    pub directory: PathBuf,
    /// Bytes of the largest file that is taken in.
    pub max_upload: u64,
}

/// What pages and loops share.
pub struct Jobs {
    /// The files.
    pub shelf: Shelf,
    /// Bytes of the largest file that is taken in.
    pub max_upload: u64,
    /// Held while a job is made, begun or asked to stop: two who do so at once would write the same files.
    changing: Mutex<()>,
    /// Held by those who bring a file.
    uploads: Arc<Semaphore>,
    /// Wakes the loop: there is something to do, or to stop.
    wake: Notify,
    /// Tells jobs that run here that a wish has changed.
    wishes: Notify,
}

impl Jobs {
    fn change(&self) -> MutexGuard<'_, ()> {
        // It guards files, which are written whole: one who has panicked leaves them as they are.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With no job running.
    pub fn new(settings: Settings) -> Self {
        Self {
            shelf: Shelf::new(settings.directory),
            max_upload: settings.max_upload,
            changing: Mutex::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            wake: Notify::new(),
            wishes: Notify::new(),
        }
    }
}
