//! The rows of a table, whatever it is written in.

use std::collections::VecDeque;
use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::decode::{CHUNK, Decoded, Trimmed};
use super::layout::Header;
use super::scan::{Scan, is_blank};
use super::survey::{Form, Survey, open};
use super::{Error, Result, sheet, vcard};

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line where it begins, or the row of a sheet; both count from 1.
    pub line: u64,
    /// Its cells.
    pub cells: StringRecord,
    /// Cells that hold no value: their columns, counted from 0, and why not.
    pub faults: Vec<(usize, String)>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// With the next row.
    On,
    /// No further.
    Stop,
}

/// Calls `each` with the rows of a file, the header first, until it wants no more. It may take what a row holds. At the
/// end it is sure that these were the rows that were surveyed.
///
/// # Errors
/// Where the file cannot be read or has changed, or `each` fails.
pub fn each_row(survey: &Survey, mut each: impl FnMut(&mut Row) -> Result<Go>) -> Result<()> {
    let mut named = survey.header != Header::None;
    let (unpack, mut width) = (survey.unpack.as_ref(), None);
    let mut each = |row: &mut Row| {
        if let Some(unpack) = unpack {
            match width {
                None => {
                    width = Some(row.cells.len());
                    unpack.name(&mut row.cells);
                }
                // A row of another width fails, and says so.
                Some(width) if width == row.cells.len() => unpack.fill(row),
                Some(_) => {}
            }
        }
        each(row)
    };
    each_line(survey, |row| {
        if row.line < survey.from {
            return Ok(Go::On);
        }
        if !std::mem::replace(&mut named, true) {
            let names: Vec<_> = (1..=row.cells.len()).map(|place| format!("Column {place}")).collect();
            let mut header = Row { line: row.line, cells: StringRecord::from(names), faults: Vec::new() };
            if each(&mut header)? == Go::Stop {
                return Ok(Go::Stop);
            }
        }
        each(row)
    })
}

/// The same with what stands before the table, and without names for columns that have none.
fn each_line(survey: &Survey, mut each: impl FnMut(&mut Row) -> Result<Go>) -> Result<()> {
    let (encoding, delimiter) = match &survey.form {
        Form::Csv { encoding, delimiter } => (*encoding, *delimiter),
        Form::Xlsx { sheet, formulas } => {
            let went = sheet::each_row(&survey.path, sheet, *formulas, survey.from, &mut each)?;
            return whole(survey, went);
        }
        Form::Binary { kind, sheet } => {
            return whole(
                survey,
                sheet::binary::each_row(&survey.path, *kind, sheet, survey.from, &mut each)?,
            );
        }
        Form::Ods { sheet } => {
            return whole(survey, sheet::ods::each_row(&survey.path, sheet, survey.from, &mut each)?);
        }
        Form::Vcard { encoding } => {
            let source = survey.packing.open(&survey.path)?;
            return whole(survey, vcard::each_row(source, encoding, &mut each)?);
        }
    };
    let text = Trimmed::new(Decoded::new(survey.packing.open(&survey.path)?, encoding));
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(CHUNK)
        .from_reader(Lines { inner: text, scan: Scan::new(delimiter, survey.from), starts: VecDeque::new() });
    // One row, filled again and again.
    let mut row = Row { line: 0, cells: StringRecord::new(), faults: Vec::new() };
    loop {
        if !reader.read_record(&mut row.cells).map_err(|error| Error::file(&survey.path, error))? {
            let sum = reader.get_mut().inner.inner().inner().sum();
            return same(survey, sum.map_err(|error| Error::file(&survey.path, error))?);
        }
        if row.cells.iter().all(|cell| cell.bytes().all(is_blank)) {
            continue;
        }
        let line = reader.get_mut().starts.pop_front();
        // Both find the same records; that they do is tested.
        row.line = line.ok_or_else(|| Error::file(&survey.path, "the rows cannot be told apart"))?;
        row.faults.clear();
        if each(&mut row)? == Go::Stop {
            return Ok(());
        }
    }
}

/// Passes on the text of a CSV, and keeps the lines where its records begin: the parser counts no lines that CR ends.
struct Lines<R> {
    inner: R,
    scan: Scan,
    /// Of the records that are read ahead and not given out.
    starts: VecDeque<u64>,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Self { scan, starts, .. } = self;
        if count > 0 {
            scan.feed_each(&buffer[..count], |start| starts.push_back(start)).map_err(io::Error::other)?;
            return Ok(count);
        }
        let before = scan.records();
        scan.finish().map_err(io::Error::other)?;
        if scan.records() > before {
            starts.push_back(scan.start());
        }
        Ok(0)
    }
}

/// Where all was read, makes sure that the file is the one that was surveyed.
fn whole(survey: &Survey, went: Go) -> Result<()> {
    if went == Go::Stop {
        return Ok(());
    }
    let mut file = open(&survey.path)?;
    file.drain().map_err(|error| Error::file(&survey.path, error))?;
    same(survey, file.sum())
}

fn same(survey: &Survey, sum: (u64, [u8; 32])) -> Result<()> {
    if sum == (survey.bytes, survey.hash) { Ok(()) } else { Err(survey.changed()) }
}

/// The header and the first rows.
///
/// # Errors
/// Where they cannot be read.
pub fn beginning(survey: &Survey, rows: usize) -> Result<(StringRecord, Vec<StringRecord>)> {
    let mut found = Vec::new();
    each_row(survey, |row| {
        found.push(std::mem::take(&mut row.cells));
        Ok(if found.len() > rows { Go::Stop } else { Go::On })
    })?;
    let mut found = found.into_iter();
    let header = found.next().ok_or_else(|| Error::file(&survey.path, "the file has no header"))?;
    Ok((header, found.collect()))
}

/// A line of a table that is written.
///
/// # Errors
/// None that is known: it is written to memory.
pub fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let written = writer.write_record(cells.map(str::as_bytes));
    written.map_err(|error| Error::Message(error.to_string()))?;
    writer.into_inner().map_err(|error| Error::Message(error.to_string()))
}
