//! One call of a method: known, counted, read, handled, answered.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::oneshot;

use super::authenticate::{self, Denial};
use super::method::Method;
use app::Limits;
use app::accept::{Key, Submission};
use app::{Caller, Refusal};
use domain::id::ObjectId;
use domain::json::Raw;
use domain::problem::{self, Problem};
use observe::metrics::{Metrics, Work};
use storage::List;
use storage::NotAccepted;
use web::App;
use web::answer::{Answered, MAX_RETRY_AFTER, RETRY_AFTER};
use web::body::{self, BodyError};
use web::compress::Coding;
use web::concurrency_limit::Permit;
use web::drain::Draining;
use web::serve::Stopping;
use wire::ingest::Context;
use wire::ingest::list::find_list;

/// What a handler gets.
pub struct Call {
    /// The server.
    pub app: Arc<App>,
    /// What is called.
    pub method: &'static Method,
    /// Who calls.
    pub caller: Caller,
    /// The id of this request.
    pub request_id: ObjectId,
    /// The body, decompressed.
    pub body: Bytes,
    /// The [`IDEMPOTENCY_KEY`]s that were sent; there may be one.
    pub keys: Vec<Bytes>,
    /// Its place among the concurrent requests of the token, if it has one.
    pub flight: Option<Permit>,
    /// Whether the server is to stop.
    pub stopping: Option<Stopping>,
    /// Ends when the client has left, as far as that is known.
    pub left: Option<oneshot::Receiver<()>>,
}

impl Call {
    /// The list that the body names, if the caller may see it; what is wrong with the name is added to the problems.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list(
        &self,
        raw: Option<Raw<'_>>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Arc<List>>, storage::Error> {
        find_list(&self.app.queries, &self.caller, raw, problems).await
    }

    /// Returns once the client has left, or the server is to stop: an answer that is held back is then given.
    pub fn interrupted(&mut self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (stopping, left) = (self.stopping.take(), self.left.take());
        async move {
            let stopping = async {
                match stopping {
                    Some(stopping) => stopping.begun().await,
                    None => std::future::pending().await,
                }
            };
            let left = async {
                match left {
                    // The other half is dropped, and nothing is ever sent.
                    Some(left) => drop(left.await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stopping => {}
                () = left => {}
            }
        }
    }

    /// What the body of a batch is read for.
    ///
    /// # Errors
    /// The `Idempotency-Key` is none, or there are several.
    pub fn context(&self) -> Result<Context<'_>, Problem> {
        let key = match self.keys.as_slice() {
            [] => None,
            [key] => {
                let key = Key::new(key, self.method.path(), &self.body);
                Some(key.ok_or_else(problem::key_invalid)?)
            }
            _ => return Err(problem::key_invalid()),
        };
        let submission = Submission { request: self.request_id, key, warnings: Vec::new() };
        Ok(Context {
            commands: &self.app.commands,
            queries: &self.app.queries,
            caller: &self.caller,
            submission,
        })
    }
}

/// What a handler answers with 200.
#[derive(Debug)]
pub struct Answer<T> {
    /// The method's own members.
    pub members: T,
    /// What is doubtful in the request.
    pub warnings: Vec<Problem>,
    /// The request that is answered, where it is not the one that was sent.
    pub request: Option<ObjectId>,
}

/// The members of an answer that has none of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Nothing {}

impl<T> Answer<T> {
    /// With these members.
    pub const fn new(members: T) -> Self {
        Self { members, warnings: Vec::new(), request: None }
    }

    /// And these warnings.
    pub fn warn(self, warnings: Vec<Problem>) -> Self {
        Self { warnings, ..self }
    }
}

/// What a handler returns.
pub type Outcome<T> = Result<Answer<T>, Refusal>;

/// The header that makes a batch be accepted once, however often it is sent.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The code for a token with too many requests.
const BUSY: &str = "TOO_MANY_CONCURRENT_REQUESTS";

/// The code for an address that has tried too many tokens that are none.
const GUESSING: &str = "TOO_MANY_UNKNOWN_TOKENS";

/// The id that an answer shows.
pub fn request_id(app: &App, path: &str) -> Option<ObjectId> {
    Method::shows_request_id(path).then(|| app.ids.next(app.clock.now()))
}

