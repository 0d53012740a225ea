//! Where jobs are kept: a directory for each account, in it one for each job. Everything here blocks.
//!
//! Only the process's own user may look: the files hold what people have uploaded.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::job::{Description, Progress, Status, Wish};
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::AccountNo;

/// All jobs.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

/// The directory of one job.
#[derive(Clone, Debug)]
pub struct Place {
    /// The job's id.
    pub id: ObjectId,
    path: PathBuf,
}

/// A job as it is now.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub description: Description,
    /// What is wished of it.
    pub wish: Option<Wish>,
    /// How far it is.
    pub progress: Option<Progress>,
}

/// Held while a job is worked at; no other node does then.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "what it holds is let go with it")] File);

impl Shelf {
    /// In that directory, which is made with the first job.
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The directory of a job that is to be made.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn make(&self, account: AccountNo, id: ObjectId) -> io::Result<Place> {
        let place = self.place(account, id);
        DirBuilder::new().recursive(true).mode(0o700).create(&place.path)?;
        for path in place.path.ancestors().skip(1).take(3) {
            sync_directory(path)?;
        }
        Ok(place)
    }

    fn place(&self, account: AccountNo, id: ObjectId) -> Place {
        Place { id, path: self.root.join(account.0.to_string()).join(id.to_string()) }
    }

    /// A job of an account; `None` where there is none.
    ///
    /// # Errors
    /// Where its files cannot be read.
    pub fn job(&self, account: AccountNo, id: ObjectId) -> io::Result<Option<Job>> {
        let place = self.place(account, id);
        // Its own files say whose it is too.
        Ok(place.job()?.filter(|job| job.description.account() == account))
    }

    /// The accounts that have jobs.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn accounts(&self) -> io::Result<Vec<AccountNo>> {
        Ok(names(&self.root)?.iter().filter_map(|name| name.parse().ok().map(AccountNo)).collect())
    }

    /// The places of an account's jobs, the newest first; also of those that are being made.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn places(&self, account: AccountNo) -> io::Result<Vec<Place>> {
        let names = names(&self.root.join(account.0.to_string()))?;
        let mut ids: Vec<_> = names.iter().filter_map(|name| ObjectId::parse(name)).collect();
        ids.sort_unstable();
        Ok(ids.into_iter().rev().map(|id| self.place(account, id)).collect())
    }

    /// The jobs of an account, the newest first. One that does not read is left out.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub fn jobs(&self, account: AccountNo) -> io::Result<Vec<Job>> {
        let read = |place: Place| {
            place.job().unwrap_or_else(|error| {
                tracing::error!(job = %place.id, %error, "jobs: reading a job failed");
                None
            })
        };
        Ok(self.places(account)?.into_iter().filter_map(read).collect())
    }
}

impl Job {
    /// How it is.
    pub fn status(&self) -> Status {
        Status::of(self.wish.as_ref(), self.progress.as_ref())
    }
}

impl Place {
    /// When it was made, to a second: its id says it.
    pub fn made_at(&self) -> Timestamp {
        let [a, b, c, d, ..] = self.id.to_bytes();
        Timestamp::from_millis(i64::from(u32::from_be_bytes([a, b, c, d])) * 1_000)
    }

    /// The file that was uploaded.
    pub fn upload(&self) -> PathBuf {
        self.path.join("upload")
    }

    /// Its first rows.
    pub fn preview(&self) -> PathBuf {
        self.path.join("preview.json")
    }

    /// The rows that were not imported.
    pub fn failures(&self) -> PathBuf {
        self.path.join("failed.csv")
    }

    /// How far it is, for whoever goes on.
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// The requests that were made.
    pub fn requests(&self) -> PathBuf {
        self.path.join("requests")
    }

    /// As it is now; `None` where there is no job, or it is still being made.
    ///
    /// # Errors
    /// Where its files cannot be read.
    pub fn job(&self) -> io::Result<Option<Job>> {
        let Some(description) = self.read("job.json")? else { return Ok(None) };
        let (wish, progress) = (self.wish()?, self.read("progress.json")?);
        Ok(Some(Job { place: self.clone(), description, wish, progress }))
    }

    /// What is wished of it.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn wish(&self) -> io::Result<Option<Wish>> {
        self.read("wish.json")
    }

    /// Writes down what the job is. It is on disk when this returns, as with all that is written here but where it
    /// is said otherwise.
    ///
    /// # Errors
    /// Where that fails.
    pub fn describe(&self, description: &Description) -> io::Result<()> {
        self.write("job.json", description, true)
    }

    /// Writes down what is wished.
    ///
    /// # Errors
    /// Where that fails.
    pub fn wish_for(&self, wish: Wish) -> io::Result<()> {
        self.write("wish.json", &wish, true)
    }

    /// Writes down how far it is; while it is going, a crash may lose that.
    ///
    /// # Errors
    /// Where that fails.
    pub fn tell(&self, progress: &Progress, durable: bool) -> io::Result<()> {
        self.write("progress.json", progress, durable)
    }

    /// Reads a file of the directory.
    ///
    /// # Errors
    /// Where it is there and does not read.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match std::fs::read(self.path.join(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file of the directory, whole or not at all.
    ///
    /// # Errors
    /// Where that fails.
    pub fn write(&self, name: &str, value: &impl Serialize, durable: bool) -> io::Result<()> {
        let (path, new) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
        if durable {
            file.sync_data()?;
        }
        std::fs::rename(new, path)?;
        if durable { sync_directory(&self.path) } else { Ok(()) }
    }

    /// Makes the job be worked at by nobody else; `None` where somebody is at it.
    ///
    /// # Errors
    /// Where the directory is gone, or cannot be written.
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

    /// Removes files that are there, and what belongs to them.
    ///
    /// # Errors
    /// Where one is there and stays.
    pub fn discard(&self, files: &[PathBuf]) -> io::Result<()> {
        for file in files {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_directory(&self.path)
    }

    /// Removes the job with all its files.
    ///
    /// # Errors
    /// Where it stays.
    pub fn remove(&self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.path)
    }
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
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
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}
