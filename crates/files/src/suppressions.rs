//! Suppressions as a table: read for an import, written for an export.
//!
//! A table is UTF-8 with commas, semicolons or tabs. It has a header with the names of [`HEADER`] or the vendor's, or
//! none: then its columns are address, reason and log.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Value, json};

use super::escape_formulas::{escape, undo};
use super::table::line;
use super::{Error, Result};
use app::suppressions::{RawLog, Suppress, ValidAddress, parse_reason};
use domain::clock::Timestamp;
use domain::contact::suppression::{Channel, Reason};
use domain::problem::Problem;

/// The columns of an export.
pub const HEADER: [&str; 6] = ["channel", "address", "reason", "rawLog", "createdAt", "expireAt"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Channel,
    /// An address of the channel in the row, or of the one that it looks like.
    Address,
    Email,
    Phone,
    Reason,
    RawLog,
    CreatedAt,
    ExpireAt,
    Ignored,
}

impl Column {
    fn of(name: &str) -> Self {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.to_ascii_lowercase().as_str() {
            "channel" => Self::Channel,
            "address" => Self::Address,
            "email" => Self::Email,
            "phone" | "phonenumber" => Self::Phone,
            "reason" | "rejecttype" | "rejectreason" | "type" => Self::Reason,
            "rawlog" => Self::RawLog,
            "createdat" | "date" => Self::CreatedAt,
            "expireat" => Self::ExpireAt,
            _ => Self::Ignored,
        }
    }
}

/// The columns of a table without a header.
const WITHOUT_HEADER: [Column; 3] = [Column::Address, Column::Reason, Column::RawLog];

/// A row that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address, valid for the channel of the reason.
    pub address: String,
    /// Why it is suppressed.
    pub reason: Reason,
    /// What the receiving server answered.
    pub raw_log: Option<String>,
    /// Since when.
    pub created_at: Option<Timestamp>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// For the use case.
    ///
    /// # Errors
    /// None that is known: all values were checked when the row was read.
    pub fn suppress(&self) -> std::result::Result<Suppress, Problem> {
        let address = ValidAddress::parse(self.reason.channel(), &self.address)?;
        let raw_log = self.raw_log.as_deref().map(RawLog::parse).transpose()?;
        Ok(Suppress::new(address, self.reason, raw_log).at(self.created_at, self.expires_at))
    }

    /// As a record of blacklist/add or phone-blacklist/add.
    pub fn to_json(&self) -> Value {
        let mut record = json!({
            "rejectType": self.reason.name(),
            "createdAt": self.created_at,
            "expireAt": self.expires_at,
        });
        record[self.reason.channel().name()] = json!(self.address);
        if let Some(raw_log) = &self.raw_log {
            record["rawLog"] = json!(raw_log);
        }
        record
    }
}

/// A value, or why it is rejected.
pub type Checked<T> = std::result::Result<T, String>;

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    /// The line where it begins, from 1.
    pub line: u64,
    /// What it asks for, or why it is rejected.
    pub entry: Checked<Entry>,
}

/// Reads a table row by row.
pub struct Rows<R> {
    reader: Reader<R>,
    columns: Vec<Column>,
    /// Whether cells are as an export writes them.
    is_export: bool,
    /// Whether the reader counts the end of a line before the next line begins: it does not where that is CR LF.
    counts_ends: bool,
    /// A first row that is no header.
    first: Option<ByteRecord>,
}

/// Bytes at the beginning of a table that show what stands between its cells.
const SNIFFED: usize = 4_096;

/// A table: its beginning, which was looked at, the rest, and the end of its last line.
type Whole<R> = std::io::Chain<std::io::Chain<std::io::Cursor<Vec<u8>>, R>, &'static [u8]>;

