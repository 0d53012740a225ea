//! Account webhooks.

use super::{DeliveryEnd, LoggedAttempt, WebhookNo};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, WebHook};

/// What an account webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookKey {
    /// The account.
    pub account: AccountNo,
    /// Its number.
    pub no: WebhookNo,
}

/// What an account webhook sends, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Its title.
    pub title: String,
    /// Where it goes.
    pub to: WebHook,
    /// The names of its events.
    pub events: Vec<String>,
    /// A domain of the vendor, which is only echoed.
    pub domain: Option<String>,
    /// Whether several messages may be out at a time. Otherwise they are sent one after the other, in order.
    pub parallel: bool,
    /// Events of a message at most; a message of 1 is the event itself.
    pub batch: u32,
}

/// How far an account webhook has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookProgress {
    /// The cursor behind the last event that was delivered; empty to begin at the oldest change.
    pub cursor: Vec<u8>,
    /// The number of the last event of segments that was delivered; `None` if it has no such events.
    pub segments: Option<u64>,
    /// How often the message that is due has failed.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Since when nothing was delivered, if the last attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When it was paused, and how the last attempt had ended.
    pub paused: Option<(Timestamp, DeliveryEnd)>,
    /// When changes were skipped, since they were not stored any more.
    pub skipped_at: Option<Timestamp>,
}

/// An account webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountWebhook {
    /// What it is called.
    pub key: WebhookKey,
    /// What it sends.
    pub config: WebhookConfig,
    /// When it was created.
    pub created_at: Timestamp,
    /// How far it has come.
    pub progress: WebhookProgress,
    /// How often it was claimed. A report that names another claim changes nothing.
    pub lease: i64,
}

/// How many webhooks a store has, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Those whose last attempt did not fail.
    pub active: u64,
    /// Those whose last attempt failed.
    pub failing: u64,
    /// Those that send nothing until they are resumed.
    pub paused: u64,
}

/// What a worker of a webhook reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReport {
    /// The webhook.
    pub key: WebhookKey,
    /// The claim under which it was worked.
    pub lease: i64,
    /// How far it has come.
    pub progress: WebhookProgress,
    /// The attempts since the last report.
    pub attempts: Vec<LoggedAttempt>,
}
