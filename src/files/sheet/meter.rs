//! How long the cells of a sheet are: what reads them holds each whole.

use std::io::{Error, Write};

use crate::files::scan::MAX_RECORD;

/// Bytes of a cell as it is written, which is longer than its text.
const MAX_CELL: usize = 4 * MAX_RECORD;

/// The longest name of a tag that is looked at.
const NAME: usize = 32;

/// Takes a sheet's XML, and fails where a cell has no end for long.
#[derive(Debug, Default)]
pub struct CellMeter {
    /// Bytes since the last cell began or ended.
    length: usize,
    /// The name of the tag that goes on.
    tag: Option<Vec<u8>>,
    /// Whether what looks like a cell may be none, as in a comment: nothing is taken for one from there on.
    doubtful: bool,
    /// Whether the cells are over: what comes then is not read.
    over: bool,
}

impl CellMeter {
    fn end_of_name(&mut self) {
        let tag = self.tag.take().unwrap_or_default();
        let closes = tag.first() == Some(&b'/');
        // Names may bear the prefix of their namespace.
        let name = tag.rsplit(|byte| matches!(byte, b':' | b'/')).next().unwrap_or_default();
        match name {
            _ if tag.first() == Some(&b'!') => self.doubtful = true,
            _ if self.doubtful => {}
            b"c" => self.length = 0,
            b"sheetData" if closes => self.over = true,
            _ => {}
        }
    }
}

impl Write for CellMeter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            if self.over {
                break;
            }
            self.length += 1;
            match (&mut self.tag, byte) {
                (_, b'<') => self.tag = Some(Vec::with_capacity(NAME)),
                (None, _) => {}
                (Some(tag), b'/') if tag.is_empty() => tag.push(b'/'),
                (Some(_), b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'/') => self.end_of_name(),
                (Some(tag), byte) if tag.len() < NAME => tag.push(*byte),
                (Some(_), _) => self.end_of_name(),
            }
        }
        if self.length > MAX_CELL {
            return Err(Error::other("a cell is longer than a row may be"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn takes(pieces: &[&str]) -> bool {
        let mut meter = CellMeter::default();
        pieces.iter().all(|piece| meter.write_all(piece.as_bytes()).is_ok())
    }

    #[test]
    fn many_cells_are_taken_and_one_without_an_end_is_not() {
        let half = "x".repeat(MAX_CELL / 2);
        let full = "x".repeat(MAX_CELL);
        assert!(takes(&["<c r=\"A1\"><is><t>", &half, "</t></is></c><c>", &half, "</c>", &half]));
        assert!(takes(&["<x:c>", &half, "</x:", "c>", &half, "<x:c/>", &half]));
        assert!(!takes(&["<c><is><t>", &half, "</t><t>", &full]));
        // In pieces, as they come.
        assert!(!takes(&["<", "c", ">", &half, &half, "x"]));
    }

    #[test]
    fn what_only_looks_like_a_cell_ends_none() {
        let half = "x".repeat(MAX_CELL / 2);
        assert!(!takes(&["<c><t><![CDATA[", &half, "<c>", &half, "<c >", &half]));
        assert!(!takes(&["<c><cc>", &half, "</cc><col/>", &half, "<c-c>", &half]));
        assert!(!takes(&["<c>", &half, "<!-- </sheetData> -->", &half, "x"]));
    }

    #[test]
    fn what_comes_behind_the_cells_may_be_long() {
        let full = "<hyperlink/>".repeat(MAX_CELL / 8);
        assert!(takes(&["<sheetData><row><c/></row></sheetData>", &full]));
        assert!(!takes(&["<sheetData>", &full]));
    }
}
