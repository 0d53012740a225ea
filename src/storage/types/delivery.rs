//! Webhooks that go out.

use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};

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
    /// The receiver has taken it.
    Delivered,
    /// The receiver answered with this status.
    Status(u16),
    /// No answer came in time.
    TimedOut,
    /// The receiver could not be reached.
    NoConnection,
    /// The TLS handshake failed.
    NoTls,
    /// What came was no HTTP answer.
    NoAnswer,
    /// The receiver has no address that may be sent to.
    Forbidden,
    /// Nobody is left to sign it.
    Unsigned,
    /// The attempt itself went wrong.
    Broken,
}

impl DeliveryEnd {
    /// Those without a status, in the order of their stored numbers.
    const PLAIN: [Self; 8] = [
        Self::Delivered,
        Self::TimedOut,
        Self::NoConnection,
        Self::NoTls,
        Self::NoAnswer,
        Self::Forbidden,
        Self::Unsigned,
        Self::Broken,
    ];

    /// The stored number: a status is itself, and all others are below 100.
    pub fn code(self) -> i64 {
        match self {
            Self::Status(status) => i64::from(status),
            plain => {
                Self::PLAIN.iter().position(|end| *end == plain).and_then(|n| n.try_into().ok()).unwrap_or(0)
            }
        }
    }

    /// From the stored number.
    pub fn from_code(code: i64) -> Self {
        match usize::try_from(code) {
            Ok(plain) if plain < Self::PLAIN.len() => Self::PLAIN[plain],
            _ => u16::try_from(code).map_or(Self::Broken, Self::Status),
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

impl Default for Place {
    /// Where nothing stands.
    fn default() -> Self {
        Self { list: ListNo::NONE, position: 0 }
    }
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
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery's place.
    pub place: Place,
    /// When it ended.
    pub at: Timestamp,
    /// What it met with; `None` where nothing was tried: what the store itself has kept from being sent is no attempt.
    pub end: Option<DeliveryEnd>,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When to try again, where it is pending.
    pub next_at: Timestamp,
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;
