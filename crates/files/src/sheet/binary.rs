//! Binary workbooks: .xls, and .xlsb ([`super::xlsb`]).
//!
//! The reader of .xls gives no formats of numbers: they are read beside its cells ([`super::xls_formats`]). It allocates the
//! whole rectangle around the cells of each sheet. So the records are walked before it opens them.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use calamine::{Data, DataRef, Reader as _, Xls};

use super::cell::{self, Shown};
use super::xls_formats::{self, Forms};
use super::xlsb::Book;
use super::{Building, Looked, NO_RESULT, Width, finish};
use crate::table::{Go, Row};
use crate::{Error, Result};

/// Places of cells in all sheets of an .xls: each takes 32 bytes, twice.
const MAX_PLACES: u64 = 2_000_000;

/// Bytes of an .xls: it is held whole.
const MAX_BYTES: u64 = 64 << 20;

/// Which kind of a binary workbook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Of Excel 5 to 2003.
    Xls,
    /// Of Excel 2007, in binary parts.
    Xlsb,
}

/// The error of a workbook that takes too much memory.
pub fn too_large(path: &Path) -> Error {
    Error::file(path, "the workbook is too large: save it as .xlsx or CSV")
}

/// Looks a workbook through; `from` is the first row that may be part of the table.
///
/// # Errors
/// Where it cannot be read, is too large, or has no such sheet.
pub fn look(path: &Path, kind: Binary, wanted: Option<&str>, from: u64) -> Result<Looked> {
    let (sheet, sheets) = match kind {
        Binary::Xls => super::choose(path, open_xls(path)?.sheets_metadata(), wanted)?,
        Binary::Xlsb => super::choose(path, Book::open(path)?.sheets(), wanted)?,
    };
    let mut rows = 0;
    each_row(path, kind, &sheet, from, &mut |row| {
        rows += u64::from(row.line >= from);
        Ok(Go::On)
    })?;
    Ok(Looked { sheet, sheets, rows, formulas: false })
}

/// Calls `each` with the rows of a sheet, empty ones left out, until it wants no more.
///
/// # Errors
/// Where the sheet cannot be read, or `each` fails.
pub fn each_row(
    path: &Path,
    kind: Binary,
    sheet: &str,
    from: u64,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    let mut rows = Rows { path, table: Width { from, columns: None }, building: None };
    match kind {
        Binary::Xls => {
            let told = |error: calamine::XlsError| Error::file(path, error);
            let mut book = open_xls(path)?;
            let forms = formats_of(path, sheet)?;
            let formulas = book.worksheet_formula(sheet).map_err(told)?;
            let range = book.worksheet_range(sheet).map_err(told)?;
            let (first_row, first_column) = range.start().unwrap_or_default();
            for (row, column, value) in range.used_cells() {
                let place =
                    |first: u32, at: usize| first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
                let (row, column) = (place(first_row, row), place(first_column, column));
                let formula = formulas.get_value((row, column)).is_some_and(|formula| !formula.is_empty());
                let shown = match value {
                    // Programs that do not reckon write these in place of a result.
                    Data::String(text) if formula && text.is_empty() => fault(),
                    Data::Float(number) if formula && *number == 0.0 => fault(),
                    Data::DateTime(time) if forms.is_number((row, column)) => {
                        cell::shown(&DataRef::Float(time.as_f64()), forms.of((row, column)))
                    }
                    value => cell::shown(&as_ref(value), forms.of((row, column))),
                };
                if rows.add(row, column, shown, each)? == Go::Stop {
                    return Ok(Go::Stop);
                }
            }
        }
        Binary::Xlsb => {
            let add = |row, column, shown| rows.add(row, column, shown, each);
            if Book::open(path)?.each_cell(path, sheet, add)? == Go::Stop {
                return Ok(Go::Stop);
            }
        }
    }
    rows.building.take().map_or(Ok(Go::On), |building| finish(building, &mut rows.table, each))
}

fn fault() -> Shown {
    Shown::Fault(String::new(), NO_RESULT.to_owned())
}

fn as_ref(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(flag) => DataRef::Bool(*flag),
        Data::DateTime(time) => DataRef::DateTime(*time),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// Puts cells together to rows.
struct Rows<'a> {
    path: &'a Path,
    table: Width,
    building: Option<Building>,
}

impl Rows<'_> {
    fn add(
        &mut self,
        row: u32,
        column: u32,
        shown: Shown,
        each: &mut dyn FnMut(&mut Row) -> Result<Go>,
    ) -> Result<Go> {
        if self.building.as_ref().is_some_and(|building| building.row != row)
            && let Some(building) = self.building.take()
            && finish(building, &mut self.table, each)? == Go::Stop
        {
            return Ok(Go::Stop);
        }
        let building = self.building.get_or_insert_with(|| Building::new(row));
        building.add(column as usize, shown).map_err(|error| Error::file(self.path, error))?;
        Ok(Go::On)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let told = |error| Error::file(path, error);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(told)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > MAX_BYTES { Err(too_large(path)) } else { Ok(bytes) }
}

