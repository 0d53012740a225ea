//! Counts of rejected requests: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use rollbook::journal::AccountNo;
use rollbook::storage::{ApiActivity, Error, JobRequests, Page, Rejection, RejectionFilter, Window};

use super::Faulty;

#[async_trait]
impl ApiActivity for Faulty {
    async fn add_rejections(&self, rejections: Vec<(AccountNo, Rejection)>) -> Result<(), Error> {
        self.change()?;
        self.store.add_rejections(rejections).await
    }

    async fn rejections(
        &self,
        account: AccountNo,
        filter: RejectionFilter,
        window: Window,
    ) -> Result<Page<Rejection>, Error> {
        self.read()?;
        self.store.rejections(account, filter, window).await
    }

    async fn job_requests(&self, account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error> {
        self.read()?;
        self.store.job_requests(account, max).await
    }
}
