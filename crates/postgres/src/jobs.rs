//! Jobs. A claim counts for as long as its node is heard of (see [`super::node`]).

use async_trait::async_trait;

use super::PostgresStore;
use super::catalogue::jobs;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, Jobs, NewJob, StoredJob, UserRole};

#[async_trait]
impl Jobs for PostgresStore {
    fn store_id(&self) -> [u8; 16] {
        self.shared.store_id
    }

    async fn add_job(&self, job: NewJob, limits: JobLimits) -> Result<JobAdded, Error> {
        self.write(move |session, _| jobs::add(session, &job, limits)).await
    }

    async fn record_job(
        &self,
        job: NewJob,
        limits: JobLimits,
        part: Option<Vec<u8>>,
    ) -> Result<JobAdded, Error> {
        self.write(move |session, _| jobs::record(session, &job, limits, part.as_deref())).await
    }

    async fn jobs(&self, account: AccountNo) -> Result<Vec<StoredJob>, Error> {
        self.read(move |session, _| jobs::all(session, account)).await
    }

    async fn find_job(&self, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error> {
        self.read(move |session, _| jobs::find(session, account, id)).await
    }

    async fn begin_job(
        &self,
        key: JobKey,
        user: ObjectId,
        description: Vec<u8>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.write(move |session, _| jobs::begin(session, key, user, &description, dry_run, now)).await
    }

    async fn stop_job(&self, key: JobKey, now: Timestamp) -> Result<(), Error> {
        self.write(move |session, _| jobs::stop(session, key, now)).await
    }

    async fn remove_job(&self, key: JobKey) -> Result<bool, Error> {
        self.write(move |session, _| jobs::remove(session, key)).await
    }

    async fn active_jobs(&self) -> Result<Vec<ActiveJob>, Error> {
        self.read(jobs::active).await
    }

    async fn claim_job(&self, key: JobKey, lease: u64, now: Timestamp) -> Result<Option<StoredJob>, Error> {
        self.write(move |session, shared| jobs::claim(session, shared, key, lease, now)).await
    }

    async fn report_job(&self, key: JobKey, lease: u64, report: JobReport) -> Result<Option<bool>, Error> {
        self.write(move |session, _| jobs::report(session, key, lease, &report)).await
    }

    async fn job_stop_requested(&self, key: JobKey, lease: u64) -> Result<Option<bool>, Error> {
        self.read(move |session, _| jobs::stop_requested(session, key, lease)).await
    }

    async fn job_checkpoint(&self, key: JobKey) -> Result<Option<Vec<u8>>, Error> {
        self.read(move |session, _| jobs::part(session, key, 0)).await
    }

    async fn job_part(&self, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error> {
        self.read(move |session, _| jobs::part(session, key, number)).await
    }

    async fn job_rights(
        &self,
        account: AccountNo,
        user: ObjectId,
    ) -> Result<Option<(String, UserRole)>, Error> {
        self.read(move |session, _| jobs::rights(session, account, user)).await
    }

    async fn accounts_with_jobs(&self) -> Result<Vec<AccountNo>, Error> {
        self.read(|session, _| jobs::accounts(session)).await
    }

    async fn prune_jobs(&self, before: Timestamp, done_before: Timestamp) -> Result<(), Error> {
        self.write(move |session, _| jobs::prune(session, before, done_before)).await
    }

    async fn forget_in_jobs(&self, account: AccountNo, until: Timestamp) -> Result<(), Error> {
        self.write(move |session, _| jobs::forget(session, account, until)).await
    }
}
