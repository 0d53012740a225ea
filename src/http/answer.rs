//! Answers: always JSON, with `result`, and with `errors` and `details` where it is false.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::id::ObjectId;
use crate::intake::problem::{MAX_PROBLEMS, Problem};

/// A refusal.
pub fn refusal(
    status: StatusCode,
    request_id: Option<ObjectId>,
    problems: Vec<Problem>,
    retry_after: Option<u32>,
) -> Response {
    let errors: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let mut body = opening(false, request_id);
    body.insert("errors".to_owned(), json!(errors));
    body.insert("details".to_owned(), json!(problems));
    let mut response = respond(status, &body);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A success: what a method answers, around it what every answer has. Of the warnings as many are told as of errors:
/// a body of short unknown keys must not be answered with one many times its size.
pub fn success(
    request_id: Option<ObjectId>,
    members: Map<String, Value>,
    mut warnings: Vec<Problem>,
) -> Response {
    let mut body = opening(true, request_id);
    body.extend(members);
    body.entry("errors").or_insert_with(|| json!([]));
    warnings.truncate(MAX_PROBLEMS);
    if !warnings.is_empty() {
        body.insert("warnings".to_owned(), json!(warnings));
    }
    respond(StatusCode::OK, &body)
}

fn opening(result: bool, request_id: Option<ObjectId>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("result".to_owned(), json!(result));
    if let Some(id) = request_id {
        body.insert("requestId".to_owned(), json!(id));
    }
    body
}

fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    // Only a map with keys that are no strings could fail, and there is none.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
