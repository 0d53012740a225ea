//! Forgetting jobs: what was uploaded goes as soon as it is imported, all of a job after a week, and whatever may be about a
//! person who was erased within minutes of that.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Jobs;
use super::desk::blocking;
use super::job::{Phase, Status};
use super::shelf::{Job, Place};
use crate::app::App;
use crate::clock::Timestamp;
use crate::journal::AccountNo;

/// How long a job is kept after anything was done with it.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How long it may take from the directory of a job to its lock.
const BEING_MADE: Duration = Duration::from_secs(60);

/// What only a job needs that can go on.
///
/// # Errors
/// Where something of it stays.
pub fn end(place: &Place) -> io::Result<()> {
    place.discard(&[place.upload(), place.preview(), place.state()])
}

/// Forgets what is to be forgotten.
///
/// # Errors
/// Where the files or the store cannot be read.
pub async fn tidy(app: &App) -> io::Result<()> {
    let jobs = Arc::clone(&app.jobs);
    for account in blocking(move || jobs.shelf.accounts()).await? {
        let erased = app.storage.last_erase(account).await.map_err(io::Error::other)?;
        let (jobs, now) = (Arc::clone(&app.jobs), app.retention.now(app.clock.as_ref()));
        blocking(move || tidy_account(&jobs, account, erased, now)).await?;
    }
    Ok(())
}

fn tidy_account(
    jobs: &Jobs,
    account: AccountNo,
    erased: Option<Timestamp>,
    now: Timestamp,
) -> io::Result<()> {
    for place in jobs.shelf.places(account)? {
        // Whoever runs it, or brings its file, has it.
        let Some(_lock) = place.lock()? else { continue };
        match place.job() {
            Ok(Some(job)) => tidy_job(&job, erased, now)?,
            // A crash has left what was being made.
            Ok(None) if place.made_at() < now.before(BEING_MADE) => place.remove()?,
            Ok(None) => {}
            Err(error) => tracing::error!(job = %place.id, %error, "jobs: reading a job failed"),
        }
    }
    Ok(())
}

fn tidy_job(job: &Job, erased: Option<Timestamp>, now: Timestamp) -> io::Result<()> {
    let (place, status) = (&job.place, job.status());
    if status.is_active() {
        return Ok(());
    }
    let touched = job.progress.as_ref().map_or(0, |progress| progress.told_at);
    let touched = touched.max(job.description.created_at);
    if touched < now.before(KEEP).millis() {
        return place.remove();
    }
    if erased.is_some_and(|erased| erased >= job.description.created_at()) {
        return forget_people(job);
    }
    // A crash may have come before that.
    if status == Status::Done && place.upload().exists() { end(place) } else { Ok(()) }
}

/// Removes what people can be read from. A job that had not ended cannot go on then.
fn forget_people(job: &Job) -> io::Result<()> {
    let place = &job.place;
    let files = [place.upload(), place.preview(), place.state(), place.failures()];
    if !files.iter().any(|file| file.exists())
        && job.progress.as_ref().is_none_or(|told| told.first_faults.is_empty())
    {
        return Ok(());
    }
    if let Some(progress) = &job.progress {
        let mut progress = progress.clone();
        progress.first_faults = Vec::new();
        if progress.phase != Phase::Done {
            progress.fault =
                Some("its file was removed, since a person was erased after it was uploaded".to_owned());
        }
        place.tell(&progress, true)?;
    }
    place.discard(&files)
}
