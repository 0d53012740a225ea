//! Address books as vCards of the versions 2.1, 3.0 and 4.0: a card is a row.
//!
//! Devices write bytes that no parser of texts takes: characters folded in their middle, an encoding for each line,
//! days without a year. So lines are unfolded and decoded here as bytes, one card at a time.

mod card;
mod property;

use std::io::{BufReader, Read};

use csv::StringRecord;
use encoding_rs::Encoding;

use self::card::Card;
use self::property::Property;
use super::scan::MAX_RECORD;
use super::table::{Go, Row};
use super::{Error, Result};

/// The columns of an address book.
pub const COLUMNS: [&str; 14] = [
    "name",
    "firstName",
    "lastName",
    "email",
    "phoneNumber",
    "contactBirthday",
    "contactLanguage",
    "contactTimezone",
    "contactGender",
    "organization",
    "jobTitle",
    "note",
    "url",
    "uid",
];

/// What stands between several values in a cell.
pub const BETWEEN: &str = " ::: ";

/// Properties whose values are pictures, sounds or keys: nothing of them is held.
const LEFT_OUT: [&[u8]; 4] = [b"PHOTO", b"LOGO", b"SOUND", b"KEY"];

/// Calls `each` with the header and the cards. A value that is not UTF-8 and does not say what it is, is of `fallback`.
///
/// # Errors
/// Where the file cannot be read, a card is too long, or `each` fails.
pub fn each_row(
    source: impl Read,
    fallback: &'static Encoding,
    each: &mut dyn FnMut(&mut Row) -> Result<Go>,
) -> Result<Go> {
    let mut header = Row { line: 1, cells: StringRecord::from(COLUMNS.to_vec()), faults: Vec::new() };
    if each(&mut header)? == Go::Stop {
        return Ok(Go::Stop);
    }
    let mut lines = Lines::new(source);
    let mut card: Option<Card> = None;
    while let Some((line, bytes)) = lines.next()? {
        let property = Property::read(&bytes, fallback);
        match property.as_ref().map(|property| (property.name.as_str(), property.value.trim())) {
            Some(("BEGIN", "VCARD" | "vcard" | "VCard")) => {
                // A card without an end does not take the next one with it.
                if let Some(card) = card.replace(Card::new(line))
                    && each(&mut card.row(true))? == Go::Stop
                {
                    return Ok(Go::Stop);
                }
            }
            Some(("END", _)) => {
                if let Some(card) = card.take()
                    && each(&mut card.row(false))? == Go::Stop
                {
                    return Ok(Go::Stop);
                }
            }
            _ => {
                if let (Some(card), Some(property)) = (&mut card, property) {
                    card.add(property).map_err(|text| Error::Message(format!("line {line}: {text}")))?;
                }
            }
        }
    }
    card.map_or(Ok(Go::On), |card| each(&mut card.row(true)))
}

/// Unfolded lines.
struct Lines<R: Read> {
    bytes: std::io::Bytes<BufReader<R>>,
    /// The line that is read next, and the byte that was read ahead.
    line: u64,
    ahead: Option<u8>,
}

impl<R: Read> Lines<R> {
    fn new(source: R) -> Self {
        Self { bytes: BufReader::with_capacity(1 << 16, source).bytes(), line: 1, ahead: None }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.ahead.take() {
            return Ok(Some(byte));
        }
        self.bytes.next().transpose().map_err(|error| Error::Message(error.to_string()))
    }

    /// The next line with those that continue it, and where it begins.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let (start, mut text, mut keep, mut any) = (self.line, Vec::new(), true, false);
        loop {
            let Some(byte) = self.byte()? else { return Ok(any.then_some((start, text))) };
            any = true;
            if !matches!(byte, b'\r' | b'\n') {
                if keep {
                    text.push(byte);
                    keep = byte != b':' || !is_left_out(&text);
                }
                if text.len() > MAX_RECORD {
                    return Err(Error::Message(format!("line {start}: the line is longer than 2 MiB")));
                }
                continue;
            }
            self.line += 1;
            let next = self.byte()?;
            self.ahead = if byte == b'\r' && next == Some(b'\n') { self.byte()? } else { next };
            // A line that ends in the middle of a quoted-printable text goes on in the next, whatever that begins with.
            if text.ends_with(b"=") && is_quoted(&text) {
                text.pop();
                continue;
            }
            match self.ahead {
                Some(b' ' | b'\t') => self.ahead = None,
                _ => return Ok(Some((start, text))),
            }
        }
    }
}

fn head(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    &line[..end]
}

