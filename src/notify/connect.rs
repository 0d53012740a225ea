//! The connector of the client: resolve, refuse, connect. What is checked is the very address that is connected to.

use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::address::AddressPolicy;
use super::resolve::Resolver;
use super::stream::Stream;

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why there is no connection. An error of [`Connector`] that is none of these comes from the TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectError {
    /// The host has addresses, and the policy permits none of them. Permanent.
    AddressNotAllowed,
    /// The host has no address.
    NotResolved,
    /// No address took the connection.
    Unreachable,
    /// The machine has no root certificates to judge an https receiver by.
    NoRoots,
    /// No connection, TLS included, within the limit.
    TimedOut,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectError::AddressNotAllowed => "address not allowed",
            ConnectError::NotResolved => "host not found",
            ConnectError::Unreachable => "no connection",
            ConnectError::NoRoots => "no root certificates on this machine",
            ConnectError::TimedOut => "no connection in time",
        })
    }
}

impl Error for ConnectError {}

/// Connects to the permitted addresses of a host, over TCP.
#[derive(Clone)]
pub(super) struct TcpConnector {
    policy: Arc<AddressPolicy>,
    resolver: Resolver,
}

impl TcpConnector {
    pub(super) fn new(policy: AddressPolicy, resolver: Resolver) -> TcpConnector {
        TcpConnector { policy: Arc::new(policy), resolver }
    }

    /// The addresses of `uri` that may be connected to; never an empty list.
    async fn permitted(&self, uri: &Uri) -> Result<Vec<SocketAddr>, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NotResolved)?;
        let default_port = if is_https(uri) { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let resolved = self.resolver.addresses(host).await;
        if resolved.is_empty() {
            return Err(ConnectError::NotResolved);
        }
        let permitted: Vec<SocketAddr> = resolved
            .into_iter()
            .filter(|address| self.policy.permits(*address))
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if permitted.is_empty() {
            return Err(ConnectError::AddressNotAllowed);
        }
        Ok(permitted)
    }
}

impl Service<Uri> for TcpConnector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let addresses = connector.permitted(&uri).await?;
            connect_in_turn(&addresses).await.map(TokioIo::new)
        })
    }
}

/// All but the last address share one second, so that one that swallows packets (IPv6 without a route, often) leaves
/// time for the others within a receiver's 1.5 s.
async fn connect_in_turn(addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
    let share = Duration::from_secs(1) / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let (last, others) = addresses.split_last().ok_or(ConnectError::Unreachable)?;
    for address in others {
        if let Ok(Ok(stream)) = timeout(share, connect(*address)).await {
            return Ok(stream);
        }
    }
    let connected = connect(*last).await;
    connected.map_err(|_| ConnectError::Unreachable)
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// [`TcpConnector`], with TLS for https. Gives up after its limit even where nobody waits any more: the pool lets a
/// connection that lost the race against an idle one finish in the background.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: TcpConnector,
    tls: Option<HttpsConnector<TcpConnector>>,
    limit: Duration,
}

impl Connector {
    /// Judges https receivers by the machine's own root certificates. A machine without any still reaches http
    /// receivers.
    pub(super) fn new(tcp: TcpConnector, limit: Duration) -> Connector {
        let tls = native_tls(tcp.clone());
        Connector { tcp, tls, limit }
    }

    #[cfg(test)]
    pub(super) fn with_tls(
        tcp: TcpConnector,
        tls: Option<HttpsConnector<TcpConnector>>,
        limit: Duration,
    ) -> Connector {
        Connector { tcp, tls, limit }
    }

    fn handshake(&mut self, uri: Uri) -> BoxFuture<MaybeHttpsStream<TokioIo<TcpStream>>, BoxError> {
        match &mut self.tls {
            Some(tls) => tls.call(uri),
            None => {
                let tcp = self.tcp.clone();
                Box::pin(async move {
                    tcp.permitted(&uri).await?;
                    Err(ConnectError::NoRoots.into())
                })
            }
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<Stream, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = self.limit;
        let connecting: BoxFuture<_, BoxError> = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {
                let tcp = self.tcp.call(uri);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(tcp.await?)) })
            }
            Some(scheme) if *scheme == Scheme::HTTPS => self.handshake(uri),
            _ => Box::pin(ready(Err(ConnectError::Unreachable.into()))),
        };
        Box::pin(async move {
            let connected = timeout(limit, connecting).await;
            let stream = connected.map_err(|_| ConnectError::TimedOut)??;
            Ok(Stream::new(stream))
        })
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

fn native_tls(tcp: TcpConnector) -> Option<HttpsConnector<TcpConnector>> {
    static WARNED: Once = Once::new();
    match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(builder) => Some(builder.https_only().enable_http1().wrap_connector(tcp)),
        Err(error) => {
            WARNED.call_once(|| {
                tracing::warn!(%error, "no root certificates on this machine: webhooks to https receivers will fail");
            });
            None
        }
    }
}

#[cfg(test)]
mod tests;
