//! Invisible characters, which come along from a clipboard or a file: two identifiers that look the same would
//! be two people.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// Whether a character is one of Unicode's general category Cf: soft hyphen, byte order mark, zero-width space and
/// joiners, marks of direction and their like.
pub fn is(c: char) -> bool {
    !c.is_ascii() && CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format
}

/// Whether one is in a text.
pub fn is_in(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is)
}

/// An identifier without white space and invisible characters around it.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found_and_trimmed() {
        for c in [
            '\u{ad}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{202a}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0020}',
        ] {
            assert!(is(c), "{c:?}");
            assert!(is_in(&format!("a{c}b")), "{c:?}");
            assert_eq!(trim(&format!(" {c}\t a{c}b \u{a0}{c}")), format!("a{c}b"));
        }
        for c in ['a', ' ', 'é', '\u{301}', '用', '😀', '\u{a0}'] {
            assert!(!is(c), "{c:?}");
        }
        assert_eq!(trim(" \u{feff} "), "");
    }
}
