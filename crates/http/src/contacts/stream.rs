//! `/v3/contacts/changes` as a stream of lines.
//!
//! Some proxies turn a stream that broke in the middle into a good end. So every stream ends with a line that says so,
//! and each line has its cursor. A heartbeat keeps proxies from cutting a silent stream; each chunk is flushed.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::changes;
use crate::call::{self, Call};
use crate::method::Method;
use app::Refusal;
use app::changes::{ChangesRead, ChangesRequest, MAX_LIMIT};
use storage::ChangesFrom;
use web::App;
use web::answer::respond;
use web::compress::{Coding, Flushing};

/// The media type of lines of JSON.
const LINES: &str = "application/x-ndjson";

/// The longest silence.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a stream lasts at most.
const LONGEST: Duration = Duration::from_secs(300);

/// Chunks that wait for a slow client.
const AHEAD: usize = 2;

/// Whether a client asks for lines.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(','));
    types.any(|entry| {
        let name = entry.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(LINES)
    })
}

/// Answers a call with a stream, or with what is wrong with it.
pub async fn run(app: Arc<App>, method: &'static Method, request: Request) -> Response {
    let shown = call::request_id(&app, request.uri().path());
    let request_id = shown.unwrap_or_else(|| app.ids.next(app.clock.now()));
    let coding = Coding::accepted(request.headers(), Coding::FASTEST);
    let start = Instant::now();
    let begun = match call::read(Arc::clone(&app), method, request, request_id).await {
        Ok(call) => begin(call).await.map_err(|refusal| call::refused(&app.metrics, request_id, refusal)),
        Err(refused) => Err(refused),
    };
    let answered = |status: StatusCode| {
        app.metrics.answered(method.path(), status.as_u16(), start.elapsed());
        app.spans.answered(request_id, method.path(), status.as_u16(), start);
    };
    match begun {
        Ok((follower, read)) => {
            answered(StatusCode::OK);
            let (chunks, receiver) = mpsc::channel(AHEAD);
            let lines = Lines { chunks, coder: coding.map(Flushing::new) };
            tokio::spawn(follower.run(lines, read));
            let mut response = response(receiver, coding);
            call::put_policy(&app, &mut response);
            response
        }
        Err(refused) => {
            let refused = refused.answered(shown);
            answered(refused.status);
            call::limited(&app, refused, coding)
        }
    }
}

/// Reads the first page: what is wrong with the request is answered by a status.
async fn begin(mut call: Call) -> Result<(Follower, ChangesRead), Refusal> {
    let mut request = changes::read(&call.body)?.request;
    request.limit = MAX_LIMIT;
    let read = call.app.queries.changes(&call.caller, &request).await?;
    // From here on it counts among those who wait.
    drop(call.flight.take());
    Ok((Follower { call, request }, read))
}

fn response(mut chunks: mpsc::Receiver<Bytes>, coding: Option<Coding>) -> Response {
    let chunks = futures_util::stream::poll_fn(move |context| chunks.poll_recv(context));
    let body = futures_util::StreamExt::map(chunks, Ok::<_, io::Error>);
    let mut response = respond(StatusCode::OK, Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    response
}

/// Sends lines, compressed if the client accepts that.
struct Lines {
    chunks: mpsc::Sender<Bytes>,
    coder: Option<Flushing>,
}

impl Lines {
    /// Sends a chunk of whole lines; false once the client has left.
    async fn send(&mut self, lines: Vec<u8>) -> bool {
        let bytes = match &mut self.coder {
            // Written to memory: nothing can fail.
            Some(coder) => coder.write(&lines).unwrap_or_default(),
            None => lines,
        };
        self.chunks.send(bytes.into()).await.is_ok()
    }

    async fn end(mut self, lines: Vec<u8>) {
        self.send(lines).await;
        if let Some(coder) = self.coder.take() {
            let _ = self.chunks.send(coder.finish().into()).await;
        }
    }
}

/// A line of JSON. What some readers take for the end of a line is escaped: it stands in strings only.
fn put_line(out: &mut Vec<u8>, value: &impl Serialize) {
    let begin = out.len();
    // Writing to memory cannot fail, and only a map with keys that are no strings could not be written: there is none.
    let _ = serde_json::to_writer(&mut *out, value);
    // The first bytes of the characters below; few lines have one.
    if out.get(begin..).is_some_and(|line| line.iter().any(|byte| matches!(byte, 0xc2 | 0xe2))) {
        let line = String::from_utf8_lossy(&out.split_off(begin)).into_owned();
        for character in line.chars() {
            match character {
                '\u{85}' => out.extend_from_slice(b"\\u0085"),
                '\u{2028}' => out.extend_from_slice(b"\\u2028"),
                '\u{2029}' => out.extend_from_slice(b"\\u2029"),
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'\n');
}

/// One who follows by a stream.
struct Follower {
    call: Call,
    request: ChangesRequest,
}

impl Follower {
    async fn run(mut self, mut lines: Lines, mut read: ChangesRead) {
        let interrupted = self.call.interrupted();
        let mut interrupted = std::pin::pin!(interrupted);
        let (app, caller) = (Arc::clone(&self.call.app), self.call.caller.clone());
        let place = app.queries.follower(&caller, &self.request, &read);
        let end = app.clock.now().after(LONGEST);
        let mut heartbeat = app.clock.now().after(HEARTBEAT);
        loop {
            let mut out = Vec::new();
            match wire::changes::show(&mut read, self.request.detail) {
                Ok(changes) => changes.iter().for_each(|change| put_line(&mut out, change)),
                Err(error) => {
                    tracing::error!(%error, "http: reading changes for a stream failed");
                    break;
                }
            }
            self.request.from = ChangesFrom::After(read.page.next.clone());
            let now = app.clock.now();
            if out.is_empty() && now >= heartbeat {
                put_line(&mut out, &json!({ "heartbeat": true, "next": read.page.next.encode() }));
            }
            if !out.is_empty() {
                heartbeat = now.after(HEARTBEAT);
                if !lines.send(out).await {
                    return;
                }
            }
            if now >= end {
                break;
            }
            tokio::select! {
                biased;
                () = lines.chunks.closed() => return,
                () = &mut interrupted => break,
                () = place.given_way() => break,
                () = app.queries.next_changes(&place, &read) => {}
                () = app.clock.sleep_until(heartbeat.min(end)) => {}
            }
            // A token that was revoked meanwhile reads no further; the next request is rejected with the reason.
            if !self.is_permitted().await {
                break;
            }
            match app.queries.changes(&caller, &self.request).await {
                Ok(next) => read = next,
                // The next request is rejected with the reason.
                Err(refusal) => {
                    if let Some(error) = refusal.store_error() {
                        tracing::warn!(%error, "http: reading changes for a stream failed");
                    }
                    break;
                }
            }
        }
        let mut out = Vec::new();
        let ChangesFrom::After(next) = &self.request.from else { return };
        put_line(&mut out, &json!({ "end": true, "next": next.encode() }));
        lines.end(out).await;
    }

    async fn is_permitted(&self) -> bool {
        let access = self.call.app.catalogue.access(&self.call.caller.token).await;
        let now = self.call.app.clock.now();
        access.is_ok_and(|access| access.is_some_and(|access| access.is_valid(now)))
    }
}
