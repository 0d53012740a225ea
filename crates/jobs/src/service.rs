//! What pages ask of jobs and do with them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use super::JobRuntime;
use super::Settings;
use super::exports::Exports;
use super::job::{Action, Bulk, Description, Files, Job, Plan, Status, Subject, Task, Whom, encode};
use super::places::{Places, Room};
use super::store::{JobFiles, JobStore};
use app::Caller;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{JobAdded, JobKey, JobLimits, JobState, NewJob, Storage};

/// Jobs of an account that are kept; where there are as many, the oldest that is done makes room.
const MAX_JOBS: usize = 500;

/// Jobs of an account that are not done: each may hold a file that was uploaded.
const MAX_OPEN: usize = 10;

pub(super) const LIMITS: JobLimits = JobLimits { all: MAX_JOBS, open: MAX_OPEN };

/// Files that are looked through at a time, on one node: that takes memory and a core each.
const LOOKED_THROUGH: usize = 4;

/// Why a job was not made or begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong, for people.
    #[error("{0}")]
    Message(String),
    /// Its files could not be read or written.
    #[error("the files of jobs: {0}")]
    Files(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] storage::Error),
}

impl Error {
    /// What is wrong, for people.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

/// A list and who works on it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who it is.
    pub caller: Caller,
    /// Their id.
    pub user: ObjectId,
    /// The list's number.
    pub list_no: ListNo,
    /// The list's id.
    pub list: String,
    /// What it is called.
    pub list_name: String,
}

impl Order {
    fn account(&self) -> AccountNo {
        self.caller.scope.account
    }

    fn job(
        &self,
        id: ObjectId,
        directory: Option<ObjectId>,
        task: Task,
        subject: &Subject,
        app: &JobRuntime,
    ) -> io::Result<NewJob> {
        let (list, list_name) = (self.list.clone(), self.list_name.clone());
        Ok(NewJob {
            key: JobKey { account: self.account(), list: self.list_no, id },
            user: self.user,
            created_at: app.clock.now(),
            directory,
            state: if matches!(task, Task::Bulk(_)) { JobState::Waiting } else { JobState::Ready },
            description: encode(&Description { list, list_name, task, token: None })?,
            subject: Some(encode(subject)?),
            progress: None,
            faults: None,
            output: None,
        })
    }
}

/// Does what blocks where it may block.
///
/// # Errors
/// Where it fails, a panic among that.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// What pages and loops share.
pub struct JobService {
    pub(super) storage: Arc<dyn Storage>,
    /// The files.
    pub store: Arc<JobStore>,
    /// The directory that stores may share.
    pub files: PathBuf,
    /// Bytes of the largest file that is accepted.
    pub max_upload: u64,
    /// The exports that are being downloaded.
    pub exports: Exports,
    places: Places,
    /// Held while a file is looked through.
    pub(super) looking: Semaphore,
    /// Wakes the loop: there is something to run.
    pub(super) wake: Notify,
    /// Tells jobs that run here that something is wanted of them.
    pub(super) wanted: Notify,
}

impl JobService {
    /// With no job running.
    pub fn new(settings: Settings, storage: Arc<dyn Storage>) -> Self {
        Self {
            store: Arc::new(JobStore::new(&settings.directory, storage.store_id())),
            storage,
            files: settings.directory,
            max_upload: settings.max_upload,
            exports: Exports::default(),
            places: Places::default(),
            looking: Semaphore::new(LOOKED_THROUGH),
            wake: Notify::new(),
            wanted: Notify::new(),
        }
    }

