//! `rollbook serve`

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::{Result, start_log};
use crate::app;
use crate::clock::SystemClock;
use crate::config::{Flags, Settings};
use crate::http::serve;
use crate::notify::address::AddressPolicy;
use crate::storage::Storage;
use crate::storage::sqlite::{Role, SqliteStore};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen [default: 127.0.0.1:8080; also ROLLBOOK_LISTEN]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The store's path [default: rollbook.db; also ROLLBOOK_DATABASE]
    #[arg(long, value_name = "PATH")]
    database: Option<String>,
    /// A range to which webhooks may go though it is not public; may be given again
    #[arg(long, value_name = "CIDR")]
    webhook_allow: Vec<String>,
    /// A configuration file, see `rollbook config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result {
    let flags = Flags {
        listen: arguments.listen,
        database: arguments.database,
        webhook_allow: arguments.webhook_allow,
    };
    let settings = Settings::load(arguments.config.as_deref(), flags)?;
    start_log(&settings)?;
    let storage = open(&settings)?;
    let listener = listen(&settings)?;
    let handle = Handle::new();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            stop_signal().await;
            tracing::info!("stopping: requests in flight are finished");
            serve::stop(&handle);
        }
    });
    run_server(storage, &settings, listener, handle).await
}

/// Opens the store of a server.
pub fn open(settings: &Settings) -> Result<Arc<dyn Storage>> {
    let store = SqliteStore::open(&settings.database, Role::Server, &settings.sqlite());
    Ok(Arc::new(store.map_err(|error| error.to_string())?))
}

/// Takes the address.
pub fn listen(settings: &Settings) -> Result<TcpListener> {
    TcpListener::bind(settings.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))
}

/// Serves until the handle is told to stop, and ends with everything written.
pub async fn run_server(
    storage: Arc<dyn Storage>,
    settings: &Settings,
    listener: TcpListener,
    handle: Handle<std::net::SocketAddr>,
) -> Result {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let policy = AddressPolicy::new(settings.webhook_allow.clone());
    let (app, loops) = app::start(storage, Arc::new(SystemClock), settings.limits(), policy);
    tracing::info!(%address, database = %settings.database.display(), "serving");
    let served = serve::serve(listener, Arc::clone(&app), settings.max_connections, handle).await;
    loops.stop(app).await;
    tracing::info!("stopped");
    served.map_err(|error| error.to_string())
}

/// Returns when the process is asked to end.
pub async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be watched for; only a kill ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
