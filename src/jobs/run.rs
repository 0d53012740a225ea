//! The loop that has jobs done, a few at a time. It takes no input: it looks what is wished, on a signal and on a timer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::desk::blocking;
use super::job::{Description, Phase, Progress, Task, Wish};
use super::shelf::{Job, Lock, Place};
use super::{SIDE_BY_SIDE, bulk, import, tidy};
use crate::app::App;
use crate::files::api::Api;
use crate::files::import::{FIRST_FAULTS, Outcome};
use crate::files::send::Counts;
use crate::files::{self, Error};
use crate::http::gate::Caller;
use crate::http::inside::Inside;
use crate::id::ObjectId;
use crate::storage::UserRole;

/// How often jobs are looked for that another node, or one that was killed, has left.
const LOOK: Duration = Duration::from_secs(5);

/// How often a job that runs looks whether another node was asked to stop it.
const LISTEN: Duration = Duration::from_secs(2);

/// Runs jobs until the server stops. Those that run then go on when it starts again.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    while !*stop.borrow() {
        if let Err(error) = start_some(&app, &stop, &mut tasks).await {
            tracing::error!(%error, "jobs: listing jobs failed");
        }
        let ended = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            () = app.jobs.wake.notified() => None,
            () = tokio::time::sleep(LOOK) => None,
            ended = tasks.join_next(), if !tasks.is_empty() => ended,
        };
        if let Some(Err(error)) = ended {
            tell_end(Err(error));
            // What has panicked would do it again at once.
            tokio::time::sleep(LOOK).await;
        }
    }
    while let Some(ended) = tasks.join_next().await {
        tell_end(ended);
    }
}

fn tell_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "jobs: job panicked");
    }
}

async fn start_some(app: &Arc<App>, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) -> io::Result<()> {
    let room = SIDE_BY_SIDE.saturating_sub(tasks.len());
    if room == 0 {
        return Ok(());
    }
    let jobs = Arc::clone(&app.jobs);
    let due = blocking(move || due(&jobs, room)).await?;
    for (job, lock) in due {
        let (app, stop) = (Arc::clone(app), stop.clone());
        tasks.spawn(async move {
            work(&app, job, stop).await;
            drop(lock);
        });
    }
    Ok(())
}

/// Jobs that somebody should be at and nobody is, the longest made first, one of an account before the second of
/// another.
fn due(jobs: &super::Jobs, room: usize) -> io::Result<Vec<(Job, Lock)>> {
    let mut waiting = Vec::new();
    for account in jobs.shelf.accounts()? {
        let active = jobs.shelf.jobs(account)?.into_iter().filter(|job| job.status().is_active()).rev();
        waiting.extend(active.enumerate());
    }
    waiting.sort_by_key(|(nth, job)| (*nth, job.description.created_at));
    let mut due = Vec::new();
    for (_, job) in waiting {
        if due.len() == room {
            break;
        }
        let Some(lock) = job.place.lock()? else { continue };
        // It may have ended since it was looked at.
        if let Some(job) = job.place.job()?.filter(|job| job.status().is_active()) {
            due.push((job, lock));
        }
    }
    Ok(due)
}

/// How a turn has ended.
enum End {
    Done(Counts),
    /// Because somebody asked for it.
    Stopped,
    /// With the server: it goes on when that does.
    Interrupted,
    Failed(String),
}

async fn work(app: &Arc<App>, job: Job, server_stop: watch::Receiver<bool>) {
    let Job { place, description, wish: Some(wish), progress } = job else { return };
    let mut progress = progress
        .filter(|progress| progress.turn == wish.turn)
        .unwrap_or_else(|| Progress::begun(wish, app.clock.now()));
    if let Err(error) = place.tell(&progress, false) {
        tracing::error!(job = %place.id, %error, "jobs: storing a start failed");
        return;
    }
    let end = turn(app, &place, &description, wish, &mut progress, server_stop).await;
    progress.told_at = app.clock.now().millis();
    match end {
        End::Interrupted => return,
        End::Stopped => progress.phase = Phase::Stopped,
        End::Failed(fault) => (progress.phase, progress.fault) = (Phase::Failed, Some(fault)),
        End::Done(counts) => {
            progress.phase = Phase::Done;
            (progress.counts, progress.done) = (counts, counts.rows());
            progress.of = progress.of.max(progress.done);
        }
    }
    let told = blocking(move || {
        place.tell(&progress, true)?;
        if progress.phase == Phase::Done && !progress.trying { tidy::end(&place) } else { Ok(()) }
    });
    if let Err(error) = told.await {
        tracing::error!(%error, "jobs: storing an end failed");
    }
}

