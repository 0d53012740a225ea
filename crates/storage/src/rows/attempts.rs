//! The delivery log: what both stores decide about it in the same way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Attempt, DeliveryEnd, EndpointHealth, LoggedAttempt, WebhookNo};
use domain::clock::Timestamp;
use domain::id::ObjectId;

/// Attempts that a process logs between two looks for those that are too many.
const TRIM_EVERY: u64 = 500;

/// How far the clocks of two nodes may be apart.
pub const SKEW: Duration = Duration::from_secs(10);

/// Counts logged attempts, so that the oldest of an account are deleted now and then, and not by each transaction.
#[derive(Debug, Default)]
pub struct Trim(AtomicU64);

impl Trim {
    /// Counts attempts in, and returns whether it is time to delete the oldest.
    pub fn is_due(&self, logged: usize) -> bool {
        let before = self.0.fetch_add(logged as u64, Ordering::Relaxed);
        (before + logged as u64) / TRIM_EVERY > before / TRIM_EVERY
    }
}

/// Takes the answer out of an attempt that was out when a person of the account was erased: the webhook may have held
/// the person's data, and the answer may repeat them.
pub fn redact(attempt: &mut LoggedAttempt, last_erase: Option<Timestamp>) {
    let began = attempt.at.before(attempt.took).before(SKEW);
    if last_erase.is_some_and(|erased| erased >= began) {
        attempt.answer = None;
    }
}

/// What is logged of an attempt to send the status webhook of a request; `None` if nothing was tried. `before`: the
/// attempts before it.
pub fn logged(
    attempt: &Attempt,
    request: ObjectId,
    uri: String,
    receiver: String,
    before: u32,
) -> Option<LoggedAttempt> {
    let response = attempt.response.as_ref()?;
    Some(LoggedAttempt {
        id: attempt.id,
        webhook: None,
        request: Some(request),
        uri,
        receiver,
        number: before.saturating_add(1),
        events: 1,
        at: attempt.at,
        took: attempt.took,
        end: response.end,
        status: response.status,
        answer: Some(response.answer.clone()),
    })
}

/// Milliseconds, as they are stored.
pub fn millis(took: Duration) -> i64 {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}

/// From stored milliseconds.
pub const fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

/// The stored number of a webhook.
pub fn webhook_code(webhook: Option<WebhookNo>) -> i64 {
    webhook.map_or(0, |webhook| webhook.0)
}

/// From the stored number.
pub fn webhook_of(code: i64) -> Option<WebhookNo> {
    (code != 0).then_some(WebhookNo(code))
}

/// The columns of the health of endpoints, over grouped attempts. The last failure is its time times 1,000 plus the
/// number of its end, which is below 1,000: the largest is the last.
pub const HEALTH: &str = "webhook, receiver, count(*), count(CASE WHEN met <> 0 THEN 1 END), max(at), \
                          max(CASE WHEN met <> 0 THEN at * 1000 + met END)";

/// The health of an endpoint from these columns.
pub fn health(
    webhook: i64,
    receiver: String,
    [attempts, failed, last_at]: [i64; 3],
    last_failure: Option<i64>,
) -> EndpointHealth {
    let failure = |last: i64| {
        (Timestamp::from_millis(last.div_euclid(1_000)), DeliveryEnd::from_code(last.rem_euclid(1_000)))
    };
    EndpointHealth {
        webhook: webhook_of(webhook),
        receiver,
        attempts: attempts.unsigned_abs(),
        failed: failed.unsigned_abs(),
        last_at: Timestamp::from_millis(last_at),
        last_failure: last_failure.map(failure),
    }
}