fn is_quoted(line: &[u8]) -> bool {
    head(line).to_ascii_uppercase().windows(16).any(|word| word == b"QUOTED-PRINTABLE")
}

fn is_left_out(line: &[u8]) -> bool {
    let head = head(line).to_ascii_uppercase();
    let name = head.split(|byte| *byte == b';').next().unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    LEFT_OUT.contains(&name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Vec<String>, usize)> {
        let mut rows = Vec::new();
        each_row(text, WINDOWS_1252, &mut |row| {
            rows.push((row.line, row.cells.iter().map(str::to_owned).collect(), row.faults.len()));
            Ok(Go::On)
        })
        .unwrap();
        assert_eq!(rows.remove(0).1, COLUMNS);
        rows
    }

    fn card(text: &[u8]) -> Vec<String> {
        let rows = rows(&[b"BEGIN:VCARD\r\n", text, b"END:VCARD\r\n"].concat());
        assert_eq!((rows.len(), rows[0].0, rows[0].2), (1, 1, 0), "{rows:?}");
        rows[0].1.clone()
    }

    #[test]
    fn what_devices_write_is_read() {
        let android = card(
            b"VERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9F;=D0=86=\r\n=D0=B2=D0=B0=D0=BD;;;\r\n\
              TEL;CELL;PREF:+15555550102\r\nTEL;HOME:+15555550199\r\nEMAIL;HOME:a@example.com\r\nBDAY:--02-29\r\n",
        );
        assert_eq!(
            android[..6],
            ["", "Іван", "П", "a@example.com", "+15555550102 ::: +15555550199", "--02-29"]
        );
        let iphone = card(
            "VERSION:3.0\r\nN:Näide;Žanna;;;\r\nFN:Žanna Näide\r\nitem1.EMAIL;type=INTERNET:old@example.com\r\n\
             item2.EMAIL;type=INTERNET;type=pref:zanna@example.com\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\r\n\
             NOTE:first\\nsecond\\, third\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\n"
                .as_bytes(),
        );
        assert_eq!(iphone[..4], ["Žanna Näide", "Žanna", "Näide", "zanna@example.com ::: old@example.com"]);
        assert_eq!([iphone[5].as_str(), iphone[11].as_str()], ["--02-29", "first\nsecond, third"]);
        let nextcloud = card(
            b"VERSION:4.0\r\nFN:Oyvind\r\nEMAIL;PREF=2:b@example.com\r\nEMAIL;PREF=1:a@example.com\r\n\
              TEL;VALUE=uri;TYPE=\"cell,pref\":tel:+1-555-555-0115;ext=7\r\nBDAY:19900131T101500-0500\r\nTZ:Europe/Oslo\r\nLANG:nb\r\n",
        );
        assert_eq!(
            nextcloud[3..8],
            ["a@example.com ::: b@example.com", "+1-555-555-0115", "19900131", "nb", "Europe/Oslo"]
        );
    }

    #[test]
    fn bytes_are_unfolded_before_they_are_decoded() {
        let folded = "VERSION:3.0\r\nFN:J\u{fc}ri N\u{e4}ide\r\n";
        let bytes: Vec<u8> = folded.bytes().collect();
        let at = bytes.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
        let split = [&bytes[..at], b"\r\n ", &bytes[at..]].concat();
        assert_eq!(card(&split)[0], "Jüri Näide");
        assert_eq!(card(b"VERSION:2.1\r\nFN;CHARSET=windows-1257:\xd0anna\r\n")[0], "Šanna");
        assert_eq!(card(b"VERSION:2.1\r\nFN:J\xfcri\r\n")[0], "Jüri");
        // In 2.1 a backslash is one, and a comma parts nothing.
        assert_eq!(card(b"VERSION:2.1\r\nN:a,b;c;;;\r\nNOTE:C:\\new\r\n")[11], "C:\\new");
    }

    #[test]
    fn a_card_that_is_cut_off_and_a_group_are_faults() {
        let text = b"BEGIN:VCARD\nVERSION:3.0\nFN:A\nEMAIL:a@example.com\nBEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Team\nEND:VCARD\n\
                     BEGIN:VCARD\nVERSION:3.0\nFN:B\nEMAIL:b@exam";
        let rows: Vec<_> =
            rows(text).into_iter().map(|(line, cells, faults)| (line, cells[0].clone(), faults)).collect();
        assert_eq!(rows, [(1, "A".to_owned(), 1), (5, "Team".to_owned(), 1), (10, "B".to_owned(), 1)]);
    }
}
