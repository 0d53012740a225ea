//! A file on its way in: written to disk as it comes, then looked through.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::JobRuntime;
use super::JobService;
use super::job::{Import, Job, Subject, Task};
use super::places::Room;
use super::service::{Error, Order, blocking};
use super::store::{JobFiles, Lock};
use domain::id::ObjectId;
use files::layout::Said;
use files::survey::{Form, Survey};
use files::table;

/// Rows that are shown before an import.
const SHOWN_ROWS: usize = 5;

/// Letters of a cell that are shown.
const SHOWN_LETTERS: usize = 60;

/// Letters of a file's name that are kept.
const NAME_LETTERS: usize = 120;

/// Bytes that come at least in the time that a body may pause: less is no upload, and keeps others from a place.
const SLOWEST: u64 = 16 << 10;

/// The header and the first rows of a file. They go with the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What stands above the columns.
    pub header: Vec<String>,
    /// The first rows, long cells cut off.
    pub rows: Vec<Vec<String>>,
}

/// A file that is being uploaded. Dropped before its end, nothing is left of it.
pub struct Upload {
    files: Option<JobFiles>,
    directory: ObjectId,
    file: Option<std::fs::File>,
    bytes: u64,
    max: u64,
    pace: Pace,
    /// Nobody takes the half of it away meanwhile.
    _lock: Option<Lock>,
    _room: Room,
}

/// How fast a file comes.
struct Pace {
    patience: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    /// Counts what has come; whether that is fast enough.
    fn keeps(&mut self, bytes: u64, now: Instant) -> bool {
        self.bytes += bytes;
        if now.duration_since(self.since) < self.patience {
            return true;
        }
        let fast = self.bytes >= SLOWEST;
        (self.since, self.bytes) = (now, 0);
        fast
    }
}

impl JobService {
    /// Begins to take a file in.
    ///
    /// # Errors
    /// If its directory cannot be made.
    pub async fn upload(&self, app: &JobRuntime, order: &Order, room: Room) -> Result<Upload, Error> {
        let ids = [(); 2].map(|()| app.ids.next(app.clock.now()));
        let (store, account) = (Arc::clone(&self.store), order.caller.scope.account);
        let (directory, files, lock, file) = blocking(move || {
            let directory = store.directory(ids[0])?;
            let files = store.make(account, ids[1])?;
            let (lock, file) = (files.lock()?, create(&files)?);
            Ok((directory, files, lock, file))
        })
        .await?;
        let pace = Pace { patience: app.limits.body_timeout, since: Instant::now(), bytes: 0 };
        let (files, file) = (Some(files), Some(file));
        Ok(Upload { files, directory, file, bytes: 0, max: self.max_upload, pace, _lock: lock, _room: room })
    }
}

impl JobService {
    /// Looks at an uploaded file again, as it is said to be written.
    ///
    /// # Errors
    /// If it is not on this node, or no table that can be imported if it is read so.
    pub async fn look(&self, job: &Job, name: &str, said: &Said) -> Result<Looked, Error> {
        let Some(files) = job.files_here() else {
            return Err(Error::message(
                "the file is on another node of this server: try again, or upload it again",
            ));
        };
        let (path, said) = (files.upload(), Said { accept_doubt: true, ..said.clone() });
        // Never closed, so there is a permit.
        let _looking = self.looking.acquire().await.map_err(io::Error::other)?;
        let upload = path.clone();
        let looked = blocking(move || Ok(look(&upload, &said))).await?;
        looked.map_err(|error| Error::Message(told(&path, name, &error.to_string())))
    }
}

impl JobService {
    /// Makes a job like this one for another list: the file is the same, and both jobs are independent.
    ///
    /// # Errors
    /// If the file is not on this node, or there are too many jobs.
    pub async fn copy(&self, app: &JobRuntime, order: &Order, job: &Job) -> Result<ObjectId, Error> {
        let (Task::Import(import), Some(subject), Some(files)) =
            (&job.description.task, &job.subject, job.files_here())
        else {
            return Err(Error::message(
                "the file is on another node of this server: try again, or upload it again",
            ));
        };
        let [fresh, id] = [(); 2].map(|()| app.ids.next(app.clock.now()));
        let (store, account, upload) = (Arc::clone(&self.store), job.key.account, files.upload());
        let (directory, copied) = blocking(move || {
            let directory = store.directory(fresh)?;
            let copied = store.make(account, id)?;
            std::fs::hard_link(upload, copied.upload())?;
            Ok((directory, copied))
        })
        .await?;
        let task = Task::Import(Import { plan: None, ..import.clone() });
        let added = self.add(app, order, (id, Some(directory)), task, subject.clone()).await;
        if let Err(error) = added {
            blocking(move || copied.remove()).await?;
            return Err(error);
        }
        Ok(id)
    }
}

fn create(files: &JobFiles) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(files.upload())
}

