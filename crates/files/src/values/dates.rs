//! Days as people write them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Value, escaped};
use domain::contact::date::Date;

/// Which of two numbers is the day, where both could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// 31/01/1990.
    DayFirst,
    /// 01/31/1990.
    MonthFirst,
}

/// What is known of the order in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Nothing.
    #[default]
    Unknown,
    /// It was said, or all cells of the column agree.
    Said(Order),
    /// Some cells have the day first, and some the month.
    Mixed,
}

impl DateOrder {
    /// With what another cell tells.
    pub fn and(self, order: Order) -> Self {
        match self {
            Self::Unknown => Self::Said(order),
            Self::Said(known) if known == order => self,
            Self::Said(_) | Self::Mixed => Self::Mixed,
        }
    }
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Numbers of a date, in the order in which they stand, and what parts them.
struct Parts {
    numbers: [(u32, usize); 3],
    between: char,
}

/// Reads a date.
pub fn read(text: &str, order: DateOrder) -> Value<'_> {
    if Date::parse(text).is_some() {
        return Value::same(text);
    }
    let fault = |why: &str| Value::Fault(format!("\"{}\" {why}", escaped(text)));
    let Some(day) = without_midnight(text) else {
        return fault("has a time of day, and the field holds a date");
    };
    if Date::parse(day).is_some() {
        return Value::same(day);
    }
    if has_no_year(day) {
        return Value::NoYear;
    }
    if let [y1, y2, y3, y4, m1, m2, d1, d2] = *day.as_bytes()
        && let Ok(year) = std::str::from_utf8(&[y1, y2, y3, y4])
        && let Some(date) = iso(year.parse().ok(), number(&[m1, m2]), number(&[d1, d2]))
    {
        return date;
    }
    let not_one = "is not a date: write it as 1990-01-31";
    let Some(Parts { numbers: [first, second, third], between }) = parts(day) else {
        return match named_month(day) {
            Some(date) => date,
            None => fault(not_one),
        };
    };
    if first.1 == 4 {
        return iso(Some(first.0), Some(second.0), Some(third.0)).unwrap_or_else(|| fault(not_one));
    }
    if third.1 != 4 {
        return fault("has no year of four digits, so its century is not known");
    }
    // With dots the day is first everywhere.
    let day_first = match (between, order, first.0 > 12, second.0 > 12) {
        ('.', ..) => true,
        (_, DateOrder::Said(order), ..) => order == Order::DayFirst,
        (_, _, true, false) => true,
        (_, _, false, true) => false,
        (_, DateOrder::Mixed, false, false) => {
            return fault(
                "may be read in two ways, and the column has both: choose the order of day and month",
            );
        }
        (_, DateOrder::Unknown, false, false) if first.0 == second.0 => true,
        (_, DateOrder::Unknown, false, false) => {
            return fault("may be read in two ways: choose the order of day and month");
        }
        (_, _, true, true) => return fault(not_one),
    };
    let (day, month) = if day_first { (first.0, second.0) } else { (second.0, first.0) };
    iso(Some(third.0), Some(month), Some(day)).unwrap_or_else(|| fault(not_one))
}

/// What a text tells about the order of its column.
pub fn order(text: &str) -> Option<Order> {
    let Parts { numbers: [first, second, third], between } = parts(without_midnight(text.trim())?)?;
    if between == '.' || third.1 != 4 {
        return None;
    }
    match (first.0 > 12, second.0 > 12) {
        (true, false) => Some(Order::DayFirst),
        (false, true) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// The day of a text without a time, or with that of midnight.
fn without_midnight(text: &str) -> Option<&str> {
    let Some((day, time)) = text.split_once(['T', ' ']) else { return Some(text) };
    if !time.starts_with(|sign: char| sign.is_ascii_digit()) || !time.contains(':') {
        return Some(text);
    }
    let end = time.find(|sign: char| !matches!(sign, '0' | ':' | '.')).unwrap_or(time.len());
    let zone = time[end..].trim();
    let is_midnight = zone.is_empty() || zone == "Z" || zone == "UTC" || zone.starts_with(['+', '-']);
    let twelve = time.trim().eq_ignore_ascii_case("12:00:00 AM");
    (is_midnight || twelve).then_some(day)
}

/// 29 February of no year, as address books write it: --02-29, --0229, 02-29, 02/29.
fn has_no_year(text: &str) -> bool {
    let rest = text.strip_prefix("--").or_else(|| text.strip_prefix("0000-"));
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|sign| sign.is_ascii_digit());
    match rest.unwrap_or(text).split_once(['-', '/', '.']) {
        Some((one, other)) => digits(one) && digits(other.trim_end_matches('.')),
        None => rest.is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|sign| sign.is_ascii_digit())),
    }
}