/// Runs a call that came over HTTP to its answer.
pub async fn run(app: Arc<App>, method: &'static Method, request: Request) -> Response {
    let shown = request_id(&app, request.uri().path());
    let request_id = shown.unwrap_or_else(|| app.ids.next(app.clock.now()));
    let accepted = Coding::accepted(request.headers(), Coding::FASTEST);
    let (_client, left) = oneshot::channel();
    let call = {
        let app = Arc::clone(&app);
        async move { Ok(Call { left: Some(left), ..read(app, method, request, request_id).await? }) }
    };
    limited(&app, perform(&app, method, shown, request_id, call).await, accepted)
}

/// The policy of the concurrent requests of a token, and the headers that show it: of a draft of the IETF,
/// draft-ietf-httpapi-ratelimit-headers-11.
const POLICY: &str = "ratelimit-policy";
const REMAINING: &str = "ratelimit";

/// An answer with the headers of the concurrency limit.
pub fn limited(app: &App, answered: Answered, accepted: Option<Coding>) -> Response {
    let exhausted = answered.exhausted;
    let mut response = answered.compressed(accepted);
    put_policy(app, &mut response);
    if exhausted {
        response.headers_mut().insert(REMAINING, HeaderValue::from_static("\"concurrency\";r=0"));
    }
    response
}

/// Adds the policy of the concurrency limit to an answer.
pub fn put_policy(app: &App, response: &mut Response) {
    let policy = format!("\"concurrency\";q={};qu=\"concurrent-requests\"", app.limits.in_flight);
    // Digits and letters are a header's value.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(POLICY, policy);
    }
}

/// Takes a call in by `call` and has its method do it. `Call` is beside what must live until the answer is made.
async fn perform(
    app: &App,
    method: &'static Method,
    shown: Option<ObjectId>,
    request_id: ObjectId,
    call: impl Future<Output = Result<Call, Refused>> + Send + 'static,
) -> Answered {
    // A task of its own: what has begun is finished though the caller hangs up, and a panic is answered.
    let start = Instant::now();
    let outcome = tokio::spawn(async move {
        let call = call.await?;
        let (app, caller) = (Arc::clone(&call.app), call.caller.clone());
        let outcome = method.handler.call(call).await;
        outcome.map_err(|refusal| note(&app, &caller, method, refused(&app.metrics, request_id, refusal)))
    })
    .await;
    let answered = match outcome {
        Ok(Ok(reply)) => Answered::success(reply.body(method.path(), shown).into()),
        Ok(Err(refused)) => refused.answered(shown),
        Err(error) => {
            tracing::error!(request = %request_id, %error, "http: handler panicked");
            Refused::of(Refusal::Panicked).answered(shown)
        }
    };
    let (status, took) = (answered.status.as_u16(), start.elapsed());
    app.metrics.answered(method.path(), status, took);
    app.spans.answered(request_id, method.path(), status, start);
    tracing::debug!(request = %request_id, method = method.path(), status, ?took, "http: request answered");
    answered
}

/// What is answered to a request that its use case refused; it is counted and logged.
pub fn refused(metrics: &Metrics, request: ObjectId, refusal: Refusal) -> Refused {
    refusal.count(metrics);
    if let Some(error) = refusal.store_error() {
        tracing::error!(%request, %error, "http: accessing the store failed");
    }
    Refused::of(refusal)
}

/// Takes a request in: checks its token, counts it, and reads its body.
///
/// # Errors
/// It is refused.
pub async fn read(
    app: Arc<App>,
    method: &'static Method,
    request: Request,
    request_id: ObjectId,
) -> Result<Call, Refused> {
    let (head, body) = request.into_parts();
    let mut body = Draining::new(body);
    let caller =
        authenticate::admit(&app, &head, method.path()).await.map_err(|denial| denied(&app, denial))?;
    let rejected = |refused: Refused| note(&app, &caller, method, refused);
    permit(&app, &caller, method).map_err(rejected)?;
    // Counted from here, where only the headers are read, until the answer is made.
    let flight = app
        .concurrency_limit
        .acquire(&caller.token)
        .ok_or_else(|| rejected(Refused::too_many(app.limits.in_flight)))?;
    let read = body::read(&head.headers, &mut body, &app.limits).await;
    let mut body = read.map_err(|error| rejected(error.into()))?;
    if method.body.optional && body.trim_ascii().is_empty() {
        body = Bytes::from_static(b"{}");
    }
    let keys = head.headers.get_all(IDEMPOTENCY_KEY).iter();
    let keys = keys.map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    let stopping = head.extensions.get().cloned();
    Ok(Call { app, method, caller, request_id, body, keys, flight: Some(flight), stopping, left: None })
}

