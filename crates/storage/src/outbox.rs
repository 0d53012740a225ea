//! Webhooks on their way out.

use async_trait::async_trait;

use super::{Attempt, Delivery, Error, WebhookSecrets};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// Webhooks of processed requests. They are stored by the transaction that applies the request.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Webhooks that are due, each given to one caller only until it is finished or the process ends.
    /// At most `per_receiver` of one receiver are out at a time.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error>;

    /// Stores the outcomes of attempts, logs them, and gives the deliveries back.
    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error>;

    /// When the next delivery is due that could be claimed: of receivers that have fewer than `per_receiver` out.
    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error>;

    /// Makes the webhook of a request due at `now`, with all its attempts before it, whatever became of it so far.
    /// Whether there is one, of the account where one is named.
    async fn resend(
        &self,
        account: Option<AccountNo>,
        request: ObjectId,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// The secrets that sign an account's webhooks at `now`.
    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error>;
}