fn parts(text: &str) -> Option<Parts> {
    let between = text.chars().find(|sign| matches!(sign, '/' | '.' | '-'))?;
    let mut numbers = [(0, 0); 3];
    let mut texts = text.split(between);
    for place in &mut numbers {
        let digits = texts.next()?.trim();
        *place = (number(digits.as_bytes())?, digits.len());
    }
    texts.next().is_none().then_some(Parts { numbers, between })
}

fn number(digits: &[u8]) -> Option<u32> {
    let fits = (1..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// 31 January 1990, Jan 31, 1990, 31-Jan-1990.
fn named_month(text: &str) -> Option<Value<'static>> {
    let mut words = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    let words = [words.next()?, words.next()?, words.next()?].map(str::to_ascii_lowercase);
    let month = |word: &str| {
        let place = MONTHS.iter().position(|month| word.starts_with(month))?;
        u32::try_from(place + 1).ok()
    };
    let day = |word: &str| number(word.trim_end_matches(|sign: char| sign.is_ascii_lowercase()).as_bytes());
    let [first, second, third] = &words;
    let year = Some(third).filter(|year| year.len() == 4).and_then(|year| number(year.as_bytes()));
    match (month(first), month(second)) {
        (Some(month), None) => iso(year, Some(month), day(second)),
        (None, Some(month)) => iso(year, Some(month), day(first)),
        _ => None,
    }
}

fn iso(year: Option<u32>, month: Option<u32>, day: Option<u32>) -> Option<Value<'static>> {
    let text = format!("{:04}-{:02}-{:02}", year?, month?, day?);
    Date::parse(&text).map(|_| Value::Text(Cow::Owned(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, order: DateOrder) -> String {
        match read(text, order) {
            Value::Text(text) => text.into_owned(),
            Value::NoYear => "no year".to_owned(),
            Value::Flag(_) => "flag".to_owned(),
            Value::Fault(why) => why,
        }
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, expected) in [
            ("1990-01-31", "1990-01-31"),
            ("31.01.1990", "1990-01-31"),
            ("1.2.1990", "1990-02-01"),
            ("1/31/1990", "1990-01-31"),
            ("31/1/1990", "1990-01-31"),
            ("31-01-1990", "1990-01-31"),
            ("5/5/1990", "1990-05-05"),
            ("1990/01/31", "1990-01-31"),
            ("19900131", "1990-01-31"),
            ("1990-01-31 00:00:00", "1990-01-31"),
            ("1990-01-31T00:00:00.000Z", "1990-01-31"),
            ("1/31/1990 12:00:00 AM", "1990-01-31"),
            ("31 January 1990", "1990-01-31"),
            ("Jan 31st, 1990", "1990-01-31"),
            ("31-Jan-1990", "1990-01-31"),
            ("--02-29", "no year"),
            ("--0229", "no year"),
            ("01/31", "no year"),
            ("31.01.", "no year"),
        ] {
            assert_eq!(told(text, DateOrder::Unknown), expected, "{text}");
        }
    }

    #[test]
    fn a_doubtful_date_is_a_fault() {
        for (text, why) in [
            ("1/2/1990", "may be read in two ways: choose"),
            ("31.01.90", "has no year of four digits"),
            ("1/31/90", "has no year of four digits"),
            ("1990-01-31 10:00:00", "has a time of day"),
            ("31.02.1990", "is not a date"),
            ("13/13/1990", "is not a date"),
            ("soon", "is not a date"),
        ] {
            let told = told(text, DateOrder::Unknown);
            assert!(told.starts_with(&format!("\"{text}\" {why}")), "{told}");
        }
        assert!(told("1/2/1990", DateOrder::Mixed).contains("the column has both"));
    }

    #[test]
    fn the_column_or_the_user_says_the_order() {
        assert_eq!(told("1/2/1990", DateOrder::Said(Order::DayFirst)), "1990-02-01");
        assert_eq!(told("1/2/1990", DateOrder::Said(Order::MonthFirst)), "1990-01-02");
        assert!(told("13/2/1990", DateOrder::Said(Order::MonthFirst)).contains("is not a date"));
        let cells = ["1/2/1990", "1/31/1990", "31.01.1990", "2/28/1990"];
        let of = |cells: &[&str]| {
            cells.iter().filter_map(|cell| order(cell)).fold(DateOrder::Unknown, DateOrder::and)
        };
        assert_eq!(of(&cells), DateOrder::Said(Order::MonthFirst));
        assert_eq!(of(&["1/31/1990", "31/1/1990"]), DateOrder::Mixed);
        assert_eq!(of(&["1/2/1990"]), DateOrder::Unknown);
    }
}
