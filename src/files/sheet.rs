//! The first sheet of an XLSX workbook. Its cells are read one after the other; only the texts that cells share are
//! held in memory, and are bounded.

mod meter;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};
use csv::StringRecord;
use zip::ZipArchive;

use self::meter::CellMeter;
use super::scan::{MAX_COLUMNS, MAX_RECORD};
use super::table::{Go, Row};
use super::{Error, Result};

/// Bytes of the texts that cells share, unpacked. In memory they take about twice as much.
const MAX_SHARED: u64 = 32 << 20;

/// Bytes of any other part, unpacked: more than a full sheet of contacts has.
const MAX_PART: u64 = 4 << 30;

/// Parts that a workbook may have, and their bytes in all, unpacked: several may be packed into the same few.
const MAX_PARTS: (usize, u64) = (1_000, 8 << 30);

/// How many rows a sheet has, the header among them.
///
/// # Errors
/// Where it cannot be read, or is too large.
pub fn count(path: &Path) -> Result<u64> {
    check_size(path)?;
    let mut count = 0;
    each_row(path, &mut |_| {
        count += 1;
        Ok(Go::On)
    })?;
    Ok(count)
}

/// What is packed small may be huge: each part is unpacked once and counted, before it is read by what keeps it.
fn check_size(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| Error::file(path, error))?;
    let too_large =
        || Error::file(path, "the workbook is too large: save it as CSV, which may have any size");
    if archive.len() > MAX_PARTS.0 {
        return Err(too_large());
    }
    let mut left = MAX_PARTS.1;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| Error::file(path, error))?;
        // A sheet is read a cell at a time; all else is held.
        let name = part.name().map_err(|error| Error::file(path, error))?;
        let is_sheet = name.contains("worksheets/");
        let max = if is_sheet { MAX_PART } else { MAX_SHARED }.min(left);
        let mut part = part.take(max + 1);
        let size = if is_sheet {
            std::io::copy(&mut part, &mut CellMeter::default())
        } else {
            std::io::copy(&mut part, &mut std::io::sink())
        };
        let size = size.map_err(|error| Error::file(path, error))?;
        if size > max {
            return Err(too_large());
        }
        left -= size;
    }
    Ok(())
}

/// Calls `each` with the rows of the first sheet, empty ones left out, until it wants no more.
///
/// # Errors
/// Where the sheet cannot be read, or `each` fails.
pub fn each_row(path: &Path, each: &mut dyn FnMut(Row) -> Result<Go>) -> Result<Go> {
    let told = |error: calamine::XlsxError| Error::file(path, error);
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(BufReader::new(file)).map_err(told)?;
    let name = book.sheet_names().first().cloned();
    let name = name.ok_or_else(|| Error::file(path, "the workbook has no sheet"))?;
    let mut reader = book.worksheet_cells_reader(&name).map_err(told)?;
    let mut building: Option<Building> = None;
    let mut columns = None;
    while let Some(cell) = reader.next_cell().map_err(told)? {
        let (row, column) = cell.get_position();
        if building.as_ref().is_some_and(|building| building.row != row)
            && let Some(building) = building.take()
            && finish(building, &mut columns, each)? == Go::Stop
        {
            return Ok(Go::Stop);
        }
        let building = building.get_or_insert_with(|| Building::new(row));
        building.add(column as usize, cell.get_value()).map_err(|error| Error::file(path, error))?;
    }
    building.map_or(Ok(Go::On), |building| finish(building, &mut columns, each))
}

/// Gives a row out; those below the header are as wide as it, as far as their cells behind it are empty.
fn finish(
    mut building: Building,
    columns: &mut Option<usize>,
    each: &mut dyn FnMut(Row) -> Result<Go>,
) -> Result<Go> {
    if building.cells.iter().all(str::is_empty) && building.fault.is_none() {
        return Ok(Go::On);
    }
    match *columns {
        None => *columns = Some(building.cells.len()),
        Some(columns) => {
            while building.cells.len() < columns {
                building.cells.push_field("");
            }
        }
    }
    each(Row { line: u64::from(building.row) + 1, cells: building.cells, fault: building.fault })
}

struct Building {
    row: u32,
    cells: StringRecord,
    fault: Option<String>,
}

impl Building {
    fn new(row: u32) -> Self {
        Self { row, cells: StringRecord::new(), fault: None }
    }

    fn add(&mut self, column: usize, value: &DataRef<'_>) -> std::result::Result<(), String> {
        let text = match value {
            // A format without a value is no cell.
            DataRef::Empty => return Ok(()),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => number.to_string(),
            DataRef::Bool(flag) => flag.to_string(),
            DataRef::DateTime(time) => date(time),
            DataRef::Error(error) => {
                self.fault
                    .get_or_insert_with(|| format!("a cell holds an error of the spreadsheet: {error}"));
                error.to_string()
            }
        };
        let line = self.row + 1;
        if column >= MAX_COLUMNS {
            return Err(format!("row {line}: there are more than {MAX_COLUMNS} columns"));
        }
        if self.cells.as_slice().len() + text.len() > MAX_RECORD {
            return Err(format!("row {line}: the row is longer than 2 MiB"));
        }
        while self.cells.len() < column {
            self.cells.push_field("");
        }
        self.cells.push_field(&text);
        Ok(())
    }
}

/// A date where it is the beginning of a day, else a time, and a number where it is neither.
fn date(time: &ExcelDateTime) -> String {
    if !time.is_datetime() {
        return time.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }
}
