//! What a store promises about jobs.

use async_trait::async_trait;

use super::{ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, NewJob, StoredJob, UserRole};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// Jobs of accounts: what they are, what users want of them, how far they have come, and which node runs them.
///
/// A node claims a job before it runs it. Each claim raises the lease, and a report that names an older lease changes
/// nothing: a node that lost its job (it was silent for too long) learns so from its next report.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// The id of the store. Files that are kept beside it lie under this id.
    fn store_id(&self) -> [u8; 16];

    /// Adds a job.
    async fn add_job(&self, job: NewJob, limits: JobLimits) -> Result<JobAdded, Error>;

    /// Adds a job that a client runs, or writes down how far it is by now, and appends a part to its output. Such a job is
    /// done, and no node claims it. [`JobAdded::Exists`] if another job has its id.
    async fn record_job(
        &self,
        job: NewJob,
        limits: JobLimits,
        part: Option<Vec<u8>>,
    ) -> Result<JobAdded, Error>;

    /// The jobs of an account, the newest first.
    async fn jobs(&self, account: AccountNo) -> Result<Vec<StoredJob>, Error>;

    /// A job of an account.
    async fn find_job(&self, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error>;

    /// Lets a job wait for a node, with another description, under the rights of that user. Whether it was ready,
    /// stopped or failed: of two who begin one, the second finds that it has begun.
    async fn begin_job(
        &self,
        key: JobKey,
        user: ObjectId,
        description: Vec<u8>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// Asks for a stop. A job that no node runs stops at once.
    async fn stop_job(&self, key: JobKey, now: Timestamp) -> Result<(), Error>;

    /// Removes a job that neither waits nor runs. Whether it did.
    async fn remove_job(&self, key: JobKey) -> Result<bool, Error>;

    /// The jobs of all accounts that wait or run.
    async fn active_jobs(&self) -> Result<Vec<ActiveJob>, Error>;

    /// Takes a job for this process, if its lease is still that one. Returns it with its new lease. It stays taken
    /// until it is given back or nothing was heard of this process for a while.
    async fn claim_job(&self, key: JobKey, lease: u64, now: Timestamp) -> Result<Option<StoredJob>, Error>;

    /// Writes down how a job is that this process has claimed, all in one transaction. Whether a stop is asked for;
    /// `None` if the lease is not the job's any more, and nothing was written.
    async fn report_job(&self, key: JobKey, lease: u64, report: JobReport) -> Result<Option<bool>, Error>;

    /// Whether a stop is asked for; `None` if the lease is not the job's any more.
    async fn job_stop_requested(&self, key: JobKey, lease: u64) -> Result<Option<bool>, Error>;

    /// What a job goes on from.
    async fn job_checkpoint(&self, key: JobKey) -> Result<Option<Vec<u8>>, Error>;

    /// A part of a job's output, numbered from 1.
    async fn job_part(&self, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error>;

    /// The name of the account and the role of that user of it, if both are enabled now.
    async fn job_rights(
        &self,
        account: AccountNo,
        user: ObjectId,
    ) -> Result<Option<(String, UserRole)>, Error>;

    /// The accounts that have jobs.
    async fn accounts_with_jobs(&self) -> Result<Vec<AccountNo>, Error>;

    /// Removes jobs that neither wait nor run and that nothing was written of since then: those that are done since
    /// `done_before`, all others since `before`.
    async fn prune_jobs(&self, before: Timestamp, done_before: Timestamp) -> Result<(), Error>;

    /// Deletes what people can be read from, of an account's jobs that were made until then and neither wait nor run.
    async fn forget_in_jobs(&self, account: AccountNo, until: Timestamp) -> Result<(), Error>;
}
