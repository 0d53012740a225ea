//! One attempt to deliver a status webhook.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::http::Extensions;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::address::AddressPolicy;
use super::connect::{ConnectError, Connector, TcpConnector};
use super::resolve::Resolver;
use super::stream::Answered;

/// What a receiver has, from name resolution to the status line (contract, section 5).
const LIMIT: Duration = Duration::from_millis(1_500);
/// Idle connections are kept for the next batches of a busy account, not for longer.
const IDLE: Duration = Duration::from_secs(10);
const MAX_IDLE_PER_RECEIVER: usize = 2;
/// How much of a response's head is buffered before the receiver is given up.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How much of a response's body is read so that its connection can be used again.
const MAX_DRAINED_BYTES: usize = 16 * 1024;

/// The `user-agent` of every webhook.
pub const AGENT: &str = concat!("Rollbook/", env!("CARGO_PKG_VERSION"));

/// The header with the id of a webhook, the same over all attempts.
pub const ID_HEADER: &str = "webhook-id";
/// The header that says when an attempt was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures, as [`super::sign::signatures`] makes it.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// One signed webhook. Not `Debug`: its URI and body hold personal data.
pub struct Message {
    /// The receiver, an absolute http or https URI.
    pub uri: String,
    /// Of [`ID_HEADER`].
    pub id: String,
    /// Of [`TIMESTAMP_HEADER`].
    pub timestamp_seconds: i64,
    /// Of [`SIGNATURE_HEADER`].
    pub signature: String,
    /// The JSON text that was signed.
    pub body: Bytes,
}

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered with a 2xx.
    Delivered,
    /// It did not; another attempt may succeed.
    Failed(Failure),
    /// The receiver has no address that the policy permits: no attempt may be made again.
    Forbidden,
}

/// Why an attempt failed. Its text is for the log and holds nothing of the URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No status line within 1.5 s.
    TimedOut,
    /// A status other than 2xx; redirects are not followed.
    Status(u16),
    /// The name did not resolve, or no address took the connection.
    Connect,
    /// The TLS handshake failed: a certificate that is not trusted, above all.
    Tls,
    /// The connection broke, the answer was not HTTP, or the message could not be put into a request.
    Other,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut => f.write_str("no answer in time"),
            Failure::Status(status) => write!(f, "answered {status}"),
            Failure::Connect => f.write_str("no connection"),
            Failure::Tls => f.write_str("TLS handshake failed"),
            Failure::Other => f.write_str("no HTTP answer"),
        }
    }
}

/// Makes attempts to deliver webhooks: all that the loop of deliveries knows of the network.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Makes one attempt, which takes no longer than 1.5 s.
    async fn send(&self, message: Message) -> Outcome;
}

/// Sends webhooks over HTTP. Clones share one pool of connections. Obeys no proxy variables.
#[derive(Clone)]
pub struct Sender {
    client: Client<Connector, Full<Bytes>>,
}

impl Sender {
    /// A sender to the addresses that `policy` permits. Reads the machine's root certificates.
    pub fn new(policy: AddressPolicy) -> Sender {
        let tcp = TcpConnector::new(policy, Resolver::system());
        Sender::over(Connector::new(tcp, LIMIT))
    }

    fn over(connector: Connector) -> Sender {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE_PER_RECEIVER)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(connector);
        Sender { client }
    }

    /// Sends again when a connection breaks that has answered before: the receiver closed it while it was idle, and
    /// the close crossed the request. Should it have taken the request after all, the same `webhook-id` comes twice,
    /// which delivery at least once permits. Each round uses up a pooled connection, and a fresh one is the last.
    async fn response(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        loop {
            match self.client.request(request.clone()).await {
                Ok(response) => {
                    if let Some(answered) = response.extensions().get::<Answered>() {
                        answered.set();
                    }
                    return Ok(response);
                }
                Err(error) if was_reused(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl Carrier for Sender {
    async fn send(&self, message: Message) -> Outcome {
        let deadline = Instant::now() + LIMIT;
        let Some(request) = request(message) else {
            return Outcome::Failed(Failure::Other);
        };
        match timeout_at(deadline, self.response(request)).await {
            Err(_) => Outcome::Failed(Failure::TimedOut),
            Ok(Err(error)) => failed(&error),
            Ok(Ok(response)) => {
                let outcome = answered(response.status());
                // The outcome stands; a body that is not read to its end costs no more than the connection.
                let _ = timeout_at(deadline, drain(response.into_body())).await;
                outcome
            }
        }
    }
}

fn was_reused(error: &legacy::Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extras);
    }
    extras.get::<Answered>().is_some_and(Answered::get)
}

/// `None` for a message that no receiver could be sent: its URI or a header is malformed.
fn request(message: Message) -> Option<Request<Full<Bytes>>> {
    Request::post(target(&message.uri)?)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header(ID_HEADER, message.id)
        .header(TIMESTAMP_HEADER, message.timestamp_seconds)
        .header(SIGNATURE_HEADER, message.signature)
        .body(Full::new(message.body))
        .ok()
}

/// The URI as the url crate reads it, so that `http://0x7f.1/` is connected to, pooled and named in `host` as the
/// address that it is.
fn target(uri: &str) -> Option<Uri> {
    let url = Url::parse(uri).ok()?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    (anonymous && matches!(url.scheme(), "http" | "https")).then_some(())?;
    url.as_str().parse().ok()
}

fn answered(status: StatusCode) -> Outcome {
    if status.is_success() { Outcome::Delivered } else { Outcome::Failed(Failure::Status(status.as_u16())) }
}

fn failed(error: &legacy::Error) -> Outcome {
    if !error.is_connect() {
        return Outcome::Failed(Failure::Other);
    }
    Outcome::Failed(match connect_error(error) {
        Some(ConnectError::AddressNotAllowed) => return Outcome::Forbidden,
        Some(ConnectError::NotResolved | ConnectError::Unreachable) => Failure::Connect,
        Some(ConnectError::TimedOut) => Failure::TimedOut,
        Some(ConnectError::NoRoots) | None => Failure::Tls,
    })
}

fn connect_error(error: &legacy::Error) -> Option<ConnectError> {
    std::iter::successors(error.source(), |&error| error.source())
        .find_map(|error| error.downcast_ref().copied())
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_DRAINED_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod forgery_tests;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
