//! How a table lies in its file: what a user says about it, and what stands at its head.

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use super::decode;

/// Where the names of the columns are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Header {
    /// In the first row that is not blank.
    #[default]
    First,
    /// On this line, or in the first row behind it.
    Line(u64),
    /// Nowhere: every row is one of contacts.
    None,
}

impl Header {
    /// Reads `none`, or the number of a line.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "" => Some(Self::First),
            word if word.eq_ignore_ascii_case("none") => Some(Self::None),
            number => number.parse().ok().filter(|line| *line > 0).map(Self::Line),
        }
    }

    /// The first line that may be part of the table.
    pub const fn from(self) -> u64 {
        match self {
            Self::Line(line) => line,
            Self::First | Self::None => 1,
        }
    }
}

/// What a user says about a file. The rest is found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    /// The label of the encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What stands between the cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Where the names of the columns are.
    #[serde(skip_serializing_if = "is_first")]
    pub header: Header,
    /// Whether a doubtful guess of the encoding is accepted: a person will look at the result.
    #[serde(skip)]
    pub accept_doubt: bool,
}

fn is_first(header: &Header) -> bool {
    *header == Header::First
}

impl Said {
    /// The encoding, if one was said.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        decode::named(self.encoding.as_deref()?)
    }
}

/// The line `sep=;` that Excel reads and writes: what stands between the cells, if a text begins with it.
pub fn separator(beginning: &str) -> Option<u8> {
    let first = beginning.lines().next()?.trim().trim_matches('"');
    let (word, separator) = first.split_at_checked(4)?;
    match separator.as_bytes() {
        [separator @ (b',' | b';' | b'\t' | b'|')] if word.eq_ignore_ascii_case("sep=") => Some(*separator),
        [] if word.eq_ignore_ascii_case("sep=") && beginning.starts_with("sep=\t") => Some(b'\t'),
        _ => None,
    }
}

/// How a separator is called.
pub const fn separator_name(separator: u8) -> &'static str {
    match separator {
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "vertical bars",
        _ => "commas",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_separators_are_read() {
        for (text, header) in [
            ("", Some(Header::First)),
            ("3", Some(Header::Line(3))),
            ("None", Some(Header::None)),
            ("0", None),
            ("x", None),
        ] {
            assert_eq!(Header::parse(text), header, "{text}");
        }
        for (text, separator) in [
            ("sep=;\r\na;b", Some(b';')),
            ("\"sep=,\"\na,b", Some(b',')),
            ("SEP=|\na|b", Some(b'|')),
            ("sep=\t\na\tb", Some(b'\t')),
            ("sep=\na", None),
            ("sep=;;\n", None),
            ("separator\n", None),
        ] {
            assert_eq!(super::separator(text), separator, "{text:?}");
        }
    }
}
