//! A week of activity: a server of its own whose clock stands in the past, and moves to the present step by step.
//!
//! The server is the real one with another clock, as in a simulation. The API has no way to set a time, and no row of
//! the store is written by hand. The server that the user meets begins after this one, with the clock of the machine.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use crate::cli::Result;
use crate::config::Settings;
use crate::runtime::{self, Loops};
use app::webhook::address::AddressPolicy;
use app::webhook::send::Sender;
use domain::clock::{Clock, SystemClock, Timestamp};
use domain::id::Ids;
use observe::spans::Spans;
use storage::Storage;
use web::App;
use web::connection_limit::ConnectionLimit;
use web::login::Console;
use web::serve::{self, Handle};

/// How long a sleeper takes at most to notice that the clock was moved.
const LOOK: Duration = Duration::from_millis(10);

/// Connections of the demo's own client.
const CONNECTIONS: usize = 16;

/// The clock of the machine, some time ago.
struct PastClock {
    /// How far it is behind, in milliseconds.
    behind: AtomicI64,
}

#[async_trait]
impl Clock for PastClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() - self.behind.load(Ordering::Relaxed))
    }

    /// The real time, for signatures of webhooks that leave the machine.
    fn system(&self) -> Timestamp {
        SystemClock.system()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    async fn sleep_until(&self, time: Timestamp) {
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

/// A server in the past.
pub struct Past {
    /// The server.
    pub app: Arc<App>,
    /// Its address.
    pub address: SocketAddr,
    clock: Arc<PastClock>,
    loops: Loops,
    handle: Handle,
    served: JoinHandle<std::io::Result<()>>,
}

impl Past {
    /// Starts it so long ago, at an address of its own.
    pub fn start(storage: Arc<dyn Storage>, settings: &Settings, ago: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let behind = AtomicI64::new(i64::try_from(ago.as_millis()).unwrap_or_default());
        let clock = Arc::new(PastClock { behind });
        let environment = runtime::Environment {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ids: Ids::from_system(),
            attempt_ids: Ids::from_system(),
            webhooks: Arc::new(Sender::new(AddressPolicy::new(settings.webhook_allow.clone()), &[])),
        };
        let console = Console::new(settings.public_url(address));
        let (app, loops) = runtime::start(
            storage,
            environment,
            settings.limits(),
            settings.jobs(),
            console,
            Spans::default(),
        );
        let (handle, router) = (Handle::new(), runtime::router(Arc::clone(&app)));
        let limit = ConnectionLimit::new(CONNECTIONS, app.metrics.connections.clone());
        let served = tokio::spawn(serve::serve(listener, router, limit, handle.clone()));
        Ok(Self { app, address, clock, loops, handle, served })
    }

    /// Lets hours pass, but never beyond the present.
    pub fn pass(&self, hours: u32) {
        let millis = i64::from(hours) * 3_600_000;
        let left = |behind: i64| Some((behind - millis).max(0));
        // The closure always returns a value, so this cannot fail.
        let _ = self.clock.behind.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
    }

    /// Stops it when everything is written.
    pub async fn stop(self) -> Result {
        serve::stop(&self.handle);
        let served = self.served.await.map_err(|error| error.to_string())?;
        self.loops.stop(self.app).await;
        served.map_err(|error| error.to_string())
    }
}
