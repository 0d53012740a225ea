//! The records of which the parts of an .xlsb consist ([MS-XLSB], 2.1.4).

use std::io::{self, Read};

/// Bytes of a record: a cell has at most 32,767 letters.
const MAX_BODY: usize = 1 << 20;

/// Reads records one after the other.
pub struct Records<R> {
    stream: R,
    /// The type of the last record.
    pub kind: u16,
    /// Its content.
    pub body: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Over the bytes of a part.
    pub const fn new(stream: R) -> Self {
        Self { stream, kind: 0, body: Vec::new() }
    }

    /// Reads the next one; `false` at the end of the part.
    ///
    /// # Errors
    /// The part cannot be read, ends within a record, or has one that is too long.
    pub fn next(&mut self) -> io::Result<bool> {
        let Some(first) = self.byte()? else { return Ok(false) };
        self.kind = u16::from(first);
        if first & 0x80 != 0 {
            self.kind = u16::from(first & 0x7f) | u16::from(self.more()? & 0x7f) << 7;
        }
        let mut length = 0;
        // Seven bits a byte, the lowest first.
        for shift in [0, 7, 14, 21] {
            let byte = self.more()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_BODY {
            return Err(damaged());
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged(),
            _ => error,
        })?;
        Ok(true)
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        loop {
            match self.stream.read(&mut byte) {
                Ok(count) => return Ok(Some(byte[0]).filter(|_| count == 1)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn more(&mut self) -> io::Result<u8> {
        self.byte()?.ok_or_else(damaged)
    }
}

/// The error of a part that does not read.
pub fn damaged() -> io::Error {
    io::Error::other("the workbook is damaged: open it in a spreadsheet program, and save it as .xlsx")
}

/// A number of two bytes.
pub fn short(bytes: &[u8], at: usize) -> io::Result<u16> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<2>());
    bytes.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(damaged)
}

/// A number of four bytes.
pub fn long(bytes: &[u8], at: usize) -> io::Result<u32> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
    bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(damaged)
}

/// A floating-point number.
pub fn float(bytes: &[u8], at: usize) -> io::Result<f64> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<8>());
    bytes.map(|bytes| f64::from_le_bytes(*bytes)).ok_or_else(damaged)
}

/// A number in four bytes: a whole one or the upper half of a float, in hundredths or not.
pub fn packed_number(bytes: &[u8], at: usize) -> io::Result<f64> {
    let packed = long(bytes, at)?;
    let number = if packed & 2 == 0 {
        f64::from_bits(u64::from(packed & !3) << 32)
    } else {
        f64::from(i32::from_le_bytes(packed.to_le_bytes()) >> 2)
    };
    Ok(if packed & 1 == 0 { number } else { number / 100.0 })
}

/// A text, and where it ends. `None` is the text that is absent.
pub fn text(bytes: &[u8], at: usize) -> io::Result<(Option<String>, usize)> {
    let count = long(bytes, at)?;
    if count == u32::MAX {
        return Ok((None, at + 4));
    }
    let count = usize::try_from(count).ok().and_then(|count| count.checked_mul(2)).ok_or_else(damaged)?;
    let wide = bytes.get(at + 4..).and_then(|bytes| bytes.get(..count)).ok_or_else(damaged)?;
    let units = wide.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let text = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
    Ok((Some(text.collect()), at + 4 + count))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_own_length() {
        let bytes = [&[0x9c, 0x01, 2, 7, 8][..], &[5, 0], &[6, 0x81, 0x00, 9]].concat();
        let mut records = Records::new(bytes.as_slice());
        let mut found = Vec::new();
        while records.next().unwrap() {
            found.push((records.kind, records.body.clone()));
        }
        assert_eq!(found, [(156, vec![7, 8]), (5, vec![]), (6, vec![9])]);
        for cut in [1, 2, 3, 4, 8, 9, 10] {
            let mut records = Records::new(&bytes[..cut]);
            let mut ended = records.next();
            while matches!(ended, Ok(true)) {
                ended = records.next();
            }
            assert!(ended.is_err(), "cut off at {cut}");
        }
        assert!(Records::new(&[5, 0xff, 0xff, 0xff, 0x7f][..]).next().is_err(), "256 MiB");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn packed_numbers_are_whole_or_hundredths_or_floats() {
        for (packed, number) in [
            (12 << 2 | 2, 12.0),
            (1_250 << 2 | 3, 12.5),
            (0x3fe0_0000, 0.5),
            (0x4059_0001, 1.0),
            (0xffff_ffea, -6.0),
        ] {
            assert_eq!(packed_number(&u32::to_le_bytes(packed), 0).unwrap(), number, "{packed:x}");
        }
        assert!(packed_number(&[1, 2, 3], 0).is_err());
    }

    #[test]
    fn a_text_that_is_longer_than_its_record_is_damage() {
        let bytes = [2, 0, 0, 0, b'J', 0, b'o', 0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(text(&bytes, 0).unwrap(), (Some("Jo".to_owned()), 8));
        assert_eq!(text(&bytes, 8).unwrap(), (None, 12));
        assert!(text(&bytes[..7], 0).is_err() && text(&[0xfe, 0xff, 0xff, 0xff], 0).is_err());
    }
}
