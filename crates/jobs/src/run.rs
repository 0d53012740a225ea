//! The loop that runs jobs, a few at a time. It takes no input: it looks what waits, on a signal and on a timer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::JobRuntime;
use super::claim::{Claim, JobStatus};
use super::job::Job;
use super::turns::{Candidate, Running, Served, gives_way};
use super::{SIDE_BY_SIDE, work};
use domain::journal::AccountNo;
use storage::{ActiveJob, Error, JobKey, StoredJob, Topic};

/// How often jobs are looked for that another node, or one that was killed, has left.
const LOOK: Duration = Duration::from_secs(5);

/// How long jobs may take to stop when the server does. One that waits for a store that is away is cut off: whoever
/// goes on with it sends the same requests again.
const STOP: Duration = Duration::from_secs(10);

/// A job that runs here.
struct Here {
    key: JobKey,
    since: Instant,
    /// Tells it to make room.
    way: Arc<Notify>,
}

/// The jobs that run here.
#[derive(Default)]
struct Jobs {
    tasks: JoinSet<()>,
    here: HashMap<Id, Here>,
    served: Served,
}

/// Runs jobs until the server stops. Those that run then go on when it starts again, or at another node.
pub async fn run(app: Arc<JobRuntime>, stop: watch::Receiver<bool>) {
    let (mut jobs, mut stopped) = (Jobs::default(), stop.clone());
    while !*stop.borrow() {
        let mut wait = LOOK;
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            started = jobs.start(&app, &stop) => match started {
                Ok(true) => {}
                // Nothing changes with time alone.
                Ok(false) => wait = app.storage.look_after(LOOK),
                Err(error) => tracing::error!(%error, "jobs: listing jobs failed"),
            }
        }
        let ended = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => None,
            () = app.jobs.wake.notified() => None,
            () = app.storage.signalled(Topic::Jobs) => None,
            () = tokio::time::sleep(wait) => None,
            ended = jobs.tasks.join_next_with_id(), if !jobs.tasks.is_empty() => ended,
        };
        if ended.is_some_and(|ended| jobs.ended(ended.map(|(id, ())| id))) {
            // What has panicked would do it again at once.
            tokio::time::sleep(LOOK).await;
        }
    }
    let all = async {
        while let Some(ended) = jobs.tasks.join_next_with_id().await {
            jobs.ended(ended.map(|(id, ())| id));
        }
    };
    if tokio::time::timeout(STOP, all).await.is_err() {
        tracing::warn!(jobs = jobs.tasks.len(), "jobs: jobs cut off, they did not stop in time");
        jobs.tasks.shutdown().await;
    }
}

impl Jobs {
    /// Whether it ended by a panic.
    fn ended(&mut self, ended: Result<Id, tokio::task::JoinError>) -> bool {
        let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |id| *id);
        let job = self.here.remove(&id).map(|here| here.key.id.to_string());
        let Err(error) = ended else { return false };
        tracing::error!(job, %error, "jobs: job panicked");
        true
    }

    fn runs(&self, key: JobKey) -> bool {
        self.here.values().any(|here| here.key == key)
    }

    /// Starts what may run here. Whether any job waits or runs.
    async fn start(&mut self, app: &Arc<JobRuntime>, stop: &watch::Receiver<bool>) -> Result<bool, Error> {
        let active = app.storage.active_jobs().await?;
        self.served.keep(|account| active.iter().any(|job| job.key.account == account));
        let (mut waiting, mut running) = self.divide(app, &active);
        while self.here.len() < SIDE_BY_SIDE {
            let Some(next) = self.served.next(&waiting, &running) else { break };
            waiting.retain(|candidate| *candidate != next);
            self.served.serve(next.key.account);
            // Another node may have been faster.
            if let Some(job) = app.storage.claim_job(next.key, next.lease, app.clock.now()).await? {
                *running.entry(next.key.account).or_default() += 1;
                self.spawn(app, job, stop.clone());
            }
        }
        let here: Vec<_> =
            self.here.values().map(|here| Running { key: here.key, age: here.since.elapsed() }).collect();
        if let Some(key) = gives_way(&here, &waiting, &running) {
            self.here.values().filter(|here| here.key == key).for_each(|here| here.way.notify_one());
        }
        Ok(!active.is_empty())
    }

    /// The jobs that could run here, and how many each account runs on all nodes.
    fn divide(&self, app: &JobRuntime, active: &[ActiveJob]) -> (Vec<Candidate>, HashMap<AccountNo, usize>) {
        let (mut waiting, mut running) = (Vec::new(), HashMap::new());
        for job in active {
            if self.runs(job.key) || !job.free {
                *running.entry(job.key.account).or_default() += 1;
            } else if job.directory.is_none_or(|directory| app.jobs.store.is(directory)) {
                let ActiveJob { key, created_at, lease, .. } = *job;
                waiting.push(Candidate { key, created_at, lease });
            }
        }
        (waiting, running)
    }

    fn spawn(&mut self, app: &Arc<JobRuntime>, stored: StoredJob, stop: watch::Receiver<bool>) {
        let (key, app, way) = (stored.key, Arc::clone(app), Arc::new(Notify::new()));
        let job = Job::read(stored, &app.jobs.store);
        let told = JobStatus::of(&job, app.clock.now());
        let (storage, clock) = (Arc::clone(&app.storage), Arc::clone(&app.clock));
        let claim = Claim::new(key, job.lease, storage, clock, told);
        let task = self.tasks.spawn({
            let way = Arc::clone(&way);
            async move { work::work(&app, job, claim, work::Signals { server: stop, way }).await }
        });
        self.here.insert(task.id(), Here { key, since: Instant::now(), way });
    }
}
