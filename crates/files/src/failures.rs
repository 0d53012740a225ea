//! The rows that were not imported, as a table: their line, what is wrong, and their cells, escaped as those of
//! an export are. Mended, it can be imported as it is.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::escape_formulas::{self, FAILED_COLUMNS};
use super::table::line;
use super::{Error, Result};

/// A table of failed rows, made with the first of them.
#[derive(Debug)]
pub struct Failures {
    path: PathBuf,
    header: Vec<u8>,
    file: Option<File>,
    length: u64,
    synced: bool,
    /// Whether the cells were escaped before they came here.
    escaped: bool,
}

impl Failures {
    /// One that goes on where `length` bytes are written; with 0 there may be no such file.
    ///
    /// # Errors
    /// Where a file is there that nobody has spoken of, or it cannot be opened.
    pub fn open(path: &Path, header: &StringRecord, length: Option<u64>) -> Result<Self> {
        let escaped = escape_formulas::is_ours(header.iter().map(str::trim));
        let names = header.iter().filter(|name| !FAILED_COLUMNS.contains(name));
        let names: Vec<_> = names
            .map(|name| if escaped { Cow::Borrowed(name) } else { escape_formulas::escape(name) })
            .collect();
        let header = line(FAILED_COLUMNS.into_iter().chain(names.iter().map(|name| &**name)))?;
        let mut failures =
            Self { path: path.to_owned(), header, file: None, length: 0, synced: true, escaped };
        let there = path.try_exists().map_err(|error| Error::file(path, error))?;
        match length {
            None if there => Err(Error::file(
                path,
                "the file is there already; move it away, or name another with --failures",
            )),
            Some(length) if there => {
                let file = OpenOptions::new().write(true).open(path).map_err(|error| failures.told(error))?;
                failures.keep(file, length)?;
                Ok(failures)
            }
            Some(length) if length > 0 => Err(Error::file(path, "the file of failed rows is gone")),
            _ => Ok(failures),
        }
    }

    /// What was written behind `length` is written again.
    fn keep(&mut self, mut file: File, length: u64) -> Result<()> {
        let whole = file.metadata().map_err(|error| self.told(error))?.len();
        if whole < length {
            return Err(Error::file(&self.path, "the file of failed rows is shorter than it was"));
        }
        file.set_len(length).map_err(|error| self.told(error))?;
        file.seek(SeekFrom::Start(length)).map_err(|error| self.told(error))?;
        (self.file, self.length) = (Some(file), length);
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were written.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds rows. `skip` are the columns of their cells that are this table's own.
    ///
    /// # Errors
    /// Where that fails.
    pub fn add<'a>(
        &mut self,
        rows: impl Iterator<Item = (u64, impl Iterator<Item = &'a str>, &'a str)>,
        skip: &[usize],
    ) -> Result<()> {
        let mut bytes = if self.length == 0 { self.header.clone() } else { Vec::new() };
        for (number, cells, fault) in rows {
            let number = number.to_string();
            // A fault repeats what is in the file.
            let fault = escape_formulas::escape(fault);
            let cells = cells.enumerate().filter(|(place, _)| !skip.contains(place));
            let cells: Vec<_> = cells
                .map(
                    |(_, cell)| {
                        if self.escaped { Cow::Borrowed(cell) } else { escape_formulas::escape(cell) }
                    },
                )
                .collect();
            let all = [number.as_str(), &fault].into_iter().chain(cells.iter().map(|cell| &**cell));
            bytes.extend(line(all)?);
        }
        if self.file.is_none() {
            // People's data are nobody else's matter.
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
            self.file = Some(made.map_err(|error| self.told(error))?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&bytes).map_err(|error| Error::file(&self.path, error))?;
        }
        self.length += bytes.len() as u64;
        self.synced = false;
        Ok(())
    }

    /// Makes durable what was added.
    ///
    /// # Errors
    /// Where that fails.
    pub fn sync(&mut self) -> Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| !self.synced) {
            file.sync_data().map_err(|error| self.told(error))?;
        }
        self.synced = true;
        Ok(())
    }

    fn told(&self, error: std::io::Error) -> Error {
        Error::file(&self.path, error)
    }
}
