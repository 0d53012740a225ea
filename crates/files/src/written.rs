//! How spreadsheets write a text so that it stays one, and what a number looks like that did not.

/// What a spreadsheet has done to a number with more digits than it keeps.
pub const ROUNDED: &str =
    "the spreadsheet has rounded this number: format the column as text, and enter the numbers again";

/// The cell without what only protects it: `="0012"` is 0012, and `'+15555555` (as Salesforce exports it) is
/// +15555555. An apostrophe before letters is part of the text, as in `'t Hooft`.
pub fn unprotected(cell: &str) -> &str {
    if !matches!(cell.as_bytes().first(), Some(b'=' | b'\'')) {
        return cell;
    }
    let formula = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = formula.filter(|text| !text.contains('"')) {
        return text;
    }
    let is_number = |rest: &&str| {
        let digits = rest.strip_prefix('+').unwrap_or(rest);
        digits.starts_with(|sign: char| sign.is_ascii_digit())
            && digits.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b' ' | b'-' | b'.' | b'(' | b')'))
    };
    cell.strip_prefix('\'').filter(is_number).unwrap_or(cell)
}

/// Whether a text is a number in scientific notation, such as 1.23457E+16: digits are lost.
pub fn is_scientific(text: &str) -> bool {
    if !matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'-')) {
        return false;
    }
    let Some((digits, exponent)) = text.split_once("E+") else { return false };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_digit());
    let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    whole.len() == 1 && all_digits(whole) && all_digits(decimals) && all_digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_protects_a_number_is_no_part_of_it() {
        for (cell, text) in [
            ("=\"0012\"", "0012"),
            ("=\"\"", ""),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("'+1 555 5555", "+1 555 5555"),
            ("'701-12", "701-12"),
            ("'t Hooft", "'t Hooft"),
            ("'", "'"),
            ("'+", "'+"),
            ("0012", "0012"),
        ] {
            assert_eq!(unprotected(cell), text);
        }
    }

    #[test]
    fn numbers_that_lost_their_digits_are_known() {
        for (text, expected) in [
            ("1.23457E+16", true),
            ("1,23457E+16", true),
            ("5E+10", true),
            ("-1.2E+5", true),
            ("12E+5", false),
            ("E+5", false),
            ("1.E+5", false),
            ("1.2E+", false),
            ("1.2e5x", false),
            ("ann@example.com", false),
        ] {
            assert_eq!(is_scientific(text), expected, "{text}");
        }
    }
}
