//! The binary workbook of Excel 2007 ([MS-XLSB]), read a cell at a time. The library for the other workbooks knows no short
//! records, in which some programs write all cells but the first of a row. It also skips cells with formatted letters.

mod records;
mod styles;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use calamine::{CellErrorType, DataRef, ExcelDateTime, ExcelDateTimeType, Sheet, SheetType, SheetVisible};
use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

use self::records::{Records, damaged, float, long, packed_number, text};
use self::styles::{Meaning, Style};
use super::cell::{self, NumberForm, Shown};
use super::meter::Metered;
use super::ods::attribute;
use super::{MAX_PART, MAX_PARTS, MAX_SHARED};
use crate::table::Go;
use crate::{Error, Result};

/// Sheets, and parts that the workbook names.
const MAX_NAMES: usize = 20_000;

/// Texts that cells share.
const MAX_TEXTS: usize = 1 << 20;

/// A workbook that is open.
pub struct Book {
    archive: ZipArchive<BufReader<File>>,
    sheets: Vec<Sheet>,
    /// The part of each sheet.
    parts: Vec<String>,
    styles: Vec<Style>,
    /// Texts that cells share.
    texts: Vec<Box<str>>,
    since_1904: bool,
}

/// A part that the workbook names.
struct Related {
    kind: String,
    part: String,
}

impl Book {
    /// Opens a workbook.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn open(path: &Path) -> Result<Self> {
        let told = |error: io::Error| Error::file(path, error);
        let file = File::open(path).map_err(told)?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| Error::file(path, error))?;
        if archive.len() > MAX_PARTS.0 {
            return Err(super::binary::too_large(path));
        }
        let (sheets, parts, styles, texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut book = Self { archive, sheets, parts, styles, texts, since_1904: false };
        book.read().map_err(told)?;
        Ok(book)
    }

    /// All its sheets.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    fn read(&mut self) -> io::Result<()> {
        let related = self.related()?;
        let kind =
            |name: &str| related.values().find(|related| related.kind == name).map(|found| &found.part);
        if let Some(part) = kind("styles") {
            self.styles = styles::read(open(&mut self.archive, part, MAX_SHARED)?)?;
        }
        if let Some(part) = kind("sharedStrings") {
            self.texts = shared(open(&mut self.archive, part, MAX_SHARED)?)?;
        }
        let mut records = Records::new(open(&mut self.archive, "xl/workbook.bin", MAX_SHARED)?);
        while records.next()? {
            match records.kind {
                // BrtWbProp.
                153 => self.since_1904 = long(&records.body, 0)? & 1 != 0,
                // BrtBundleSh: the state, a number, the relation, the name.
                156 => {
                    let (relation, at) = text(&records.body, 8)?;
                    let name = text(&records.body, at)?.0.unwrap_or_default();
                    let Some(found) = relation.and_then(|id| related.get(&id)) else { continue };
                    let is_sheet = found.kind == "worksheet";
                    let is_shown = long(&records.body, 0)? == 0;
                    self.sheets.push(Sheet {
                        name,
                        typ: if is_sheet { SheetType::WorkSheet } else { SheetType::ChartSheet },
                        visible: if is_shown { SheetVisible::Visible } else { SheetVisible::Hidden },
                    });
                    self.parts.push(found.part.clone());
                }
                _ => {}
            }
            if self.sheets.len() > MAX_NAMES {
                return Err(damaged());
            }
        }
        Ok(())
    }

    /// The parts that the workbook names, by their relations.
    fn related(&mut self) -> io::Result<HashMap<String, Related>> {
        let part = open(&mut self.archive, "xl/_rels/workbook.bin.rels", MAX_SHARED)?;
        let mut xml = Reader::from_reader(BufReader::new(Metered::new(part, MAX_SHARED)));
        let (mut related, mut buffer) = (HashMap::new(), Vec::new());
        loop {
            buffer.clear();
            xml.get_mut().get_mut().again();
            let event = xml.read_event_into(&mut buffer).map_err(|_| damaged())?;
            let (Event::Start(start) | Event::Empty(start)) = event else {
                if matches!(event, Event::Eof) { return Ok(related) } else { continue }
            };
            let get = |name| attribute(&start, name);
            if start.local_name().as_ref() == "Relationship"
                && let (Some(id), Some(kind), Some(target)) = (get("Id"), get("Type"), get("Target"))
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let part = match target.strip_prefix('/') {
                    Some(whole) => whole.to_owned(),
                    None => format!("xl/{target}"),
                };
                related.insert(id, Related { kind, part });
            }
            if related.len() > MAX_NAMES {
                return Err(damaged());
            }
        }
    }

    /// Calls `each` with the row, the column and the text of the cells of a sheet, until it wants no more.
    ///
    /// # Errors
    /// The sheet cannot be read, or `each` fails.
    pub fn each_cell(
        &mut self,
        path: &Path,
        sheet: &str,
        mut each: impl FnMut(u32, u32, Shown) -> Result<Go>,
    ) -> Result<Go> {
        let told = |error: io::Error| Error::file(path, error);
        let place = self.sheets.iter().position(|known| known.name == sheet);
        let part = place.map(|place| &self.parts[place]);
        let part = part.ok_or_else(|| Error::file(path, format!("the workbook has no sheet \"{sheet}\"")))?;
        let values = Values { styles: &self.styles, texts: &self.texts, since_1904: self.since_1904 };
        let mut records = Records::new(open(&mut self.archive, part, MAX_PART).map_err(told)?);
        let (mut row, mut column, mut begun) = (0, 0_u32, false);
        while records.next().map_err(told)? {
            let (kind, body) = (records.kind, records.body.as_slice());
            match kind {
                // BrtBeginSheetData, BrtEndSheetData, BrtRowHdr.
                145 => begun = true,
                146 => return Ok(Go::On),
                0 if begun => (row, column) = (long(body, 0).map_err(told)?, 0),
                1..=18 | 62 if begun => {
                    // A short one has no column: it stands behind the cell before.
                    let (kind, cell) = if (12..=18).contains(&kind) {
                        (kind - 11, body)
                    } else {
                        column = long(body, 0).map_err(told)?;
                        (kind, body.get(4..).unwrap_or_default())
                    };
                    let shown = values.shown(kind, cell).map_err(told)?;
                    if shown != Shown::Empty && each(row, column, shown)? == Go::Stop {
                        return Ok(Go::Stop);
                    }
                    column = column.saturating_add(1);
                }
                _ => {}
            }
        }
        Err(told(damaged()))
    }
}