impl<R: Read> Rows<Whole<R>> {
    /// Begins to read.
    ///
    /// # Errors
    /// The table cannot be read, or its header names no address.
    pub fn new(mut table: R) -> Result<Self> {
        let mut start = Vec::new();
        table.by_ref().take(SNIFFED as u64).read_to_end(&mut start).map_err(unreadable)?;
        let skip = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let start = start.split_off(skip);
        let delimiter = delimiter(&start);
        let counts_ends = start.iter().find(|byte| matches!(byte, b'\n' | b'\r')) != Some(&b'\r');
        let end: &[u8] = if counts_ends { b"\n" } else { b"\r\n" };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(std::io::Cursor::new(start).chain(table).chain(end));
        let mut first = ByteRecord::new();
        reader.read_byte_record(&mut first).map_err(unreadable)?;
        let names: Vec<_> =
            first.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let columns: Vec<_> = names.iter().map(|name| Column::of(name)).collect();
        let is_export = names == HEADER;
        let addresses = [Column::Address, Column::Email, Column::Phone];
        if columns.iter().any(|column| addresses.contains(column)) {
            return Ok(Self { reader, columns, is_export, counts_ends, first: None });
        }
        if names.first().is_some_and(|address| detect(address).is_some()) {
            let columns = WITHOUT_HEADER.to_vec();
            return Ok(Self { reader, columns, is_export: false, counts_ends, first: Some(first) });
        }
        Err(Error::Message("the table has no column email, phoneNumber or address".to_owned()))
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Message(format!("the table cannot be read: {error}"))
}

/// What stands most often between the cells of the first line.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// The channel of which a text looks like an address.
fn detect(text: &str) -> Option<Channel> {
    match text {
        _ if text.contains('@') => Some(Channel::Email),
        _ if text.starts_with('+') => Some(Channel::Phone),
        _ => None,
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        loop {
            let record = match self.first.take() {
                Some(record) => record,
                None => {
                    let mut record = ByteRecord::new();
                    match self.reader.read_byte_record(&mut record) {
                        Ok(true) => record,
                        Ok(false) => return None,
                        Err(error) => return Some(Err(unreadable(error))),
                    }
                }
            };
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            // The position of a record is before the empty lines that it leaves out.
            let ends = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
            let line = self.reader.position().line().saturating_sub(ends + u64::from(self.counts_ends));
            return Some(Ok(Row { line, entry: self.read(&record) }));
        }
    }
}

impl<R> Rows<R> {
    fn read(&self, record: &ByteRecord) -> Checked<Entry> {
        let text = std::str::from_utf8(record.as_slice()).map_err(|_| "the row is not UTF-8".to_owned())?;
        if text.contains('\0') {
            return Err("the row has a NUL character".to_owned());
        }
        let cell = |wanted: Column| {
            let place = self.columns.iter().position(|column| *column == wanted)?;
            let cell = record.get(place).and_then(|cell| std::str::from_utf8(cell).ok())?;
            let cell = if self.is_export { undo(cell) } else { cell };
            Some(cell).filter(|cell| !cell.trim().is_empty())
        };
        let (channel, address) = self.address(&cell)?;
        let problem = |problem: Problem| problem.message;
        ValidAddress::parse(channel, address).map_err(problem)?;
        let reason = cell(Column::Reason).map(|name| parse_reason(channel, name.trim())).transpose();
        let raw_log = cell(Column::RawLog).map(|log| RawLog::parse(log).map(|_| log.to_owned())).transpose();
        let time = |column, name| match cell(column) {
            None => Ok(None),
            Some(text) => Timestamp::parse(text.trim())
                .map(Some)
                .ok_or_else(|| format!("{name} must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date")),
        };
        Ok(Entry {
            address: address.to_owned(),
            // The vendor's choice where a file has addresses alone.
            reason: reason.map_err(problem)?.unwrap_or_else(|| channel.default_reason()),
            raw_log: raw_log.map_err(problem)?,
            created_at: time(Column::CreatedAt, "createdAt")?,
            expires_at: time(Column::ExpireAt, "expireAt")?,
        })
    }

    fn address<'a>(&self, cell: &impl Fn(Column) -> Option<&'a str>) -> Checked<(Channel, &'a str)> {
        match [Column::Email, Column::Phone].map(cell) {
            [Some(email), None] => return Ok((Channel::Email, email.trim())),
            [None, Some(phone)] => return Ok((Channel::Phone, phone.trim())),
            [Some(_), Some(_)] => return Err("the row has an e-mail address and a phone number".to_owned()),
            [None, None] => {}
        }
        let address = cell(Column::Address).ok_or_else(|| "the row has no address".to_owned())?.trim();
        let channel = match cell(Column::Channel).map(str::trim) {
            Some(name) => {
                Channel::of_name(name).ok_or_else(|| "channel must be email or phoneNumber".to_owned())
            }
            None => {
                detect(address).ok_or_else(|| format!("{address} is no e-mail address and no phone number"))
            }
        };
        Ok((channel?, address))
    }
}

