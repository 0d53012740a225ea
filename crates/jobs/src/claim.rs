//! A job that this node has claimed, and what it writes down of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::import::PATIENCE;
use super::job::{Faults, Job, Progress, encode};
use domain::clock::{Clock, Timestamp};
use storage::{Error, JobKey, JobReport, JobState, Jobs};

/// How long it waits before it writes again what could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of a job that runs.
#[derive(Clone, Debug, Default)]
pub struct JobStatus {
    /// How far it is.
    pub progress: Progress,
    /// What failed.
    pub faults: Faults,
    /// Whether that is not written down yet.
    fresh: bool,
}

impl JobStatus {
    /// Of a job that was claimed: a run that goes on tells what was told before.
    pub fn of(job: &Job, now: Timestamp) -> Self {
        let (mut progress, first) = match job.continues() {
            true => (job.progress.clone().unwrap_or_default(), job.faults.first.clone()),
            false => (Progress::default(), Vec::new()),
        };
        (progress.dry_run, progress.told_at) = (job.dry_run, now.millis());
        progress.began = (progress.done, now.millis());
        Self { progress, faults: Faults { first, ..Faults::default() }, fresh: true }
    }
}

/// A claimed job.
pub struct Claim {
    /// What it is known by.
    pub key: JobKey,
    lease: u64,
    storage: Arc<dyn Jobs>,
    clock: Arc<dyn Clock>,
    status: Mutex<JobStatus>,
}

/// What goes into the store with a report.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What a later run goes on from.
    pub checkpoint: Option<Vec<u8>>,
    /// A part of the output.
    pub part: Option<(u64, Vec<u8>)>,
}

/// The job is not this node's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Claim {
    /// Of a job that was claimed under that lease.
    pub fn new(
        key: JobKey,
        lease: u64,
        storage: Arc<dyn Jobs>,
        clock: Arc<dyn Clock>,
        status: JobStatus,
    ) -> Self {
        Self { key, lease, storage, clock, status: Mutex::new(status) }
    }

    fn status(&self) -> MutexGuard<'_, JobStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how far the job is. It is written down with the next report.
    pub fn tell(&self, change: impl FnOnce(&mut Progress, &mut Faults, i64)) {
        let now = self.clock.now().millis();
        let status = &mut *self.status();
        change(&mut status.progress, &mut status.faults, now);
        (status.progress.told_at, status.fresh) = (now, true);
    }

    /// Writes down how the job is. Whether a stop is asked for; `None` if it is not this node's any more.
    ///
    /// # Errors
    /// If the store fails; nothing is known then.
    pub async fn report(&self, state: JobState, kept: Kept) -> Result<Option<bool>, Error> {
        let status = std::mem::replace(&mut self.status().fresh, false);
        let (progress, faults) = {
            let status = self.status();
            (encode(&status.progress), encode(&status.faults))
        };
        let damaged = |error: std::io::Error| Error::Unavailable(error.to_string());
        let report = JobReport {
            state,
            progress: progress.map_err(damaged)?,
            faults: faults.map_err(damaged)?,
            checkpoint: kept.checkpoint,
            part: kept.part,
            now: self.clock.now(),
        };
        let done = self.storage.report_job(self.key, self.lease, report).await;
        if done.is_err() && status {
            self.status().fresh = true;
        }
        done
    }

    /// The same, again and again while the store is away, as long as a request of a job is tried.
    ///
    /// # Errors
    /// If the store stays away.
    pub async fn keep(&self, state: JobState, kept: Kept) -> Result<Result<bool, Lost>, Error> {
        let start = Instant::now();
        loop {
            match self.report(state, kept.clone()).await {
                Err(error) if error.is_passing() && start.elapsed() < PATIENCE => {
                    tracing::warn!(job = %self.key.id, %error, "jobs: storing progress failed, will retry");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return Ok(done?.ok_or(Lost)),
            }
        }
    }

    /// Writes down what is new, and tells whether a stop is asked for; `None` if the job is not this node's any more.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn look(&self) -> Result<Option<bool>, Error> {
        if self.status().fresh {
            return self.report(JobState::Running, Kept::default()).await;
        }
        self.storage.job_stop_requested(self.key, self.lease).await
    }

    /// What a later run goes on from.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        self.storage.job_checkpoint(self.key).await
    }
}
