//! The counts of a segment on one day.

use schemars::JsonSchema;
use serde::Serialize;

use app::segment_growth::date;
use storage::SegmentDay;

/// A segment on one day, by UTC.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GrowthDay {
    /// The day, `YYYY-MM-DD`.
    date: String,
    /// How many contacts were in the segment at its end. Of today, how many are in it as far as changes were followed.
    contacts: u64,
    /// How many contacts joined.
    joined: u64,
    /// How many contacts left.
    left: u64,
}

impl GrowthDay {
    /// As it is answered.
    pub fn of(day: SegmentDay) -> Self {
        Self { date: date(day.day), contacts: day.members, joined: day.joined, left: day.left }
    }
}
