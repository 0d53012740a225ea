//! Values as people write them, brought to the form that the API takes. A value that has this form already costs one
//! check. What cannot be read without a guess is a fault, with the way to mend it.

mod dates;
mod phones;
mod words;
mod zones;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::dates::{DateOrder, Order};
pub use self::phones::region;
use domain::contact::field::{Field, Kind};
use domain::contact::{gender, language, link, phone, timezone};

/// How the values of an import are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Values {
    /// The region of phone numbers without a country code, such as EE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The order of day and month; recognized by the column if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<Order>,
    /// Whether a row is imported without a value that does not fit its field; else the row fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leave_out: bool,
}

/// How the cells of one column are written, beside what holds for the whole import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Phone numbers without a plus begin with a country code.
    pub international: bool,
    /// The order of day and month.
    pub order: DateOrder,
    /// A yes means no: the column says who must not be written to.
    pub reversed: bool,
}

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Yes or no.
    Flag(bool),
    /// A birthday without a year: the API has no form for it.
    NoYear,
    /// None that fits, and why.
    Fault(String),
}

impl<'a> Value<'a> {
    const fn same(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// Words and marks that programs write where there is no value. `Null` and `Nan` are names of people, and these are not.
pub fn is_nothing(cell: &str) -> bool {
    matches!(cell, "NULL" | "\\N" | "nan" | "NaN" | "<NA>" | "(null)")
}

/// Errors of spreadsheets, as they write them into a CSV in English and German.
const ERRORS: [&str; 14] = [
    "#N/A",
    "#NV",
    "#REF!",
    "#BEZUG!",
    "#VALUE!",
    "#WERT!",
    "#NAME?",
    "#DIV/0!",
    "#NUM!",
    "#ZAHL!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#GETTING_DATA",
];

/// Whether a cell is an error of a spreadsheet.
pub fn is_error(cell: &str) -> bool {
    cell.as_bytes().first() == Some(&b'#') && ERRORS.contains(&cell)
}

/// Reads a cell that is not empty for a field.
pub fn read<'a>(field: Field, text: &'a str, values: &Values, written: Written) -> Value<'a> {
    match field.kind() {
        Some(Kind::Flag) => match words::flag(text) {
            Some(flag) => Value::Flag(flag != written.reversed),
            // A doubtful answer is no consent.
            None if written.reversed => Value::Fault(format!("\"{}\" is neither yes nor no", escaped(text))),
            None => Value::same(text),
        },
        Some(Kind::Identifier) if field == Field::PhoneNumber && !phone::is_valid(text) => {
            phones::read(text, values.country.as_deref(), written.international)
        }
        Some(Kind::Birthday) => date(text, values, written),
        Some(Kind::Language) if language::parse(text).is_none() => match words::language(text) {
            Some(language) => Value::Text(Cow::Owned(language)),
            None => Value::same(text),
        },
        Some(Kind::Gender) if gender::parse(text).is_none() => match words::gender(text) {
            Some(gender) => Value::same(gender),
            None => Value::same(text),
        },
        Some(Kind::Timezone) if !timezone::is_valid(text) => match zones::iana(text) {
            Some(zone) => Value::same(zone),
            None => Value::same(text),
        },
        Some(Kind::Link) if !link::is_valid(text) || !text.contains(['/', '.']) => link_of(field, text),
        Some(Kind::Link) => match words::is_handle(field, text) {
            true => link_of(field, text),
            false => Value::same(text),
        },
        _ => Value::same(text),
    }
}

/// Reads a cell that is not empty for a date.
pub fn date<'a>(text: &'a str, values: &Values, written: Written) -> Value<'a> {
    dates::read(text, values.dates.map_or(written.order, DateOrder::Said))
}

/// What a cell tells about the order of day and month in its column.
pub fn date_order(text: &str) -> Option<Order> {
    dates::order(text)
}

fn link_of(field: Field, text: &str) -> Value<'_> {
    match words::profile_link(field, text) {
        Some(link) => Value::Text(Cow::Owned(link)),
        None => Value::same(text),
    }
}

/// A text with invisible characters written out, cut to the length of a message.
pub fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars().take(60) {
        match letter {
            '\u{a0}' => shown.push_str("\\u{a0}"),
            letter if letter.is_control() || domain::contact::invisible::is(letter) => {
                shown.extend(letter.escape_unicode())
            }
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(field: Field, text: &str) -> String {
        let values = Values { country: Some("EE".to_owned()), ..Values::default() };
        match read(field, text, &values, Written::default()) {
            Value::Text(text) => text.into_owned(),
            Value::Flag(flag) => flag.to_string(),
            Value::NoYear => "(no year)".to_owned(),
            Value::Fault(_) => "(fault)".to_owned(),
        }
    }

    #[test]
    fn each_field_reads_what_people_write_for_it() {
        for (field, text, expected) in [
            (Field::Active, "Ja", "true"),
            (Field::Active, "ні", "false"),
            (Field::Active, "perhaps", "perhaps"),
            (Field::PhoneNumber, "5555 5555", "+37255555555"),
            (Field::ContactBirthday, "31.01.1990", "1990-01-31"),
            (Field::ContactBirthday, "--02-29", "(no year)"),
            (Field::ContactLanguage, "en-US", "en"),
            (Field::ContactLanguage, "ET_ee", "et"),
            (Field::ContactLanguage, "Deutsch", "de"),
            (Field::ContactLanguage, "xx-US", "xx-US"),
            (Field::ContactGender, "Frau", "female"),
            (Field::ContactGender, "2", "2"),
            (Field::ContactTimezone, "FLE Standard Time", "Europe/Kiev"),
            (Field::ContactTimezone, "Europe/Tallinn", "Europe/Tallinn"),
            (Field::TwitterLink, "@ann_example", "https://x.com/ann_example"),
            (Field::FacebookLink, "ann.example.7", "https://www.facebook.com/ann.example.7"),
            (Field::LinkedInLink, "linkedin.com/in/ann", "linkedin.com/in/ann"),
            (Field::InstagramLink, "ann example", "ann example"),
            (Field::AvatarLink, "ann", "ann"),
        ] {
            assert_eq!(told(field, text), expected, "{} {text}", field.name());
        }
    }

    #[test]
    fn what_stands_for_nothing_is_known() {
        for (cell, nothing, error) in [
            ("NULL", true, false),
            ("Null", false, false),
            ("\\N", true, false),
            ("nan", true, false),
            ("Nan", false, false),
            ("#N/A", false, true),
            ("#1", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_nothing(cell), is_error(cell)), (nothing, error), "{cell}");
        }
        assert_eq!(escaped("a\u{200b}b\tc\u{a0}"), "a\\u{200b}b\\u{9}c\\u{a0}");
    }
}
