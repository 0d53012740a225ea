//! The requests of an import, so that it can be undone: a file with an id a line, in the order of the rows.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Error, Result};

/// A request of an import, and the lines of its first and last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRequest {
    /// The id.
    pub id: String,
    /// The line of its first row; 0 if it is not known.
    pub first: u64,
    /// The line of its last row; the largest number if it is not known, so that it counts as behind every line.
    pub last: u64,
}

impl ImportedRequest {
    /// One with rows that are not known.
    pub const fn of_id(id: String) -> Self {
        Self { id, first: 0, last: u64::MAX }
    }

    /// Reads a line: an id, and the first and the last line behind it unless an earlier release wrote it.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let id = words.next()?.to_owned();
        let lines = words.next().zip(words.next());
        let lines = lines.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        Some(
            lines.map_or_else(
                || Self::of_id(id.clone()),
                |(first, last)| Self { id: id.clone(), first, last },
            ),
        )
    }
}

/// The text of requests, a line each.
pub fn lines(requests: &[ImportedRequest]) -> String {
    requests.iter().map(|ImportedRequest { id, first, last }| format!("{id} {first} {last}\n")).collect()
}

/// The file while an import runs.
#[derive(Debug)]
pub struct Requests {
    path: PathBuf,
    file: File,
    synced: bool,
}

impl Requests {
    /// Opens the file. An import that does not continue an earlier one begins it again.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path, continues: bool) -> Result<Self> {
        let told = |error| Error::file(path, error);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(told)?;
        if !continues {
            file.set_len(0).map_err(told)?;
        }
        Ok(Self { path: path.to_owned(), file, synced: true })
    }

    /// Adds requests.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, requests: &[ImportedRequest]) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        self.synced = false;
        self.file.write_all(lines(requests).as_bytes()).map_err(|error| Error::file(&self.path, error))
    }

    /// Makes them durable.
    ///
    /// # Errors
    /// If that fails.
    pub fn sync(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.synced, true) {
            self.file.sync_data().map_err(|error| Error::file(&self.path, error))?;
        }
        Ok(())
    }
}

/// The requests in a file, the last one first. A batch that was sent again after a crash has the same id twice.
///
/// # Errors
/// If the file cannot be read.
pub fn last_first(path: &Path) -> io::Result<Vec<ImportedRequest>> {
    let text = std::fs::read_to_string(path)?;
    Ok(reversed(&text))
}

/// The requests in a text, a line each, the last one first.
pub fn reversed(text: &str) -> Vec<ImportedRequest> {
    let mut seen = HashSet::new();
    let mut requests: Vec<_> = text.lines().filter_map(ImportedRequest::read).collect();
    requests.retain(|request| seen.insert(request.id.clone()));
    requests.reverse();
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_is_undone_first_and_each_once() {
        let ids = |text: &str| reversed(text).into_iter().map(|request| request.id).collect::<Vec<_>>();
        assert_eq!(ids("a\nb\na\nb\nc\n"), ["c", "b", "a"]);
        assert_eq!(ids("a 2 101\nb 102 150\na 2 101\n"), ["b", "a"]);
        assert!(reversed("").is_empty());
        let request = ImportedRequest { id: "a".to_owned(), first: 2, last: 101 };
        assert_eq!(reversed(&lines(std::slice::from_ref(&request))), [request]);
        assert_eq!(reversed("a\n"), [ImportedRequest::of_id("a".to_owned())]);
    }
}
