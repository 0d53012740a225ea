//! Answers that come in pages: `offset`, `limit` and the count of all that match.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::contact::number;
use crate::json::{Raw, Value};
use crate::param::{Param, Shape};
use crate::problem::Problem;
use crate::storage::{Page, Window};

/// How many rows are answered where nobody says how many.
const LIMIT: u32 = 20;

/// The most rows of one answer.
const MAX_LIMIT: u32 = 100;

/// How many rows are left out at the beginning.
pub const OFFSET_KEY: Param = Param::optional(
    "offset",
    Shape::Within(0, i64::MAX),
    "How many entries are left out at the beginning; 0 by default.",
);

/// How many rows there are at most.
pub const LIMIT_KEY: Param = Param::optional(
    "limit",
    Shape::Within(1, MAX_LIMIT as i64),
    "How many entries there are at most; 20 by default.",
);

/// A page as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paged<T> {
    /// The entries.
    data: Vec<T>,
    /// How many match in all.
    total_count: u64,
    /// How many were left out at the beginning.
    offset: u64,
    /// How many there are at most.
    limit: u32,
}

impl<T> Paged<T> {
    /// The rows of a page, each shown.
    pub fn of<R>(page: Page<R>, window: Window, show: impl FnMut(R) -> T) -> Self {
        let Window { offset, limit } = window;
        Self { data: page.rows.into_iter().map(show).collect(), total_count: page.total, offset, limit }
    }
}

/// Reads `offset` and `limit`; what is wrong with them is added to the problems.
pub fn read_window(offset: Option<Raw<'_>>, limit: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Window {
    let mut window = Window { offset: 0, limit: LIMIT };
    match offset.map(|raw| integer(raw).and_then(|offset| u64::try_from(offset).ok())) {
        None => {}
        Some(Some(offset)) => window.offset = offset,
        Some(None) => {
            let text = "Argument offset must be an integer that is not negative";
            problems.push(Problem::new("INVALID_OFFSET", text).of("offset"));
        }
    }
    if let Some(limit) = read_limit(limit, MAX_LIMIT, problems) {
        window.limit = limit;
    }
    window
}

/// Reads `limit`; what is wrong with it is added to the problems.
pub fn read_limit(raw: Option<Raw<'_>>, max: u32, problems: &mut Vec<Problem>) -> Option<u32> {
    read_within(raw, "limit", "INVALID_LIMIT", 1..=max, problems)
}

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
pub const TIME: Shape =
    Shape::pattern(usize::MAX, r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?)\s*$");

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

fn integer(raw: Raw<'_>) -> Option<i64> {
    match raw.value() {
        Value::Number(text) => number::integer(text),
        _ => None,
    }
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
