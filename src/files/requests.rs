//! The requests of an import, so that it can be undone: a file with an id a line, in the order of the rows.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Error, Result};

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

    /// Adds the ids of requests.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, ids: &[String]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let text: String = ids.iter().flat_map(|id| [id.as_str(), "\n"]).collect();
        self.synced = false;
        self.file.write_all(text.as_bytes()).map_err(|error| Error::file(&self.path, error))
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

/// The ids in a file, the last request first. A batch that was sent again after a crash has the same id twice.
///
/// # Errors
/// If the file cannot be read.
pub fn last_first(path: &Path) -> io::Result<Vec<String>> {
    let text = std::fs::read_to_string(path)?;
    Ok(reversed(&text))
}

/// The ids in a text, an id a line, the last one first.
pub fn reversed(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut ids: Vec<_> =
        text.lines().filter(|id| !id.is_empty() && seen.insert(*id)).map(str::to_owned).collect();
    ids.reverse();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_is_undone_first_and_each_once() {
        assert_eq!(reversed("a\nb\na\nb\nc\n"), ["c", "b", "a"]);
        assert!(reversed("").is_empty());
    }
}