/// Opens a part of which at most `max` bytes are read.
fn open<'a>(
    archive: &'a mut ZipArchive<BufReader<File>>,
    name: &str,
    max: u64,
) -> io::Result<BufReader<impl io::Read + 'a>> {
    let part = archive.by_name(name).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
    if part.size() > max {
        return Err(io::Error::other("the workbook is too large: save it as CSV, which may have any size"));
    }
    Ok(BufReader::new(part.take(max)))
}

/// The texts that cells share.
fn shared(stream: impl io::Read) -> io::Result<Vec<Box<str>>> {
    let (mut records, mut texts) = (Records::new(stream), Vec::new());
    while records.next()? {
        // BrtSSTItem: flags, and the letters.
        if records.kind == 19 {
            texts.push(text(&records.body, 1)?.0.unwrap_or_default().into_boxed_str());
        }
        if texts.len() > MAX_TEXTS {
            return Err(io::Error::other(
                "the workbook is too large: save it as CSV, which may have any size",
            ));
        }
    }
    Ok(texts)
}

/// What the values of cells mean.
struct Values<'b> {
    styles: &'b [Style],
    texts: &'b [Box<str>],
    since_1904: bool,
}

impl Values<'_> {
    /// The text of a cell: its style in three bytes, a byte of flags, its value.
    fn shown(&self, kind: u16, cell: &[u8]) -> io::Result<Shown> {
        let style = usize::try_from(long(cell, 0)? & 0x00ff_ffff).unwrap_or(usize::MAX);
        let plain = |value: &DataRef<'_>| Ok(cell::shown(value, &NumberForm::Plain));
        match kind {
            1 => Ok(Shown::Empty),
            2 => Ok(self.number(packed_number(cell, 4)?, style)),
            3 | 11 => plain(&DataRef::Error(fault(*cell.get(4).ok_or_else(damaged)?))),
            4 | 10 => plain(&DataRef::Bool(*cell.get(4).ok_or_else(damaged)? != 0)),
            5 | 9 => Ok(self.number(float(cell, 4)?, style)),
            6 | 8 => Ok(Shown::Text(text(cell, 4)?.0.unwrap_or_default())),
            7 => {
                let number = usize::try_from(long(cell, 4)?).ok();
                let shared = number.and_then(|number| self.texts.get(number)).ok_or_else(damaged)?;
                Ok(Shown::Text(shared.to_string()))
            }
            // Letters with formats of their own, behind flags.
            _ => Ok(Shown::Text(text(cell, 5)?.0.unwrap_or_default())),
        }
    }

    fn number(&self, number: f64, style: usize) -> Shown {
        let Some(Style { form, meaning }) = self.styles.get(style) else {
            return cell::shown(&DataRef::Float(number), &NumberForm::Plain);
        };
        let kind = match meaning {
            Meaning::Number => return cell::shown(&DataRef::Float(number), form),
            Meaning::Date => ExcelDateTimeType::DateTime,
            Meaning::Elapsed => ExcelDateTimeType::TimeDelta,
        };
        cell::shown(&DataRef::DateTime(ExcelDateTime::new(number, kind, self.since_1904)), form)
    }
}

const fn fault(code: u8) -> CellErrorType {
    match code {
        0x00 => CellErrorType::Null,
        0x07 => CellErrorType::Div0,
        0x0f => CellErrorType::Value,
        0x17 => CellErrorType::Ref,
        0x1d => CellErrorType::Name,
        0x24 => CellErrorType::Num,
        0x2b => CellErrorType::GettingData,
        _ => CellErrorType::NA,
    }
}
