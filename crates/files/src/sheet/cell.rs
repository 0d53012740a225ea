//! A cell of a workbook as its text: what the spreadsheet shows, or why that cannot be known.

use calamine::{DataRef, ExcelDateTime};
use jiff::civil;
use jiff::{ToSpan, Unit};

use crate::written::ROUNDED;

/// A spreadsheet keeps 15 digits of a number. From here on the last digits of a whole number are made up.
const EXACT: f64 = 1e15;

/// The day after the last one that a spreadsheet knows, 9999-12-31, as a serial number.
const AFTER_LAST_DAY: f64 = 2_958_466.0;

const NO_DATE: &str =
    "the cell shows a date, but its value is not one: a formula without a result, or a wrong number";

/// What a cell holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// No value: what stands there, and why it is none.
    Fault(String, String),
}

/// How the numbers of a style are shown, as far as it matters for their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NumberForm {
    /// By their value.
    #[default]
    Plain,
    /// Whole, with zeros in front and letters between: `"K-"0000`, `000-00-0000`. `None` is the place of a digit.
    Padded(Vec<Option<char>>),
    /// In hundredths, with so many decimals.
    Percent(usize),
    /// As a time of day: there is no day in it.
    Time,
}

impl NumberForm {
    /// Reads a format code (ECMA-376, part 1, 18.8.30); of its sections the first, which is of positive numbers.
    pub fn of(code: &str) -> Self {
        let (mut picture, mut signs) = (Vec::new(), String::new());
        let mut letters = code.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ';' => break,
                '"' => picture.extend(letters.by_ref().take_while(|letter| *letter != '"').map(Some)),
                '\\' => picture.extend(letters.next().map(Some)),
                // The width of a letter, and a letter that fills the cell.
                '_' | '*' => drop(letters.next()),
                // A colour, a condition or a locale; elapsed time is no time of day.
                '[' => {
                    let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    if is_time_unit(&inside) {
                        return Self::Plain;
                    }
                }
                '-' | ' ' | '(' | ')' => picture.push(Some(letter)),
                letter => {
                    picture.push(None);
                    signs.push(letter.to_ascii_lowercase());
                }
            }
        }
        if signs.len() > 1 && signs.bytes().all(|sign| sign == b'0') {
            return Self::Padded(picture);
        }
        if let Some(decimals) = signs.strip_suffix('%').and_then(|signs| signs.strip_prefix('0')) {
            let zeros = decimals.strip_prefix('.').unwrap_or(decimals);
            if zeros.bytes().all(|sign| sign == b'0') {
                return Self::Percent(zeros.len());
            }
        }
        let has = |wanted: &[char]| signs.contains(wanted);
        if has(&['h', 's']) && !has(&['y', 'd']) { Self::Time } else { Self::Plain }
    }
}

