//! What an export writes: a table as CSV or XLSX, or lines of JSON.

use std::io::Write;

use csv::{Writer, WriterBuilder};

use super::workbook::Book;
use crate::target::{COLUMNS, CONTACT_ID, SUPPRESSED};
use crate::{Error, Result};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table in UTF-8 with commas.
    Csv,
    /// The same with a byte order mark, by which Excel knows UTF-8, and the delimiter that Excel expects: a comma or a
    /// semicolon, by the language of the system.
    Excel(u8),
    /// An XLSX workbook. Every cell is a text, so a spreadsheet changes no number.
    Workbook,
    /// A contact a line, as contact/get returns it.
    JsonLines,
}

/// The columns of a table.
#[derive(Clone, Debug)]
pub struct Columns {
    variables: Vec<String>,
    /// For each of [`COLUMNS`] and each variable whether it is written.
    chosen: Vec<bool>,
    /// Whether contacts with a suppressed address are written; tables then have a column with the suppressions.
    pub include_suppressed: bool,
    /// Whether the last column of a table has the ids of contacts, by which an import can find them.
    pub include_ids: bool,
}

impl Columns {
    /// Those that `wanted` names, or all if it names none.
    pub fn new(variables: Vec<String>, wanted: &[String], include_suppressed: bool) -> Self {
        let names = COLUMNS.into_iter().chain(variables.iter().map(String::as_str));
        let chosen = names.map(|name| wanted.is_empty() || wanted.iter().any(|it| it == name)).collect();
        Self { variables, chosen, include_suppressed, include_ids: false }
    }

    /// The same, with the ids of contacts or without.
    pub fn with_ids(self, include_ids: bool) -> Self {
        Self { include_ids, ..self }
    }

    /// The names of the variables.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    fn pick<'a, T: AsRef<str>>(
        &'a self,
        cells: &'a [T],
        (suppressed, id): (&'a str, &'a str),
    ) -> impl Iterator<Item = &'a str> + 'a {
        let chosen = cells.iter().zip(&self.chosen).filter(|(_, chosen)| **chosen);
        let last = Some(suppressed).filter(|_| self.include_suppressed);
        let id = Some(id).filter(|_| self.include_ids);
        chosen.map(|(cell, _)| cell.as_ref()).chain(last).chain(id)
    }
}

/// An export on its way into bytes.
pub struct Output {
    format: Format,
    columns: Columns,
    begun: bool,
    book: Option<Book>,
}

impl Output {
    /// With those columns.
    pub fn new(format: Format, columns: Columns) -> Self {
        let book = (format == Format::Workbook).then(Book::new);
        Self { format, columns, begun: false, book }
    }

    /// The columns.
    pub const fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Whether contacts are written as lines of JSON.
    pub fn is_json(&self) -> bool {
        self.format == Format::JsonLines
    }

    /// Writes rows behind those before. Of a workbook, `out` gets what is compressed by now.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn rows(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Rows<'_>) -> Result<()>) -> Result<()> {
        let first = !std::mem::replace(&mut self.begun, true);
        if first && matches!(self.format, Format::Excel(_)) {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let delimiter = if let Format::Excel(delimiter) = self.format { delimiter } else { b',' };
        let sink = match &mut self.book {
            Some(book) => Sink::Book(book),
            None => Sink::Delimited(WriterBuilder::new().delimiter(delimiter).from_writer(&mut *out)),
        };
        let mut rows = Rows { columns: &self.columns, sink };
        if first && self.format != Format::JsonLines {
            rows.header()?;
        }
        write(&mut rows)?;
        rows.end()?;
        if let Some(book) = &self.book {
            out.append(&mut book.take());
        }
        Ok(())
    }

    /// Ends the export.
    ///
    /// # Errors
    /// The workbook cannot be written.
    pub fn end(&mut self, mut out: impl Write) -> Result<()> {
        let Some(book) = self.book.take() else { return Ok(()) };
        out.write_all(&book.end()?).map_err(|error| unwritten(&error))
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Sink<'o> {
    Delimited(Writer<&'o mut Vec<u8>>),
    Book(&'o mut Book),
}

/// Rows that are being written.
pub struct Rows<'o> {
    columns: &'o Columns,
    sink: Sink<'o>,
}

impl<'o> Rows<'o> {
    /// The columns.
    pub const fn columns(&self) -> &'o Columns {
        self.columns
    }

    fn header(&mut self) -> Result<()> {
        let variables = self.columns.variables.iter().map(String::as_str);
        let names: Vec<_> = COLUMNS.into_iter().chain(variables).collect();
        match &mut self.sink {
            Sink::Delimited(writer) => record(writer, self.columns.pick(&names, (SUPPRESSED, CONTACT_ID))),
            Sink::Book(book) => {
                let header = self.columns.pick(&names, (SUPPRESSED, CONTACT_ID)).map(str::to_owned);
                book.begin(header.collect())
            }
        }
    }

    /// Writes a row: the cells of all columns, the suppressions and the id of the contact.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T], last: (&str, &str)) -> Result<()> {
        let picked = self.columns.pick(cells, last);
        match &mut self.sink {
            Sink::Delimited(writer) => record(writer, picked),
            Sink::Book(book) => book.row(picked),
        }
    }

    fn end(self) -> Result<()> {
        match self.sink {
            Sink::Delimited(mut writer) => writer.flush().map_err(|error| unwritten(&error)),
            Sink::Book(_) => Ok(()),
        }
    }
}

fn record<'a>(writer: &mut Writer<&mut Vec<u8>>, cells: impl Iterator<Item = &'a str>) -> Result<()> {
    writer.write_record(cells.map(str::as_bytes)).map_err(|error| unwritten(&error))
}

/// The error of an export that cannot be written.
pub fn unwritten(error: &impl std::fmt::Display) -> Error {
    Error::Message(format!("the export could not be written: {error}"))
}
