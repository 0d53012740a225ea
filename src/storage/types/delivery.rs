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
    /// Whether anything was tried: what the store itself has kept from being sent is no attempt.
    pub made: bool,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When to try again, where it is pending.
    pub next_at: Timestamp,
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;
