//! Requests that were rejected.

use domain::clock::Timestamp;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;

/// Rejected requests of one hour that have all but their number in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The hour, since 1970.
    pub hour: i64,
    /// The public part of the token.
    pub token: String,
    /// The path of the method.
    pub method: String,
    /// The status.
    pub status: u16,
    /// The code. A request with several has a row for each.
    pub code: String,
    /// How many requests.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Timestamp,
}

/// Which rejections are wanted: those that all of these fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionFilter {
    /// Of this token.
    pub token: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// In the hour of this time or later.
    pub since: Option<Timestamp>,
}

/// The requests of an import or a bulk change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequests {
    /// `job:` and the id of the job.
    pub token: String,
    /// How many requests are stored.
    pub requests: u64,
    /// How many of their items failed.
    pub failed: u64,
    /// When the first and the last of them were accepted.
    pub accepted: (Timestamp, Timestamp),
}
