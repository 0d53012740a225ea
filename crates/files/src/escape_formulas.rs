//! Cells that a spreadsheet would run. An export puts an apostrophe before them, and an import of such an export
//! takes it away again.

use std::borrow::Cow;

use super::target::COLUMNS;

/// What a formula begins with, and what spreadsheets take for it.
const STARTS: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Whether a spreadsheet might run the text. A number is no formula: phone numbers and scores stay as they are.
fn is_formula(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']);
    let is_number =
        number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    text.starts_with(STARTS) && !is_number
}

/// The text with an apostrophe before it where it needs one, or where [`undo`] would take one away.
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was escaped.
pub fn undo(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

/// Names of columns that a file of failed rows has before those of the file that they are from.
pub const FAILED_COLUMNS: [&str; 2] = ["rollbookLine", "rollbookError"];

/// Whether the cells of a table were escaped: its header begins as those of exports and of failed rows do.
pub fn is_ours<'a>(header: impl Iterator<Item = &'a str>) -> bool {
    let header: Vec<_> = header.take(COLUMNS.len()).collect();
    header.starts_with(&FAILED_COLUMNS) || header == COLUMNS
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        for (text, escaped) in [
            ("=1+1", "'=1+1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("-1+1", "'-1+1"),
            ("+", "'+"),
            ("\t=1", "'\t=1"),
            ("\n=1", "'\n=1"),
            ("'=1", "''=1"),
            ("+15555555", "+15555555"),
            ("-5", "-5"),
            ("'tis", "'tis"),
            ("", ""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(escape(text), escaped, "{text:?}");
        }
        assert_eq!(undo("'tis"), "'tis");
        assert_eq!(undo("'+15555555"), "'+15555555");
    }

    proptest! {
        #[test]
        fn what_is_defused_is_harmless_and_comes_back(text in "['=+@\t\r1a -]{0,8}") {
            let escaped = escape(&text);
            prop_assert!(!is_formula(&escaped), "{}", escaped);
            prop_assert_eq!(undo(&escaped), &text);
        }
    }
}
