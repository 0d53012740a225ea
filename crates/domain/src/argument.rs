//! Reads single values of a body or a query; each error is added to the problems of the request.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::clock::Timestamp;
use crate::contact::number;
use crate::json::{Raw, Value};
use crate::problem::{self, Problem};
use crate::schema::ValueType;

/// Reads an integer of this range; what is wrong with it is added to the problems under that code.
pub fn read_within(
    raw: Option<Raw<'_>>,
    key: &'static str,
    code: &'static str,
    range: RangeInclusive<u32>,
    problems: &mut Vec<Problem>,
) -> Option<u32> {
    let number = integer(raw?).and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| range.contains(number));
    if number.is_none() {
        let text = format!("Argument {key} must be an integer from {} to {}", range.start(), range.end());
        problems.push(Problem::new(code, text).of(key));
    }
    number
}

/// A time as [`Timestamp::parse`] reads it.
pub const TIME: ValueType =
    ValueType::pattern(usize::MAX, r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?)\s*$");

/// Reads a time.
///
/// # Errors
/// Where it is none.
pub fn read_time(raw: Option<Raw<'_>>, key: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let time = raw.as_trimmed().and_then(|text| Timestamp::parse(&text));
    time.map(Some).ok_or_else(|| not_a_time(key))
}

/// What should be a time is none.
pub fn not_a_time(key: &'static str) -> Problem {
    let text = format!("Argument {key} must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date");
    Problem::new("INVALID_TIME", text).of(key)
}

/// An integer, in whatever form JSON has it.
pub fn integer(raw: Raw<'_>) -> Option<i64> {
    match raw.value() {
        Value::Number(text) => number::integer(text),
        _ => None,
    }
}

/// A key that is true or false; false where it is absent or wrong.
pub fn read_flag(name: &'static str, raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> bool {
    let Some(raw) = raw else { return false };
    if !matches!(raw.value(), Value::Bool(_)) {
        problems.push(problem::top_flag(name));
    }
    raw.text() == "true"
}

/// A text to compare with, as [`Raw::as_text`] or [`Raw::as_trimmed`] reads it; `wrong` is the problem if it is no text.
/// A blank text means the same as an absent one.
pub fn read_filter(
    text: Option<Option<Cow<'_, str>>>,
    wrong: impl FnOnce() -> Problem,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let Some(text) = text? else {
        problems.push(wrong());
        return None;
    };
    Some(text.into_owned()).filter(|text| !text.trim().is_empty())
}
