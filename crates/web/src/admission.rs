//! Which requests are admitted: those with a valid access token or session. They keep the slot of their connection
//! until their answer has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, Response, StatusCode, Version};
use axum::response::IntoResponse as _;
use http_body::{Frame, SizeHint};
use tower::Service;

use super::answer::Answered;
use super::connection_limit::Slot;
use super::drain::Draining;
use super::serve::Stopping;
use domain::problem;

/// A request, and after it its answer: in progress until this is dropped.
#[derive(Debug)]
struct InProgress {
    slot: Arc<Slot>,
    admitted: AtomicBool,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.slot.end(self.admitted.load(Ordering::Acquire));
    }
}

/// Says that a request has a valid token or session. A request within the process has no connection.
pub fn admit(head: &Parts) {
    if let Some(request) = head.extensions.get::<Arc<InProgress>>()
        && !request.admitted.swap(true, Ordering::AcqRel)
    {
        request.slot.admit();
    }
}

/// The service of a connection: it tells the connection's slot when requests begin and end.
#[derive(Clone, Debug)]
pub struct Admitting<S> {
    /// The service of all connections.
    pub service: S,
    /// The slot of this one.
    pub slot: Arc<Slot>,
    /// Whether the server is to stop.
    pub stopping: Stopping,
}

impl<S, B> Service<Request<B>> for Admitting<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response<Answering>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.slot.begin();
        let slot = Arc::clone(&self.slot);
        let progress = Arc::new(InProgress { slot, admitted: AtomicBool::new(false) });
        if !names_one_host(request.version(), request.headers()) {
            // Read in the background, so that a client that is still writing sees the answer.
            drop(Draining::new(Body::new(request.into_body())));
            let problems = vec![problem::bad_request()];
            let answer = Answered::refusal(StatusCode::BAD_REQUEST, None, problems, None).into_response();
            return Box::pin(async { Ok(answer.map(|body| Answering { body, _progress: progress })) });
        }
        request.extensions_mut().insert(Arc::clone(&progress));
        request.extensions_mut().insert(self.stopping.clone());
        let answer = self.service.call(request);
        Box::pin(async { Ok(answer.await?.map(|body| Answering { body, _progress: progress })) })
    }
}

/// Whether a request names its host as RFC 9112, section 3.2, asks: once in HTTP/1.1, and never in another form.
/// Proxies and servers that choose different ones of two hosts can be played off against each other.
fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => host.is_empty() || Authority::try_from(host.as_bytes()).is_ok(),
        (Some(_), Some(_)) => false,
    }
}

/// The body of an answer. The request has ended when this is dropped.
#[derive(Debug)]
pub struct Answering {
    body: Body,
    _progress: Arc<InProgress>,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
