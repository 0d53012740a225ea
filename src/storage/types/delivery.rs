//! Webhooks that go out.

use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::AccountNo;

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

/// How a webhook fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
}

/// A webhook that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The journal position of its request.
    pub position: u64,
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
    /// The delivery's position.
    pub position: u64,
    /// Whether anything was tried: what the store itself has kept from being sent is no attempt.
    pub made: bool,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When to try again, where it is pending.
    pub next_at: Timestamp,
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;
