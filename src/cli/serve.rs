//! `rollbook serve`

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Result, now, print, start_log};
use crate::config::{Flags, Settings};
use crate::descriptors;
use crate::runtime;
use app::Limits;
use app::unsubscribe::{MAX_LINK, link_length};
use app::webhook::address::AddressPolicy;
use app::webhook::send::Sender;
use app::webhook::tls::read_roots;
use console::first_link;
use domain::clock::SystemClock;
use domain::id::Ids;
use http::watch;
use observe::metrics::Connections;
use observe::spans::Spans;
use storage::{Error, Role, Storage};
use web::connection_limit::ConnectionLimit;
use web::login::Console;
use web::serve;
use web::serve::Handle;
use web::tls::Tls;

/// Connections of those who watch, at a time.
const WATCHERS: usize = 16;

/// How the process ends when the disk has failed: EX_IOERR of sysexits.h.
const DISK_FAILED: i32 = 74;

/// How the process ends when the files of the store were moved or replaced: EX_OSFILE of sysexits.h. The unit does not
/// restart it: a start would create a new store at the empty path.
const STORE_MOVED: i32 = 72;

/// How long answers may take that are on their way when it does.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address to listen at [default: 127.0.0.1:8080; env: ROLLBOOK_LISTEN]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of /metrics [default: none; env: ROLLBOOK_METRICS_LISTEN]
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<String>,
    /// Path or postgres://… [default: rollbook.db; env: ROLLBOOK_DATABASE]
    #[arg(long, value_name = "STORE")]
    database: Option<String>,
    /// Private address range that may receive webhooks; repeatable
    #[arg(long, value_name = "CIDR")]
    webhook_allow: Vec<String>,
    /// Configuration file, see `rollbook config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result {
    let flags = Flags {
        listen: arguments.listen,
        metrics_listen: arguments.metrics_listen,
        database: arguments.database,
        webhook_allow: arguments.webhook_allow,
    };
    let settings = Settings::load(arguments.config.as_deref(), flags)?;
    start_log(&settings)?;
    descriptors::raise();
    let tls = settings.tls().map(|(certificate, key)| Tls::load(certificate, key)).transpose()?;
    // Watched for before there is anything to lose: whoever sends one early must not end the process.
    let hangups = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    tokio::spawn(reload(hangups, tls.clone()));
    let storage = open(&settings).await?;
    let listener = listen(&settings)?;
    welcome(storage.as_ref(), &settings, &listener).await?;
    let handle = Handle::new();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            stop_signal().await;
            tracing::info!("server: stopping, finishing requests in flight");
            serve::stop(&handle);
        }
    });
    run_server(storage, &settings, listener, tls, handle).await
}

/// Reads the certificate again at each SIGHUP.
async fn reload(mut hangups: Signal, tls: Option<Tls>) {
    while hangups.recv().await.is_some() {
        match tls.as_ref().map(Tls::reload) {
            Some(Ok(())) => tracing::info!("tls: certificate reloaded"),
            Some(Err(error)) => {
                tracing::error!(error, "tls: certificate reload failed, previous one stays");
            }
            None => tracing::info!("tls: nothing to reload, no certificate is set"),
        }
    }
}

/// Prints a sign-in link for the first user, if no user can sign in yet. It goes to standard output and not to the log,
/// which others read.
async fn welcome(storage: &dyn Storage, settings: &Settings, listener: &TcpListener) -> Result {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let link = first_link(storage, &settings.public_url(address), now()).await;
    if let Some(link) = link.map_err(|error| error.to_string())? {
        print(&format!(
            "No user can sign in to the console yet. This link signs you in, once, within 24 hours:\n\n  {link}\n"
        ));
    }
    Ok(())
}

/// Opens the store of a server.
pub async fn open(settings: &Settings) -> Result<Arc<dyn Storage>> {
    let store = settings.database.open(Role::Server, &settings.sqlite()).await;
    store.map_err(|error| error.to_string())
}

