//! Where the records of a CSV begin and end: what the parser forgives is told here, before anything is done.

use super::{Error, Result};

/// Bytes of the longest record: twice what one request of the API may hold.
pub const MAX_RECORD: usize = 2 << 20;

/// The most columns: every variable that a list may have, the fields, and as many that are ignored.
pub const MAX_COLUMNS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quotation mark inside quotes: their end, or half of a doubled one.
    QuoteInQuoted,
}

/// A walk over a CSV.
#[derive(Debug)]
pub struct Scan {
    delimiter: u8,
    state: State,
    /// The byte before: CR and LF together end one line.
    last: u8,
    line: u64,
    /// The line where the record began.
    start: u64,
    length: usize,
    columns: usize,
    /// Whether there is nothing in the record so far but blanks.
    blank: bool,
    records: u64,
    /// The line where the table begins, and the records before it.
    from: u64,
    before: u64,
}

impl Scan {
    /// Of a table that begins at that line, or at the first row behind it.
    pub const fn new(delimiter: u8, from: u64) -> Self {
        Self {
            from,
            before: 0,
            delimiter,
            state: State::RecordStart,
            last: 0,
            line: 1,
            start: 1,
            length: 0,
            columns: 0,
            blank: true,
            records: 0,
        }
    }

    /// How many records there were, the header among them. Those of blanks alone do not count.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// How many of them are part of the table.
    pub const fn rows(&self) -> u64 {
        self.records - self.before
    }

    /// What stands between the cells.
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The line where the last record began, as an editor counts: CR, LF and both together end one.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The line that it has come to.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Goes on.
    ///
    /// # Errors
    /// A quotation mark in the wrong place, a record that is too long, a header with too many columns.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        for &byte in bytes {
            self.step(byte)?;
        }
        Ok(())
    }

    /// At the end of the file.
    ///
    /// # Errors
    /// Where quotes are open.
    pub fn finish(&mut self) -> Result<()> {
        match self.state {
            State::Quoted => Err(self.told("a quotation mark that is opened in this row is never closed")),
            State::RecordStart => Ok(()),
            _ => self.end_record(),
        }
    }

    fn step(&mut self, byte: u8) -> Result<()> {
        let ends_line = byte == b'\r' || (byte == b'\n' && self.last != b'\r');
        self.last = byte;
        if self.state == State::RecordStart {
            // The parser leaves empty lines out.
            if matches!(byte, b'\n' | b'\r') {
                self.line += u64::from(ends_line);
                return Ok(());
            }
            (self.state, self.start, self.length, self.columns) = (State::FieldStart, self.line, 0, 1);
            self.blank = true;
        }
        self.length += 1;
        if self.length > MAX_RECORD {
            let text = "the row is longer than 2 MiB; is a quotation mark left open?";
            return Err(self.told(text));
        }
        self.line += u64::from(ends_line);
        self.blank = self.blank && self.is_blank(byte);
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (State::QuoteInQuoted, b'"') => State::Quoted,
            (State::FieldStart, b'"') => State::Quoted,
            (_, b'\n' | b'\r') => return self.end_record(),
            (_, byte) if byte == self.delimiter => {
                self.columns += 1;
                State::FieldStart
            }
            (State::QuoteInQuoted, _) => {
                return Err(self.told("there is text behind a closing quotation mark in this row"));
            }
            _ => State::Plain,
        };
        Ok(())
    }

    /// Whether a byte adds nothing to a cell but a blank.
    fn is_blank(&self, byte: u8) -> bool {
        match (self.state, byte) {
            // The second of two quotation marks is one in the cell.
            (State::Quoted, b'"') | (State::FieldStart, b'"') => true,
            (State::Quoted, byte) => is_blank(byte),
            (_, byte) => byte == self.delimiter || is_blank(byte),
        }
    }

    fn end_record(&mut self) -> Result<()> {
        let is_before = self.start < self.from;
        if self.rows() == 0 && !is_before && self.columns > MAX_COLUMNS {
            let text = format!("the header has {} columns, at most {MAX_COLUMNS} are read", self.columns);
            return Err(self.told(&text));
        }
        self.records += u64::from(!self.blank);
        self.before += u64::from(!self.blank && is_before);
        self.state = State::RecordStart;
        Ok(())
    }

    fn told(&self, text: &str) -> Error {
        Error::Told(format!("line {}: {text}", self.start))
    }
}

