//! Which files a store is, whatever they are called: locked while it is served, and watched.
//!
//! SQLite finds the log of a database by its name, and a lock file beside it has a name too. By another name (a symbolic
//! link, a hard link, a file that was moved) a second server would find the same contacts without that lock or without
//! that log, and both would lose what they have acknowledged. So the files themselves are locked, by `flock`, which
//! SQLite's own locks (`fcntl`, on ranges of the file) do not meet. Such a descriptor must not be closed while the process
//! has a connection to the file: POSIX takes all `fcntl` locks of the process on it away then.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::open::{Paths, make_private};
use storage::Error;

/// A file by its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64, u64);

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// The files of a store, taken by one process. It is dropped after the last connection to them.
#[derive(Debug)]
pub struct Taken {
    /// Each open, with the path by which it was found.
    files: Vec<(PathBuf, Identity, File)>,
    /// Logs of SQLite and their indexes: they are there as long as connections are.
    logs: Vec<(PathBuf, Identity)>,
    /// Whether the lock file was made for this.
    made: bool,
}

impl Taken {
    /// Takes the store for one process that serves, copies, mends or replaces it.
    ///
    /// # Errors
    /// Where another process has it, by whatever name, or the lock file cannot be made.
    pub fn take(paths: &Paths) -> Result<Self, Error> {
        let made = !paths.lock.exists();
        let mut taken = Self { files: vec![lock_by_name(paths)?], logs: Vec::new(), made };
        if let Err(error) = taken.take_files(paths) {
            taken.leave_nothing();
            return Err(error);
        }
        Ok(taken)
    }

    /// Takes those of both files that are there and were not taken yet. No connection to them may be open in this
    /// process.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_files(&mut self, paths: &Paths) -> Result<(), Error> {
        for path in [&paths.intake, &paths.store] {
            if path.exists() && !self.files.iter().any(|(taken, ..)| taken == path) {
                one_name(path)?;
                self.files.push(lock_file(path, paths)?);
            }
        }
        Ok(())
    }

    /// Takes note of the logs, once there are connections.
    ///
    /// # Errors
    /// Where they cannot be looked at.
    pub fn watch_logs(&mut self, paths: &Paths) -> Result<(), Error> {
        for log in [&paths.intake, &paths.store]
            .into_iter()
            .flat_map(|path| ["-wal", "-shm"].map(|end| beside(path, end)))
        {
            match log.metadata() {
                Ok(metadata) => self.logs.push((log, Identity::of(&metadata))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&log, error)),
            }
        }
        Ok(())
    }

    /// Sees whether each path still leads to the file that was opened.
    ///
    /// # Errors
    /// [`Error::Moved`] where one does not.
    pub fn check(&self) -> Result<(), Error> {
        let files = self.files.iter().map(|(path, identity, _)| (path, *identity));
        for (path, identity) in files.chain(self.logs.iter().map(|(path, identity)| (path, *identity))) {
            let text = match path.metadata() {
                Ok(metadata) if Identity::of(&metadata) == identity => continue,
                Ok(_) => "is another file than the one that was opened",
                Err(error) if error.kind() == io::ErrorKind::NotFound => "was moved or deleted",
                // A disk that does not answer is told by those who read and write.
                Err(_) => continue,
            };
            return Err(Error::Moved(format!("{} {text}", path.display())));
        }
        Ok(())
    }

    /// Removes the lock file if it was made for this. Nobody else can have the lock meanwhile, and who has opened the
    /// file finds that it is gone.
    pub fn leave_nothing(&self) {
        if let Some((path, ..)) = self.files.first().filter(|_| self.made) {
            // What stays is an empty file that the next lock uses.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The lock by name only: it keeps out those who come by the same path, and needs no descriptor of the files. For those
/// who have connections to them.
///
/// # Errors
/// Where another process has it, or the lock file cannot be made.
pub fn lock_by_name(paths: &Paths) -> Result<(PathBuf, Identity, File), Error> {
    loop {
        make_private(&paths.lock)?;
        let locked = lock_file(&paths.lock, paths)?;
        // One that was removed between the two is no lock.
        if paths.lock.metadata().is_ok_and(|metadata| Identity::of(&metadata) == locked.1) {
            return Ok(locked);
        }
    }
}

fn lock_file(path: &Path, paths: &Paths) -> Result<(PathBuf, Identity, File), Error> {
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let identity = Identity::of(&file.metadata().map_err(|error| failed(path, error))?);
    match file.try_lock() {
        Ok(()) => Ok((path.to_owned(), identity, file)),
        Err(TryLockError::WouldBlock) => {
            let text = format!("{} is served by another process already", paths.store.display());
            Err(Error::Unavailable(text))
        }
        Err(TryLockError::Error(error)) => Err(failed(path, error)),
    }
}

/// Refuses a file that has a second name: by that, SQLite would keep a second log of it.
///
/// # Errors
/// Where it has one.
pub fn one_name(path: &Path) -> Result<(), Error> {
    match path.metadata().map(|metadata| metadata.nlink()) {
        Ok(2..) => Err(Error::Damaged(format!(
            "{} has a second name (a hard link): SQLite keeps a log for each name, and what is in one is missing in the \
             other. Remove the other name, or copy the file",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// A file of SQLite's beside a database, where that really is: it follows symbolic links.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("{}: {error}", path.display()))
}
