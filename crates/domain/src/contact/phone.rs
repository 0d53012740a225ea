//! Phone numbers, by the form of E.164 alone.

/// Whether `text` is a number as ITU-T E.164 writes it: `+`, then 2 to 15 ASCII digits, the first not 0.
///
/// Nothing is asked of numbering plans: the vendor's own example, `+15555555`, is in none.
pub fn is_valid(text: &str) -> bool {
    let Some(digits) = text.as_bytes().strip_prefix(b"+") else {
        return false;
    };
    (2..=15).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit)
}

/// Whether `text` looks like a phone number to a person: a `+` or a bracket first, then digits with blanks, hyphens,
/// dots, slashes and brackets between them. Every valid number does.
pub fn looks_like(text: &str) -> bool {
    let text = text.trim();
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')');
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    text.starts_with(['+', '\u{ff0b}', '('])
        && digits >= 2
        && text.chars().skip(1).all(|c| c.is_numeric() || is_separator(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_valid, looks_like};

    #[test]
    fn the_form_of_e164_is_accepted() {
        for text in ["+15555555", "+10", "+12", "+3725555555", "+999999999999999", "+123456789012345"] {
            assert!(is_valid(text), "{text:?} must be accepted");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "+",
            "+1",
            "+0",
            "+01",
            "+015555555",
            "15555555",
            "0015555555",
            "++15555555",
            "+1234567890123456",
            "+1 555 5555",
            "+1-555-5555",
            "+1(555)5555",
            "+1555555a",
            " +15555555",
            "+15555555 ",
            "+15555555\n",
            "+1555\u{0}555",
            "+१२३४५६७",
            "+１５５５５５５",
            "＋15555555",
            "+-1555555",
            "+1.5555555",
            "tel:+15555555",
        ] {
            assert!(!is_valid(text), "{text:?} must be refused");
        }
    }

    #[test]
    fn what_a_person_reads_as_a_phone_number_looks_like_one() {
        for text in [
            "+1 201 555 0123",
            "+1-201-555-0123",
            "+1 (201) 555.0123",
            "(201) 555-0123",
            " +15555555",
            "+1234567890123456",
            "+01",
            "+1\u{a0}201\u{a0}555",
            "\u{ff0b}15555555",
            "+१२३४५६७",
        ] {
            assert!(looks_like(text) && !is_valid(text), "{text:?}");
        }
        for text in [
            "15555555",
            "201-555-0123",
            "+",
            "+1",
            "+a1",
            "+15x55555",
            "++15555555",
            "(a) 12",
            "",
            "2024/0001",
        ] {
            assert!(!looks_like(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn exactly_the_numbers_of_2_to_15_digits(text in r"\+?[0-9]{0,17}") {
            let expected = text.strip_prefix('+').is_some_and(|digits| {
                (2..=15).contains(&digits.len()) && !digits.starts_with('0')
            });
            prop_assert_eq!(is_valid(&text), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            is_valid(&text);
        }
    }
}
