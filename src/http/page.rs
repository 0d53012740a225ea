//! Answers that come in pages: `offset`, `limit` and the count of all that match.

use serde::Serialize;
use serde_json::json;

use super::call::Answer;
use crate::contact::number;
use crate::intake::problem::Problem;
use crate::json::{Raw, Value};
use crate::storage::{Page, Window};

/// How many rows are answered where nobody says how many.
const LIMIT: u32 = 20;

/// The most rows of one answer.
const MAX_LIMIT: u32 = 100;

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
    match limit.map(|raw| integer(raw).and_then(|limit| u32::try_from(limit).ok())) {
        None => {}
        Some(Some(limit @ 1..=MAX_LIMIT)) => window.limit = limit,
        Some(_) => {
            let text = format!("Argument limit must be an integer from 1 to {MAX_LIMIT}");
            problems.push(Problem::new("INVALID_LIMIT", text).of("limit"));
        }
    }
    window
}

fn integer(raw: Raw<'_>) -> Option<i64> {
    match raw.value() {
        Value::Number(text) => number::integer(text),
        _ => None,
    }
}

/// A page as it is answered.
pub fn answer<T, D: Serialize>(page: &Page<T>, window: Window, show: impl Fn(&T) -> D) -> Answer {
    let data: Vec<_> = page.rows.iter().map(show).collect();
    Answer::new([
        ("data", json!(data)),
        ("totalCount", json!(page.total)),
        ("offset", json!(window.offset)),
        ("limit", json!(window.limit)),
    ])
}
