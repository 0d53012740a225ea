//! What an account's programs and jobs have sent: requests that were rejected, and the requests of jobs.

use super::{Caller, Operation, Queries, Reach};
use storage::{Error, JobRequests, Page, Rejection, RejectionFilter, Window};

/// Reads rejected requests.
pub static REJECTED: Operation = Operation::read("/v3/request/rejected", Reach::Account);

impl Queries {
    /// The rejected requests that fit, counted by the hour.
    ///
    /// # Errors
    /// The store fails.
    pub async fn rejections(
        &self,
        caller: &Caller,
        filter: RejectionFilter,
        window: Window,
    ) -> Result<Page<Rejection>, Error> {
        self.0.storage.rejections(caller.scope.account, filter, window).await
    }

    /// The requests of imports and bulk changes by job, the latest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn job_requests(&self, caller: &Caller, max: u32) -> Result<Vec<JobRequests>, Error> {
        self.0.storage.job_requests(caller.scope.account, max).await
    }
}
