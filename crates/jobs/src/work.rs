//! One run of a job that was claimed: until it is complete, fails, is asked to stop or is not this node's any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::JobRuntime;
use super::claim::{Claim, Kept, Lost};
use super::job::{Action, Job, Subject, Task};
use super::local::Local;
use super::{bulk, import};
use app::Caller;
use domain::id::ObjectId;
use files::Error;
use files::api::Api;
use files::checkpoint::History;
use files::import::FIRST_FAULTS;
use files::requests::{ImportedRequest, lines};
use files::send::Counts;
use storage::{JobState, Storage, UserRole};

/// How often a job that runs writes down how far it is, and looks whether it should go on.
const LOOK: Duration = Duration::from_secs(1);

/// How long the store may take to be told that a job is given back, when the server stops.
const GIVE_BACK: Duration = Duration::from_secs(2);

/// What ends a run from outside.
pub struct Signals {
    /// The server stops.
    pub server: watch::Receiver<bool>,
    /// A job of another account waits.
    pub way: Arc<Notify>,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Done(Counts),
    /// Because a user asked for it.
    Stopped,
    /// With the server, or to make room: it goes on later.
    Interrupted,
    /// Another node runs it, or it was removed.
    Lost,
    Failed(String),
}

/// Runs a job, and writes down how it ended.
pub async fn work(app: &Arc<JobRuntime>, job: Job, claim: Claim, mut signals: Signals) {
    let claim = Arc::new(claim);
    let files = job.files_here().cloned();
    let end = run(app, &job, &claim, &mut signals).await;
    let state = match end {
        End::Lost => {
            tracing::warn!(job = %claim.key.id, "jobs: job lost to another node");
            return;
        }
        End::Interrupted => JobState::Waiting,
        End::Stopped if job.dry_run => JobState::Ready,
        End::Stopped => JobState::Stopped,
        End::Failed(fault) => {
            claim.tell(|_, faults, _| faults.fault = Some(fault));
            if job.dry_run { JobState::Ready } else { JobState::Failed }
        }
        End::Done(counts) => {
            claim.tell(|progress, _, _| {
                (progress.counts, progress.done) = (counts, counts.rows());
                progress.of = progress.of.max(progress.done);
            });
            if job.dry_run { JobState::Ready } else { JobState::Done }
        }
    };
    let stopping = async {
        if signals.server.wait_for(|stop| *stop).await.is_ok() {
            tokio::time::sleep(GIVE_BACK).await;
        }
    };
    // If the store does not hear of it, the job is as it was before: whoever claims it next goes on.
    let told = tokio::select! {
        told = claim.keep(state, Kept::default()) => told,
        () = stopping => return,
    };
    match told {
        Err(error) => tracing::error!(job = %claim.key.id, %error, "jobs: storing progress failed"),
        Ok(Err(Lost)) => tracing::warn!(job = %claim.key.id, "jobs: job lost to another node"),
        Ok(Ok(_)) if state == JobState::Done => remove_upload(files).await,
        Ok(Ok(_)) => {}
    }
}

/// What a crash before this leaves is removed by [`super::tidy`].
async fn remove_upload(files: Option<super::store::JobFiles>) {
    let Some(files) = files else { return };
    if let Err(error) = super::service::blocking(move || files.remove_upload()).await {
        tracing::error!(%error, "jobs: deleting an upload failed");
    }
}

async fn run(app: &Arc<JobRuntime>, job: &Job, claim: &Arc<Claim>, signals: &mut Signals) -> End {
    let caller = match caller(app.storage.as_ref(), job).await {
        Ok(caller) => caller,
        Err(End::Interrupted) => return pause().await,
        Err(end) => return end,
    };
    let (commands, queries) = (app.commands.clone(), app.queries.clone());
    let api: Arc<dyn Api> = Arc::new(Local { commands, queries, caller, max_body: app.limits.body });
    // Why it was told to stop, if it was.
    let why = Mutex::new(None);
    let stop = async {
        let end = tokio::select! {
            end = watch_over(app, job, claim) => end,
            () = signals.way.notified() => End::Interrupted,
            _ = signals.server.wait_for(|stop| *stop) => End::Interrupted,
        };
        *why.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    };
    let ended = perform(api, job, claim, stop).await;
    let why = why.into_inner().unwrap_or_else(PoisonError::into_inner);
    match ended {
        Ok(counts) => End::Done(counts),
        Err(Error::Stopped) => why.unwrap_or(End::Lost),
        // The job waits until the store is there again.
        Err(Error::Away(_)) => pause().await,
        Err(Error::Message(text) | Error::Changed(text)) => End::Failed(text),
    }
}

/// Claimed again at once, a job would ask a store that is away again and again.
async fn pause() -> End {
    tokio::time::sleep(LOOK).await;
    End::Interrupted
}

