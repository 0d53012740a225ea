//! The store: its connections, and how a transaction is tried again.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ConfigConnectImpl, Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};

use super::address::{Address, Security};
use super::in_one::{Returned, in_one};
use super::rows::View;
use super::session::{Kind, Known, Reach, Session, Values, error, reach};
use super::shared::Shared;
use super::tls::Tls;
use super::{migrate, node};
use domain::clock::Timestamp;
use storage::{Applier as _, Error, Role};

/// How often a transaction is tried that failed for a passing reason.
const TRIES: u32 = 5;

/// The pause before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a free connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the making of a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What can be set of the store.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections of this process at most.
    pub connections: usize,
    /// Lists that this process applies side by side.
    pub appliers: usize,
    /// How long nothing may be heard of a node until what it had out is given to others.
    pub lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connections: 16, appliers: 4, lease: Duration::from_secs(6) }
    }
}

/// A store on PostgreSQL.
pub struct PostgresStore {
    pub(super) shared: Arc<Shared>,
    pool: Pool,
    /// See [`Session::new`].
    known: Option<Arc<Known>>,
    /// Tells the others that this node lives.
    _heart: Option<node::Heart>,
}

/// How a transaction failed.
pub(super) struct Failed<E> {
    pub error: E,
    pub reach: Reach,
    /// Whether it failed while it was being committed.
    pub committing: bool,
}

impl PostgresStore {
    /// Opens the store at a `postgres://` address, making the schema or bringing it up to date.
    ///
    /// # Errors
    /// Where the database cannot be reached, or was written by a later version.
    pub async fn open(url: &str, role: Role, settings: &Settings) -> Result<Self, Error> {
        let address = Address::read(url)?;
        // A server has one more, which listens.
        let listens = usize::from(role == Role::Server && !address.pooled);
        let pool = pool(&address, settings.connections.saturating_sub(listens).max(1))?;
        let mut client = connection(&pool).await?;
        migrate::migrate(&mut client).await?;
        let shared = Arc::new(Shared::load(&client, settings).await?);
        drop(client);
        let heart = match role {
            Role::Server => Some(node::Heart::start(&address, &pool, &shared).await?),
            Role::Command => None,
        };
        let known = address.pooled.then(Arc::default);
        let store = Self { shared, pool, known, _heart: heart };
        // What waits is known from the beginning: requests are refused where it is too much.
        store.apply_next(0, Timestamp::from_millis(0)).await?;
        Ok(store)
    }