async fn turn(
    app: &Arc<App>,
    place: &Place,
    description: &Description,
    wish: Wish,
    progress: &mut Progress,
    mut server_stop: watch::Receiver<bool>,
) -> End {
    if wish.stop {
        return End::Stopped;
    }
    let caller = match caller(app, description).await {
        Ok(caller) => caller,
        Err(end) => return end,
    };
    let api: Arc<dyn Api> = Arc::new(Inside { app: Arc::clone(app), caller });
    let asked = stop_asked(app, place, wish);
    let asked = async {
        tokio::select! {
            () = asked => {}
            _ = server_stop.wait_for(|stop| *stop) => {}
        }
    };
    let clock = Arc::clone(&app.clock);
    let mut first = true;
    let first_faults = progress.first_faults.clone();
    let mut tell = |done, of, counts, faults| {
        if std::mem::take(&mut first) {
            // What was done before a stop or a restart is no rate.
            progress.began = (done, clock.now().millis());
        }
        (progress.done, progress.of, progress.counts, progress.first_faults) = (done, of, counts, faults);
        progress.told_at = clock.now().millis();
        if let Err(error) = place.tell(progress, false) {
            tracing::error!(job = %place.id, %error, "jobs: storing progress failed");
        }
    };
    let ended = match &description.task {
        Task::Import(import) => {
            // What failed before a stop was told then, and is told still.
            let earlier = first_faults;
            let watch = |now: files::import::Progress| {
                let faults = earlier.iter().chain(&now.first_faults).take(FIRST_FAULTS).cloned().collect();
                tell(now.rows, now.of, now.counts, faults);
            };
            let ended = import::run(api, place, import, &description.list, wish.trying, watch, asked).await;
            ended.map(|outcome: Outcome| outcome.counts)
        }
        Task::Bulk(bulk) => {
            let of = match &bulk.whom {
                super::job::Whom::Ids(ids) => ids.len() as u64,
                super::job::Whom::Matching(_) => 0,
            };
            let watch = |reached: &bulk::Reached| {
                tell(reached.done, of, reached.counts, reached.first_faults.clone());
            };
            let ended = bulk::run(api.as_ref(), place, (&description.list, bulk), watch, asked).await;
            ended.map(|reached| reached.counts)
        }
    };
    match ended {
        Ok(counts) => End::Done(counts),
        Err(Error::Stopped) if wish_is_to_stop(place) => End::Stopped,
        // The job waits until the store is there again: it is looked for every few seconds.
        Err(Error::Stopped | Error::Away(_)) => End::Interrupted,
        Err(Error::Told(text) | Error::Changed(text)) => End::Failed(text),
    }
}

fn failed(why: &str) -> End {
    End::Failed(why.to_owned())
}

fn wish_is_to_stop(place: &Place) -> bool {
    place.wish().is_ok_and(|wish| wish.is_some_and(|wish| wish.stop))
}

/// Returns once somebody has asked for a stop, here or at another node.
async fn stop_asked(app: &App, place: &Place, wish: Wish) {
    loop {
        let here = app.jobs.wishes.notified();
        // Between the two nothing is missed: it is listened for before it is looked.
        let mut here = std::pin::pin!(here);
        here.as_mut().enable();
        match place.wish() {
            Ok(Some(now)) if now == wish => {}
            _ => return,
        }
        tokio::select! {
            () = here => {}
            () = tokio::time::sleep(LISTEN) => {}
        }
    }
}

/// Who made the job, as long as they may still do what it does.
async fn caller(app: &App, description: &Description) -> Result<Caller, End> {
    let told = |error: crate::storage::Error| {
        tracing::error!(%error, "jobs: reading rights failed");
        if error.is_passing() { End::Interrupted } else { failed("the store could not be read") }
    };
    let user = description.user().ok_or_else(|| failed("it is not known who made the job"))?;
    let list = ObjectId::parse(&description.list);
    let list = list.ok_or_else(|| failed("it is not known which list it is about"))?;
    let list = app.storage.find_list(list).await.map_err(told)?;
    if list.is_none_or(|list| list.account != description.account()) {
        return Err(failed("the list is gone"));
    }
    let accounts = app.storage.accounts().await.map_err(told)?;
    let users = accounts.iter().filter(|account| account.enabled).flat_map(|account| &account.users);
    let known = users.into_iter().find(|known| known.id == user && known.enabled);
    let role = known.ok_or_else(|| failed("the user who made it is not enabled any more"))?.role;
    if role < UserRole::Editor {
        return Err(failed("the user who made it may not change contacts any more"));
    }
    Ok(Caller::user(description.account(), description.account_name.clone(), user, role))
}
