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
        self.feed_each(bytes, |_| {})
    }

    /// The same, and tells `each` the lines where the records began that end here.
    ///
    /// # Errors
    /// The same.
    pub fn feed_each(&mut self, bytes: &[u8], mut each: impl FnMut(u64)) -> Result<()> {
        let (mut rest, mut records) = (bytes, self.records);
        while let Some((&byte, behind)) = rest.split_first() {
            self.step(byte)?;
            // A record ends at one byte.
            if self.records > records {
                records = self.records;
                each(self.start);
            }
            rest = self.pass(behind)?;
        }
        Ok(())
    }

    /// Continues within a cell, up to the first byte that may change the state.
    fn pass<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8]> {
        let delimiter = self.delimiter;
        let length = match self.state {
            State::Plain => {
                bytes.iter().position(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r')
            }
            State::Quoted => bytes.iter().position(|&byte| byte == b'"' || byte == b'\n' || byte == b'\r'),
            _ => Some(0),
        };
        let (run, rest) = bytes.split_at(length.unwrap_or(bytes.len()));
        if let Some(&last) = run.last() {
            self.last = last;
            self.blank = self.blank && run.iter().all(|&byte| is_blank(byte));
            self.lengthen(run.len())?;
        }
        Ok(rest)
    }

    fn lengthen(&mut self, count: usize) -> Result<()> {
        self.length += count;
        if self.length > MAX_RECORD {
            return Err(self.told("the row is longer than 2 MiB; is a quotation mark left open?"));
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
        self.lengthen(1)?;
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
        Error::Message(format!("line {}: {text}", self.start))
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
mod tests;
