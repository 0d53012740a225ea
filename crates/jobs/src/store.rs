//! The files of jobs: uploads and rows that failed. Everything here blocks.
//!
//! They lie in `FILES/STORE/ACCOUNT/JOB/`, so that those of another store are never read. `FILES/STORE/directory`
//! holds an id: a job names it, and so a node knows whether the files of a job are in its own directory. Only the
//! process's own user may look: the files hold what people have uploaded.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use domain::id::ObjectId;
use domain::journal::AccountNo;
use files::key::hex;

/// The files of all jobs of a store on this node.
#[derive(Clone, Debug)]
pub struct JobStore {
    root: PathBuf,
    directory: OnceLock<ObjectId>,
}

/// The files of one job.
#[derive(Clone, Debug)]
pub struct JobFiles {
    /// The job's id.
    pub id: ObjectId,
    path: PathBuf,
}

/// Held while a file is uploaded: nobody takes the half of it away.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "what it holds is let go with it")] File);

impl JobStore {
    /// Of the store with that id, in a directory that stores may share.
    pub fn new(files: &Path, store: [u8; 16]) -> Self {
        Self { root: files.join(hex(&store)), directory: OnceLock::new() }
    }

    /// Whether this node's directory is the one with that id.
    pub fn is(&self, directory: ObjectId) -> bool {
        if let Some(known) = self.directory.get() {
            return *known == directory;
        }
        match self.known() {
            Ok(Some(known)) => *self.directory.get_or_init(|| known) == directory,
            Ok(None) => false,
            Err(error) => {
                tracing::error!(%error, "jobs: reading the id of the directory failed");
                false
            }
        }
    }

    fn known(&self) -> io::Result<Option<ObjectId>> {
        match std::fs::read_to_string(self.root.join("directory")) {
            Ok(text) => match ObjectId::parse(text.trim()) {
                Some(id) => Ok(Some(id)),
                None => {
                    Err(io::Error::other(format!("{}: this is no id", self.root.join("directory").display())))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The id of this node's directory, which is made if there is none. `fresh` is its id then.
    ///
    /// # Errors
    /// If it cannot be made or read.
    pub fn directory(&self, fresh: ObjectId) -> io::Result<ObjectId> {
        if let Some(known) = self.directory.get() {
            return Ok(*known);
        }
        make_directory(&self.root)?;
        let id = match self.known()? {
            Some(id) => id,
            None => self.name(fresh)?,
        };
        Ok(*self.directory.get_or_init(|| id))
    }

    /// Nodes that share the directory may do this at once: a link is made whole, and only by the first.
    fn name(&self, fresh: ObjectId) -> io::Result<ObjectId> {
        let (path, new) = (self.root.join("directory"), self.root.join(format!("directory.{fresh}")));
        std::fs::write(&new, format!("{fresh}\n"))?;
        File::open(&new)?.sync_all()?;
        let linked = std::fs::hard_link(&new, &path);
        std::fs::remove_file(&new)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_directory(&self.root)?,
        }
        self.known()?.ok_or_else(|| io::Error::other("the directory of jobs has no id"))
    }

    /// The files of a job, whether or not there are any.
    pub fn files(&self, account: AccountNo, id: ObjectId) -> JobFiles {
        JobFiles { id, path: self.root.join(account.0.to_string()).join(id.to_string()) }
    }

    /// Makes the directory of a new job.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make(&self, account: AccountNo, id: ObjectId) -> io::Result<JobFiles> {
        let files = self.files(account, id);
        make_directory(&files.path)?;
        for path in files.path.ancestors().skip(1).take(2) {
            sync_directory(path)?;
        }
        Ok(files)
    }

    /// A new file without a name: its disk space is free when it is closed.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self) -> io::Result<File> {
        make_directory(&self.root)?;
        let path = self.root.join(format!("scratch.{}", hex(&domain::secret::random::<16>())));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }

    /// Whether the store may have files here: it had one, or that cannot be known.
    pub fn has_files(&self) -> bool {
        !matches!(self.root.try_exists(), Ok(false))
    }

    /// The directories of all jobs, also of those that are being made.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn all(&self) -> io::Result<Vec<(AccountNo, JobFiles)>> {
        let mut all = Vec::new();
        for account in names(&self.root)?.iter().filter_map(|name| name.parse().ok().map(AccountNo)) {
            let jobs = names(&self.root.join(account.0.to_string()))?;
            let ids = jobs.iter().filter_map(|name| ObjectId::parse(name));
            all.extend(ids.map(|id| (account, self.files(account, id))));
        }
        Ok(all)
    }
}

impl JobFiles {
    /// The file that was uploaded.
    pub fn upload(&self) -> PathBuf {
        self.path.join("upload")
    }

    /// The rows that were not imported.
    pub fn failures(&self) -> PathBuf {
        self.path.join("failed.csv")
    }

    /// The requests of the import: see [`files::requests`].
    pub fn requests(&self) -> PathBuf {
        self.path.join("requests")
    }

    /// How far the import of the file has come: see [`files::state`].
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// Whether there is nothing of the job, or not yet.
    pub fn is_gone(&self) -> bool {
        !self.path.exists()
    }

    /// Keeps others from removing the files; `None` if somebody does that already.
    ///
    /// # Errors
    /// If the directory is gone, or cannot be written.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes the file of rows and how far it was imported: an import that is complete needs neither.
    ///
    /// # Errors
    /// If one is there and stays.
    pub fn remove_upload(&self) -> io::Result<()> {
        self.discard(&[self.upload(), self.state()])
    }

    /// Removes what people can be read from.
    ///
    /// # Errors
    /// If some of it is there and stays.
    pub fn forget_people(&self) -> io::Result<()> {
        self.discard(&[self.upload(), self.state(), self.failures()])
    }

    fn discard(&self, files: &[PathBuf]) -> io::Result<()> {
        let mut any = false;
        for file in files {
            match std::fs::remove_file(file) {
                Ok(()) => any = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if any { sync_directory(&self.path) } else { Ok(()) }
    }

    /// Puts the files of a directory in the place of these, but for the small ones.
    ///
    /// # Errors
    /// If they cannot be moved.
    pub fn take_over(&self, from: &Path, small: &[&str]) -> io::Result<()> {
        if let Some(account) = self.path.parent() {
            make_directory(account)?;
        }
        std::fs::rename(from, &self.path)?;
        self.discard(&small.iter().map(|name| self.path.join(name)).collect::<Vec<_>>())
    }

    /// Removes all files of the job.
    ///
    /// # Errors
    /// If some stay.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The names in a directory; none if it is not there.
pub fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