/// Whether a byte is a blank of a cell. Others, such as a no-break space, take a parser of characters.
pub const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The delimiter of a table that begins so: what stands most often outside quotes in its first row, which is on line
/// `from` or behind it.
pub fn delimiter(beginning: &str, from: u64) -> u8 {
    let (mut quoted, mut counts, mut any) = (false, [0_usize; 4], false);
    const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
    let mut beginning = beginning;
    for _ in 1..from {
        beginning = beginning.split_once('\n').map_or("", |(_, rest)| rest);
    }
    for byte in beginning.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && any => break,
            _ if !quoted => {
                for (count, candidate) in counts.iter_mut().zip(CANDIDATES) {
                    *count += usize::from(byte == candidate);
                }
            }
            _ => {}
        }
        any |= !matches!(byte, b'\n' | b'\r');
    }
    // Of equal counts the first: the comma.
    let mut best = 0;
    for place in 1..CANDIDATES.len() {
        if counts[place] > counts[best] {
            best = place;
        }
    }
    CANDIDATES[best]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> std::result::Result<u64, String> {
        let mut scan = Scan::new(b',', 1);
        let done = scan.feed(text.as_bytes()).and_then(|()| scan.finish());
        done.map(|()| scan.records()).map_err(|error| error.to_string())
    }

    #[test]
    fn records_are_counted_as_the_parser_reads_them() {
        for (text, records) in
            [("", 0), ("\n\n", 0), ("a", 1), ("a\r\nb\r\n", 2), ("\"a\nb\",c\nd", 2), ("5\" pipe,a\n", 1)]
        {
            assert_eq!(scan(text), Ok(records), "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for (text, start) in [
            ("a\nb", 2),
            ("a\r\nb", 2),
            ("a\rb", 2),
            ("a\r\n\r\n\r\nb", 4),
            ("a\r\rb", 3),
            ("\"a\r\n\r\"\r\nb", 4),
            ("a\n\r\nb", 3),
        ] {
            let mut one = Scan::new(b',', 1);
            one.feed(text.as_bytes()).unwrap();
            one.finish().unwrap();
            assert_eq!((one.start(), one.records()), (start, 2), "{text:?}");
        }
    }

    #[test]
    fn rows_of_blanks_do_not_count() {
        for (text, records) in
            [("a,b\n,\n \t,\"\"\n\" \n\",\nc\n", 2), ("a\n\"\"\"\"\n\",\"\n", 3), (",,\na,b", 1)]
        {
            assert_eq!(scan(text), Ok(records), "{text:?}");
        }
    }

    #[test]
    fn broken_quotes_are_told_with_their_line() {
        let open = "line 2: a quotation mark that is opened in this row is never closed";
        assert_eq!(scan("a,b\n\"c,d\ne,f\n").unwrap_err(), open);
        let behind = "line 2: there is text behind a closing quotation mark in this row";
        assert_eq!(scan("a,b\n\"c\"x,d\n").unwrap_err(), behind);
        assert_eq!(scan("a,b\n\"c\" ,d\n").unwrap_err(), behind);
    }

    #[test]
    fn endless_rows_and_headers_are_refused() {
        let long = "line 1: the row is longer than 2 MiB; is a quotation mark left open?";
        assert_eq!(scan(&"x".repeat(MAX_RECORD + 1)).unwrap_err(), long);
        let wide = "line 1: the header has 100001 columns, at most 1000 are read";
        assert_eq!(scan(&format!("{}\n", ",".repeat(100_000))).unwrap_err(), wide);
    }

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        for (text, expected) in [
            ("email", b','),
            ("a;b;c\n1,2,3,4,5", b';'),
            ("a\tb", b'\t'),
            ("\"a;b;c\",d\n", b','),
            ("\r\n\r\na;b", b';'),
            ("a;b,c", b','),
        ] {
            assert_eq!(delimiter(text, 1), expected, "{text:?}");
        }
    }

    proptest! {
        /// What is written by the rules is read by the rules, however it is cut into pieces.
        #[test]
        fn what_the_library_writes_has_no_fault(
            rows in prop::collection::vec(prop::collection::vec("[a,;\"\r\n\u{e4} ]{0,6}", 1..4), 1..6),
            cut in 1_usize..9,
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let mut scan = Scan::new(b',', 1);
            for piece in bytes.chunks(cut) {
                scan.feed(piece).unwrap();
            }
            scan.finish().unwrap();
            let full = rows.iter().filter(|row| row.iter().any(|cell| !cell.bytes().all(is_blank)));
            prop_assert_eq!(scan.records(), full.count() as u64);
        }
    }
}
