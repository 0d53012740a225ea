//! Phone numbers as people write them, brought to the form of E.164 by the numbering of their region.
//!
//! The table is libphonenumber's: the calling code, the prefixes and the lengths of each region. A number of a length
//! that its region does not have is a fault. What lies behind the lengths is not checked, since tables of ranges age.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Value, escaped};
use domain::contact::{invisible, phone};

/// How numbers are written in a region.
#[derive(Debug)]
pub struct Region {
    code: &'static str,
    /// What stands before a call abroad.
    abroad: &'static str,
    /// What stands before a number at home, and is not dialled from abroad.
    trunk: &'static str,
    lengths: Vec<usize>,
}

static REGIONS: LazyLock<HashMap<&'static str, Region>> = LazyLock::new(|| {
    let lines = include_str!("phone_regions.txt").lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, code, abroad, trunk) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let lengths = words.next()?.split(',').filter_map(|length| length.parse().ok()).collect();
        let trunk = if trunk == "-" { "" } else { trunk };
        Some((name, Region { code, abroad, trunk, lengths }))
    };
    lines.filter_map(read).collect()
});

/// The region with that code of ISO 3166, such as EE.
pub fn region(name: &str) -> Option<&'static Region> {
    REGIONS.get(name.to_ascii_uppercase().as_str())
}

/// Reads a number; `international` says that one without a plus begins with a country code.
pub fn read<'a>(text: &'a str, country: Option<&str>, international: bool) -> Value<'a> {
    let fault = |why: &str| Value::Fault(format!("the phone number \"{}\" {why}", escaped(text)));
    let Some(digits) = digits(text) else {
        return fault("holds other characters than digits and separators");
    };
    let region = country.and_then(region);
    let plus = |digits: &str| format!("+{digits}");
    let number = if digits.starts_with('+') {
        digits
    } else if let Some(rest) = from_abroad(&digits, region) {
        plus(rest)
    } else if international {
        plus(&digits)
    } else {
        match region.map(|region| region.national(&digits)) {
            Some(Some(number)) => number,
            Some(None) => return fault("has a length that its country does not have"),
            None => return fault("has no country code: choose the country of such numbers"),
        }
    };
    if phone::is_valid(&number) { Value::Text(Cow::Owned(number)) } else { fault("is not a phone number") }
}

/// The digits, with a plus before them if there is one.
fn digits(text: &str) -> Option<String> {
    let text = text.trim_start_matches("tel:").trim();
    // In +44 (0)20 the zero is for calls at home.
    let without_trunk = Some(text).filter(|text| text.starts_with('+')).map(|text| text.replace("(0)", ""));
    let mut digits = String::new();
    for sign in without_trunk.as_deref().unwrap_or(text).chars() {
        match sign {
            '0'..='9' => digits.push(sign),
            '+' | '\u{ff0b}' if digits.is_empty() => digits.push('+'),
            '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' => {}
            sign if sign.is_whitespace() || invisible::is(sign) => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// What stands behind the prefix of calls abroad.
fn from_abroad<'a>(digits: &'a str, region: Option<&Region>) -> Option<&'a str> {
    let rest = digits.strip_prefix(region.map_or("00", |region| region.abroad))?;
    (rest.len() >= 7 && !rest.starts_with('0')).then_some(rest)
}

impl Region {
    fn national(&self, digits: &str) -> Option<String> {
        let fits = |digits: &&str| self.lengths.contains(&digits.len());
        let home = Some(self.trunk).filter(|trunk| !trunk.is_empty());
        let home = home.and_then(|trunk| digits.strip_prefix(trunk)).filter(fits);
        let known = home.or_else(|| Some(digits).filter(fits));
        // Spreadsheets take the plus away.
        let known = known.or_else(|| digits.strip_prefix(self.code).filter(fits));
        known.map(|known| format!("+{}{known}", self.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, country: &str) -> String {
        match read(text, Some(country).filter(|country| !country.is_empty()), false) {
            Value::Text(text) => text.into_owned(),
            Value::Fault(why) => why,
            _ => "other".to_owned(),
        }
    }

    #[test]
    fn numbers_are_read_by_the_rules_of_their_region() {
        for (text, country, number) in [
            ("+372 5555 5555", "", "+37255555555"),
            ("+1 (201) 555-0123", "", "+12015550123"),
            ("00372 5555 5555", "", "+37255555555"),
            ("tel:+1-201-555-0123", "", "+12015550123"),
            ("+44 (0)20 7946 0123", "", "+442079460123"),
            ("\u{ff0b}372\u{a0}5555\u{2011}5555", "", "+37255555555"),
            ("(201) 555-0123", "US", "+12015550123"),
            ("1-201-555-0123", "us", "+12015550123"),
            ("011 372 5555 5555", "US", "+37255555555"),
            ("0170 1234567", "DE", "+491701234567"),
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("33612345678", "FR", "+33612345678"),
            ("8 (916) 123-45-67", "RU", "+79161234567"),
            ("06 20 123 4567", "HU", "+36201234567"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("5555 5555", "EE", "+37255555555"),
            ("37255555555", "EE", "+37255555555"),
            ("050 123 45 67", "UA", "+380501234567"),
        ] {
            assert_eq!(told(text, country), number, "{text} {country}");
        }
        assert_eq!(read("33612345678", None, true), Value::Text(Cow::Borrowed("+33612345678")));
    }

    #[test]
    fn what_is_no_number_is_a_fault() {
        for (text, country, why) in [
            ("2015550123", "", "has no country code"),
            ("555-0123", "US", "has a length that its country does not have"),
            ("call me", "EE", "holds other characters"),
            ("+1 201 555 0123 ext. 7", "", "holds other characters"),
            ("+0 55", "", "is not a phone number"),
        ] {
            let told = told(text, country);
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(REGIONS.len(), 245);
        assert!(REGIONS.values().all(|region| !region.lengths.is_empty() && region.code.len() <= 3));
        assert!(region("XX").is_none());
    }
}
