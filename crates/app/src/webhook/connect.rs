//! The connector of the client: resolve, refuse, connect. What is checked is the very address that is connected to.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::address::AddressPolicy;
use super::resolve::{NoLookup, Resolver};
use super::stream::Stream;
use super::tls;
use domain::journal::AccountNo;
use storage::DeliveryEnd;

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why there is no TCP connection. `None` where the server itself had no look-up or no file descriptor left. Other
/// errors of [`Connector`] come from the TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotConnected(pub(super) Option<DeliveryEnd>);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(end) => end.fmt(f),
            None => f.write_str("nothing was free to connect with"),
        }
    }
}

impl Error for NotConnected {}

const fn because(end: DeliveryEnd) -> NotConnected {
    NotConnected(Some(end))
}

tokio::task_local! {
    /// The attempt that is under way in a task. The client gives its connector nothing but the URI. A connection that
    /// the client leaves to finish in the background is of no attempt any more.
    pub(super) static ATTEMPT: Attempt;
}

/// An attempt as the connector knows it.
pub(super) struct Attempt {
    account: AccountNo,
    /// How the attempt ends if its time is up now.
    timed_out: Cell<DeliveryEnd>,
}

impl Attempt {
    pub(super) const fn of(account: AccountNo) -> Attempt {
        Attempt { account, timed_out: Cell::new(DeliveryEnd::TimedOut) }
    }

    pub(super) fn timed_out(&self) -> DeliveryEnd {
        self.timed_out.get()
    }

    /// How the attempt of this task ends if its time is up now.
    fn ends_now() -> DeliveryEnd {
        ATTEMPT.try_with(Attempt::timed_out).unwrap_or(DeliveryEnd::ConnectTimedOut)
    }

    /// From now on, time that is up means `end`.
    fn wait(end: DeliveryEnd) {
        // Where there is none, nobody waits.
        let _ = ATTEMPT.try_with(|attempt| attempt.timed_out.set(end));
    }
}

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
    async fn permitted(&self, uri: &Uri) -> Result<Vec<SocketAddr>, NotConnected> {
        let host = uri.host().ok_or(because(DeliveryEnd::HostNotFound))?;
        let default_port = if is_https(uri) { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let account = ATTEMPT.try_with(|attempt| attempt.account).unwrap_or(AccountNo(0));
        Attempt::wait(DeliveryEnd::HostTimedOut);
        let resolved = self.resolver.addresses(account, host).await.map_err(|NoLookup| NotConnected(None))?;
        Attempt::wait(DeliveryEnd::ConnectTimedOut);
        if resolved.is_empty() {
            return Err(because(DeliveryEnd::HostNotFound));
        }
        let permitted: Vec<SocketAddr> = resolved
            .into_iter()
            .filter(|address| self.policy.permits(*address))
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if permitted.is_empty() {
            return Err(because(DeliveryEnd::Forbidden));
        }
        Ok(permitted)
    }
}

impl Service<Uri> for TcpConnector {
    type Response = TokioIo<TcpStream>;
    type Error = NotConnected;
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
async fn connect_in_turn(addresses: &[SocketAddr]) -> Result<TcpStream, NotConnected> {
    let share = Duration::from_secs(1) / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let (last, others) = addresses.split_last().ok_or(because(DeliveryEnd::NoConnection))?;
    for address in others {
        if let Ok(Ok(stream)) = timeout(share, connect(*address)).await {
            return Ok(stream);
        }
    }
    let connected = connect(*last).await;
    connected.map_err(|error| {
        let own = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
        match error.raw_os_error() {
            Some(errno) if own.contains(&errno) => NotConnected(None),
            _ if error.kind() == ErrorKind::ConnectionRefused => because(DeliveryEnd::Refused),
            _ => because(DeliveryEnd::NoConnection),
        }
    })
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
    /// Verifies https receivers with the machine's own root certificates and those of `roots`. A machine without any
    /// still reaches http receivers.
    pub(super) fn new(tcp: TcpConnector, roots: &[CertificateDer<'static>], limit: Duration) -> Connector {
        let tls = tls::config(roots).map(|config| HttpsConnector::from((tcp.clone(), config)));
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
                    Err(because(DeliveryEnd::NoRoots).into())
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
            _ => Box::pin(ready(Err(because(DeliveryEnd::NoConnection).into()))),
        };
        Box::pin(async move {
            let connected = timeout(limit, connecting).await;
            let stream = connected.map_err(|_| because(Attempt::ends_now()))??;
            Attempt::wait(DeliveryEnd::TimedOut);
            Ok(Stream::new(stream))
        })
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

#[cfg(test)]
mod tests;
