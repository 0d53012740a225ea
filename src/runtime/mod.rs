//! The running server without its socket: the loops, start and stop, and every route.

mod router;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use app::catalogue::Catalogue;
use app::feed::Followers;
use app::retention::RetentionClock;
use app::unsubscribe::Links;
use app::webhook::send::Transport;
use app::writer::Writer;
use app::{Commands, Limits, Queries, Services};
use domain::clock::Clock;
use domain::id::Ids;
use domain::journal::KEEP_KEYS;
use jobs::{JobRuntime, JobService};
use loops::applier::Applier;
use loops::indexer::Indexer;
use loops::segments::Follower;
use loops::webhooks::deliver::Deliverer;
use loops::webhooks::events::EventSender;
use observe::metrics::{Metrics, Work};
use observe::spans::Spans;
use storage::{RetentionPolicy, Storage};
use web::App;
use web::auth_throttle::AuthThrottle;
use web::concurrency_limit::ConcurrencyLimit;
use web::last_used::LastUsed;
use web::login::Console;
use web::rejections::Rejections;
use wire::changes::values;

pub use self::router::router;

/// How long requests are kept after they were processed (contract, section 5).
const KEEP_REQUESTS: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How often what is to be forgotten is looked for.
const PRUNE: Duration = Duration::from_secs(60);

/// How long the loops may take to end. Each ends at once but for what it waits for from the store.
const STOP: Duration = Duration::from_secs(20);

/// The loops of a running server.
pub struct Loops {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
}

/// What the server has from outside: a simulation brings its own.
pub struct Environment {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of requests, lists and what else is created.
    pub ids: Ids,
    /// Makes the ids of attempts to send webhooks: apart, so that those of requests do not depend on receivers.
    pub attempt_ids: Ids,
    /// Sends webhooks.
    pub webhooks: Arc<dyn Transport>,
}

/// Starts everything but the socket.
pub fn start(
    storage: Arc<dyn Storage>,
    Environment { clock, ids, attempt_ids, webhooks }: Environment,
    limits: Limits,
    jobs: jobs::Settings,
    console: Console,
    spans: Spans,
) -> (Arc<App>, Loops) {
    let [appended, applied, reported] = [(); 3].map(|()| Arc::new(Notify::new()));
    let metrics = Arc::new(Metrics::new());
    let (ids, attempt_ids) = (Arc::new(ids), Arc::new(attempt_ids));
    let seen = (Arc::clone(&metrics), spans.clone());
    let (writer, commits) = Writer::new(storage.clone(), limits.backlog, Arc::clone(&appended), seen);
    let (stop, stopped) = watch::channel(false);
    let appliers = (0..storage.appliers()).map(|_| Applier {
        storage: storage.clone(),
        clock: Arc::clone(&clock),
        appended: Arc::clone(&appended),
        applied: Arc::clone(&applied),
        reported: Arc::clone(&reported),
        metrics: Arc::clone(&metrics),
        spans: spans.clone(),
    });
    let appliers: Vec<_> = appliers.collect();
    let deliverer = Deliverer {
        storage: Arc::clone(&storage),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&attempt_ids),
        transport: Arc::clone(&webhooks),
        reported,
        metrics: Arc::clone(&metrics),
        spans: spans.clone(),
    };
    let job_service = Arc::new(JobService::new(jobs, Arc::clone(&storage)));
    let links = Links::new(storage.link_key(), limits.unsubscribe_url.clone());
    let services = Arc::new(Services {
        catalogue: Catalogue::new(Arc::clone(&storage)),
        storage,
        writer,
        metrics,
        spans,
        applied,
        followers: Followers::default(),
        search: Arc::default(),
        clock,
        retention: RetentionClock::default(),
        ids,
        attempt_ids,
        suppression_expiry: limits.suppression_expiry,
        links,
        transport: webhooks,
    });
    let concurrency_limit = ConcurrencyLimit::new(limits.in_flight);
    let server = Arc::new(JobRuntime {
        commands: Commands::new(Arc::clone(&services)),
        queries: Queries::new(Arc::clone(&services)),
        services,
        jobs: job_service,
        limits,
    });
    let app = Arc::new(App {
        server: Arc::clone(&server),
        concurrency_limit,
        auth_throttle: AuthThrottle::default(),
        link_throttle: AuthThrottle::default(),
        last_used: LastUsed::default(),
        rejections: Rejections::default(),
        console,
    });
    let mut tasks: Vec<_> =
        appliers.into_iter().map(|applier| tokio::spawn(applier.run(stopped.clone()))).collect();
    tasks.extend([
        tokio::spawn(deliverer.run(stopped.clone())),
        tokio::spawn(event_sender(&app).run(stopped.clone())),
        tokio::spawn(until(stopped.clone(), watch_catalogue(Arc::clone(&app)))),
        tokio::spawn(until(stopped.clone(), prune(Arc::clone(&app)))),
        tokio::spawn(until(stopped.clone(), wake_followers(Arc::clone(&app)))),
        tokio::spawn(until(stopped.clone(), indexer(&app).run())),
        tokio::spawn(until(stopped.clone(), follower(&app).run())),
        tokio::spawn(until(stopped.clone(), keep_used(Arc::clone(&app)))),
        tokio::spawn(until(stopped.clone(), keep_rejections(Arc::clone(&app)))),
        tokio::spawn(until(stopped.clone(), tidy(Arc::clone(&app)))),
        tokio::spawn(jobs::run::run(server, stopped)),
    ]);
    (app, Loops { stop, tasks, writer: tokio::spawn(commits) })
}

