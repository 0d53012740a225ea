//! What pages ask of jobs and do with them: each in a thread that may block, since files are read and synced.

use std::io;
use std::sync::Arc;

use super::Jobs;
use super::job::{Bulk, Description, Plan, Status, Task, Wish};
use super::shelf::{Job, Place};
use crate::app::App;
use crate::http::gate::Caller;
use crate::id::ObjectId;
use crate::journal::AccountNo;

/// Jobs of an account that are kept; where there are as many, the oldest that has ended makes room.
pub const MAX_JOBS: usize = 100;

/// Jobs of an account that have not ended: each may hold a file that was uploaded.
pub const MAX_OPEN: usize = 10;

/// Why a job was not made or begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong, for people.
    #[error("{0}")]
    Told(String),
    /// Its files could not be read or written.
    #[error("the files of jobs: {0}")]
    Files(#[from] io::Error),
}

impl Error {
    /// What is wrong, for people.
    pub fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }
}

/// A list and who works on it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who it is.
    pub caller: Caller,
    /// Their id.
    pub user: ObjectId,
    /// The list's id.
    pub list: String,
    /// What it is called.
    pub list_name: String,
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

impl Order {
    /// The description of its job.
    pub fn describe(&self, task: Task, now: crate::clock::Timestamp) -> Description {
        Description {
            account: self.caller.viewer.account.0,
            account_name: self.caller.account_name.clone(),
            user: self.user.to_string(),
            list: self.list.clone(),
            list_name: self.list_name.clone(),
            created_at: now.millis(),
            task,
        }
    }
}

impl Jobs {
    /// The jobs of an account, the newest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn all(self: &Arc<Self>, account: AccountNo) -> io::Result<Vec<Job>> {
        let jobs = Arc::clone(self);
        blocking(move || jobs.shelf.jobs(account)).await
    }

    /// A job of an account.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn one(self: &Arc<Self>, account: AccountNo, id: ObjectId) -> io::Result<Option<Job>> {
        let jobs = Arc::clone(self);
        blocking(move || jobs.shelf.job(account, id)).await
    }

    /// A place for a new job of an account. The caller holds a lock on it until it is described.
    ///
    /// # Errors
    /// Where there are too many.
    pub async fn make(self: &Arc<Self>, account: AccountNo, id: ObjectId) -> Result<Place, Error> {
        let jobs = Arc::clone(self);
        let made = blocking(move || {
            let _changing = jobs.change();
            let present = jobs.shelf.jobs(account)?;
            let (ended, open): (Vec<_>, Vec<_>) =
                present.into_iter().partition(|job| job.status() == Status::Done);
            if open.len() >= MAX_OPEN {
                return Ok(None);
            }
            for old in ended.iter().skip(MAX_JOBS - 1 - open.len()) {
                old.place.remove()?;
            }
            jobs.shelf.make(account, id).map(Some)
        });
        let text = format!(
            "there are {MAX_OPEN} jobs that have not ended: let some end, or remove some that you do not need"
        );
        made.await?.ok_or(Error::Told(text))
    }

    /// Makes and begins a change of many contacts.
    ///
    /// # Errors
    /// Where there are too many jobs.
    pub async fn change_many(
        self: &Arc<Self>,
        app: &App,
        order: &Order,
        bulk: Bulk,
    ) -> Result<ObjectId, Error> {
        let (id, now) = (app.ids.next(app.clock.now()), app.clock.now());
        let place = self.make(order.caller.viewer.account, id).await?;
        let description = order.describe(Task::Bulk(bulk), now);
        blocking(move || {
            place.describe(&description)?;
            place.wish_for(Wish { turn: 1, trying: false, stop: false })
        })
        .await?;
        self.wake.notify_one();
        Ok(id)
    }

    /// Begins a job, or has it go on where it was stopped; `plan` says what the columns of a file are that was not
    /// begun yet. With `trying` nothing is kept.
    ///
    /// # Errors
    /// Where it has begun already, or it was not said what the columns are.
    pub async fn begin(self: &Arc<Self>, job: Job, plan: Option<Plan>, trying: bool) -> Result<(), Error> {
        let turn = job.wish.map_or(0, |wish| wish.turn) + 1;
        let (status, mut description) = (job.status(), job.description);
        if !status.can_begin() || (trying && status != Status::Ready) {
            return Err(Error::told("the job has begun already"));
        }
        if let Task::Import(import) = &mut description.task {
            if status == Status::Ready {
                import.plan = plan.or_else(|| import.plan.take());
            }
            if import.plan.is_none() {
                return Err(Error::told("say what the columns are first"));
            }
            if !job.place.upload().exists() {
                return Err(Error::told("its file is gone: upload it again"));
            }
        }
        let jobs = Arc::clone(self);
        blocking(move || {
            let _changing = jobs.change();
            // Where somebody has begun it a moment ago, this one comes too late.
            if job.place.wish()? != job.wish {
                return Ok(());
            }
            job.place.describe(&description)?;
            job.place.wish_for(Wish { turn, trying, stop: false })
        })
        .await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Asks a job to stop; one that waits does not begin.
    ///
    /// # Errors
    /// Where that cannot be written down.
    pub async fn stop(self: &Arc<Self>, job: Job) -> io::Result<()> {
        let Some(wish) = job.wish.filter(|_| job.status().is_active()) else { return Ok(()) };
        let jobs = Arc::clone(self);
        blocking(move || {
            let _changing = jobs.change();
            // Where it was begun anew meanwhile, this is about another turn.
            if job.place.wish()? != Some(wish) {
                return Ok(());
            }
            job.place.wish_for(Wish { stop: true, ..wish })
        })
        .await?;
        self.wishes.notify_waiters();
        self.wake.notify_one();
        Ok(())
    }

    /// Removes a job that nobody is at, with all its files. Whether it went.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub async fn remove(self: &Arc<Self>, job: Job) -> io::Result<bool> {
        if job.status().is_active() {
            return Ok(false);
        }
        blocking(move || {
            let Some(_lock) = job.place.lock()? else { return Ok(false) };
            job.place.remove().map(|()| true)
        })
        .await
    }
}