/// The header of an export.
///
/// # Errors
/// None that is known: it is written to memory.
pub fn header() -> Result<Vec<u8>> {
    line(HEADER.into_iter())
}

/// A line of an export, from the values of suppression/list: a channel, an address, a reason, a log and two times.
///
/// # Errors
/// None that is known: it is written to memory.
pub fn row(cells: [&str; 6]) -> Result<Vec<u8>> {
    let cells = cells.map(escape);
    line(cells.iter().map(AsRef::as_ref))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(table: &str) -> Vec<(u64, Checked<Entry>)> {
        let rows = Rows::new(table.as_bytes()).unwrap();
        rows.map(|row| row.unwrap()).map(|row| (row.line, row.entry)).collect()
    }

    fn entry(address: &str, reason: Reason, raw_log: Option<&str>) -> Entry {
        let raw_log = raw_log.map(str::to_owned);
        Entry { address: address.to_owned(), reason, raw_log, created_at: None, expires_at: None }
    }

    #[test]
    fn tables_with_and_without_a_header_are_read() {
        let expected = vec![
            (1, Ok(entry("a@example.com", Reason::Complaint, Some("log, with a comma")))),
            (2, Ok(entry("+15555555", Reason::Import, None))),
            (3, Ok(entry("b@example.com", Reason::Hard, None))),
        ];
        let bare = "a@example.com,complaint,\"log, with a comma\"\n+15555555\n b@example.com ,,\n";
        assert_eq!(read(bare), expected);
        let lines =
            |by: u64| expected.iter().map(|(line, entry)| (line + by, entry.clone())).collect::<Vec<_>>();
        let named = "\u{feff}Email;phoneNumber;rejectType;rawLog;other\r\na@example.com;;complaint;log, with a comma;x\r\n\
                     ;+15555555;;;\r\nb@example.com;;;;\r\n";
        assert_eq!(read(named), lines(1));
        let ours = "channel,address,reason,rawLog,createdAt,expireAt\nemail,a@example.com,hard,'=1+1,2026-01-02 03:04:05,\n";
        let row = Entry {
            created_at: Timestamp::parse("2026-01-02 03:04:05"),
            ..entry("a@example.com", Reason::Hard, Some("=1+1"))
        };
        assert_eq!(read(ours), vec![(2, Ok(row))]);
    }

    #[test]
    fn wrong_rows_are_named_and_the_others_are_read() {
        let table = "address,reason,expireAt\nuser@,hard,\n5555,,\na@example.com,import,\n\n+15555555,hard,\n\
                     a@example.com,hard,tomorrow\n,hard,\nb@example.com,complaint,2999-01-01\n";
        let told: Vec<_> = read(table).into_iter().map(|(line, entry)| (line, entry.err())).collect();
        let error = |line, text: &str| (line, Some(text.to_owned()));
        assert_eq!(
            told,
            [
                error(2, "Invalid RFC2822 email user@"),
                error(3, "5555 is no e-mail address and no phone number"),
                error(4, "Allowed rejectType is hard, complaint, list-unsubscribe, but import given"),
                error(
                    6,
                    "Allowed reject types are import, invalid, unsubscribe, undeliverable, but hard given"
                ),
                error(7, "expireAt must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date"),
                error(8, "the row has no address"),
                (9, None),
            ]
        );
        let broken = Rows::new(&b"email\n\xff@example.com\n"[..]).unwrap().next().unwrap().unwrap();
        assert_eq!(broken.entry, Err("the row is not UTF-8".to_owned()));
        for nothing in ["", "name,city\nAda,London\n"] {
            assert!(Rows::new(nothing.as_bytes()).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let cells =
            ["email", "=a@example.com", "hard", "-1+1\n\"x\"", "2026-01-02 03:04:05", "2999-01-01 00:00:00"];
        let table = [header().unwrap(), row(cells).unwrap()].concat();
        let read = read(std::str::from_utf8(&table).unwrap());
        let entry = read[0].1.as_ref().unwrap();
        assert_eq!((entry.address.as_str(), entry.raw_log.as_deref()), (cells[1], Some(cells[3])));
        assert_eq!(entry.expires_at.unwrap().to_string(), cells[5]);
    }
}
