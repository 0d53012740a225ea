//! The first visible sheet of an XLSX workbook. Its cells are read one after the other; only the texts that cells share are
//! held in memory, and are bounded.

mod cell;
mod meter;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{Reader, SheetType, SheetVisible, Xlsx};
use csv::StringRecord;
use zip::ZipArchive;

use self::cell::{NumberForm, Shown};
use super::scan::{MAX_COLUMNS, MAX_RECORD};
use super::table::{Go, Row};
use super::{Error, Result};

/// Bytes of the texts that cells share, unpacked. In memory they take about twice as much.
const MAX_SHARED: u64 = 32 << 20;

/// Bytes of any other part, unpacked: more than a full sheet of contacts has.
const MAX_PART: u64 = 4 << 30;

/// Parts that a workbook may have, and their bytes in all, unpacked: several may be packed into the same few.
const MAX_PARTS: (usize, u64) = (1_000, 8 << 30);

/// The name of the sheet that is read, and how many rows it has, the header among them.
///
/// # Errors
/// Where it cannot be read, or is too large.
pub fn look(path: &Path) -> Result<(String, u64)> {
    check_size(path)?;
    let mut count = 0;
    let sheet = first_visible(path, &open(path)?)?;
    each_row(path, &sheet, &mut |_| {
        count += 1;
        Ok(Go::On)
    })?;
    Ok((sheet, count))
}

fn open(path: &Path) -> Result<Xlsx<BufReader<File>>> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    calamine::open_workbook_from_rs(BufReader::new(file))
        .map_err(|error: calamine::XlsxError| Error::file(path, error))
}

/// People hide the sheets that are not meant to be read.
fn first_visible(path: &Path, book: &Xlsx<BufReader<File>>) -> Result<String> {
    let is_shown = |sheet: &&calamine::Sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    };
    let sheet = book.sheets_metadata().iter().find(is_shown);
    let sheet = sheet.ok_or_else(|| Error::file(path, "the workbook has no visible sheet"))?;
    Ok(sheet.name.clone())
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
        let name = part.name().map_err(|error| Error::file(path, error))?.into_owned();
        let size = meter::measure(&name, part, MAX_PART.min(left), MAX_SHARED.min(left));
        let size = size.map_err(|error| Error::file(path, error))?;
        left -= size;
    }
    Ok(())
}

/// Calls `each` with the rows of a sheet, empty ones left out, until it wants no more.
///
/// # Errors
/// Where the sheet cannot be read, or `each` fails.
pub fn each_row(path: &Path, sheet: &str, each: &mut dyn FnMut(Row) -> Result<Go>) -> Result<Go> {
    let told = |error: calamine::XlsxError| Error::file(path, error);
    let mut book = open(path)?;
    let mut reader = book.worksheet_cells_reader(sheet).map_err(told)?;
    let code =
        |style: &calamine::Style| style.number_format.as_ref().map(|format| format.format_code.clone());
    let forms: Vec<_> =
        reader.styles().iter().map(|style| code(style).map(|code| NumberForm::of(&code))).collect();
    let mut building: Option<Building> = None;
    let mut columns = None;
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(told)? {
        let (row, column) = cell.get_position();
        if building.as_ref().is_some_and(|building| building.row != row)
            && let Some(building) = building.take()
            && finish(building, &mut columns, each)? == Go::Stop
        {
            return Ok(Go::Stop);
        }
        let building = building.get_or_insert_with(|| Building::new(row));
        let form = forms.get(style).and_then(Option::as_ref).unwrap_or(&NumberForm::Plain);
        let shown = cell::shown(cell.get_value(), form);
        building.add(column as usize, shown).map_err(|error| Error::file(path, error))?;
    }
    building.map_or(Ok(Go::On), |building| finish(building, &mut columns, each))
}

/// Gives a row out; those below the header are as wide as it, as far as their cells behind it are empty.
fn finish(
    mut building: Building,
    columns: &mut Option<usize>,
    each: &mut dyn FnMut(Row) -> Result<Go>,
) -> Result<Go> {
    if building.cells.iter().all(|cell| cell.trim().is_empty()) && building.faults.is_empty() {
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
    each(Row { line: u64::from(building.row) + 1, cells: building.cells, faults: building.faults })
}

struct Building {
    row: u32,
    cells: StringRecord,
    faults: Vec<(usize, String)>,
}

impl Building {
    fn new(row: u32) -> Self {
        Self { row, cells: StringRecord::new(), faults: Vec::new() }
    }

    fn add(&mut self, column: usize, shown: Shown) -> std::result::Result<(), String> {
        let text = match shown {
            Shown::Empty => return Ok(()),
            Shown::Text(text) => text,
            Shown::Fault(text, why) => {
                self.faults.push((column, why));
                text
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
