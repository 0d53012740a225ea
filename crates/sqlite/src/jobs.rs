//! Jobs. One process serves a store, so every claim but its own is that of a process that is gone.

use async_trait::async_trait;
use rusqlite::Connection;

use super::catalogue::jobs;
use super::{SqliteStore, error};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{ActiveJob, Error, JobAdded, JobKey, JobLimits, JobReport, Jobs, NewJob, StoredJob, UserRole};

#[async_trait]
impl Jobs for SqliteStore {
    fn store_id(&self) -> [u8; 16] {
        self.shared.store_id
    }

    async fn add_job(&self, job: NewJob, limits: JobLimits) -> Result<JobAdded, Error> {
        self.intake.call(move |intake| jobs::add(intake, &job, limits)).await
    }

    async fn record_job(
        &self,
        job: NewJob,
        limits: JobLimits,
        part: Option<Vec<u8>>,
    ) -> Result<JobAdded, Error> {
        self.intake.call(move |intake| jobs::record(intake, &job, limits, part.as_deref())).await
    }

    async fn jobs(&self, account: AccountNo) -> Result<Vec<StoredJob>, Error> {
        self.gate.call(move |intake| jobs::all(intake, account)).await
    }

    async fn find_job(&self, account: AccountNo, id: ObjectId) -> Result<Option<StoredJob>, Error> {
        self.gate.call(move |intake| jobs::find(intake, account, id)).await
    }

    async fn begin_job(
        &self,
        key: JobKey,
        user: ObjectId,
        description: Vec<u8>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.intake.call(move |intake| jobs::begin(intake, key, user, &description, dry_run, now)).await
    }

    async fn stop_job(&self, key: JobKey, now: Timestamp) -> Result<(), Error> {
        self.intake.call(move |intake| jobs::stop(intake, key, now)).await
    }

    async fn remove_job(&self, key: JobKey) -> Result<bool, Error> {
        self.intake.call(move |intake| jobs::remove(intake, key)).await
    }

    async fn active_jobs(&self) -> Result<Vec<ActiveJob>, Error> {
        self.gate.call(|intake| jobs::active(intake)).await
    }

    async fn claim_job(&self, key: JobKey, lease: u64, now: Timestamp) -> Result<Option<StoredJob>, Error> {
        self.intake.call(move |intake| jobs::claim(intake, key, lease, now)).await
    }

    async fn report_job(&self, key: JobKey, lease: u64, report: JobReport) -> Result<Option<bool>, Error> {
        self.intake.call(move |intake| jobs::report(intake, key, lease, &report)).await
    }

    async fn job_stop_requested(&self, key: JobKey, lease: u64) -> Result<Option<bool>, Error> {
        self.gate.call(move |intake| jobs::stop_requested(intake, key, lease)).await
    }

    async fn job_checkpoint(&self, key: JobKey) -> Result<Option<Vec<u8>>, Error> {
        self.gate.call(move |intake| jobs::part(intake, key, 0)).await
    }

    async fn job_part(&self, key: JobKey, number: u64) -> Result<Option<Vec<u8>>, Error> {
        self.gate.call(move |intake| jobs::part(intake, key, number)).await
    }

    async fn job_rights(
        &self,
        account: AccountNo,
        user: ObjectId,
    ) -> Result<Option<(String, UserRole)>, Error> {
        self.gate.call(move |intake| jobs::rights(intake, account, user)).await
    }

    async fn accounts_with_jobs(&self) -> Result<Vec<AccountNo>, Error> {
        self.gate.call(|intake| jobs::accounts(intake)).await
    }

    async fn prune_jobs(&self, before: Timestamp, done_before: Timestamp) -> Result<(), Error> {
        self.intake.call(move |intake| jobs::prune(intake, before, done_before)).await
    }

    async fn forget_in_jobs(&self, account: AccountNo, until: Timestamp) -> Result<(), Error> {
        if !self.gate.call(move |intake| jobs::has_people(intake, account, until)).await? {
            return Ok(());
        }
        // Free pages keep what is deleted, so the files are written anew after it (see `vacuum`). Noted before, since
        // a crash must not come in between, and after, since the files may be written anew just then.
        self.write(move |pair, _| note(&pair.store, account)).await?;
        self.intake.call(move |intake| jobs::forget(intake, account, until)).await?;
        self.write(move |pair, _| note(&pair.store, account)).await
    }
}

fn note(store: &Connection, account: AccountNo) -> Result<(), Error> {
    store.execute("INSERT OR IGNORE INTO scrub VALUES (?1)", [account.0]).map(drop).map_err(error)
}