async fn perform(
    api: Arc<dyn Api>,
    job: &Job,
    claim: &Arc<Claim>,
    stop: impl Future<Output = ()>,
) -> files::Result<Counts> {
    let list = job.description.list.as_str();
    let told = |text: &str| Err(Error::Message(text.to_owned()));
    let mut first = true;
    let mut tell = move |done, of, counts, faults| {
        let first = std::mem::take(&mut first);
        claim.tell(|progress, told, now| {
            if first {
                // What was done before a stop or a restart is no rate.
                progress.began = (done, now);
            }
            (progress.done, progress.of, progress.counts, told.first) = (done, of, counts, faults);
        });
    };
    match (&job.description.task, &job.subject) {
        (Task::Import(import), _) => {
            let Some(files) = job.files_here() else { return told("its file is on another node") };
            // What failed before a stop was told then, and is told still.
            let earlier = if job.continues() { job.faults.first.clone() } else { Vec::new() };
            let watch = |now: files::import::Progress| {
                let faults = earlier.iter().chain(&now.first_faults).take(FIRST_FAULTS).cloned().collect();
                claim.tell(|_, told, _| told.notes = now.notes);
                tell(now.rows, now.of, now.counts, faults);
            };
            let history = Box::new(Parts { claim: Arc::clone(claim), parts: AtomicU64::new(job.parts) });
            let ended =
                import::run(api, (files, Some(history)), import, list, job.dry_run, watch, stop).await;
            ended.map(|outcome| outcome.counts)
        }
        (Task::Bulk(bulk), Some(Subject::Contacts(whom))) => {
            let of = match whom {
                super::job::Whom::Ids(ids) => ids.len() as u64,
                super::job::Whom::Matching(_) => 0,
            };
            let of = if let Action::Undo { contacts, .. } = bulk.action { contacts } else { of };
            let watch = |reached: &bulk::Reached| {
                tell(reached.done, of, reached.counts, reached.first_faults.clone());
            };
            let change = bulk::Change { list, action: &bulk.action, whom };
            bulk::run(api.as_ref(), claim, change, watch, stop).await.map(|reached| reached.counts)
        }
        (Task::Bulk(_), _) => told("what it was about was deleted, since a person was erased"),
        (Task::Damaged, _) => told("what is stored of the job is damaged: remove it"),
    }
}

/// The requests of an import, as parts of the output of its job.
struct Parts {
    claim: Arc<Claim>,
    parts: AtomicU64,
}

#[async_trait]
impl History for Parts {
    async fn record(&self, requests: &[ImportedRequest], _: &files::import::Progress) -> files::Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        let number = self.parts.load(Ordering::Relaxed) + 1;
        let part = Some((number, lines(requests).into_bytes()));
        match self.claim.keep(JobState::Running, Kept { checkpoint: None, part }).await {
            Ok(Ok(_)) => {
                self.parts.store(number, Ordering::Relaxed);
                Ok(())
            }
            Ok(Err(Lost)) => Err(Error::Stopped),
            Err(error) if error.is_passing() => Err(Error::Away(error.to_string())),
            Err(error) => Err(Error::Message(error.to_string())),
        }
    }
}

/// Returns once the job should not go on: a stop was asked for on any node, its user may not do it any more, or
/// another node has it. While the store is away nothing is known, and the job goes on as far as it can.
async fn watch_over(app: &JobRuntime, job: &Job, claim: &Claim) -> End {
    let mut written = Instant::now();
    loop {
        let wanted = app.jobs.wanted.notified();
        // Between the two nothing is missed: it is listened for before it is looked.
        let mut wanted = std::pin::pin!(wanted);
        wanted.as_mut().enable();
        match claim.look().await {
            Ok(Some(false)) => {}
            Ok(Some(true)) => return End::Stopped,
            Ok(None) => return End::Lost,
            Err(error) => tracing::warn!(job = %claim.key.id, %error, "jobs: storing progress failed"),
        }
        if written.elapsed() >= LOOK {
            written = Instant::now();
            if let Err(end @ End::Failed(_)) = caller(app.storage.as_ref(), job).await {
                return end;
            }
        }
        tokio::select! {
            () = wanted => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// The user who began the job, as long as they may do what it does.
async fn caller(storage: &dyn Storage, job: &Job) -> Result<Caller, End> {
    let failed = |why: &str| End::Failed(why.to_owned());
    let away = |error: storage::Error| {
        tracing::error!(job = %job.key.id, %error, "jobs: reading the rights of a job failed");
        if error.is_passing() { End::Interrupted } else { failed("the store could not be read") }
    };
    let account = job.key.account;
    let list = ObjectId::parse(&job.description.list).ok_or_else(|| failed("it is damaged: remove it"))?;
    let list = storage.find_list(list).await.map_err(away)?;
    if list.is_none_or(|list| list.account != account || list.no != job.key.list) {
        return Err(failed("the list is gone"));
    }
    match storage.job_rights(account, job.user).await.map_err(away)? {
        Some((_, role)) if role < UserRole::Editor => {
            Err(failed("the user who began it may not change contacts any more"))
        }
        Some((name, role)) => Ok(Caller::user(account, name, job.user, role).for_job(job.key.id)),
        None => Err(failed("the user who began it is not enabled any more")),
    }
}
