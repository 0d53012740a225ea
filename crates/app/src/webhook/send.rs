//! One attempt to deliver a status webhook.

use std::error::Error;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::http::Extensions;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::address::AddressPolicy;
use super::connect::{ATTEMPT, Attempt, Connector, NotConnected, TcpConnector};
use super::resolve::Resolver;
use super::stream::Answered;
use super::tls;
use domain::journal::AccountNo;
use storage::{DeliveryEnd, MAX_ANSWER};

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
#[derive(Clone)]
pub struct Message {
    /// The account that sends it: accounts share the look-ups of names.
    pub account: AccountNo,
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

/// Makes attempts to deliver webhooks: all that the loop of deliveries knows of the network.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Makes one attempt, which takes no longer than 1.5 s. `None` where the server itself had no look-up or no file
    /// descriptor left for the account: nothing was tried.
    async fn send(&self, message: Message) -> Option<storage::Response>;
}

/// Sends webhooks over HTTP. Clones share one pool of connections. Obeys no proxy variables.
#[derive(Clone)]
pub struct Sender {
    client: Client<Connector, Full<Bytes>>,
}

impl Sender {
    /// A sender to the addresses that `policy` permits. https receivers are verified with the machine's root
    /// certificates and those of `roots`.
    pub fn new(policy: AddressPolicy, roots: &[CertificateDer<'static>]) -> Sender {
        let tcp = TcpConnector::new(policy, Resolver::system());
        Sender::over(Connector::new(tcp, roots, LIMIT))
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
impl Transport for Sender {
    async fn send(&self, message: Message) -> Option<storage::Response> {
        let deadline = Instant::now() + LIMIT;
        let attempt = Attempt::of(message.account);
        let Some(request) = request(message) else {
            return Some(DeliveryEnd::Broken.into());
        };
        let tried = async {
            let response = timeout_at(deadline, self.response(request)).await;
            response.map_err(|_| ATTEMPT.with(Attempt::timed_out))
        };
        match ATTEMPT.scope(attempt, tried).await {
            Err(end) => Some(end.into()),
            Ok(Err(error)) => failed(&error).map(storage::Response::from),
            Ok(Ok(response)) => {
                let (status, mut beginning) = (response.status().as_u16(), Vec::new());
                // The status stands; a body that is not read to its end costs no more than the connection.
                let _ = timeout_at(deadline, drain(response.into_body(), &mut beginning)).await;
                Some(storage::Response::of(status, &beginning))
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

/// Why there is no answer, by the types of the errors behind it: their texts are no interface.
fn failed(error: &legacy::Error) -> Option<DeliveryEnd> {
    if let Some(NotConnected(end)) = cause(error) {
        return *end;
    }
    if error.is_connect() {
        return Some(cause(error).map_or(DeliveryEnd::NoTls, tls::end));
    }
    let http: Option<&hyper::Error> = cause(error);
    Some(if http.is_some_and(hyper::Error::is_parse) { DeliveryEnd::NotHttp } else { DeliveryEnd::NoAnswer })
}

/// The first error of a type behind another one. `io::Error` does not name the error that it wraps as its source.
fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// Reads a body to its end, or as far as it is read; `beginning` gets its first bytes as they come.
async fn drain(mut body: Incoming, beginning: &mut Vec<u8>) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        let wanted = MAX_ANSWER.saturating_sub(beginning.len()).min(data.len());
        beginning.extend_from_slice(&data[..wanted]);
        read += data.len();
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
