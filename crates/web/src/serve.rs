//! The socket: accepts, bounds, and stops without losing anything.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Server;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::sync::watch;

use super::admission::Admitting;
use super::connection::{Connection, Listener, Peer};
use super::connection_limit::ConnectionLimit;
use super::unparsed;

/// Stops a server that serves with it.
#[derive(Clone, Debug)]
pub struct Handle {
    server: axum_server::Handle<Peer>,
    stopping: watch::Sender<bool>,
}

impl Default for Handle {
    fn default() -> Self {
        Self::new()
    }
}

impl Handle {
    /// For one server.
    pub fn new() -> Self {
        Self { server: axum_server::Handle::new(), stopping: watch::Sender::new(false) }
    }

    /// Stops the server at once, and cuts what is in flight.
    pub fn shutdown(&self) {
        self.server.shutdown();
    }
}

/// Whether a server is to stop. Every request has it among its extensions.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns once the server is to stop: answers that are held back are then given.
    pub async fn begun(mut self) {
        // A server without a handle is never told to stop.
        if self.0.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending().await
        }
    }
}

/// How long the first request of a connection may take to arrive, its body aside.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// How long a connection may stay idle between requests, and the headers of the next may take to arrive. Longer than
/// the 75 seconds for which nginx keeps connections: who closes first must not be the server, since the proxy may be
/// sending a request by then.
const IDLE: Duration = Duration::from_secs(90);

/// How long a client may take to answer a ping of HTTP/2, and how often there is one.
const PING: Duration = Duration::from_secs(30);

/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long requests that are in flight may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(30);

/// Requests at a time over one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 32;

/// Serves until the handle is told to stop, and then finishes what is in flight.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limit: ConnectionLimit,
    handle: Handle,
) -> io::Result<()> {
    let stopping = Stopping(handle.stopping.subscribe());
    let server = server(listener, limit, handle)?.acceptor(Admit(DefaultAcceptor, stopping));
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// The same over TLS. What `tls` is reloaded with holds for connections that come after it.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    limit: ConnectionLimit,
    tls: RustlsConfig,
    handle: Handle,
) -> io::Result<()> {
    let acceptor = RustlsAcceptor::new(tls).handshake_timeout(HANDSHAKE);
    let stopping = Stopping(handle.stopping.subscribe());
    let server = server(listener, limit, handle)?.acceptor(Admit(acceptor, stopping));
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

fn server(listener: TcpListener, limit: ConnectionLimit, handle: Handle) -> io::Result<Server<Peer>> {
    listener.set_nonblocking(true)?;
    let socket = tokio::net::TcpListener::from_std(listener)?;
    let mut server = Server::from_listener(Listener { socket, limit })
        .handle(handle.server)
        .first_request_timeout(FIRST_REQUEST)
        .accept_error_handler(|_, error| tracing::debug!(%error, "http: connection failed"));
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    Ok(server)
}

/// Tells a server to stop: no new connections, and what is in flight has time to finish.
pub fn stop(handle: &Handle) {
    handle.stopping.send_replace(true);
    handle.server.graceful_shutdown(Some(GRACE));
}

/// Connects what is accepted, in the clear or by TLS, to the slot of its connection.
#[derive(Clone)]
struct Admit<A>(A, Stopping);

impl<A, S> Accept<Connection, S> for Admit<A>
where
    A: Accept<Connection, S>,
    A::Future: Send + 'static,
{
    type Stream = unparsed::Stream<A::Stream>;
    type Service = Admitting<A::Service>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, connection: Connection, service: S) -> Self::Future {
        let slot = Arc::clone(&connection.slot);
        let accepted = self.0.accept(connection, service);
        let stopping = self.1.clone();
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            let stream = unparsed::Stream::new(stream, Arc::clone(&slot));
            Ok((stream, Admitting { service, slot, stopping }))
        })
    }
}
