//! Attempts to send webhooks, as they are logged.

use std::time::Duration;

use super::DeliveryEnd;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// Bytes of a receiver's answer that are logged.
pub const MAX_ANSWER: usize = 1_024;

/// The number of an account webhook within its store, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookNo(pub i64);

/// What a receiver answered, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How the attempt ended.
    pub end: DeliveryEnd,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// The beginning of the body, at most [`MAX_ANSWER`] bytes.
    pub answer: String,
}

impl Response {
    /// A response with this status and this beginning of a body.
    pub fn of(status: u16, body: &[u8]) -> Self {
        let end = match status {
            200..=299 => DeliveryEnd::Delivered,
            other => DeliveryEnd::Status(other),
        };
        Self { end, status: Some(status), answer: text(body) }
    }
}

/// An attempt that brought no body.
impl From<DeliveryEnd> for Response {
    fn from(end: DeliveryEnd) -> Self {
        let status = match end {
            DeliveryEnd::Status(status) => Some(status),
            _ => None,
        };
        Self { end, status, answer: String::new() }
    }
}

/// The beginning of a body as text. Bytes that are not UTF-8, and the one character that PostgreSQL cannot store, become
/// replacement characters.
fn text(body: &[u8]) -> String {
    let mut text = String::new();
    for sign in String::from_utf8_lossy(body).chars() {
        let sign = if sign == '\0' { char::REPLACEMENT_CHARACTER } else { sign };
        if text.len() + sign.len_utf8() > MAX_ANSWER {
            break;
        }
        text.push(sign);
    }
    text
}

/// An attempt as the delivery log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAttempt {
    /// Its id.
    pub id: ObjectId,
    /// The account webhook; `None` for the status webhook of a request.
    pub webhook: Option<WebhookNo>,
    /// The request that it reports; `None` for events and tests.
    pub request: Option<ObjectId>,
    /// Where it went.
    pub uri: String,
    /// `scheme://host:port` of that.
    pub receiver: String,
    /// Which attempt of its delivery it was, from 1; 0 for a test event.
    pub number: u32,
    /// The events in it.
    pub events: u32,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, to the millisecond.
    pub took: Duration,
    /// How it ended.
    pub end: DeliveryEnd,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// The beginning of the receiver's answer; `None` if it was deleted because a person of the account was erased.
    pub answer: Option<String>,
}

/// An attempt that is logged on its own, without a delivery: a test event.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// The account.
    pub account: AccountNo,
    /// What is logged.
    pub attempt: LoggedAttempt,
}

/// Which attempts are wanted: those that all of these fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// The one with this id.
    pub id: Option<ObjectId>,
    /// Those that failed, or those that did not.
    pub failed: Option<bool>,
    /// Of this account webhook.
    pub webhook: Option<WebhookNo>,
    /// Of the status webhook of this request.
    pub request: Option<ObjectId>,
    /// To this `scheme://host:port`.
    pub receiver: Option<String>,
}

/// How the attempts to one endpoint have fared, over the time that they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// The account webhook; `None` for status webhooks.
    pub webhook: Option<WebhookNo>,
    /// `scheme://host:port`.
    pub receiver: String,
    /// The attempts.
    pub attempts: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// When the last one ended.
    pub last_at: Timestamp,
    /// The last one that failed, and why.
    pub last_failure: Option<(Timestamp, DeliveryEnd)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_at_a_character_and_holds_nothing_that_a_store_refuses() {
        let answer = Response::of(200, b"a\0b\xff").answer;
        assert_eq!(answer, "a\u{fffd}b\u{fffd}");
        let long = Response::of(500, "é".repeat(MAX_ANSWER).as_bytes());
        assert_eq!((long.answer.len(), long.end), (MAX_ANSWER, DeliveryEnd::Status(500)));
        let odd = Response::of(204, format!("a{}", "é".repeat(MAX_ANSWER)).as_bytes());
        assert_eq!(
            (odd.answer.len(), odd.end, odd.status),
            (MAX_ANSWER - 1, DeliveryEnd::Delivered, Some(204))
        );
    }
}
