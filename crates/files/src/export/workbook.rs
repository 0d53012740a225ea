//! A workbook that is written row by row, and compressed as it goes: a client gets its beginning while its end is read
//! from the store. Every cell is a text.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::output::unwritten;
use crate::Result;

/// Rows of a sheet, the header among them: the limit of the format.
const MAX_ROWS: u32 = 1_048_576;

/// Bytes of a sheet before it is compressed. Some spreadsheet programs refuse a stream with a longer part.
const MAX_BYTES: u64 = 3 << 30;

/// Bytes of rows that are compressed at a time.
const CHUNK: usize = 64 << 10;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TYPES: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// Two styles: the second is bold.
const STYLES: &str = "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/>\
    <name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill>\
    <patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/><bottom/>\
    <diagonal/></border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>\
    </cellStyleXfs><cellXfs count=\"2\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

/// Bytes that are written and not taken yet.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A workbook with one sheet for each million rows.
pub struct Book {
    zip: ZipWriter<StreamWriter<Pipe>>,
    pipe: Pipe,
    header: Vec<String>,
    /// The names of the columns: A, B, …
    columns: Vec<String>,
    sheets: usize,
    /// Rows of the last sheet, and its bytes that are compressed.
    rows: u32,
    bytes: u64,
    /// Rows that are not compressed yet.
    waiting: Vec<u8>,
}

impl Book {
    /// An empty one.
    pub fn new() -> Self {
        let pipe = Pipe::default();
        let zip = ZipWriter::new_stream(pipe.clone());
        let (header, columns, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Self { zip, pipe, header, columns, sheets: 0, rows: 0, bytes: 0, waiting }
    }

    /// Begins the first sheet. Each sheet has the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&mut self, header: Vec<String>) -> Result<()> {
        self.columns = (0..header.len()).map(column_name).collect();
        self.header = header;
        self.begin_sheet().map_err(|error| unwritten(&error))
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        (self.rows, self.bytes) = (0, 0);
        self.part(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        let selected = if self.sheets == 1 { " tabSelected=\"1\"" } else { "" };
        write!(
            self.waiting,
            "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\"><pane ySplit=\"1\" \
             topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><sheetData>"
        )?;
        let header = std::mem::take(&mut self.header);
        self.add(header.iter().map(String::as_str), " s=\"1\"")?;
        self.header = header;
        Ok(())
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        // Identifiers of digits are texts on purpose.
        let last = self.columns.last().map_or("A", String::as_str);
        write!(
            self.waiting,
            "</sheetData><ignoredErrors><ignoredError sqref=\"A1:{last}{MAX_ROWS}\" numberStoredAsText=\"1\"/>\
             </ignoredErrors></worksheet>"
        )?;
        self.compress()
    }

    /// Begins a part. The fastest compression: a table has the same letters again and again.
    fn part(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        Ok(self.zip.start_file(name, options.compression_level(Some(1)))?)
    }

    fn compress(&mut self) -> io::Result<()> {
        self.zip.write_all(&self.waiting)?;
        self.bytes += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Writes a row. An empty cell is left out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<()> {
        self.add_row(cells).map_err(|error| unwritten(&error))
    }

    fn add_row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
        if self.rows == MAX_ROWS || self.bytes > MAX_BYTES {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.add(cells, "")
    }

    fn add<'a>(&mut self, cells: impl Iterator<Item = &'a str>, style: &str) -> io::Result<()> {
        self.rows += 1;
        let (out, row) = (&mut self.waiting, self.rows.to_string());
        for piece in ["<row r=\"", &row, "\">"] {
            out.extend_from_slice(piece.as_bytes());
        }
        for (column, cell) in self.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let blanks = cell.starts_with(char::is_whitespace) || cell.ends_with(char::is_whitespace);
            let space = if blanks { " xml:space=\"preserve\"" } else { "" };
            for piece in ["<c r=\"", column, &row, "\"", style, " t=\"inlineStr\"><is><t", space, ">"] {
                out.extend_from_slice(piece.as_bytes());
            }
            escape(cell, out);
            out.extend_from_slice(b"</t></is></c>");
        }
        out.extend_from_slice(b"</row>");
        if out.len() >= CHUNK { self.compress() } else { Ok(()) }
    }

