//! A workbook that is written row by row. Its rows wait in a file without a name, so the memory that it takes does not
//! grow with them.

use std::io::Write;
use std::path::Path;

use rust_xlsxwriter::{Format, IgnoreError, Workbook, XlsxError};

use super::output::unwritten;
use crate::files::Result;

type Added = std::result::Result<(), XlsxError>;

/// Rows of a sheet, the header among them: the limit of the format.
const MAX_ROWS: u32 = 1_048_576;

/// A workbook with one sheet for each million rows.
pub struct Book {
    workbook: Workbook,
    header: Vec<String>,
    sheets: usize,
    /// Rows of the last sheet.
    rows: u32,
}

impl Book {
    /// An empty one; its rows wait in a file of `scratch`.
    ///
    /// # Errors
    /// That directory cannot be written.
    pub fn new(scratch: Option<&Path>) -> Result<Self> {
        let mut workbook = Workbook::new();
        if let Some(scratch) = scratch {
            workbook.set_tempdir(scratch).map_err(|error| unwritten(&error))?;
        }
        Ok(Self { workbook, header: Vec::new(), sheets: 0, rows: MAX_ROWS })
    }

    /// Begins the first sheet. Each sheet has the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&mut self, header: Vec<String>) -> Result<()> {
        self.header = header;
        self.sheet().map_err(|error| unwritten(&error))
    }

    fn sheet(&mut self) -> Added {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        self.sheets += 1;
        sheet.set_name(match self.sheets {
            1 => "Contacts".to_owned(),
            number => format!("Contacts {number}"),
        })?;
        sheet.set_freeze_panes(1, 0)?;
        // Identifiers of digits are texts on purpose.
        let last = u16::try_from(self.header.len().saturating_sub(1)).unwrap_or(u16::MAX);
        sheet.ignore_error_range(0, 0, MAX_ROWS - 1, last, IgnoreError::NumberStoredAsText)?;
        let bold = Format::new().set_bold();
        for (column, name) in (0..).zip(&self.header) {
            sheet.write_string_with_format(0, column, name, &bold)?;
        }
        self.rows = 1;
        Ok(())
    }

    /// Writes a row. An empty cell is left out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<()> {
        self.add(cells).map_err(|error| unwritten(&error))
    }

    fn add<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Added {
        if self.rows == MAX_ROWS {
            self.sheet()?;
        }
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (column, cell) in (0..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string(self.rows, column, cell)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(mut self, out: impl Write + Send) -> Result<()> {
        // Its sheets may have more than 4 GiB before they are compressed.
        self.workbook.use_zip_large_file(true).save_to_writer(out).map_err(|error| unwritten(&error))
    }
}