fn open_xls(path: &Path) -> Result<Xls<Cursor<Vec<u8>>>> {
    let bytes = read(path)?;
    check_extent(path, &bytes)?;
    Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::XlsError::Password => {
            Error::file(path, "this is a password-protected workbook: remove the password, and save it again")
        }
        error => Error::file(path, error),
    })
}

/// The formats of the cells of a sheet of an .xls.
fn formats_of(path: &Path, sheet: &str) -> Result<Forms> {
    in_workbook(path, &read(path)?, |stream| xls_formats::read(stream, sheet))
}

/// Whether the formats of numbers of that sheet are known.
///
/// # Errors
/// The file cannot be read.
pub fn has_formats(path: &Path, kind: Binary, sheet: &str) -> Result<bool> {
    match kind {
        Binary::Xls => Ok(formats_of(path, sheet)?.known),
        Binary::Xlsb => Ok(true),
    }
}

/// Finds out how far the cells reach, before anything makes room for them.
fn check_extent(path: &Path, bytes: &[u8]) -> Result<()> {
    if in_workbook(path, bytes, fits)? { Ok(()) } else { Err(too_large(path)) }
}

/// Reads the stream of the workbook in an .xls.
fn in_workbook<'b, T>(
    path: &Path,
    bytes: &'b [u8],
    read: impl FnOnce(cfb::Stream<Cursor<&'b [u8]>>) -> std::io::Result<T>,
) -> Result<T> {
    let told = |error| Error::file(path, error);
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(told)?;
    let name = ["/Workbook", "/Book"].into_iter().find(|name| file.is_stream(name));
    let name = name.ok_or_else(|| Error::file(path, "this is a document of Office, and no workbook"))?;
    let stream = file.open_stream(name).map_err(told)?;
    read(stream).map_err(told)
}

/// Whether the rectangles around the cells of all sheets are small enough.
fn fits(stream: impl Read) -> std::io::Result<bool> {
    let mut stream = BufReader::new(stream);
    let (mut places, mut sheet, mut record) = (0_u64, (0_u64, 0_u64), Vec::new());
    loop {
        let mut head = [0; 4];
        if !fill(&mut stream, &mut head)? {
            return Ok(places + sheet.0 * sheet.1 <= MAX_PLACES);
        }
        let [kind, high, low, length] = head;
        let (kind, length) = (u16::from_le_bytes([kind, high]), u16::from_le_bytes([low, length]));
        record.resize(length.into(), 0);
        if !fill(&mut stream, &mut record)? {
            return Ok(places + sheet.0 * sheet.1 <= MAX_PLACES);
        }
        let number = |at: usize| {
            record.get(at..at + 2).map(|bytes| u64::from(u16::from_le_bytes([bytes[0], bytes[1]])))
        };
        match kind {
            // Where a sheet begins, in any version.
            0x0809 | 0x0409 | 0x0209 | 0x0009 => {
                places += std::mem::take(&mut sheet.0) * std::mem::take(&mut sheet.1)
            }
            // Cells: with a value, a text, a formula or nothing; several in a row end with the last column.
            0x0006
            | 0x0201..=0x0205
            | 0x0001..=0x0005
            | 0x00d6
            | 0x00fd
            | 0x027e
            | 0x0406
            | 0x0206
            | 0x007e
            | 0x00bd
            | 0x00be => {
                let last =
                    if matches!(kind, 0x00bd | 0x00be) { record.len().checked_sub(2) } else { Some(2) };
                if let (Some(row), Some(column)) = (number(0), last.and_then(number)) {
                    sheet = (sheet.0.max(row + 1), sheet.1.max(column + 1));
                }
            }
            _ => {}
        }
        if places + sheet.0 * sheet.1 > MAX_PLACES {
            return Ok(false);
        }
    }
}

/// Fills a buffer; `false` if the stream ends before that.
///
/// # Errors
/// The stream cannot be read.
pub fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match stream.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
    }

    #[test]
    fn a_far_cell_is_known_before_room_is_made_for_it() {
        let begin = record(0x0809, &[0; 8]);
        let cell = |row: u16, column: u16| {
            let place = [row.to_le_bytes(), column.to_le_bytes()].concat();
            record(0x0203, &[&place[..], &[0; 10]].concat())
        };
        assert!(fits([begin.clone(), cell(65_535, 20)].concat().as_slice()).unwrap());
        assert!(!fits([begin.clone(), cell(65_535, 255)].concat().as_slice()).unwrap());
        // Each sheet has its own rectangle, and all of them count.
        assert!(
            fits([begin.clone(), cell(0, 255), begin.clone(), cell(65_535, 0)].concat().as_slice()).unwrap()
        );
        let many: Vec<u8> = (0..2).flat_map(|_| [begin.clone(), cell(65_535, 20)].concat()).collect();
        assert!(!fits(many.as_slice()).unwrap());
        let several = record(0x00bd, &[0xff, 0xff, 0, 0, 0, 0, 0xff, 0]);
        assert!(!fits([begin, several].concat().as_slice()).unwrap());
    }
}