    /// Runs a job that reads.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.again(Kind::Read, |_| true, job).await.map_err(|failed| failed.error)
    }

    /// Runs a job that reads rows.
    pub(super) async fn view<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&View<'_>) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.read(move |session, shared| job(&View::new(session, shared))).await
    }

    /// Runs a job that writes, and that does no harm where it is done twice.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.again(Kind::Write, |_| true, job).await.map_err(|failed| failed.error)
    }

    /// The same for a job that has errors of its own.
    pub(super) async fn write_or<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, E> + Send + Sync + 'static,
    {
        self.again(Kind::Write, |_| true, job).await.map_err(|failed| failed.error)
    }

    /// Runs a job that writes once: it is not tried again where it may have been kept.
    pub(super) async fn write_once<T, E, F>(&self, job: F) -> Result<T, Failed<E>>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, E> + Send + Sync + 'static,
    {
        self.again(Kind::Write, |failed| !failed.committing, job).await
    }

    /// The same for a job that appends: it fails with [`Reach::Held`] where it would wait for a list.
    pub(super) async fn append_once<T, F>(&self, job: F) -> Result<T, Failed<Error>>
    where
        T: Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.again(Kind::Append, |failed| !failed.committing, job).await
    }

    /// Changes the catalogue. Whether a change was kept whose commit was lost is not known: it is not tried again.
    pub(super) async fn change<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Display + Send + 'static,
        F: Fn(&Session) -> Result<T, E> + Send + Sync + 'static,
    {
        let done = self.write_once(move |session, _| job(session)).await;
        done.map_err(|failed| match failed {
            Failed { error, reach: Reach::Lost, committing: true } => {
                E::from(Error::Unknown(error.to_string()))
            }
            failed => failed.error,
        })
    }

    /// Whether connections keep prepared statements: no pooler stands in between.
    pub(super) const fn keeps_statements(&self) -> bool {
        self.known.is_none()
    }

    /// Runs a transaction of statements that do not depend on each other's answers, once: see [`in_one`].
    pub(super) async fn append_in_one(
        &self,
        statements: &[(&str, Values<'_>)],
    ) -> Result<Vec<Returned>, Failed<Error>> {
        let attempt = || async {
            let lost = |error| Failed { error, reach: Reach::Lost, committing: false };
            let client = connection(&self.pool).await.map_err(lost)?;
            in_one(&client, statements).await.map_err(|(failure, committing)| Failed {
                reach: reach(&failure),
                error: error(failure),
                committing,
            })
        };
        self.repeat(|failed| !failed.committing, attempt).await
    }

    async fn again<T, E, F>(
        &self,
        kind: Kind,
        may_repeat: impl Fn(&Failed<E>) -> bool,
        job: F,
    ) -> Result<T, Failed<E>>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, E> + Send + Sync + 'static,
    {
        let job = Arc::new(job);
        self.repeat(may_repeat, || self.attempt(kind, Arc::clone(&job))).await
    }

    /// Tries again what failed for a passing reason.
    async fn repeat<T, E, A: Future<Output = Result<T, Failed<E>>>>(
        &self,
        may_repeat: impl Fn(&Failed<E>) -> bool,
        attempt: impl Fn() -> A,
    ) -> Result<T, Failed<E>> {
        let (start, mut pause) = (Instant::now(), PAUSE);
        for _ in 1..TRIES {
            match attempt().await {
                // A database that does not even refuse costs seconds a try: a caller is told before it gives up.
                Err(failed)
                    if !matches!(failed.reach, Reach::Lasting | Reach::Held)
                        && may_repeat(&failed)
                        && start.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        attempt().await
    }

    async fn attempt<T, E, F>(&self, kind: Kind, job: Arc<F>) -> Result<T, Failed<E>>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&Session, &Shared) -> Result<T, E> + Send + Sync + 'static,
    {
        let lost = |error| Failed { error: E::from(error), reach: Reach::Lost, committing: false };
        let client = connection(&self.pool).await.map_err(lost)?;
        let (runtime, shared, known) = (Handle::current(), Arc::clone(&self.shared), self.known.clone());
        let done = tokio::task::spawn_blocking(move || {
            let session = Session::new(runtime, client, known);
            let outcome = session.begin(kind).map_err(E::from).and_then(|()| job(&session, &shared));
            match outcome {
                Ok(value) => session.commit().map(|()| value).map_err(|(error, reach)| Failed {
                    error: E::from(error),
                    reach,
                    committing: true,
                }),
                Err(error) => Err(Failed { error, reach: session.roll_back(), committing: false }),
            }
        });
        done.await.unwrap_or_else(|panic| {
            let error = E::from(Error::Failed(panic.to_string()));
            Err(Failed { error, reach: Reach::Lasting, committing: true })
        })
    }
}

fn configured(address: &Address) -> Config {
    let mut config = address.config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    config.keepalives_idle(CONNECT);
    config.tcp_user_timeout(PATIENCE);
    if config.get_application_name().is_none() {
        config.application_name("rollbook");
    }
    config
}

/// What a connection is sent without being asked. It works only while this is polled.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// A connection of its own, whose messages are for the caller.
pub(super) async fn listening(address: &Address) -> Result<(Client, Messages), Error> {
    let config = configured(address);
    let connected = match address.security {
        Security::Disable => listening_with(&config, NoTls).await,
        Security::Prefer => match listening_with(&config, Tls::new(address)?).await {
            // As in [`Preferring`].
            Err(failed) if failed.as_db_error().is_none() => {
                let mut plain = config.clone();
                plain.ssl_mode(SslMode::Disable);
                listening_with(&plain, NoTls).await.map_err(|_| failed)
            }
            connected => connected,
        },
        _ => listening_with(&config, Tls::new(address)?).await,
    };
    connected.map_err(error)
}

async fn listening_with<T>(config: &Config, tls: T) -> Result<(Client, Messages), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    Ok((client, stream::poll_fn(move |context| connection.poll_message(context)).boxed()))
}

/// The connections to a database, made as they are needed.
pub(super) fn pool(address: &Address, connections: usize) -> Result<Pool, Error> {
    let config = configured(address);
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match address.security {
        Security::Disable => Manager::from_config(config, NoTls, fast),
        Security::Prefer => {
            let [encrypted, mut plain] = [config.clone(), config];
            plain.ssl_mode(SslMode::Disable);
            let tls = ConfigConnectImpl { tls: Tls::new(address)? };
            Manager::from_connect(encrypted, Preferring { tls, plain }, fast)
        }
        _ => Manager::from_config(config, Tls::new(address)?, fast),
    };
    let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(CONNECT), recycle: Some(CONNECT) };
    let pool =
        Pool::builder(manager).max_size(connections).timeouts(timeouts).runtime(Runtime::Tokio1).build();
    pool.map_err(|error| Error::Unavailable(error.to_string()))
}

/// Connects with TLS, and without it if the handshake fails, as libpq does for `sslmode=prefer`.
struct Preferring {
    tls: ConfigConnectImpl<Tls>,
    plain: Config,
}

impl Connect for Preferring {
    fn connect(
        &self,
        encrypted: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let first = self.tls.connect(encrypted);
        Box::pin(async move {
            match first.await {
                // A server that has answered in its own protocol has rejected more than the encryption.
                Err(failed) if failed.as_db_error().is_none() => {
                    ConfigConnectImpl { tls: NoTls }.connect(&self.plain).await.map_err(|_| failed)
                }
                connected => connected,
            }
        })
    }
}

/// A connection of the pool.
pub(super) async fn connection(pool: &Pool) -> Result<Object, Error> {
    pool.get().await.map_err(|failure| match failure {
        deadpool_postgres::PoolError::Backend(failure) => error(failure),
        other => Error::Unavailable(other.to_string()),
    })
}
