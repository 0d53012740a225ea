//! What a store promises about the log of webhooks.

use async_trait::async_trait;

use super::{AttemptFilter, EndpointHealth, Error, LoggedAttempt, NewAttempt, Page, Window};
use domain::clock::Timestamp;
use domain::journal::AccountNo;

/// Attempts of an account that are stored, the newest. Some hundreds more may be there for a while.
pub const MAX_ATTEMPTS: u32 = 10_000;

/// Endpoints whose health is returned, those with the newest attempts.
pub const MAX_ENDPOINTS: u32 = 200;

/// The delivery log. [`finish_deliveries`](super::Outbox::finish_deliveries) writes attempts, in the transaction that
/// ends them.
#[async_trait]
pub trait Webhooks: Send + Sync + 'static {
    /// Logs an attempt that has no delivery.
    async fn log_attempt(&self, attempt: NewAttempt) -> Result<(), Error>;

    /// The attempts of an account that fit, the newest first.
    async fn attempts(
        &self,
        account: AccountNo,
        filter: AttemptFilter,
        window: Window,
    ) -> Result<Page<LoggedAttempt>, Error>;

    /// How each endpoint of an account has fared: those with the newest attempts first, at most [`MAX_ENDPOINTS`].
    async fn endpoint_health(&self, account: AccountNo) -> Result<Vec<EndpointHealth>, Error>;

    /// Makes status webhooks due again at `now` that were given up and whose last attempt was at `since` or later and
    /// before `now`, at most `max` of them. Returns how many; fewer than `max` if none is left.
    async fn resend_failed(
        &self,
        account: AccountNo,
        since: Timestamp,
        now: Timestamp,
        max: u32,
    ) -> Result<u32, Error>;
}
