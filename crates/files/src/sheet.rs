//! A sheet of an XLSX workbook, the first visible one if none is named. Its cells are read one after the other; only the texts that cells share are
//! held in memory, and are bounded.

pub mod binary;
mod cell;
mod meter;
pub mod ods;
mod xls_formats;
mod xlsb;

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

const NO_RESULT: &str =
    "the cell has a formula without a stored result: open the workbook in a spreadsheet program, and save it";

/// Bytes of the texts that cells share, unpacked. In memory they take about twice as much.
const MAX_SHARED: u64 = 32 << 20;

/// Bytes of any other part, unpacked: more than a full sheet of contacts has.
const MAX_PART: u64 = 4 << 30;

/// Parts that a workbook may have, and their bytes in all, unpacked: several may be packed into the same few.
const MAX_PARTS: (usize, u64) = (1_000, 8 << 30);

/// A workbook that was looked through.
pub struct Looked {
    /// The sheet that is read.
    pub sheet: String,
    /// All sheets that people see.
    pub sheets: Vec<String>,
    /// Rows of the sheet from its header on.
    pub rows: u64,
    /// Whether there are formulas in the workbook.
    pub formulas: bool,
}

/// Looks a workbook through; `from` is the first row that may be part of the table.
///
/// # Errors
/// Where it cannot be read, or is too large, or has no such sheet.
pub fn look(path: &Path, wanted: Option<&str>, from: u64) -> Result<Looked> {
    let formulas = check_size(path)?;
    let mut rows = 0;
    let (sheet, sheets) = choose(path, open(path)?.sheets_metadata(), wanted)?;
    each_row(path, &sheet, formulas, from, &mut |row| {
        rows += u64::from(row.line >= from);
        Ok(Go::On)
    })?;
    Ok(Looked { sheet, sheets, rows, formulas })
}

fn open(path: &Path) -> Result<Xlsx<BufReader<File>>> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    calamine::open_workbook_from_rs(BufReader::new(file))
        .map_err(|error: calamine::XlsxError| Error::file(path, error))
}

/// The sheet that is meant, and those that can be. People hide the sheets that are not meant to be read.
fn choose(path: &Path, sheets: &[calamine::Sheet], wanted: Option<&str>) -> Result<(String, Vec<String>)> {
    let sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (shown, hidden): (Vec<_>, Vec<_>) = sheets.partition(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<_> = shown.iter().map(|sheet| sheet.name.clone()).collect();
    let Some(wanted) = wanted else {
        let first = names.first().cloned();
        let first = first.ok_or_else(|| Error::file(path, "the workbook has no visible sheet"))?;
        return Ok((first, names));
    };
    let mut all = names.iter().chain(hidden.iter().map(|sheet| &sheet.name));
    match all.find(|name| *name == wanted) {
        Some(name) => Ok((name.clone(), names)),
        None => {
            let text = format!("the workbook has no sheet \"{wanted}\"; it has \"{}\"", names.join("\", \""));
            Err(Error::file(path, text))
        }
    }
}

/// What is packed small may be huge: each part is unpacked once and counted, before it is read by what keeps it.
/// Returns whether there are formulas.
fn check_size(path: &Path) -> Result<bool> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| Error::file(path, error))?;
    let too_large =
        || Error::file(path, "the workbook is too large: save it as CSV, which may have any size");
    if archive.len() > MAX_PARTS.0 {
        return Err(too_large());
    }
    let (mut left, mut formulas) = (MAX_PARTS.1, false);
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| Error::file(path, error))?;
        let name = part.name().map_err(|error| Error::file(path, error))?.into_owned();
        let size = meter::measure(&name, part, MAX_PART.min(left), MAX_SHARED.min(left));
        let size = size.map_err(|error| Error::file(path, error))?;
        left -= size.bytes;
        formulas |= size.formulas;
    }
    Ok(formulas)
}

/// Calls `each` with the rows of a sheet, empty ones left out, until it wants no more. The first from row `from` on says
/// how wide the table is. Only where there are `formulas` it is looked whether each has a result.
///
/// # Errors
/// Where the sheet cannot be read, or `each` fails.
pub fn each_row(
    path: &Path,
    sheet: &str,
    formulas: bool,
    from: u64,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    let told = |error: calamine::XlsxError| Error::file(path, error);
    let mut book = open(path)?;
    let mut other = if formulas { Some(open(path)?) } else { None };
    let mut second = match &mut other {
        Some(book) => Some(book.worksheet_cells_reader(sheet).map_err(told)?),
        None => None,
    };
    let mut reader = book.worksheet_cells_reader(sheet).map_err(told)?;
    let code =
        |style: &calamine::Style| style.number_format.as_ref().map(|format| format.format_code.clone());
    let forms: Vec<_> =
        reader.styles().iter().map(|style| code(style).map(|code| NumberForm::of(&code))).collect();
    let mut building: Option<Building> = None;
    let mut table = Width { from, columns: None };
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(told)? {
        // Both readers see the same cells, those without a value among them.
        let formula = match &mut second {
            Some(second) => {
                second.next_formula().map_err(told)?.is_some_and(|formula| !formula.get_value().is_empty())
            }
            None => false,
        };
        let (row, column) = cell.get_position();
        if building.as_ref().is_some_and(|building| building.row != row)
            && let Some(building) = building.take()
            && finish(building, &mut table, each)? == Go::Stop
        {
            return Ok(Go::Stop);
        }
        let building = building.get_or_insert_with(|| Building::new(row));
        let form = forms.get(style).and_then(Option::as_ref).unwrap_or(&NumberForm::Plain);
        let shown = match cell::shown(cell.get_value(), form) {
            Shown::Empty if formula => Shown::Fault(String::new(), NO_RESULT.to_owned()),
            shown => shown,
        };
        building.add(column as usize, shown).map_err(|error| Error::file(path, error))?;
    }
    building.map_or(Ok(Go::On), |building| finish(building, &mut table, each))
}

/// How wide a table is, which its first row says.
struct Width {
    from: u64,
    columns: Option<usize>,
}

/// Gives a row out; those below the header are as wide as it, as far as their cells behind it are empty.
fn finish(
    mut building: Building,
    table: &mut Width,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    if building.cells.iter().all(|cell| cell.trim().is_empty()) && building.faults.is_empty() {
        return Ok(Go::On);
    }
    match table.columns {
        None if u64::from(building.row) + 1 < table.from => {}
        None => table.columns = Some(building.cells.len()),
        Some(columns) => {
            while building.cells.len() < columns {
                building.cells.push_field("");
            }
        }
    }
    each(&mut Row { line: u64::from(building.row) + 1, cells: building.cells, faults: building.faults })
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