/// Whether a format code shows a length of time: `[h]:mm`.
pub fn is_elapsed(code: &str) -> bool {
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => letters.by_ref().take_while(|letter| *letter != '"').for_each(drop),
            '\\' | '_' | '*' => drop(letters.next()),
            '[' => {
                let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                if is_time_unit(&inside) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

fn is_time_unit(inside: &str) -> bool {
    matches!(inside.to_ascii_lowercase().as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss")
}

/// The text of a cell.
pub fn shown(value: &DataRef<'_>, form: &NumberForm) -> Shown {
    match value {
        // A format without a value is no cell.
        DataRef::Empty => Shown::Empty,
        DataRef::SharedString(text) => Shown::Text((*text).to_owned()),
        DataRef::String(text) | DataRef::DurationIso(text) => Shown::Text(text.clone()),
        DataRef::DateTimeIso(text) => Shown::Text(iso(text)),
        #[expect(clippy::cast_precision_loss, reason = "beyond 15 digits it is a fault anyway")]
        DataRef::Int(number) => decimal(*number as f64, form),
        DataRef::Float(number) => decimal(*number, form),
        DataRef::Bool(flag) => Shown::Text(flag.to_string()),
        DataRef::DateTime(time) if time.is_datetime() => date(time, form),
        DataRef::DateTime(time) => Shown::Text(elapsed(time.as_f64())),
        DataRef::Error(error) => {
            let why = format!("the cell holds an error of the spreadsheet: {error}");
            Shown::Fault(error.to_string(), why)
        }
    }
}

fn decimal(number: f64, form: &NumberForm) -> Shown {
    if number.abs() >= EXACT {
        return Shown::Fault(number.to_string(), ROUNDED.to_owned());
    }
    Shown::Text(match form {
        NumberForm::Padded(picture) if number >= 0.0 => padded(number, picture),
        NumberForm::Percent(decimals) => format!("{:.decimals$}%", number * 100.0),
        // The 15 digits that are shown: 0.1 + 0.2 is 0.3.
        _ => format!("{number:.14e}").parse().unwrap_or(number).to_string(),
    })
}

/// The digits of a number at their places; those that have none stand before the first.
fn padded(number: f64, picture: &[Option<char>]) -> String {
    let places = picture.iter().filter(|place| place.is_none()).count();
    let digits = format!("{number:0places$.0}");
    let (more, rest) = digits.split_at(digits.len() - places);
    let (mut more, mut rest) = (Some(more), rest.chars());
    let mut text = String::with_capacity(digits.len() + picture.len());
    for place in picture {
        if let Some(letter) = place {
            text.push(*letter);
        } else {
            text.extend(more.take());
            text.extend(rest.next());
        }
    }
    text
}

/// A date where it is the beginning of a day, a time where there is no day in it, else both.
fn date(time: &ExcelDateTime, form: &NumberForm) -> Shown {
    let serial = time.as_f64();
    let fault = || Shown::Fault(serial.to_string(), NO_DATE.to_owned());
    if !(0.0..AFTER_LAST_DAY).contains(&serial) {
        return fault();
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let parts = [month, day, hour, minute, second].map(|part| i8::try_from(part).unwrap_or(-1));
    let year = i16::try_from(year).unwrap_or(-1);
    let [month, day, hour, minute, second] = parts;
    // The 29th of February 1900, which a spreadsheet has and no calendar, is no date here.
    let whole = civil::DateTime::new(year, month, day, hour, minute, second, 0);
    // To the second, before the day is taken.
    let rounded = whole.and_then(|whole| whole.checked_add(i64::from(milli).milliseconds()));
    let Ok(rounded) = rounded.and_then(|rounded| rounded.round(Unit::Second)) else { return fault() };
    // Before the first day there is a time alone; of days counted from 1904 only the form tells that.
    let is_time = serial < 1.0 && (year < 1900 || *form == NumberForm::Time);
    let clock = rounded.time();
    Shown::Text(match (is_time, clock == civil::Time::midnight()) {
        // What a formula without a result has for its value, too.
        (true, true) => return fault(),
        (true, false) => clock.strftime("%H:%M:%S").to_string(),
        (false, true) => rounded.date().to_string(),
        (false, false) => rounded.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    })
}

/// A length of time as `[h]:mm:ss` shows it.
fn elapsed(days: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a float is cut to what there is room for")]
    let seconds = (days * 86_400.0).round() as i64;
    let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
    format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A cell of the type "date" has its text in ISO 8601; midnight is left out.
pub fn iso(text: &str) -> String {
    if let Ok(date) = text.parse::<civil::Date>()
        && text.len() == 10
    {
        return date.to_string();
    }
    match text.trim_end_matches('Z').parse::<civil::DateTime>().and_then(|time| time.round(Unit::Second)) {
        Ok(time) if time.time() == civil::Time::midnight() => time.date().to_string(),
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use calamine::{CellErrorType, ExcelDateTimeType};

    use super::*;

    fn text(value: &DataRef<'_>, code: &str) -> String {
        match shown(value, &NumberForm::of(code)) {
            Shown::Empty => "(empty)".to_owned(),
            Shown::Text(text) => text,
            Shown::Fault(..) => "(fault)".to_owned(),
        }
    }

    #[test]
    fn numbers_are_as_they_are_shown() {
        for (number, code, expected) in [
            (42.0, "General", "42"),
            (42.0, "000000", "000042"),
            (43.0, "\"K-\"0000", "K-0043"),
            (43.0, "0000\\-\\x;[Red]-0000", "0043-x"),
            (-43.0, "0000", "-43"),
            (12_345_678.0, "000-00-0000", "012-34-5678"),
            (1_234_567_890.0, "(00)0000-00\\x", "(1234)5678-90x"),
            (5_550_101.0, "###-####", "5550101"),
            (7.0, "0", "7"),
            (0.5, "0%", "50%"),
            (0.125, "0.0%", "12.5%"),
            (1234.5, "#,##0.00", "1234.5"),
            (0.1 + 0.2, "General", "0.3"),
            (15_555_550_101.0, "General", "15555550101"),
            (999_999_999_999_999.0, "0", "999999999999999"),
            (12_345_678_901_234_567.0, "0", "(fault)"),
            (-1e15, "0", "(fault)"),
        ] {
            assert_eq!(text(&DataRef::Float(number), code), expected, "{number} as {code}");
        }
        assert_eq!(text(&DataRef::Int(12), "0000"), "0012");
        assert_eq!(text(&DataRef::Error(CellErrorType::NA), ""), "(fault)");
    }

    #[test]
    fn dates_are_dates_and_what_is_none_is_a_fault() {
        for (serial, since_1904, code, expected) in [
            (32_874.0, false, "yyyy-mm-dd", "1990-01-01"),
            (32_873.999_999_9, false, "yyyy-mm-dd", "1990-01-01"),
            (32_874.25, false, "yyyy-mm-dd h:mm", "1990-01-01 06:00:00"),
            (1.0, false, "yyyy-mm-dd", "1900-01-01"),
            (59.0, false, "d.m.yy", "1900-02-28"),
            (60.0, false, "yyyy-mm-dd", "(fault)"),
            (61.0, false, "yyyy-mm-dd", "1900-03-01"),
            (2_958_465.0, false, "yyyy-mm-dd", "9999-12-31"),
            (2_958_466.0, false, "yyyy-mm-dd", "(fault)"),
            (15_555_555.0, false, "yyyy-mm-dd", "(fault)"),
            (-3_499.0, false, "yyyy-mm-dd", "(fault)"),
            (0.0, false, "yyyy-mm-dd", "(fault)"),
            (0.375, false, "h:mm", "09:00:00"),
            (0.375, true, "h:mm", "09:00:00"),
            (0.0, true, "yyyy-mm-dd", "1904-01-01"),
            (f64::NAN, false, "yyyy-mm-dd", "(fault)"),
        ] {
            let time = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, since_1904);
            assert_eq!(text(&DataRef::DateTime(time), code), expected, "{serial} as {code}");
        }
        let elapsed = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(text(&DataRef::DateTime(elapsed), "[h]:mm"), "36:00:00");
        for (iso, expected) in [
            ("1990-01-01", "1990-01-01"),
            ("1990-01-01T00:00:00", "1990-01-01"),
            ("1990-01-01T12:00:00.000Z", "1990-01-01 12:00:00"),
            ("someday", "someday"),
        ] {
            assert_eq!(text(&DataRef::DateTimeIso(iso.to_owned()), ""), expected);
        }
    }
}
