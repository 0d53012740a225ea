//! Answers: always JSON, with `result`, and with `errors` and `details` where it is false.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::compress::{Coding, Effort};
use domain::id::ObjectId;
use domain::problem::Problem;

/// How long a refused caller should wait, in seconds.
pub const RETRY_AFTER: u32 = 1;

/// The longest `Retry-After`, in seconds: clients wait that long, or give up.
pub const MAX_RETRY_AFTER: u32 = 30;

/// A rejected request: nothing of it was stored, unless a code says otherwise.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// False: the request was refused.
    result: bool,
    /// The id of this request; in answers of the `/v3/contacts/` methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<ObjectId>,
    /// The errors, in words.
    #[schemars(length(min = 1, max = 1_000))]
    errors: Vec<String>,
    /// The same for programs: one entry for each of `errors`, in the same order.
    #[schemars(length(min = 1, max = 1_000))]
    details: Vec<Problem>,
}

impl Refused {
    /// For these reasons.
    pub fn new(request_id: Option<ObjectId>, problems: Vec<Problem>) -> Self {
        let errors = problems.iter().map(|problem| problem.message.clone()).collect();
        Self { result: false, request_id, errors, details: problems }
    }
}

/// What a call came to, wherever it came from.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// How many seconds to wait before it is tried again, where that may help.
    pub retry_after: Option<u32>,
    /// Whether the token had no concurrent request left.
    pub exhausted: bool,
    /// The body: JSON.
    pub body: Bytes,
}

impl Answered {
    /// With 200 and a body.
    pub const fn success(body: Bytes) -> Self {
        Self { status: StatusCode::OK, retry_after: None, exhausted: false, body }
    }

    /// With a refusal.
    pub fn refusal(
        status: StatusCode,
        request_id: Option<ObjectId>,
        problems: Vec<Problem>,
        retry_after: Option<u32>,
    ) -> Self {
        let body = Refused::new(request_id, problems);
        // Only a map with keys that are no strings could fail, and there is none.
        let body = serde_json::to_vec(&body).unwrap_or_default().into();
        Self { status, retry_after, exhausted: false, body }
    }
}

impl Answered {
    /// As it is sent, compressed where it is worth it. The API is called with a token in a header, which no page of
    /// others can make a browser send: its answers may hold what others have chosen (decision 18).
    pub fn compressed(self, accepted: Option<Coding>) -> Response {
        let coded = accepted.and_then(|coding| Some((coding, coding.compress(&self.body, Effort::Fast)?)));
        let Some((coding, body)) = coded else { return self.into_response() };
        let mut response = Self { body, ..self }.into_response();
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let mut response = respond(self.status, self.body);
        // Answers hold personal data: no cache on the way may store one.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Answers with JSON.
pub fn respond(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Answers quote what was sent: no browser may take one for a page.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