/// Counts a rejected request of a token: what its account's activity shows. Those of users are their own forms.
fn note(app: &App, caller: &Caller, method: &Method, refused: Refused) -> Refused {
    if !caller.is_user() && refused.status.is_client_error() {
        let codes = refused.problems.iter().map(|problem| &problem.code);
        let (account, status) = (caller.scope.account, refused.status.as_u16());
        app.rejections.note(account, &caller.token, method.path(), status, codes, app.clock.now());
    }
    refused
}

/// Checks the rights of a caller.
fn permit(app: &App, caller: &Caller, method: &Method) -> Result<(), Refused> {
    let permitted = caller.permit(method.operation);
    permitted.map_err(|problem| denied(app, Denial::Refused(StatusCode::FORBIDDEN, problem)))
}

/// A denial as it is answered; it is counted.
pub fn denied(app: &App, denial: Denial) -> Refused {
    count_denial(&app.metrics, &denial);
    Refused::from(denial)
}

/// A refusal of each status that a method may answer with: what the reference shows.
pub fn refusals(limits: &Limits) -> [(StatusCode, Vec<Problem>); 9] {
    let invalid = vec![problem::email("user@example").at(0), problem::birthday().at(1)];
    let nothing_kept = Refusal::NotAccepted(NotAccepted::NotKept);
    [
        Refused { status: StatusCode::BAD_REQUEST, problems: invalid, retry_after: None },
        Denial::Refused(StatusCode::UNAUTHORIZED, authenticate::invalid_token()).into(),
        Refused::of(Refusal::Forbidden(app::read_only("rb_0123a…"))),
        BodyError::TimedOut.into(),
        Refused::of(app::changes::expired()),
        BodyError::TooLarge.into(),
        Refused::too_many(limits.in_flight),
        Refused::of(Refusal::Panicked),
        Refused::of(nothing_kept),
    ]
    .map(|refused| (refused.status, refused.problems))
}

/// A refusal as it is answered.
pub struct Refused {
    status: StatusCode,
    problems: Vec<Problem>,
    retry_after: Option<u32>,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, text: &str) -> Self {
        Self { status, problems: vec![Problem::new(code, text)], retry_after: None }
    }

    fn later(self) -> Self {
        Self { retry_after: Some(RETRY_AFTER), ..self }
    }

    /// The token has too many concurrent requests.
    pub fn too_many(max: usize) -> Self {
        let text = format!("Too many concurrent requests, at most {max} are allowed");
        Self::new(StatusCode::TOO_MANY_REQUESTS, BUSY, &text).later()
    }

    fn guessing(wait: Duration) -> Self {
        let text = "Too many unknown access tokens from this address, wait before the next";
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
        let seconds = seconds.clamp(RETRY_AFTER, MAX_RETRY_AFTER);
        let refused = Self::new(StatusCode::TOO_MANY_REQUESTS, GUESSING, text);
        Self { retry_after: Some(seconds), ..refused }
    }

    fn of(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problems = refusal.into_problems();
        // Some clients repeat a request by themselves if an answer has `Retry-After`.
        let unknown = problems.iter().any(|problem| problem.code == "OUTCOME_UNKNOWN");
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE && !unknown).then_some(RETRY_AFTER);
        Self { status, problems, retry_after }
    }

    /// As it is answered.
    pub fn answered(self, request_id: Option<ObjectId>) -> Answered {
        let exhausted = self.problems.iter().any(|problem| problem.code == BUSY);
        let refusal = Answered::refusal(self.status, request_id, self.problems, self.retry_after);
        Answered { exhausted, ..refusal }
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Refused(status, problem) => Self { status, problems: vec![problem], retry_after: None },
            Denial::Guessing(wait) => Self::guessing(wait),
            Denial::Store(error) => {
                tracing::error!(%error, "http: token look-up failed");
                Self::of(Refusal::Store(error))
            }
        }
    }
}

fn count_denial(metrics: &Metrics, denial: &Denial) {
    match denial {
        // Only those of an answer that is given again were read from the store.
        Denial::Refused(_, Problem { code: Cow::Borrowed(code), .. }) => metrics.token_refused(code),
        Denial::Refused(..) => {}
        Denial::Guessing(_) => metrics.token_refused(GUESSING),
        Denial::Store(_) => metrics.store_error(Work::Read),
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => {
                let text = "Request body is too large";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", text)
            }
            BodyError::TimedOut => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "Request Timeout")
            }
            BodyError::Broken => Self {
                status: StatusCode::BAD_REQUEST,
                problems: vec![problem::bad_request()],
                retry_after: None,
            },
        }
    }
}
