//! The members of segments, and who joined or left: a consumer of the change feed.
//!
//! A list with segments has a cursor of its own. Each step reads the changes behind it, asks the filters of the list about
//! the contacts, and stores the members that changed, the events and the cursor in one transaction. Lists without segments
//! are not read, and applying writes nothing for segments.
//!
//! The exact size of a segment, and filters that name one, do not need this: they ask the filter itself.

mod draft;
mod follower;
mod judge;
mod past;
mod steps;

use std::time::Duration;

pub use self::follower::Follower;

/// How long events are stored.
pub const EVENTS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Days of growth that are stored.
pub const DAYS: i64 = 400;