    /// The jobs of an account, the newest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn all(&self, account: AccountNo) -> Result<Vec<Job>, storage::Error> {
        let stored = self.storage.jobs(account).await?;
        Ok(stored.into_iter().map(|job| Job::read(job, &self.store)).collect())
    }

    /// A job of an account.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn one(&self, account: AccountNo, id: ObjectId) -> Result<Option<Job>, storage::Error> {
        let stored = self.storage.find_job(account, id).await?;
        Ok(stored.map(|job| Job::read(job, &self.store)))
    }

    /// A place for a file, before any of it is read.
    ///
    /// # Errors
    /// If the account has its share of places, or too many jobs that are not done.
    pub async fn place(&self, account: AccountNo) -> Result<Room, Error> {
        let room = self.places.take(account);
        let room =
            room.ok_or_else(|| Error::message("other files are being uploaded: try again in a moment"))?;
        // It is counted again when the file is whole; told here, nobody uploads in vain.
        let jobs = self.storage.jobs(account).await?;
        let open = jobs.iter().filter(|job| job.state != JobState::Done).count();
        if open >= MAX_OPEN { Err(too_many()) } else { Ok(room) }
    }

    /// Adds a job. Whether it was not there yet.
    pub(super) async fn add(
        &self,
        app: &JobRuntime,
        order: &Order,
        (id, directory): (ObjectId, Option<ObjectId>),
        task: Task,
        subject: Subject,
    ) -> Result<bool, Error> {
        let job = order.job(id, directory, task, &subject, app)?;
        match self.storage.add_job(job, LIMITS).await? {
            JobAdded::Added => Ok(true),
            JobAdded::Exists => Ok(false),
            JobAdded::TooMany => Err(too_many()),
        }
    }

    /// Makes and begins a change of many contacts. `id` is what the form was given: sent twice, it makes one job.
    ///
    /// # Errors
    /// If there are too many jobs.
    pub async fn change_many(
        &self,
        app: &JobRuntime,
        order: &Order,
        id: ObjectId,
        action: Action,
        whom: Whom,
    ) -> Result<(), Error> {
        let task = Task::Bulk(Bulk { action, extent: whom.extent() });
        self.add(app, order, (id, None), task, Subject::Contacts(whom)).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Begins a job, or has it go on where it was stopped, with the rights of that user; `plan` says what the columns
    /// of a file are that was not begun yet. With `dry_run` nothing is changed.
    ///
    /// # Errors
    /// If it has begun already, it was not said what the columns are, or what it needs is gone.
    pub async fn begin(
        &self,
        app: &JobRuntime,
        user: ObjectId,
        job: Job,
        plan: Option<Plan>,
        dry_run: bool,
    ) -> Result<(), Error> {
        let (ready, mut description) = (job.status == Status::Ready, job.description);
        if !job.status.can_begin() || (dry_run && !ready) {
            return Err(Error::message("the job has begun already"));
        }
        match &mut description.task {
            Task::Import(import) => {
                if ready {
                    import.plan = plan.or_else(|| import.plan.take());
                }
                if import.plan.is_none() {
                    return Err(Error::message("say what the columns are first"));
                }
                let is_gone = |files: &JobFiles| !files.upload().exists();
                // Where the file is on another node, that one looks.
                if job.subject.is_none() || matches!(&job.files, Files::Here(files) if is_gone(files)) {
                    return Err(Error::message("its file is gone: upload it again"));
                }
            }
            Task::Bulk(_) if job.subject.is_none() => {
                let text = "what it was about was deleted, since a person was erased: begin the change anew";
                return Err(Error::message(text));
            }
            Task::Bulk(_) => {}
            Task::Damaged => return Err(Error::message("what is stored of the job is damaged: remove it")),
        }
        let description = encode(&description)?;
        // Where somebody has begun it a moment ago, this one comes too late.
        self.storage.begin_job(job.key, user, description, dry_run, app.clock.now()).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Asks a job to stop; one that waits does not begin.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn stop(&self, app: &JobRuntime, job: &Job) -> Result<(), storage::Error> {
        self.storage.stop_job(job.key, app.clock.now()).await?;
        self.wanted.notify_waiters();
        self.wake.notify_one();
        Ok(())
    }

    /// Removes a job that neither waits nor runs, with all its files. Whether it did. Files on another node go within
    /// minutes.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove(&self, job: Job) -> Result<bool, Error> {
        if !self.storage.remove_job(job.key).await? {
            return Ok(false);
        }
        if let Files::Here(files) = job.files {
            blocking(move || files.remove()).await?;
        }
        Ok(true)
    }
}

fn too_many() -> Error {
    Error::Message(format!(
        "there are {MAX_OPEN} jobs that have not ended: let some end, or remove some that you do not need"
    ))
}
