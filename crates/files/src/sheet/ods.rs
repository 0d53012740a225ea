//! A sheet of an OpenDocument spreadsheet, a cell at a time. Nothing but the cells of one row is held: one far cell takes
//! no more than its own line.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::cell::{Shown, iso};
use super::meter::Metered;
use super::{Building, Looked, NO_RESULT, Width, finish};
use crate::scan::MAX_COLUMNS;
use crate::table::{Go, Row};
use crate::{Error, Result};

/// Bytes of the table, unpacked.
const MAX_CONTENT: u64 = 8 << 30;

/// Styles and sheets that are remembered.
const MAX_NAMES: usize = 10_000;

/// The most blanks that stand for one mark.
const MAX_BLANKS: usize = 1_000;

type Xml<'a> = Reader<BufReader<Metered<Box<dyn Read + 'a>>>>;

/// Looks a spreadsheet through; `from` is the first row that may be part of the table.
///
/// # Errors
/// Where it cannot be read, or has no such sheet.
pub fn look(path: &Path, wanted: Option<&str>, from: u64) -> Result<Looked> {
    let (shown, hidden) = sheets(path)?;
    let sheet = match wanted {
        None => {
            shown.first().cloned().ok_or_else(|| Error::file(path, "the workbook has no visible sheet"))?
        }
        Some(wanted) => {
            let found = shown.iter().chain(&hidden).find(|name| *name == wanted).cloned();
            found.ok_or_else(|| {
                let names = shown.join("\", \"");
                Error::file(path, format!("the workbook has no sheet \"{wanted}\"; it has \"{names}\""))
            })?
        }
    };
    let mut rows = 0;
    each_row(path, &sheet, from, &mut |row| {
        rows += u64::from(row.line >= from);
        Ok(Go::On)
    })?;
    Ok(Looked { sheet, sheets: shown, rows, formulas: false })
}

/// Calls `each` with the rows of a sheet, empty ones left out, until it wants no more.
///
/// # Errors
/// Where the sheet cannot be read, or `each` fails.
pub fn each_row(
    path: &Path,
    sheet: &str,
    from: u64,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    let mut table = Width { from, columns: None };
    with_content(path, |xml| {
        let mut buffer = Vec::new();
        loop {
            match next(path, xml, &mut buffer)? {
                Event::Start(start)
                    if start.name().as_ref() == "table:table"
                        && attribute(&start, "table:name").as_deref() == Some(sheet) =>
                {
                    return rows(path, xml, &mut table, each);
                }
                Event::Eof => {
                    return Err(Error::file(path, format!("the workbook has no sheet \"{sheet}\"")));
                }
                _ => {}
            }
        }
    })
}

