//! Rows put together to requests. Where a batch ends depends on the rows alone, so the same file makes the same
//! batches again.

mod cells;

use std::ops::Range;

use self::cells::Cells;
use super::notes::Note;
use super::row::{Read, Reading};
use super::survey::Survey;
use super::table::{Go, Row, each_row};
use super::{Error, Result};
use app::contacts::MAX_CONTACTS;

/// Bytes of contacts after which a batch ends: the server's own bound on a body is 1 MiB, as shipped.
const MAX_BYTES: usize = 768 << 10;

/// Rows of a batch, those with faults among them.
const MAX_ROWS: usize = 500;

/// Bytes of rows, with what belongs to them, after which a batch ends.
const MAX_HELD: usize = 4 << 20;

/// Some rows that follow each other. What they hold lies in few buffers: an import reads a hundred thousand rows a second.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Which batch of its file it is, from 0.
    pub number: u64,
    /// Rows of the file up to its end, the header not counted.
    pub rows_read: u64,
    /// The rows.
    pub items: Vec<Item>,
    /// Hashes of the identifiers that they name: rows that share one must not overtake each other.
    pub identifiers: Vec<u64>,
    /// About how much memory it takes.
    pub bytes: usize,
    /// The contacts in JSON.
    json: String,
    /// The cells as they are in the file.
    cells: Cells,
}

/// A row of a batch.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it stands in the file.
    pub line: u64,
    /// Where its contact stands in the JSON of its batch, or what is wrong.
    contact: std::result::Result<Range<usize>, String>,
    /// Remarks on it though it is imported.
    pub notes: Vec<Note>,
    /// Whether it sets a variable that a dry run does not make.
    pub sets_absent: bool,
}

impl Item {
    /// What is wrong with it.
    pub fn fault(&self) -> Option<&str> {
        self.contact.as_ref().err().map(String::as_str)
    }
}

impl Batch {
    /// The one behind another, which is about as large.
    fn behind(other: &Self) -> Self {
        Self {
            number: other.number + 1,
            rows_read: other.rows_read,
            items: Vec::with_capacity(other.items.len()),
            identifiers: Vec::with_capacity(other.identifiers.len()),
            json: String::with_capacity(other.json.len() + other.json.len() / 16),
            cells: Cells::like(&other.cells),
            bytes: 0,
        }
    }

    /// The contact of a row in JSON; `None` if there is something wrong with it.
    pub fn contact(&self, row: usize) -> Option<&str> {
        self.json.get(self.items.get(row)?.contact.clone().ok()?)
    }

    /// The cells of a row as they are in the file.
    pub fn cells(&self, row: usize) -> impl Iterator<Item = &str> {
        self.cells.of(row)
    }

    /// Frees what is needed only to send it: afterwards a row is its cells, and why it failed. Returns how many bytes that
    /// were.
    pub fn forget_contacts(&mut self) -> usize {
        self.identifiers = Vec::new();
        let bytes = std::mem::take(&mut self.json).len();
        self.bytes -= bytes;
        bytes
    }

    fn add(&mut self, row: &Row, read: &mut Read) {
        let contact = match read.fault.take() {
            Some(fault) => Err(fault),
            None => {
                let begin = self.json.len();
                self.json.push_str(&read.json);
                self.identifiers.extend_from_slice(&read.identifiers);
                Ok(begin..self.json.len())
            }
        };
        self.bytes += read.length() + row.cells.as_slice().len() + size_of::<Item>();
        self.rows_read += 1;
        self.cells.add(&row.cells);
        let notes = std::mem::take(&mut read.notes);
        self.items.push(Item { line: row.line, contact, notes, sets_absent: read.sets_absent });
    }
}

/// Reads a file into batches and gives each out; `done` are the batches and rows that were done before.
///
/// # Errors
/// Where the file cannot be read, or has changed, or `give` fails.
pub fn read(
    survey: &Survey,
    reading: &Reading,
    done: (u64, u64),
    mut give: impl FnMut(Batch) -> Result<Go>,
) -> Result<()> {
    let (batches, rows) = done;
    let mut batch = Batch { number: batches, rows_read: rows, ..Batch::default() };
    let (mut seen, mut good, mut json, mut header, mut stopped) = (0_u64, 0, 0, true, false);
    let mut read = Read::default();
    each_row(survey, |row| {
        if std::mem::take(&mut header) {
            return Ok(Go::On);
        }
        seen += 1;
        if seen <= rows {
            return Ok(Go::On);
        }
        reading.read(row, &mut read);
        let length = read.length();
        let full = good == MAX_CONTACTS || batch.items.len() == MAX_ROWS || batch.bytes > MAX_HELD;
        if full || (good > 0 && json + length > MAX_BYTES) {
            survey.still_holds()?;
            (good, json) = (0, 0);
            let next = Batch::behind(&batch);
            if give(std::mem::replace(&mut batch, next))? == Go::Stop {
                stopped = true;
                return Ok(Go::Stop);
            }
        }
        good += usize::from(read.fault.is_none());
        json += length + 1;
        batch.add(row, &mut read);
        Ok(Go::On)
    })?;
    if stopped {
        return Err(Error::Stopped);
    }
    if !batch.items.is_empty() {
        give(batch)?;
    }
    Ok(())
}
