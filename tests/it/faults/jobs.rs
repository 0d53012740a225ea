//! Jobs: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::id::ObjectId;
use rollbook::journal::AccountNo;
use rollbook::storage::{
    ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, Jobs, NewJob, StoredJob, UserRole,
};

use super::Faulty;

#[async_trait]
impl Jobs for Faulty {
    fn store_id(&self) -> [u8; 16] {
        self.store.store_id()
    }

    async fn add_job(&self, job: NewJob, limits: JobLimits) -> Result<JobAdded, Error> {
        self.change()?;
        self.store.add_job(job, limits).await
    }

    async fn jobs(&self, account: AccountNo) -> Result<Vec<StoredJob>, Error> {
        self.read()?;
        self.store.jobs(account).await
    }

    async fn find_job(&self, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error> {
        self.read()?;
        self.store.find_job(account, id).await
    }

    async fn begin_job(
        &self,
        key: JobKey,
        user: ObjectId,
        description: Vec<u8>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.begin_job(key, user, description, dry_run, now).await
    }

    async fn stop_job(&self, key: JobKey, now: Timestamp) -> Result<(), Error> {
        self.change()?;
        self.store.stop_job(key, now).await
    }

    async fn remove_job(&self, key: JobKey) -> Result<bool, Error> {
        self.change()?;
        self.store.remove_job(key).await
    }

    async fn active_jobs(&self) -> Result<Vec<ActiveJob>, Error> {
        self.read()?;
        self.store.active_jobs().await
    }

    async fn claim_job(&self, key: JobKey, lease: u64, now: Timestamp) -> Result<Option<StoredJob>, Error> {
        self.change()?;
        self.store.claim_job(key, lease, now).await
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

    async fn job_checkpoint(&self, key: JobKey) -> Result<Option<Vec<u8>>, Error> {
        self.read()?;
        self.store.job_checkpoint(key).await
    }

    async fn job_part(&self, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error> {
        self.read()?;
        self.store.job_part(key, number).await
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

    async fn accounts_with_jobs(&self) -> Result<Vec<AccountNo>, Error> {
        self.read()?;
        self.store.accounts_with_jobs().await
    }

    async fn prune_jobs(&self, before: Timestamp) -> Result<(), Error> {
        self.change()?;
        self.store.prune_jobs(before).await
    }

    async fn forget_in_jobs(&self, account: AccountNo, until: Timestamp) -> Result<(), Error> {
        self.change()?;
        self.store.forget_in_jobs(account, until).await
    }
}
