//! A file on its way in: written to disk as it comes, then looked through.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use super::Jobs;
use super::desk::{Error, Order, blocking};
use super::job::{Import, Task};
use super::shelf::{Lock, Place};
use crate::app::App;
use crate::files::survey::{Form, Said, Survey};
use crate::files::{self, table};
use crate::id::ObjectId;

/// Rows that are shown before an import.
const SHOWN_ROWS: usize = 5;

/// Letters of a cell that are shown.
const SHOWN_LETTERS: usize = 60;

/// Letters of a file's name that are kept.
const NAME_LETTERS: usize = 120;

/// The header and the first rows of a file. They go with the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Preview {
    /// What stands above the columns.
    pub header: Vec<String>,
    /// The first rows, long cells cut off.
    pub rows: Vec<Vec<String>>,
}

/// A file that is being taken in. Dropped before its end, nothing is left of it.
pub struct Upload {
    id: ObjectId,
    place: Option<Place>,
    file: Option<std::fs::File>,
    bytes: u64,
    max: u64,
    /// Nobody takes the half of it away meanwhile.
    lock: Option<Lock>,
    _room: Room,
}

/// One of the few files that may be on their way at a time.
pub struct Room(#[expect(dead_code, reason = "kept for its end")] OwnedSemaphorePermit);

impl Jobs {
    /// Room for a file, before any of it is read.
    ///
    /// # Errors
    /// Where too many are on their way.
    pub fn room(&self) -> Result<Room, Error> {
        let room = Arc::clone(&self.uploads).try_acquire_owned();
        room.map(Room).map_err(|_| Error::told("other files are being uploaded: try again in a moment"))
    }

    /// Begins to take a file in.
    ///
    /// # Errors
    /// Where the account has too many jobs.
    pub async fn upload(self: &Arc<Self>, app: &App, order: &Order, room: Room) -> Result<Upload, Error> {
        let id = app.ids.next(app.clock.now());
        let place = self.make(order.caller.viewer.account, id).await?;
        let mut upload = Upload {
            id,
            place: Some(place.clone()),
            file: None,
            bytes: 0,
            max: self.max_upload,
            lock: None,
            _room: room,
        };
        let (lock, file) = blocking(move || Ok((place.lock()?, create(&place)?))).await?;
        (upload.lock, upload.file) = (lock, Some(file));
        Ok(upload)
    }
}

fn create(place: &Place) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(place.upload())
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
            return Err(Error::Told(format!(
                "the file is larger than {mib} MiB, which is the most that is taken"
            )));
        }
        let Some(mut file) = self.file.take() else {
            return Err(Error::told("the file could not be written"));
        };
        self.file = Some(blocking(move || file.write_all(&bytes).map(|()| file)).await?);
        Ok(())
    }

    /// Looks the whole file through and makes a job of it, which waits to be told what its columns are.
    ///
    /// # Errors
    /// Where the file is no table that can be imported.
    pub async fn finish(mut self, app: &App, order: &Order, name: &str) -> Result<ObjectId, Error> {
        let Some((file, place)) = self.file.take().zip(self.place.clone()) else {
            return Err(Error::told("the file could not be written"));
        };
        let (name, bytes) = (shown_name(name), self.bytes);
        let upload = place.upload();
        let looked = blocking(move || {
            file.sync_all()?;
            Ok(look(&upload))
        });
        let path = place.upload();
        let (form, rows, preview) =
            looked.await?.map_err(|error| Error::Told(told(&path, &name, &error.to_string())))?;
        let import = Import { file: name, bytes, rows, form, plan: None };
        let description = order.describe(Task::Import(import), app.clock.now());
        blocking(move || {
            place.write("preview.json", &preview, true)?;
            place.describe(&description)
        })
        .await?;
        self.place = None;
        Ok(self.id)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(place) = self.place.take()
            && let Err(error) = place.remove()
        {
            tracing::error!(job = %place.id, %error, "jobs: deleting a partial upload failed");
        }
    }
}

fn look(path: &std::path::Path) -> files::Result<(String, u64, Preview)> {
    let survey = Survey::of(path, Said::default())?;
    let (header, rows) = table::beginning(&survey, SHOWN_ROWS)?;
    let cells = |row: &csv::StringRecord| row.iter().map(shorten).collect();
    let preview = Preview { header: cells(&header), rows: rows.iter().map(cells).collect() };
    Ok((form(&survey.form, has_mark(path)), survey.rows, preview))
}

/// How a file is written, for people.
fn form(form: &Form, marked: bool) -> String {
    let (encoding, delimiter) = match form {
        Form::Csv { encoding, delimiter } => (encoding, delimiter),
        Form::Xlsx { sheet } => return format!("XLSX, sheet \"{}\"", shorten(sheet)),
    };
    let delimiter = match delimiter {
        b';' => "semicolons",
        b'\t' => "tabs",
        _ => "commas",
    };
    let mark = if marked { " with a byte order mark" } else { "" };
    format!("{}{mark}, {delimiter} between cells", encoding.name())
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
