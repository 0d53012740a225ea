//! Deletes what is stored of jobs: an upload as soon as it is imported, failed rows and jobs that are not done after a week,
//! jobs that are done after 90 days, and what may be about an erased person within minutes of the erase.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::JobRuntime;
use super::service::{Error, blocking};
use super::store::JobFiles;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{JobState, StoredJob};

/// How long the files of a job, and a job that is not done, are stored after anything was done with them.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How long a job that is done is stored: it is the history of imports.
const HISTORY: Duration = Duration::from_secs(90 * 24 * 3_600);

/// How long it may take from the directory of a job to its lock.
const BEING_MADE: Duration = Duration::from_secs(60);

/// The jobs of an account, and when a person of it was erased last.
struct Known {
    jobs: HashMap<ObjectId, StoredJob>,
    erased: Option<Timestamp>,
}

/// Forgets what is to be forgotten: rows first, then the files of this node that no row speaks of any more.
///
/// # Errors
/// If the store cannot be read or written, or files stay.
pub async fn tidy(app: &JobRuntime) -> Result<(), Error> {
    let now = app.retention.now(app.clock.as_ref());
    app.jobs.exports.sweep();
    for account in app.jobs.exports.accounts() {
        if let Some(until) = app.storage.last_erase(account).await? {
            app.jobs.exports.forget(account, until);
        }
    }
    app.storage.prune_jobs(now.before(KEEP), now.before(HISTORY)).await?;
    // The directories come first: a job that is added behind this look is not missed among the rows.
    let store = Arc::clone(&app.jobs.store);
    // Without files no other thread is asked: the order of the transactions is then the same in each simulated run.
    let there = if store.has_files() { blocking(move || store.all()).await? } else { Vec::new() };
    let mut accounts = HashMap::new();
    let with_files = there.iter().map(|(account, _)| *account);
    for account in app.storage.accounts_with_jobs().await?.into_iter().chain(with_files) {
        if accounts.contains_key(&account) {
            continue;
        }
        let erased = app.storage.last_erase(account).await?;
        if let Some(until) = erased {
            app.storage.forget_in_jobs(account, until).await?;
        }
        let jobs = app.storage.jobs(account).await?.into_iter().map(|job| (job.key.id, job)).collect();
        accounts.insert(account, Known { jobs, erased });
    }
    if there.is_empty() {
        return Ok(());
    }
    blocking(move || {
        there.iter().try_for_each(|(account, files)| tidy_files(accounts.get(account), files, now))
    })
    .await?;
    Ok(())
}

fn tidy_files(known: Option<&Known>, files: &JobFiles, now: Timestamp) -> io::Result<()> {
    let job = known.and_then(|known| known.jobs.get(&files.id));
    let Some(job) = job else {
        // Whoever brings its file holds the lock; a crash has left it free.
        let is_old = made_at(files.id) < now.before(BEING_MADE);
        return match is_old && !files.is_gone() && files.lock()?.is_some() {
            true => files.remove(),
            false => Ok(()),
        };
    };
    let is_active = matches!(job.state, JobState::Waiting | JobState::Running);
    if !is_active && known.and_then(|known| known.erased).is_some_and(|erased| erased >= job.created_at) {
        return files.forget_people();
    }
    match job.state {
        JobState::Done if job.changed_at < now.before(KEEP) => files.remove(),
        // A crash may have come before that.
        JobState::Done => files.remove_upload(),
        _ => Ok(()),
    }
}

/// When a job was made, to a second: its id says it.
fn made_at(id: ObjectId) -> Timestamp {
    let [a, b, c, d, ..] = id.to_bytes();
    Timestamp::from_millis(i64::from(u32::from_be_bytes([a, b, c, d])) * 1_000)
}
