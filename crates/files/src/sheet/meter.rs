//! What a workbook would take in memory, found before it is opened: the parser of the cells holds an event, a cell, the
//! shared texts and the styles whole, whatever their size. A part is walked with the same parser and the same settings,
//! so that nothing in comments, quotation marks or processing instructions is taken for something else here than there.

use std::io::{self, BufReader, Error, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::scan::MAX_RECORD;

/// Bytes of an event, and of the events of a cell together: a text is longer in XML than as text.
const MAX_HELD: usize = 4 * MAX_RECORD;

/// What a buffered reader may take ahead of the parser.
const AHEAD: usize = 1 << 16;

/// Texts that cells share. Each costs the parser about 50 bytes beside its own.
const MAX_TEXTS: u64 = 1 << 20;

/// Styles, with all that is inside them; a spreadsheet has at most 65,490 formats.
const MAX_STYLES: u64 = 300_000;

/// Formulas that cells share.
const MAX_FORMULAS: u64 = 100_000;

/// Sheets, names of ranges and relationships.
const MAX_NAMES: u64 = 20_000;

/// How a part is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A cell at a time.
    Sheet,
    /// Whole, one record for each element.
    Styles,
    /// Whole, or not at all.
    Other,
}

/// Counts the bytes that are read, and stops where the parser would hold too many or the part is too long.
pub struct Metered<R> {
    inner: R,
    /// Bytes that may be read before the parser gives an event out, and what to say if it gives none.
    event: usize,
    endless: fn() -> Error,
    /// Bytes of the part so far, and at most.
    bytes: u64,
    max: u64,
}

impl<R> Metered<R> {
    /// Of a sheet of at most `max` bytes.
    pub fn new(inner: R, max: u64) -> Self {
        Self { inner, event: MAX_HELD + AHEAD, endless: cell_too_long, bytes: 0, max }
    }

    /// Another event is read.
    pub const fn again(&mut self) {
        self.event = MAX_HELD + AHEAD;
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.event == 0 {
            return Err((self.endless)());
        }
        let room = buffer.len().min(self.event);
        let count = self.inner.read(&mut buffer[..room])?;
        self.event -= count;
        self.bytes += count as u64;
        if self.bytes > self.max {
            return Err(too_large());
        }
        Ok(count)
    }
}

fn cell_too_long() -> Error {
    Error::other("a cell is longer than a row may be")
}

fn too_large() -> Error {
    Error::other("the workbook is too large: save it as CSV, which may have any size")
}

/// What was found in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its bytes, unpacked.
    pub bytes: u64,
    /// Whether it has formulas.
    pub formulas: bool,
}

/// Walks a part of the workbook and returns its bytes, unpacked. `max` bounds a sheet, `max_held` any other part.
///
/// # Errors
/// Where the part cannot be unpacked, or reading it would take too much memory.
pub fn measure(name: &str, part: impl Read, max: u64, max_held: u64) -> io::Result<Measured> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let mut kind = match base.as_str() {
        "styles.xml" => Some(Kind::Styles),
        "sharedstrings.xml" => Some(Kind::Other),
        // What the first element says.
        _ => None,
    };
    let endless = if name.contains("worksheets/") { cell_too_long } else { too_large };
    let metered = Metered { inner: part, event: MAX_HELD + AHEAD, endless, bytes: 0, max: max_held };
    let mut reader = Reader::from_reader(BufReader::new(metered));
    // As the parser of the cells has them.
    let config = reader.config_mut();
    config.check_end_names = false;
    config.check_comments = false;
    config.expand_empty_elements = true;
    let mut counts = Counts::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().get_mut().event = MAX_HELD + AHEAD;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                if kind.is_none() {
                    let is_sheet = start.local_name().as_ref() == "worksheet";
                    kind = Some(if is_sheet { Kind::Sheet } else { Kind::Other });
                    if is_sheet {
                        reader.get_mut().get_mut().max = max;
                    }
                }
                counts.start(&start, kind)?;
            }
            Ok(Event::End(end)) => counts.end(end.local_name().as_ref()),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(quick_xml::Error::Io(error)) => return Err(Error::new(error.kind(), error.to_string())),
            // Pictures and the like are not XML; of a sheet the same parser says later what is wrong.
            Err(_) => break,
        }
        counts.held += buffer.len();
        if kind == Some(Kind::Sheet) && counts.held > MAX_HELD {
            return Err(cell_too_long());
        }
    }
    // What is behind the last event is unpacked too, to be counted.
    let mut rest = reader.into_inner();
    loop {
        rest.get_mut().event = AHEAD;
        if io::copy(&mut (&mut rest).take(AHEAD as u64 / 2), &mut io::sink())? == 0 {
            return Ok(Measured { bytes: rest.get_ref().bytes, formulas: counts.formulas });
        }
    }
}

