//! Counts of rejected requests: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::journal::AccountNo;
use storage::{ApiActivity, Error, JobRequests, Page, Rejection, RejectionFilter, Window};

use super::{Faulty, forward};

forward! { ApiActivity:
    change fn add_rejections(rejections: Vec<(AccountNo, Rejection)>) -> Result<(), Error>;
    read fn rejections(account: AccountNo, filter: RejectionFilter, window: Window) -> Result<Page<Rejection>, Error>;
    read fn job_requests(account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error>;
}
