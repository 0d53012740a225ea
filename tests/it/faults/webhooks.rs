//! The delivery log: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::journal::AccountNo;
use rollbook::storage::{
    AttemptFilter, EndpointHealth, Error, LoggedAttempt, NewAttempt, Page, Webhooks, Window,
};

use super::Faulty;

#[async_trait]
impl Webhooks for Faulty {
    async fn log_attempt(&self, attempt: NewAttempt) -> Result<(), Error> {
        self.change()?;
        self.store.log_attempt(attempt).await
    }

    async fn attempts(
        &self,
        account: AccountNo,
        filter: AttemptFilter,
        window: Window,
    ) -> Result<Page<LoggedAttempt>, Error> {
        self.read()?;
        self.store.attempts(account, filter, window).await
    }

    async fn endpoint_health(&self, account: AccountNo) -> Result<Vec<EndpointHealth>, Error> {
        self.read()?;
        self.store.endpoint_health(account).await
    }

    async fn resend_failed(
        &self,
        account: AccountNo,
        since: Timestamp,
        now: Timestamp,
        max: u32,
    ) -> Result<u32, Error> {
        self.change()?;
        self.store.resend_failed(account, since, now, max).await
    }
}