/// What was met in a part.
#[derive(Default)]
struct Counts {
    /// Bytes of events since the last cell or row began or ended.
    held: usize,
    texts: u64,
    styles: u64,
    names: u64,
    formulas: bool,
}

impl Counts {
    fn start(&mut self, start: &BytesStart<'_>, kind: Option<Kind>) -> io::Result<()> {
        match start.local_name().as_ref() {
            "c" | "row" => self.held = 0,
            "f" if kind == Some(Kind::Sheet) => {
                self.formulas = true;
                // The parser makes room for as many formulas as the number of a shared one says.
                let number = start.try_get_attribute("si").ok().flatten();
                let number = number.and_then(|number| number.value.parse::<u64>().ok());
                if number.is_some_and(|number| number > MAX_FORMULAS) {
                    return Err(too_large());
                }
            }
            "si" => self.texts += 1,
            "sheet" | "definedName" | "Relationship" => self.names += 1,
            // The parser makes room for as many texts as the table says it has.
            "sst" => {
                let said = start.try_get_attribute("uniqueCount").ok().flatten();
                let said = said.and_then(|said| said.value.parse::<u64>().ok());
                if said.is_some_and(|said| said > MAX_TEXTS) {
                    return Err(too_large());
                }
            }
            _ => {}
        }
        self.styles += u64::from(kind == Some(Kind::Styles));
        if self.texts > MAX_TEXTS || self.styles > MAX_STYLES || self.names > MAX_NAMES {
            return Err(too_large());
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        if matches!(name, "c" | "row") {
            self.held = 0;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const MAX: u64 = 1 << 30;

    fn of(name: &str, pieces: &[&str]) -> io::Result<u64> {
        measure(name, pieces.concat().as_bytes(), MAX, 1 << 25).map(|measured| measured.bytes)
    }

    fn takes(pieces: &[&str]) -> bool {
        of("xl/worksheets/sheet1.xml", &[&["<worksheet>"], pieces].concat()).is_ok()
    }

    #[test]
    fn many_cells_are_taken_and_one_without_an_end_is_not() {
        let half = "x".repeat(MAX_HELD / 2);
        assert!(takes(&["<c r=\"A1\"><is><t>", &half, "</t></is></c><c>", &half, "</c>", &half]));
        assert!(takes(&["<x:c>", &half, "</x:", "c>", &half, "<x:c/>", &half]));
        assert!(!takes(&["<c><is><t>", &half, "</t><t>", &half, "</t><t>x"]));
        assert!(takes(&["<sheetData>", &"<row r=\"1\" ht=\"15\"/>".repeat(600_000), "</sheetData>"]));
    }

    #[test]
    fn what_only_looks_like_a_cell_ends_none() {
        let half = "x".repeat(MAX_HELD / 2);
        assert!(!takes(&["<c><t><![CDATA[", &half, "<c>", &half, "<c >", &half, "]]>"]));
        assert!(!takes(&["<c><cc>", &half, "</cc><col/>", &half, "<c-c>", &half]));
        assert!(!takes(&["<c>", &half, "<!-- <c> </sheetData> -->", &half, "x"]));
        assert!(!takes(&["<c><?x ", &half, "<c>", &half, "<c>", &half, "?></c>"]));
        assert!(!takes(&["<c a='", &half, "<c>", &half, "<c>", &half, "'></c>"]));
    }

    #[test]
    fn the_records_that_are_held_are_bounded() {
        let text = |count: u64| "<si/>".repeat(count as usize);
        assert!(of("xl/sharedStrings.xml", &["<sst uniqueCount=\"3\">", &text(MAX_TEXTS)]).is_ok());
        assert!(of("xl/sharedStrings.xml", &["<sst>", &text(MAX_TEXTS + 1)]).is_err());
        assert!(of("xl/sharedStrings.xml", &["<sst uniqueCount=\"1048577\">"]).is_err());
        let fonts = |count: u64| "<font/>".repeat(count as usize);
        assert!(of("xl/styles.xml", &[&fonts(MAX_STYLES)]).is_ok());
        assert!(of("XL/worksheets/Styles.xml", &["<worksheet>", &fonts(MAX_STYLES)]).is_err());
        assert!(of("xl/a.xml", &["<worksheet>", &"<sheet/>".repeat(MAX_NAMES as usize + 1)]).is_err());
    }

    #[test]
    fn every_byte_is_counted_and_bounded() {
        assert_eq!(of("a.png", &["\u{89}PNG <", "\0 not XML"]).unwrap(), 16);
        assert_eq!(of("a.xml", &["<a></a>", "tail", &"x".repeat(500_000)]).unwrap(), 500_011);
        let long = "x".repeat((1 << 25) + 1);
        assert!(of("docProps/thumbnail.jpeg", &["<<", &long]).is_err());
        assert!(of("xl/media/a.xml", &["<a>", &long[..1 << 24], "<b/>", &long[..1 << 24]]).is_err());
    }
}