impl Loops {
    /// Ends the loops, each at the end of what it is doing. The socket is closed and all handlers are done by
    /// then, so that `app` is the last to hold the writer.
    pub async fn stop(self, app: Arc<App>) {
        app.jobs.exports.close();
        // Nobody left to tell is what we want.
        let _ = self.stop.send(true);
        let Self { mut tasks, mut writer, .. } = self;
        let ended = async {
            for task in &mut tasks {
                if let Err(error) = task.await {
                    tracing::error!(%error, "runtime: background task panicked");
                }
            }
            app.last_used.flush(&*app.storage).await;
            app.rejections.flush(&*app.storage).await;
            drop(app);
            if let Err(error) = (&mut writer).await {
                tracing::error!(%error, "journal: writer panicked");
            }
        };
        if tokio::time::timeout(STOP, ended).await.is_err() {
            // A store that is away does not answer. Accepted batches are in it; the next start continues the rest.
            tracing::warn!("runtime: background tasks cut off, the store did not answer in time");
            for task in tasks.into_iter().chain([writer]).filter(|task| !task.is_finished()) {
                task.abort();
                // Either it is cancelled or it has just ended.
                let _ = task.await;
            }
        }
    }
}

async fn until(mut stop: watch::Receiver<bool>, endless: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = endless => {}
    }
}

fn event_sender(app: &App) -> EventSender {
    EventSender::new(
        values,
        Arc::clone(&app.storage),
        app.queries.clone(),
        Arc::clone(&app.clock),
        Arc::clone(&app.attempt_ids),
        Arc::clone(&app.transport),
        Arc::clone(&app.metrics),
    )
}

fn indexer(app: &App) -> Indexer {
    Indexer {
        storage: Arc::clone(&app.storage),
        clock: Arc::clone(&app.clock),
        applied: Arc::clone(&app.applied),
        status: Arc::clone(&app.search),
        metrics: Arc::clone(&app.metrics),
    }
}

fn follower(app: &App) -> Follower {
    Follower {
        storage: Arc::clone(&app.storage),
        queries: app.queries.clone(),
        clock: Arc::clone(&app.clock),
        applied: Arc::clone(&app.applied),
        metrics: Arc::clone(&app.metrics),
    }
}

async fn watch_catalogue(app: Arc<App>) {
    app.catalogue.watch(app.clock.as_ref()).await;
}

async fn wake_followers(app: Arc<App>) {
    app.followers.wake_all(&*app.storage, &app.applied, app.clock.as_ref()).await;
}

async fn keep_used(app: Arc<App>) {
    app.last_used.keep(&*app.storage, app.clock.as_ref()).await;
}

async fn keep_rejections(app: Arc<App>) {
    app.rejections.keep(&*app.storage, app.clock.as_ref()).await;
}

async fn prune(app: Arc<App>) {
    loop {
        // Pruning gives room back: it is done also if the disk has no room for that note.
        let looked = app.retention.look(&*app.storage, app.clock.as_ref()).await;
        if let Err(error) = looked.and(prune_all(&app).await) {
            tracing::error!(%error, "retention: pruning failed");
            app.metrics.store_error(Work::Prune);
        }
        app.clock.sleep(PRUNE).await;
    }
}

async fn prune_all(app: &App) -> Result<(), storage::Error> {
    let now = app.retention.now(app.clock.as_ref());
    let keep = RetentionPolicy {
        requests: now.before(KEEP_REQUESTS),
        history: now.before(app.limits.history),
        keys: now.before(KEEP_KEYS),
        ended: now,
    };
    while app.storage.prune(keep).await? > 0 {
        // A chunk at a time, so that applying gets its turns.
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn tidy(app: Arc<App>) {
    if let Err(error) = jobs::adopt::adopt(&app).await {
        tracing::error!(%error, "jobs: adopting jobs of an earlier version failed, the next start retries");
    }
    loop {
        if let Err(error) = jobs::tidy::tidy(&app).await {
            tracing::error!(%error, "retention: removing jobs failed");
        }
        app.clock.sleep(PRUNE).await;
    }
}
