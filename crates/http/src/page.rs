//! Answers that come in pages: `offset`, `limit` and the count of all that match.

use schemars::JsonSchema;
use serde::Serialize;

use domain::argument::{integer, read_within};
use domain::json::Raw;
use domain::problem::Problem;
use domain::schema::{FieldSpec, ValueType};
use storage::{Page, Window};

/// How many rows are answered where nobody says how many.
const LIMIT: u32 = 20;

/// The most rows of one answer.
const MAX_LIMIT: u32 = 100;

/// How many rows are left out at the beginning.
pub const OFFSET_KEY: FieldSpec = FieldSpec::optional(
    "offset",
    ValueType::Within(0, i64::MAX),
    "How many entries are left out at the beginning; 0 by default.",
);

/// How many rows there are at most.
pub const LIMIT_KEY: FieldSpec = FieldSpec::optional(
    "limit",
    ValueType::Within(1, MAX_LIMIT as i64),
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
