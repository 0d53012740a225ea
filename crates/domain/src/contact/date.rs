//! Calendar dates: `contactBirthday` and the variables of type date.

use std::fmt;

use crate::clock::Timestamp;

/// A day of the proleptic Gregorian calendar in the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`, and nothing else: jiff's own parser takes `19900105`, times of day and
    /// calendar annotations too, so the form is checked here and jiff is asked for the calendar alone.
    pub fn parse(text: &str) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
            return None;
        };
        Self::new(
            decimal(&[y1, y2, y3, y4])?,
            decimal(&[m1, m2])?.try_into().ok()?,
            decimal(&[d1, d2])?.try_into().ok()?,
        )
    }

    /// Four bytes whose order is the order of the dates: the year big-endian, the month, the day.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }

    /// Reads what [`Date::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [high, low, month, day] = *bytes else {
            return None;
        };
        Self::new(u16::from_be_bytes([high, low]), month, day)
    }

    /// Its first moment, UTC.
    pub fn start(self) -> Timestamp {
        let (year, month, day) = (self.year.cast_signed(), self.month.cast_signed(), self.day.cast_signed());
        // A date is made of a day of jiff's calendar, so it is one.
        let date = jiff::civil::Date::new(year, month, day).unwrap_or_default();
        let since = date.duration_since(jiff::civil::Date::constant(1970, 1, 1));
        Timestamp::from_millis(since.as_secs() * 1_000)
    }

    fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year == 0 {
            return None;
        }
        jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        Some(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn decimal(digits: &[u8]) -> Option<u16> {
    digits
        .iter()
        .try_fold(0_u16, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::Date;

    #[test]
    fn real_dates_are_accepted() {
        for text in [
            "1990-01-01",
            "0001-01-01",
            "9999-12-31",
            "2000-02-29",
            "2024-02-29",
            "1900-02-28",
            "2023-04-30",
            "1582-10-10",
        ] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "0000-01-01",
            "1900-02-29",
            "2023-02-29",
            "2100-02-29",
            "2023-02-30",
            "2023-04-31",
            "2023-00-10",
            "2023-13-10",
            "2023-10-00",
            "2023-10-32",
            "19900105",
            "1990-1-5",
            "1990/01/05",
            "05-01-1990",
            "90-01-05",
            "+1990-01-05",
            "-1990-01-05",
            "001990-01-05",
            "1990-01-05 ",
            " 1990-01-05",
            "1990-01-05T00:00:00Z",
            "1990-01-05[u-ca=hebrew]",
            "1990-W01-1",
            "1990-001",
            "10000-01-01",
            "199O-01-05",
            "1990-01-0a",
            "1990-01--5",
            "+990-01-05",
            "１990-1-5",
            "1990‐01‐05",
            "1990-01-05\u{0}",
        ] {
            assert_eq!(Date::parse(text), None, "{text:?} must be refused");
        }
    }

    #[test]
    fn bytes_that_are_no_date_are_refused() {
        for bytes in [
            &[][..],
            &[7, 198, 1],
            &[7, 198, 1, 5, 0],
            &[0, 0, 1, 1],
            &[7, 198, 2, 30],
            &[7, 198, 200, 200],
            &[0x27, 0x10, 1, 1],
            &[255; 4],
        ] {
            assert_eq!(Date::from_bytes(bytes), None, "{bytes:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn exactly_the_days_of_the_calendar(year in 0_u32..10_000, month in 0_u32..14, day in 0_u32..33) {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                1..=12 => 31,
                _ => 0,
            };
            let text = format!("{year:04}-{month:02}-{day:02}");
            let date = Date::parse(&text);
            prop_assert_eq!(date.is_some(), year > 0 && (1..=days).contains(&day));
            if let Some(date) = date {
                prop_assert_eq!(date.to_string(), text);
                prop_assert_eq!(Date::from_bytes(&date.to_bytes()), Some(date));
            }
        }

        #[test]
        fn the_bytes_sort_as_the_dates(
            a in (1_u16..10_000, 1_u8..13, 1_u8..29), b in (1_u16..10_000, 1_u8..13, 1_u8..29)
        ) {
            let (a, b) = (Date::new(a.0, a.1, a.2).unwrap(), Date::new(b.0, b.1, b.2).unwrap());
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn no_text_and_no_bytes_make_it_panic(text in any::<String>(), bytes in any::<[u8; 4]>()) {
            Date::parse(&text);
            Date::from_bytes(&bytes);
        }
    }
}
