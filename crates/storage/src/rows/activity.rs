//! What was done, by the minute. It is written with what was done, in the same transaction, so it is exact whatever
//! crashes; a transaction touches few minutes, so it costs a row or two however many batches there are.

use std::collections::BTreeMap;

use super::group::Origin;
use crate::{Activities, Activity, ActivityWindow, Attempt, DeliveryEnd};
use domain::apply::outcome::{Action, Tally};
use domain::apply::plan::Waiting;
use domain::clock::Timestamp;
use domain::journal::AccountNo;

/// The columns of the table `activity` that count, in the order of [`Activity::to_array`].
pub const COUNTED: [&str; 9] = [
    "created",
    "updated",
    "unchanged",
    "removed",
    "failed",
    "applied",
    "accepted",
    "delivered",
    "undelivered",
];

/// Milliseconds of a minute.
pub const MINUTE: i64 = 60_000;

/// What was done in a minute, by account and minute since 1970.
pub type Minutes = BTreeMap<(AccountNo, i64), Activity>;

/// The minute of a time.
pub const fn minute(time: Timestamp) -> i64 {
    time.millis().div_euclid(MINUTE)
}

/// What batches that are applied together have done: their items now, and their acceptance when it was.
pub fn of_group(waiting: &[Waiting], origins: &[Origin], tallies: &[Tally], now: Timestamp) -> Minutes {
    let mut minutes = Minutes::new();
    for ((batch, origin), tally) in waiting.iter().zip(origins).zip(tallies) {
        let accepted = (batch.account, minute(Timestamp::from_millis(origin.accepted_at)));
        minutes.entry(accepted).or_default().accepted += 1;
        minutes.entry((batch.account, minute(now))).or_default().add(of_batch(tally));
    }
    minutes
}

fn of_batch(tally: &Tally) -> Activity {
    let done = |action| tally.done[action as usize];
    Activity {
        created: done(Action::Created),
        updated: done(Action::Updated),
        unchanged: done(Action::Unchanged),
        removed: done(Action::Removed) + done(Action::Erased),
        failed: tally.failed.iter().sum(),
        applied: 1,
        ..Activity::default()
    }
}

/// What an attempt to send a webhook has done.
pub fn of_attempt(attempt: &Attempt) -> Activity {
    let mut activity = Activity::default();
    match attempt.end() {
        None => {}
        Some(DeliveryEnd::Delivered) => activity.delivered = 1,
        Some(_) => activity.undelivered = 1,
    }
    activity
}

/// The first minute of a window.
pub const fn first_minute(window: ActivityWindow) -> i64 {
    span(minute(window.since), window.minutes)
}

/// The first minute of the stretch that a minute is in.
const fn span(minute: i64, minutes: u32) -> i64 {
    // A stretch of no length is one of a minute.
    let width = if minutes == 0 { 1 } else { minutes as i64 };
    minute.div_euclid(width) * width
}

/// What is told of what was done, and of the minutes in which what waits was accepted.
pub fn told(window: ActivityWindow, done: Vec<(i64, Activity)>, waiting: Vec<(i64, u64)>) -> Activities {
    let mut spans: BTreeMap<i64, Activity> = BTreeMap::new();
    for (minute, activity) in done {
        spans.entry(span(minute, window.minutes)).or_default().add(activity);
    }
    for (minute, batches) in &waiting {
        if *minute >= first_minute(window) {
            spans.entry(span(*minute, window.minutes)).or_default().accepted += batches;
        }
    }
    let begins = |minute: i64| Timestamp::from_millis(minute.saturating_mul(MINUTE));
    Activities {
        spans: spans.into_iter().map(|(minute, activity)| (begins(minute), activity)).collect(),
        waiting: waiting.iter().map(|(_, batches)| batches).sum(),
    }
}