/// Takes the address.
pub fn listen(settings: &Settings) -> Result<TcpListener> {
    bind(settings.listen)
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// Serves until the handle stops it, and returns when everything is written.
pub async fn run_server(
    storage: Arc<dyn Storage>,
    settings: &Settings,
    listener: TcpListener,
    tls: Option<Tls>,
    handle: Handle,
) -> Result {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let metrics = settings.metrics_listen.map(bind).transpose()?;
    let policy = AddressPolicy::new(settings.webhook_allow.clone());
    let roots = settings.webhook_ca_file.as_deref().map(read_roots).transpose()?.unwrap_or_default();
    let url = settings.public_url(address);
    let console = Console::new(url.clone());
    let spans = settings.otlp_endpoint.as_ref().map(|url| Spans::to(url, settings.otlp_percent));
    let spans = spans.transpose()?.unwrap_or_default();
    let environment = runtime::Environment {
        clock: Arc::new(SystemClock),
        ids: Ids::from_system(),
        attempt_ids: Ids::from_system(),
        webhooks: Arc::new(Sender::new(policy, &roots)),
    };
    let limits = settings.limits();
    warn_of_links(&limits);
    let (app, loops) =
        runtime::start(Arc::clone(&storage), environment, limits, settings.jobs(), console, spans.clone());
    if let Some(metrics) = metrics.as_ref().and_then(|listener| listener.local_addr().ok()) {
        tracing::info!(%metrics, "metrics: serving");
    }
    tracing::info!(%address, %url, tls = tls.is_some(), database = %settings.database, "serving");
    let watchers = Handle::new();
    let watched = metrics.map(|listener| {
        let router = watch::router(Arc::clone(&app));
        let limit = ConnectionLimit::new(WATCHERS, Connections::default());
        tokio::spawn(serve::serve(listener, router, limit, watchers.clone()))
    });
    let router = runtime::router(Arc::clone(&app));
    let limit = ConnectionLimit::new(settings.max_connections, app.metrics.connections.clone());
    let stop = handle.clone();
    let serving = async {
        match tls {
            Some(tls) => serve::serve_tls(listener, router, limit, tls.config(), handle).await,
            None => serve::serve(listener, router, limit, handle).await,
        }
    };
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        error = storage.failed() => {
            serve::stop(&stop);
            // Those who wait are told that their outcome is unknown, unless they take too long to hear it.
            let _ = tokio::time::timeout(LAST_ANSWERS, serving).await;
            end(&error)
        }
    };
    // Those who watch see the stop to its end.
    if let Some(watched) = watched {
        serve::stop(&watchers);
        if let Err(error) = watched.await.map_err(std::io::Error::other).and_then(|served| served) {
            tracing::error!(%error, "metrics: serving failed");
        }
    }
    loops.stop(app).await;
    if let Err(error) = tokio::task::spawn_blocking(move || spans.stop()).await {
        tracing::error!(%error, "traces: sending the last spans failed");
    }
    tokio::select! {
        biased;
        error = storage.failed() => end(&error),
        () = std::future::ready(()) => drop(storage),
    }
    tracing::info!("stopped");
    served.map_err(|error| error.to_string())
}

/// Ends the process because the disk has failed or the store was moved, without closing the store. Closing would copy the
/// log into the files, and empty it if the disk claims to have them.
fn end(error: &Error) -> ! {
    if let Error::Moved(_) = error {
        tracing::error!(%error, "store: files were moved, process ends");
        std::process::exit(STORE_MOVED);
    }
    tracing::error!(%error, "store: sync failed, process ends");
    std::process::exit(DISK_FAILED)
}

/// Some mail libraries break long unsubscribe links. Without a warning, the operator notices it too late.
fn warn_of_links(limits: &Limits) {
    let length = limits.unsubscribe_url.as_ref().map(|url| link_length(url));
    if let Some(length) = length.filter(|length| *length > MAX_LINK) {
        tracing::warn!(length, max = MAX_LINK, "unsubscribe: links are too long, set unsubscribe_url");
    }
}

/// Returns when the process is asked to end.
pub async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("server: watching signals failed, only SIGKILL ends it");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
