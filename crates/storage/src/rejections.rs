//! What a store promises about rejected requests, and about who sent requests.

use async_trait::async_trait;

use super::{Error, JobRequests, Page, Rejection, RejectionFilter, Window};
use domain::journal::AccountNo;

/// Counts of rejected requests by the hour.
#[async_trait]
pub trait ApiActivity: Send + Sync + 'static {
    /// Adds to the counts of accounts.
    async fn add_rejections(&self, rejections: Vec<(AccountNo, Rejection)>) -> Result<(), Error>;

    /// The rejections of an account that fit: the latest hour first, and in it the most frequent.
    async fn rejections(
        &self,
        account: AccountNo,
        filter: RejectionFilter,
        window: Window,
    ) -> Result<Page<Rejection>, Error>;

    /// The requests of the account's imports and bulk changes that are stored, by job: the latest first, at most `max`.
    async fn job_requests(&self, account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error>;
}
