//! Jobs: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, Jobs, NewJob, StoredJob, UserRole};

use super::{Faulty, forward};

forward! { Jobs:
    change fn add_job(job: NewJob, limits: JobLimits) -> Result<JobAdded, Error>;
    change fn record_job(job: NewJob, limits: JobLimits, part: Option<Vec<u8>>) -> Result<JobAdded, Error>;
    read fn jobs(account: AccountNo) -> Result<Vec<StoredJob>, Error>;
    read fn find_job(account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error>;
    change fn begin_job(key: JobKey, user: ObjectId, description: Vec<u8>, dry_run: bool, now: Timestamp) -> Result<bool, Error>;
    change fn stop_job(key: JobKey, now: Timestamp) -> Result<(), Error>;
    change fn remove_job(key: JobKey) -> Result<bool, Error>;
    read fn active_jobs() -> Result<Vec<ActiveJob>, Error>;
    change fn claim_job(key: JobKey, lease: u64, now: Timestamp) -> Result<Option<StoredJob>, Error>;
    read fn job_checkpoint(key: JobKey) -> Result<Option<Vec<u8>>, Error>;
    read fn job_part(key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error>;
    read fn accounts_with_jobs() -> Result<Vec<AccountNo>, Error>;
    change fn prune_jobs(before: Timestamp, done_before: Timestamp) -> Result<(), Error>;
    change fn forget_in_jobs(account: AccountNo, until: Timestamp) -> Result<(), Error>;
    + by hand:

    fn store_id(&self) -> [u8; 16] {
        self.store.store_id()
    }

    async fn report_job(&self, key: JobKey, lease: u64, report: JobReport) -> Result<Option<bool>, Error> {
        self.silent().await;
        self.change()?;
        self.store.report_job(key, lease, report).await
    }

    async fn job_stop_requested(&self, key: JobKey, lease: u64) -> Result<Option<bool>, Error> {
        self.silent().await;
        self.read()?;
        self.store.job_stop_requested(key, lease).await
    }

    async fn job_rights(
        &self,
        account: AccountNo,
        user: ObjectId,
    ) -> Result<Option<(String, UserRole)>, Error> {
        self.silent().await;
        self.read()?;
        self.store.job_rights(account, user).await
    }
}
