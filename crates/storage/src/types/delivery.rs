//! Webhooks that go out.

use std::fmt;
use std::time::Duration;

use super::Response;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, or sent again.
    Pending,
    /// A receiver has answered 2xx.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The stored number.
    pub const fn code(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
        }
    }

    /// From the stored number.
    pub const fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Pending,
            1 => Self::Delivered,
            _ => Self::Failed,
        }
    }
}

/// How a webhook fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; `None` where it is not, or where its request is not processed yet.
    pub next_at: Option<Timestamp>,
    /// When it was tried last, also before somebody had it sent again, and what that came to.
    pub last: Option<(Timestamp, DeliveryEnd)>,
}

/// What an attempt to send a webhook met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The receiver answered 2xx.
    Delivered,
    /// The receiver answered with this other status; redirects are not followed.
    Status(u16),
    /// No status line within the time limit.
    TimedOut,
    /// No address of the receiver took the connection.
    NoConnection,
    /// The TLS handshake failed in a way that has no code of its own.
    NoTls,
    /// The connection broke before a status line came.
    NoAnswer,
    /// The receiver has no address that webhooks may be sent to.
    Forbidden,
    /// The account or the request is gone: nothing signs the webhook.
    Unsigned,
    /// The attempt failed inside the server.
    Broken,
    /// The receiver's name has no address.
    HostNotFound,
    /// The receiver's name was not resolved within the time limit.
    HostTimedOut,
    /// The receiver's machine refused the connection.
    Refused,
    /// No connection within the time limit, TLS included.
    ConnectTimedOut,
    /// No trusted authority has issued the certificate.
    UnknownCa,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is invalid in another way: revoked, malformed, for another use.
    BadCertificate,
    /// The receiver does not speak TLS, or no version or cipher that the server speaks.
    TlsProtocol,
    /// The server has no trusted roots to verify an https receiver with.
    NoRoots,
    /// The answer is not HTTP/1.1.
    NotHttp,
}

/// HTTP 410: Standard Webhooks asks senders to stop then.
const GONE: u16 = 410;

impl DeliveryEnd {
    /// Ends without a status, with their codes in answers, in the order of their stored numbers. New ones are added at
    /// the end.
    const PLAIN: [(Self, &str); 20] = [
        (Self::Delivered, "DELIVERED"),
        (Self::TimedOut, "TIMEOUT"),
        (Self::NoConnection, "CONNECTION_FAILED"),
        (Self::NoTls, "TLS_FAILED"),
        (Self::NoAnswer, "CONNECTION_LOST"),
        (Self::Forbidden, "ADDRESS_NOT_ALLOWED"),
        (Self::Unsigned, "REQUEST_GONE"),
        (Self::Broken, "INTERNAL_ERROR"),
        (Self::HostNotFound, "HOST_NOT_FOUND"),
        (Self::HostTimedOut, "HOST_TIMEOUT"),
        (Self::Refused, "CONNECTION_REFUSED"),
        (Self::ConnectTimedOut, "CONNECTION_TIMEOUT"),
        (Self::UnknownCa, "TLS_UNKNOWN_CA"),
        (Self::Expired, "TLS_EXPIRED"),
        (Self::NotYetValid, "TLS_NOT_YET_VALID"),
        (Self::WrongName, "TLS_WRONG_NAME"),
        (Self::BadCertificate, "TLS_BAD_CERTIFICATE"),
        (Self::TlsProtocol, "TLS_PROTOCOL"),
        (Self::NoRoots, "TLS_NO_ROOTS"),
        (Self::NotHttp, "NOT_HTTP"),
    ];

    fn plain(self) -> Option<(usize, &'static str)> {
        let mut plain = Self::PLAIN.iter().enumerate();
        plain.find_map(|(place, (end, name))| (*end == self).then_some((place, *name)))
    }

    /// The stored number: a status is itself, and all others are below 100.
    pub fn code(self) -> i64 {
        match self {
            Self::Status(status) => i64::from(status),
            plain => plain.plain().and_then(|(place, _)| place.try_into().ok()).unwrap_or(0),
        }
    }

    /// From the stored number.
    pub fn from_code(code: i64) -> Self {
        match usize::try_from(code) {
            Ok(place) if place < Self::PLAIN.len() => Self::PLAIN[place].0,
            _ => u16::try_from(code).map_or(Self::Broken, Self::Status),
        }
    }

    /// Whether no further attempt is made: delivered, or retries cannot or must not help.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Forbidden | Self::Unsigned | Self::Status(GONE))
    }
}

/// The code in answers and in the log: `HTTP_` and the status, or a word.
impl fmt::Display for DeliveryEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP_{status}"),
            plain => f.write_str(plain.plain().map_or("", |(_, name)| name)),
        }
    }
}

/// Where a batch stands in the journal. Batches of one list are applied in the order of their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Its list.
    pub list: ListNo,
    /// Its position: no other batch of the list ever has the same.
    pub position: u64,
}

/// A webhook that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where its request stood in the journal.
    pub place: Place,
    /// The request.
    pub request: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// Where it goes.
    pub uri: String,
    /// `scheme://host:port` of that.
    pub receiver: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it was sent again by hand.
    pub generation: u32,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id in the delivery log.
    pub id: ObjectId,
    /// The delivery's place.
    pub place: Place,
    /// The delivery's generation when it was claimed. Where it was sent again by hand since, the new attempts stand,
    /// and of this one only its end is noted.
    pub generation: u32,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it met with; `None` if nothing was tried: a webhook that the store itself has held back is no attempt.
    pub response: Option<Response>,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When to try again, where it is pending.
    pub next_at: Timestamp,
}

impl Attempt {
    /// How it ended; `None` if nothing was tried.
    pub fn end(&self) -> Option<DeliveryEnd> {
        self.response.as_ref().map(|response| response.end)
    }
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_back_from_their_numbers() {
        let ends = DeliveryEnd::PLAIN.map(|(end, _)| end);
        for end in ends.into_iter().chain([DeliveryEnd::Status(410), DeliveryEnd::Status(599)]) {
            assert_eq!(DeliveryEnd::from_code(end.code()), end, "{end}");
        }
        assert_eq!(DeliveryEnd::from_code(-1), DeliveryEnd::Broken);
        // Numbers of stores that are there already.
        assert_eq!(DeliveryEnd::from_code(7), DeliveryEnd::Broken);
        assert_eq!(
            (DeliveryEnd::Status(302).to_string(), DeliveryEnd::Expired.to_string()),
            ("HTTP_302".to_owned(), "TLS_EXPIRED".to_owned())
        );
    }
}
