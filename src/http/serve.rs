//! The socket: accepts, bounds, and stops without losing anything.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::places::{Place, Places, Seated};

/// How long headers may take to arrive, and a connection may stand idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that are in flight may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(30);

/// How long a client may take nothing of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests at a time over one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 32;

/// Serves until the handle is told to stop, and then finishes what is in flight.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let server = server(listener, handle)?.acceptor(Bounded::to(max_connections));
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// The same over TLS. What `tls` is reloaded with holds for connections that come after it.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    tls: RustlsConfig,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    // TLS is spoken over a connection that has its place and watches its writes: those of the handshake too.
    let acceptor = RustlsAcceptor::new(tls).handshake_timeout(HANDSHAKE_TIMEOUT);
    let server = server(listener, handle)?.acceptor(acceptor.acceptor(Bounded::to(max_connections)));
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

fn server(listener: TcpListener, handle: Handle<SocketAddr>) -> io::Result<Server<SocketAddr>> {
    listener.set_nonblocking(true)?;
    let mut server = axum_server::from_tcp(listener)?
        .handle(handle)
        .first_request_timeout(HEADER_TIMEOUT * 2)
        .accept_error_handler(|_, error| tracing::debug!(%error, "a connection came to nothing"));
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT);
    Ok(server)
}

/// Tells a server to stop: no new connections, and what is in flight has time to finish.
pub fn stop(handle: &Handle<SocketAddr>) {
    handle.graceful_shutdown(Some(GRACE));
}

/// Takes only so many connections at a time, since each costs a file descriptor: see [`Places`].
#[derive(Clone)]
struct Bounded(Places);

impl Bounded {
    fn to(max_connections: usize) -> Self {
        Self(Places::new(max_connections))
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Bounded {
    type Stream = Connection;
    type Service = Seated<S>;
    type Future = std::future::Ready<io::Result<(Connection, Seated<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(match self.0.take(Instant::now()) {
            Some(place) => {
                // Answers are small and must not wait for more; a socket that refuses is only slower.
                let _ = stream.set_nodelay(true);
                let service = place.watch(service);
                Ok((Connection { stream, stuck: None, place }, service))
            }
            None => {
                tracing::warn!("a connection was closed: there are too many, and all are in requests");
                Err(io::Error::other("too many connections"))
            }
        })
    }
}

/// A connection that gives its place back when it is closed, and is closed when somebody else has got its place, or when
/// its client does not take what is written to it.
struct Connection {
    stream: TcpStream,
    /// Since when nothing could be written, as the time at which that is long enough.
    stuck: Option<Pin<Box<Sleep>>>,
    place: Place,
}

impl Connection {
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        match stuck.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.place.is_lost(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
