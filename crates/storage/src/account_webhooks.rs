//! What a store promises about account webhooks.

use async_trait::async_trait;

use super::{AccountWebhook, Error, WebhookCounts, WebhookKey, WebhookReport};
use domain::clock::Timestamp;
use domain::journal::AccountNo;

/// Account webhooks: what they send, how far they have come, and which process works them.
#[async_trait]
pub trait AccountWebhooks: Send + Sync + 'static {
    /// Adds a webhook, unless its account has `max` or one with its number. Whether it was added.
    async fn add_webhook(&self, webhook: AccountWebhook, max: usize) -> Result<bool, Error>;

    /// The webhooks of an account, the oldest first.
    async fn account_webhooks(&self, account: AccountNo) -> Result<Vec<AccountWebhook>, Error>;

    /// How many webhooks all accounts have.
    async fn count_webhooks(&self) -> Result<WebhookCounts, Error>;

    /// Removes a webhook. Whether it was there.
    async fn remove_webhook(&self, key: WebhookKey) -> Result<bool, Error>;

    /// Lets a webhook that is paused, or that waits after a failure, go on at once from where it stopped. Whether it is
    /// there.
    async fn resume_webhook(&self, key: WebhookKey, now: Timestamp) -> Result<bool, Error>;

    /// Claims all webhooks that no other living process works, and returns those of this process: neither paused nor of
    /// a disabled account. Each is worked by one process at a time.
    async fn claim_webhooks(&self) -> Result<Vec<AccountWebhook>, Error>;

    /// Stores how far a webhook has come and logs its attempts, in one transaction. Whether the claim still holds: if
    /// not, nothing was stored.
    async fn report_webhook(&self, report: WebhookReport) -> Result<bool, Error>;
}