    /// The bytes that are ready.
    pub fn take(&self) -> Vec<u8> {
        self.pipe.take()
    }

    /// Ends the workbook, and returns its last bytes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> Result<Vec<u8>> {
        let pipe = self.pipe.clone();
        self.end_sheet().and_then(|()| self.finish()).map_err(|error| unwritten(&error))?;
        Ok(pipe.take())
    }

    /// Writes the parts that name the sheets.
    fn finish(mut self) -> io::Result<()> {
        let (mut sheets, mut relations, mut types) = (String::new(), String::new(), String::new());
        for number in 1..=self.sheets {
            let name = if number == 1 { "Contacts".to_owned() } else { format!("Contacts {number}") };
            sheets += &format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>");
            relations += &relation(number, "worksheet", &format!("worksheets/sheet{number}.xml"));
            types += &content_type(&format!("/xl/worksheets/sheet{number}.xml"), "worksheet");
        }
        relations += &relation(self.sheets + 1, "styles", "styles.xml");
        let whole = relation(1, "officeDocument", "xl/workbook.xml");
        for (name, root, content) in [
            ("xl/styles.xml", format!("styleSheet xmlns=\"{MAIN}\""), STYLES.to_owned()),
            (
                "xl/workbook.xml",
                format!("workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\""),
                format!("<bookViews><workbookView/></bookViews><sheets>{sheets}</sheets>"),
            ),
            ("xl/_rels/workbook.xml.rels", format!("Relationships xmlns=\"{RELATIONS}\""), relations),
            ("_rels/.rels", format!("Relationships xmlns=\"{RELATIONS}\""), whole),
            (
                "[Content_Types].xml",
                "Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"".to_owned(),
                format!(
                    "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                     <Default Extension=\"xml\" ContentType=\"application/xml\"/>{}{}{types}",
                    content_type("/xl/workbook.xml", "sheet.main"),
                    content_type("/xl/styles.xml", "styles"),
                ),
            ),
        ] {
            self.part(name)?;
            let tag = root.split(' ').next().unwrap_or_default();
            write!(self.zip, "{HEAD}<{root}>{content}</{tag}>")?;
        }
        self.zip.finish().map(drop).map_err(io::Error::from)
    }
}

fn relation(number: usize, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"rId{number}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
}

fn content_type(part: &str, kind: &str) -> String {
    format!("<Override PartName=\"{part}\" ContentType=\"{TYPES}.{kind}+xml\"/>")
}

/// The name of a column by its number from 0.
fn column_name(mut number: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.push(b'A' + u8::try_from(number % 26).unwrap_or_default());
        match number / 26 {
            0 => break,
            more => number = more - 1,
        }
    }
    name.into_iter().rev().map(char::from).collect()
}

/// Writes a text. XML has no control characters: a spreadsheet writes them as `_x0001_`, and such a text as `_x005F_x0001_`.
fn escape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before.as_bytes());
        let Some(letter) = behind.chars().next() else { break };
        match letter {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '_' if !looks_escaped(behind.as_bytes()) => out.push(b'_'),
            letter => out.extend_from_slice(format!("_x{:04X}_", u32::from(letter)).as_bytes()),
        }
        rest = &behind[letter.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
}

const fn is_special(letter: char) -> bool {
    matches!(letter, '&' | '<' | '>' | '_' | '\0'..='\x08' | '\x0b'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text begins like a character that was escaped.
fn looks_escaped(text: &[u8]) -> bool {
    text.starts_with(b"_x")
        && text.get(2..7).is_some_and(|code| code[..4].iter().all(u8::is_ascii_hexdigit) && code[4] == b'_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
