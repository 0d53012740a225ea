//! Genders by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable.

use super::number;

/// Every code.
pub const CODES: [u8; 4] = [0, 1, 2, 9];

/// The code that a JSON string means: the code itself, or an alias of the vendor's page in any case.
/// An empty string and one of white space alone clear the field, and so are 0.
pub fn parse(text: &str) -> Option<u8> {
    const ALIASES: [(&str, u8); 14] = [
        ("0", 0),
        ("1", 1),
        ("2", 2),
        ("9", 9),
        ("unknown", 0),
        ("undefined", 0),
        ("empty", 0),
        ("m", 1),
        ("male", 1),
        ("f", 2),
        ("female", 2),
        ("n/a", 9),
        ("not applicable", 9),
        ("na", 9),
    ];
    if text.trim().is_empty() {
        return Some(0);
    }
    ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text)).map(|&(_, code)| code)
}

/// The code that the raw text of a JSON number is numerically, so that `2.0` is 2.
pub fn from_number(raw: &str) -> Option<u8> {
    let code = number::integer(raw)?;
    CODES.into_iter().find(|known| i64::from(*known) == code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{from_number, parse};

    #[test]
    fn codes_and_aliases_are_accepted_in_any_case() {
        for (texts, code) in [
            (&["", " ", "\t\n", "\u{a0}", "0", "unknown", "UNKNOWN", "Undefined", "empty"][..], 0),
            (&["1", "m", "M", "male", "Male", "MALE"], 1),
            (&["2", "f", "F", "female", "FeMale"], 2),
            (&["9", "n/a", "N/A", "not applicable", "Not Applicable", "na", "NA"], 9),
        ] {
            for text in texts {
                assert_eq!(parse(text), Some(code), "{text:?}");
            }
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "3",
            "00",
            "01",
            "-1",
            "+1",
            "1.0",
            "2.0",
            "10",
            "99",
            "m ",
            " m",
            "males",
            "mal",
            "w",
            "woman",
            "none",
            "null",
            "not  applicable",
            "notapplicable",
            "n.a.",
            "n\\a",
            "''",
            "ｍ",
            "ﬀ",
            "m\u{0}",
        ] {
            assert_eq!(parse(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn numbers_count_by_their_value() {
        for (raw, code) in [
            ("0", 0),
            ("-0", 0),
            ("0.0", 0),
            ("0e5", 0),
            ("1", 1),
            ("1.0", 1),
            ("10e-1", 1),
            ("2", 2),
            ("2.0", 2),
            ("0.2e1", 2),
            ("9", 9),
            ("9.000", 9),
        ] {
            assert_eq!(from_number(raw), Some(code), "{raw}");
        }
        for raw in [
            "3",
            "8",
            "10",
            "-1",
            "-2",
            "1.5",
            "0.1",
            "256",
            "257",
            "258",
            "265",
            "65538",
            "18446744073709551618",
            "9e99",
            "",
            "m",
            "null",
            "true",
            "\"2\"",
            " 2",
        ] {
            assert_eq!(from_number(raw), None, "{raw:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            parse(&text);
            from_number(&text);
        }
    }
}
