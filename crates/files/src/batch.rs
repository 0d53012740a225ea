//! Rows put together to requests. Where a batch ends depends on the rows alone, so the same file makes the same
//! batches again.

use super::row::{Item, Reading};
use super::survey::Survey;
use super::table::{Go, each_row};
use super::{Error, Result};
use app::contacts::MAX_CONTACTS;

/// Bytes of contacts after which a batch ends: the server's own bound on a body is 1 MiB, as shipped.
const MAX_BYTES: usize = 768 << 10;

/// Rows of a batch, those with faults among them.
const MAX_ROWS: usize = 500;

/// Bytes of rows, with what belongs to them, after which a batch ends.
const MAX_HELD: usize = 4 << 20;

/// Some rows that follow each other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which batch of its file it is, from 0.
    pub number: u64,
    /// Rows of the file up to its end, the header not counted.
    pub rows_read: u64,
    /// The rows.
    pub items: Vec<Item>,
    /// About how much memory it takes.
    pub bytes: usize,
}

impl Batch {
    /// Frees what is needed only to send it: afterwards a row is its cells, and why it failed. Returns how many bytes that
    /// were.
    pub fn forget_contacts(&mut self) -> usize {
        let mut bytes = 0;
        for item in &mut self.items {
            if let Ok(contact) = &mut item.contact {
                bytes += std::mem::take(contact).len();
            }
            item.identifiers = Vec::new();
        }
        self.bytes -= bytes;
        bytes
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
    let mut batch = Batch { number: batches, rows_read: rows, items: Vec::new(), bytes: 0 };
    let (mut seen, mut good, mut json, mut header, mut stopped) = (0_u64, 0, 0, true, false);
    each_row(survey, |row| {
        if std::mem::take(&mut header) {
            return Ok(Go::On);
        }
        seen += 1;
        if seen <= rows {
            return Ok(Go::On);
        }
        let item = reading.read(row);
        let length = item.contact.as_ref().map_or(0, String::len);
        let full = good == MAX_CONTACTS || batch.items.len() == MAX_ROWS || batch.bytes > MAX_HELD;
        if full || (good > 0 && json + length > MAX_BYTES) {
            survey.still_holds()?;
            (good, json) = (0, 0);
            let next =
                Batch { number: batch.number + 1, rows_read: batch.rows_read, items: Vec::new(), bytes: 0 };
            if give(std::mem::replace(&mut batch, next))? == Go::Stop {
                stopped = true;
                return Ok(Go::Stop);
            }
        }
        good += usize::from(item.contact.is_ok());
        json += length + 1;
        batch.bytes += length + item.cells.as_slice().len() + size_of::<Item>();
        batch.rows_read += 1;
        batch.items.push(item);
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