impl Upload {
    /// Writes what has come.
    ///
    /// # Errors
    /// Where it is more than is taken, or cannot be written.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.max {
            let mib = self.max >> 20;
            return Err(Error::Message(format!(
                "the file is larger than {mib} MiB, which is the most that is taken"
            )));
        }
        if !self.pace.keeps(bytes.len() as u64, Instant::now()) {
            return Err(Error::message(
                "the file comes too slowly: upload it again over a better connection",
            ));
        }
        let Some(mut file) = self.file.take() else {
            return Err(Error::message("the file could not be written"));
        };
        self.file = Some(blocking(move || file.write_all(&bytes).map(|()| file)).await?);
        Ok(())
    }

    /// Looks the whole file through and makes a job of it, which waits to be told what its columns are. Few files are
    /// looked through at a time; others wait for that.
    ///
    /// # Errors
    /// Where the file is no table that can be imported.
    pub async fn finish(mut self, app: &JobRuntime, order: &Order, name: &str) -> Result<ObjectId, Error> {
        let Some((file, files)) = self.file.take().zip(self.files.clone()) else {
            return Err(Error::message("the file could not be written"));
        };
        let (name, bytes) = (shown_name(name), self.bytes);
        let path = files.upload();
        let Looked { form, rows, sheets, doubt, preview } = {
            // Never closed, so there is a permit.
            let _looking = app.jobs.looking.acquire().await.map_err(io::Error::other)?;
            let upload = path.clone();
            let looked = blocking(move || {
                file.sync_all()?;
                // On its page another encoding can be chosen.
                Ok(look(&upload, &Said { accept_doubt: true, ..Said::default() }))
            });
            looked.await?.map_err(|error| Error::Message(told(&path, &name, &error.to_string())))?
        };
        let import = Import { file: name, bytes, rows, form, sheets, doubt, plan: None };
        let (task, subject) = (Task::Import(import), Subject::Rows(preview));
        app.jobs.add(app, order, (files.id, Some(self.directory)), task, subject).await?;
        // From here on the row says that the files are wanted.
        self.files = None;
        Ok(files.id)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // The lock is let go of behind this, with the directory that it lies in.
        if let Some(files) = self.files.take()
            && let Err(error) = files.remove()
        {
            tracing::error!(job = %files.id, %error, "jobs: deleting a partial upload failed");
        }
    }
}

/// A file as a page shows it before the import.
#[derive(Clone, Debug)]
pub struct Looked {
    /// How it is written, for people.
    pub form: String,
    /// Its rows.
    pub rows: u64,
    /// The sheets that people see.
    pub sheets: Vec<String>,
    /// What speaks against the encoding.
    pub doubt: Option<String>,
    /// Its first rows.
    pub preview: Preview,
}

/// Looks a file through, as it is said to be written.
///
/// # Errors
/// Where it is no table that can be imported.
pub fn look(path: &std::path::Path, said: &Said) -> files::Result<Looked> {
    let survey = Survey::of(path, said)?;
    let (header, rows) = table::beginning(&survey, SHOWN_ROWS)?;
    let cells = |row: &csv::StringRecord| row.iter().map(shorten).collect();
    let preview = Preview { header: cells(&header), rows: rows.iter().map(cells).collect() };
    let mark = if matches!(survey.form, Form::Csv { .. }) && has_mark(path) {
        " with a byte order mark"
    } else {
        ""
    };
    let form = survey.shown();
    let form = match form.split_once(',') {
        Some((encoding, rest)) if !mark.is_empty() => format!("{encoding}{mark},{rest}"),
        _ => form,
    };
    let (rows, sheets, doubt) = (survey.rows, survey.sheets, survey.doubt);
    Ok(Looked { form, rows, sheets, doubt, preview })
}

fn has_mark(path: &std::path::Path) -> bool {
    use std::io::Read as _;
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(3).read_to_end(&mut start));
    read.is_ok() && encoding_rs::Encoding::for_bom(&start).is_some()
}

/// A fault without the path, which is nobody's matter.
pub fn told(path: &std::path::Path, name: &str, text: &str) -> String {
    text.replace(&path.display().to_string(), name)
}

fn shorten(cell: &str) -> String {
    cut(cell, SHOWN_LETTERS)
}

/// The last part of what a browser calls a file, in one line.
fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = cut(last, NAME_LETTERS);
    if name.trim().is_empty() { "file".to_owned() } else { name }
}

fn cut(text: &str, letters: usize) -> String {
    let mut all = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = all.by_ref().take(letters).collect();
    if all.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_trickles_does_not_keep_its_place() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace { patience: Duration::from_secs(30), since: start, bytes: 0 };
        assert!(pace.keeps(1, at(29)) && pace.keeps(SLOWEST, at(31)), "it was fast enough");
        assert!(pace.keeps(SLOWEST - 1, at(60)) && !pace.keeps(0, at(61)), "it was not");
    }

    #[test]
    fn names_of_files_are_one_short_line() {
        for (name, shown) in [
            ("people.csv", "people.csv"),
            ("C:\\Users\\x\\people.csv", "people.csv"),
            ("../../etc/passwd", "passwd"),
            ("a\nb\u{0}.csv", "a b .csv"),
            ("", "file"),
            ("dir/", "file"),
        ] {
            assert_eq!(shown_name(name), shown, "{name:?}");
        }
        assert_eq!(shown_name(&"x".repeat(500)).chars().count(), NAME_LETTERS + 1);
    }
}