/// The names of the sheets that are shown, and of those that are hidden.
fn sheets(path: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (mut shown, mut hidden, mut styles) = (Vec::new(), Vec::new(), HashSet::new());
    with_content(path, |xml| {
        let (mut buffer, mut style) = (Vec::new(), String::new());
        loop {
            match next(path, xml, &mut buffer)? {
                Event::Start(start) => match start.name().as_ref() {
                    "style:style" => style = attribute(&start, "style:name").unwrap_or_default(),
                    "style:table-properties"
                        if attribute(&start, "table:display").as_deref() == Some("false") =>
                    {
                        styles.insert(std::mem::take(&mut style));
                    }
                    "table:table" => {
                        let of_style = attribute(&start, "table:style-name");
                        let name = attribute(&start, "table:name").unwrap_or_default();
                        let is_hidden = of_style.is_some_and(|style| styles.contains(&style));
                        if is_hidden { hidden.push(name) } else { shown.push(name) }
                    }
                    _ => {}
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
            if styles.len() + shown.len() + hidden.len() > MAX_NAMES {
                return Err(Error::file(
                    path,
                    "the workbook is too large: save it as CSV, which may have any size",
                ));
            }
        }
    })?;
    Ok((shown, hidden))
}

fn with_content<T>(path: &Path, read: impl FnOnce(&mut Xml<'_>) -> Result<T>) -> Result<T> {
    let told = |error: zip::result::ZipError| Error::file(path, error);
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(told)?;
    let encrypted = archive.by_name("content.xml").map_err(told)?.encrypted();
    if encrypted || archive.index_for_name("encrypted-package").is_some() {
        return Err(Error::file(
            path,
            "this is a password-protected workbook: remove the password, and save it again",
        ));
    }
    let content = archive.by_name("content.xml").map_err(told)?;
    let metered = Metered::new(Box::new(content) as Box<dyn Read + '_>, MAX_CONTENT);
    let mut xml = Reader::from_reader(BufReader::new(metered));
    xml.config_mut().expand_empty_elements = true;
    read(&mut xml)
}

fn next<'b>(path: &Path, xml: &mut Xml<'_>, buffer: &'b mut Vec<u8>) -> Result<Event<'b>> {
    buffer.clear();
    xml.get_mut().get_mut().again();
    xml.read_event_into(buffer).map_err(|error| Error::file(path, error))
}

/// The value of an attribute.
pub fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok().flatten()?;
    found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

/// How often an element stands for itself.
fn repeated(start: &BytesStart<'_>, name: &str) -> u32 {
    attribute(start, name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}

fn rows(
    path: &Path,
    xml: &mut Xml<'_>,
    table: &mut Width,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    let (mut buffer, mut row) = (Vec::new(), 0_u32);
    loop {
        let count = match next(path, xml, &mut buffer)? {
            Event::Start(start) if start.name().as_ref() == "table:table-row" => {
                repeated(&start, "table:number-rows-repeated")
            }
            Event::End(end) if end.name().as_ref() == "table:table" => return Ok(Go::On),
            Event::Eof => return Err(Error::file(path, "the sheet has no end")),
            _ => continue,
        };
        let building = cells(path, xml, row)?;
        let is_blank = building.faults.is_empty() && building.cells.iter().all(|cell| cell.trim().is_empty());
        if !is_blank {
            // Rows that are alike are written once.
            for again in 0..count {
                let same = Building {
                    row: row.saturating_add(again),
                    cells: building.cells.clone(),
                    faults: building.faults.clone(),
                };
                if finish(same, table, each)? == Go::Stop {
                    return Ok(Go::Stop);
                }
            }
        }
        row = row.saturating_add(count);
    }
}

fn cells(path: &Path, xml: &mut Xml<'_>, row: u32) -> Result<Building> {
    let told = |text: String| Error::file(path, text);
    let (mut buffer, mut building, mut column) = (Vec::new(), Building::new(row), 0_usize);
    loop {
        let cell = match next(path, xml, &mut buffer)? {
            Event::Start(start)
                if matches!(start.name().as_ref(), "table:table-cell" | "table:covered-table-cell") =>
            {
                Cell::of(&start)
            }
            Event::End(end) if end.name().as_ref() == "table:table-row" => return Ok(building),
            Event::Eof => return Err(Error::file(path, "the row has no end")),
            _ => continue,
        };
        let count = cell.count as usize;
        let text = text(path, xml)?;
        let empty = text.is_empty() && cell.kind.is_empty() && !cell.formula;
        if !empty {
            for again in 0..count.min(MAX_COLUMNS + 1) {
                building.add(column + again, cell.shown(&text)).map_err(told)?;
            }
        }
        column = column.saturating_add(count);
    }
}

/// The text of a cell, to its end. Remarks of people are no part of it.
fn text(path: &Path, xml: &mut Xml<'_>) -> Result<String> {
    let (mut buffer, mut text, mut depth, mut remark, mut paragraphs) =
        (Vec::new(), String::new(), 0_u32, 0_u32, 0);
    loop {
        match next(path, xml, &mut buffer)? {
            Event::Start(start) => {
                depth += 1;
                match start.name().as_ref() {
                    "office:annotation" => remark = remark.max(depth),
                    "text:p" if remark == 0 => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                    }
                    "text:s" if remark == 0 => {
                        let count = repeated(&start, "text:c") as usize;
                        text.extend(std::iter::repeat_n(' ', count.min(MAX_BLANKS)));
                    }
                    "text:tab" if remark == 0 => text.push('\t'),
                    "text:line-break" if remark == 0 => text.push('\n'),
                    _ => {}
                }
            }
            Event::End(_) if depth == 0 => return Ok(text),
            Event::End(_) => {
                if remark == depth {
                    remark = 0;
                }
                depth -= 1;
            }
            // White space between the elements of a cell is none of its text.
            Event::Text(piece) if remark == 0 && paragraphs > 0 && depth > 0 => {
                text.push_str(&piece.xml10_content());
            }
            Event::GeneralRef(entity) if remark == 0 => text.push_str(&resolved(&entity)),
            Event::CData(piece) if remark == 0 => text.push_str(&piece.xml10_content()),
            Event::Eof => return Err(Error::file(path, "a cell has no end")),
            _ => {}
        }
        if text.len() > crate::scan::MAX_RECORD {
            return Err(Error::file(path, "a cell is longer than a row may be"));
        }
    }
}

fn resolved(entity: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = entity.resolve_char_ref() {
        return letter.to_string();
    }
    match &**entity {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

/// What a cell says of its value.
struct Cell {
    kind: String,
    value: Option<String>,
    formula: bool,
    error: bool,
    count: u32,
}

impl Cell {
    fn of(start: &BytesStart<'_>) -> Self {
        let get = |name: &str| attribute(start, name);
        let kind = get("office:value-type").unwrap_or_default();
        let value = match kind.as_str() {
            "float" | "percentage" | "currency" => get("office:value"),
            "date" => get("office:date-value"),
            "time" => get("office:time-value"),
            "boolean" => get("office:boolean-value"),
            "string" => get("office:string-value"),
            _ => None,
        };
        let error = get("calcext:value-type").as_deref() == Some("error");
        let formula = get("table:formula").is_some();
        Self { kind, value, formula, error, count: repeated(start, "table:number-columns-repeated") }
    }

    fn shown(&self, text: &str) -> Shown {
        if self.error || (text.starts_with('#') && self.formula) {
            return Shown::Fault(
                text.to_owned(),
                format!("the cell holds an error of the spreadsheet: {text}"),
            );
        }
        if self.formula && self.kind.is_empty() && text.is_empty() {
            return Shown::Fault(String::new(), NO_RESULT.to_owned());
        }
        let value = self.value.as_deref();
        let shown = match (self.kind.as_str(), value) {
            // Shown with zeros, or as yes and no.
            ("float", Some(value)) if is_same(text, value) || matches!(text, "TRUE" | "FALSE") => {
                text.to_owned()
            }
            ("float" | "currency", Some(value)) => value.to_owned(),
            ("percentage", Some(_)) if text.ends_with('%') => text.to_owned(),
            ("percentage" | "boolean", Some(value)) => value.to_owned(),
            ("date", Some(value)) => iso(value),
            ("time", Some(value)) => time(value).unwrap_or_else(|| text.to_owned()),
            ("string", Some(value)) if text.is_empty() => value.to_owned(),
            _ => text.to_owned(),
        };
        if shown.is_empty() { Shown::Empty } else { Shown::Text(shown) }
    }
}

/// Whether a text is the number with zeros before it.
fn is_same(text: &str, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.len() > 1
        && text.starts_with('0')
        && digits(text)
        && text.trim_start_matches('0') == value.trim_start_matches('0')
}

/// `PT09H00M00S` as a clock shows it.
fn time(text: &str) -> Option<String> {
    let (hours, rest) = text.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split(['.', ',']).next()?;
    let numbers = [hours, minutes, seconds].map(|number| number.parse::<u32>().ok());
    let [hours, minutes, seconds] = numbers;
    Some(format!("{:02}:{:02}:{:02}", hours?, minutes?, seconds?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_what_the_spreadsheet_shows() {
        let cell = |kind: &str, value: &str| Cell {
            kind: kind.to_owned(),
            value: Some(value.to_owned()),
            formula: false,
            error: false,
            count: 1,
        };
        for (kind, value, text, expected) in [
            ("float", "12", "0012", "0012"),
            ("float", "3725555555", "3.73E+09", "3725555555"),
            ("float", "1", "TRUE", "TRUE"),
            ("currency", "12.5", "€ 12.50", "12.5"),
            ("percentage", "0.5", "50%", "50%"),
            ("date", "1990-01-31", "31/01/90", "1990-01-31"),
            ("date", "1990-01-31T00:00:00", "31/01/90", "1990-01-31"),
            ("time", "PT09H00M00S", "9:00", "09:00:00"),
            ("boolean", "true", "WAHR", "true"),
            ("string", "kept", "", "kept"),
            ("datetime", "", "1990", "1990"),
            ("float", "12345678901234567", "1.23E+16", "12345678901234567"),
        ] {
            assert_eq!(
                cell(kind, value).shown(text),
                Shown::Text(expected.to_owned()),
                "{kind} {value} {text}"
            );
        }
        let formula = Cell { kind: String::new(), value: None, formula: true, error: false, count: 1 };
        assert!(
            matches!(formula.shown(""), Shown::Fault(..))
                && matches!(formula.shown("#REF!"), Shown::Fault(..))
        );
    }
}
