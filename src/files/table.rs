//! The rows of a table, whatever it is written in.

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::decode::{CHUNK, Decoded};
use super::survey::{Form, Survey, open};
use super::{Error, Result, sheet};

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line where it begins, or the row of a sheet; both count from 1.
    pub line: u64,
    /// Its cells.
    pub cells: StringRecord,
    /// What a cell holds that is no value, where one does.
    pub fault: Option<String>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// With the next row.
    On,
    /// No further.
    Stop,
}

/// Calls `each` with the rows of a file, the header first, until it wants no more. At the end it is sure that these
/// were the rows that were surveyed.
///
/// # Errors
/// Where the file cannot be read or has changed, or `each` fails.
pub fn each_row(survey: &Survey, mut each: impl FnMut(Row) -> Result<Go>) -> Result<()> {
    let Form::Csv { encoding, delimiter } = survey.form else {
        if sheet::each_row(&survey.path, &mut each)? == Go::On {
            let mut file = open(&survey.path)?;
            file.drain().map_err(|error| Error::file(&survey.path, error))?;
            return same(survey, file.sum());
        }
        return Ok(());
    };
    let text = Decoded::new(open(&survey.path)?, encoding);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(CHUNK)
        .from_reader(text);
    loop {
        let mut cells = StringRecord::new();
        if !reader.read_record(&mut cells).map_err(|error| Error::file(&survey.path, error))? {
            return same(survey, reader.get_mut().inner().sum());
        }
        let line = cells.position().map_or(0, csv::Position::line);
        if each(Row { line, cells, fault: None })? == Go::Stop {
            return Ok(());
        }
    }
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
        found.push(row.cells);
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
    written.map_err(|error| Error::Told(error.to_string()))?;
    writer.into_inner().map_err(|error| Error::Told(error.to_string()))
}
