//! `/v3/webhook/…`

pub mod config;
pub mod deliveries;
pub mod resend;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::method::Group;
use domain::id::ObjectId;
use storage::{DeliveryEnd, LoggedAttempt};

/// The methods about webhooks.
pub static GROUP: Group = Group {
    name: "Webhooks",
    text: "The delivery log: every attempt to send a webhook, with the time, the duration, and the HTTP status or the \
           cause. It holds the last 7 days, and at most the last 10,000 attempts of an account.",
};

/// An attempt to send a webhook, as the delivery log has it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptObject {
    /// Its id.
    id: ObjectId,
    /// The account webhook; null for the status webhook of a request.
    webhook_id: Option<i64>,
    /// The request that it reports; null for events and tests.
    request_id: Option<ObjectId>,
    /// Where it was sent.
    url: String,
    /// Which attempt of its delivery it was, from 1; 0 for a test event.
    attempt: u32,
    /// The events that it held.
    events: u32,
    /// When it ended: `YYYY-MM-DD hh:mm:ss`, UTC.
    at: String,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// Whether the receiver answered with a status from 200 to 299.
    delivered: bool,
    /// Why it failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`. Null if it did not fail.
    reason: Option<String>,
    /// The HTTP status of the answer; null if none came.
    status: Option<u16>,
    /// The first 1,024 bytes of the answer as text. Null if they were deleted because a person of the account was
    /// erased.
    response: Option<String>,
}

/// An attempt as it is answered.
pub fn attempt_object(attempt: LoggedAttempt) -> AttemptObject {
    let delivered = attempt.end == DeliveryEnd::Delivered;
    AttemptObject {
        id: attempt.id,
        webhook_id: attempt.webhook.map(|webhook| webhook.0),
        request_id: attempt.request,
        url: attempt.uri,
        attempt: attempt.number,
        events: attempt.events,
        at: attempt.at.to_string(),
        duration_ms: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        delivered,
        reason: (!delivered).then(|| attempt.end.to_string()),
        status: attempt.status,
        response: attempt.answer,
    }
}

/// A text that must not be empty; `None` if it is not one.
fn filled(raw: domain::json::Raw<'_>) -> Option<Cow<'_, str>> {
    raw.as_trimmed().filter(|text| !text.is_empty())
}
