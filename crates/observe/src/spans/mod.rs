//! What a collector of traces is told of a request on its way (OpenTelemetry, OTLP over HTTP).
//!
//! All spans of a request are one trace, whoever made them and when: the id of the trace is eight zeros and then the
//! requestId. So nothing needs to be kept for it, a webhook that is sent hours later by another node lies in the trace
//! of its batch, and whoever has a requestId has the trace. A span tells what was done, how long it took and what came
//! of it, and nothing that a caller sent.
//!
//! Spans wait in a bounded queue, and are sent by a thread of their own; those that find it full are dropped. A
//! collector that is slow or gone costs spans, and nothing else.

mod collector;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use url::Url;

use crate::metrics::Sent;
use domain::clock;
use domain::id::ObjectId;
use storage::DeliveryEnd;
use storage::NotAccepted;

/// How long the spans that wait have at the end of the program.
const LAST: Duration = Duration::from_secs(2);

/// Where spans go, if anywhere. Clones go to the same place.
#[derive(Clone, Default)]
pub struct Spans(Option<Arc<Kept>>);

struct Kept {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    /// Of a hundred requests, those whose spans are sent.
    percent: u8,
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("sent", &self.0.is_some()).finish_non_exhaustive()
    }
}

/// Something that was done for a request.
struct Step {
    request: ObjectId,
    name: &'static str,
    kind: SpanKind,
    start: Instant,
    /// Why it did not come to what it should have.
    failed: Option<Cow<'static, str>>,
    attributes: Vec<KeyValue>,
}

impl Spans {
    /// Sends the spans of so many in a hundred requests to a collector. Must be called inside of the runtime.
    ///
    /// # Errors
    /// A sentence: the address is none, or the machine's root certificates do not read.
    pub fn to(endpoint: &Url, percent: u8) -> Result<Self, String> {
        let processor = collector::processor(endpoint)?;
        let scope = InstrumentationScope::builder("rollbook").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self(Some(Arc::new(Kept { processor, scope, percent }))))
    }

    /// A call of a method was answered.
    pub fn answered(&self, request: ObjectId, method: &'static str, status: u16, start: Instant) {
        let Some(kept) = self.of(request) else { return };
        // As OpenTelemetry has it: what the client did wrong is no failure of the server.
        let failed = (status >= 500).then(|| Cow::from(format!("answered {status}")));
        let attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("http.route", method),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        kept.end(Step { request, name: "request", kind: SpanKind::Server, start, failed, attributes });
    }

    /// A batch was made durable together with others, or was not.
    pub fn appended(
        &self,
        request: ObjectId,
        group: usize,
        outcome: Result<(), NotAccepted>,
        start: Instant,
    ) {
        let Some(kept) = self.of(request) else { return };
        let failed = outcome.err().map(|refused| Cow::from(refused.word()));
        let attributes = vec![KeyValue::new("rollbook.batches", number(group))];
        kept.end(Step { request, name: "append", kind: SpanKind::Internal, start, failed, attributes });
    }

    /// Batches were applied in one transaction.
    pub fn applied(&self, requests: &[ObjectId], start: Instant) {
        if self.0.is_none() {
            return;
        }
        for &request in requests {
            let Some(kept) = self.of(request) else { continue };
            let attributes = vec![KeyValue::new("rollbook.batches", number(requests.len()))];
            kept.end(Step {
                request,
                name: "apply",
                kind: SpanKind::Internal,
                start,
                failed: None,
                attributes,
            });
        }
    }

    /// A webhook was sent, or was not; which attempt it was, and what it met with.
    pub fn sent(&self, request: ObjectId, attempt: u32, sent: Sent, end: DeliveryEnd, start: Instant) {
        let Some(kept) = self.of(request) else { return };
        let failed = (sent != Sent::Delivered).then(|| Cow::from(end.to_string()));
        let mut attributes = vec![
            KeyValue::new("rollbook.attempt", i64::from(attempt)),
            KeyValue::new("rollbook.outcome", sent.word()),
        ];
        if let DeliveryEnd::Status(status) = end {
            attributes.push(KeyValue::new("http.response.status_code", i64::from(status)));
        }
        kept.end(Step { request, name: "deliver", kind: SpanKind::Client, start, failed, attributes });
    }

    /// Sends what waits, for a short time, and ends. Blocks.
    pub fn stop(&self) {
        if let Some(kept) = &self.0 {
            // What a collector has not taken by then is lost; it was told while it failed.
            let _ = kept.processor.shutdown_with_timeout(LAST);
        }
    }

    /// Where the spans of this request go: all of a request, or none, on every node.
    fn of(&self, request: ObjectId) -> Option<&Kept> {
        self.0.as_deref().filter(|kept| is_traced(request, kept.percent))
    }
}

/// Whether a request is one of so many in a hundred. The last bytes of an id are counted up, so a hundred in a row are
/// a fair hundred.
fn is_traced(request: ObjectId, percent: u8) -> bool {
    let [.., a, b, c] = request.to_bytes();
    u32::from_be_bytes([0, a, b, c]) % 100 < u32::from(percent)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The trace of a request, and the span of its answer, under which all others are.
fn place(request: ObjectId) -> (TraceId, SpanId) {
    let id = request.to_bytes();
    let mut trace = [0; 16];
    trace[4..].copy_from_slice(&id);
    let mut span = [0; 8];
    span.copy_from_slice(&id[4..]);
    (TraceId::from_bytes(trace), SpanId::from_bytes(span))
}

impl Kept {
    /// Notes a step that ends now.
    fn end(&self, step: Step) {
        let (trace, root) = place(step.request);
        let (span, parent) = match step.kind {
            SpanKind::Server => (root, SpanId::INVALID),
            _ => (RandomIdGenerator::default().new_span_id(), root),
        };
        let (start_time, end_time) = clock::span(step.start);
        let mut attributes = step.attributes;
        attributes.push(KeyValue::new("rollbook.request_id", step.request.to_string()));
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: step.kind,
            name: step.name.into(),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: step.failed.map_or(Status::Unset, |description| Status::Error { description }),
            instrumentation_scope: self.scope.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u32) -> ObjectId {
        let [_, a, b, c] = number.to_be_bytes();
        ObjectId::from_bytes([0x65, 1, 2, 3, 4, 5, 6, 7, 8, a, b, c])
    }

    #[test]
    fn of_a_hundred_in_a_row_exactly_so_many_are_traced() {
        for percent in [0, 1, 10, 50, 100] {
            for first in [0, 7, 1_000_000] {
                let traced = (first..first + 100).filter(|number| is_traced(request(*number), percent));
                assert_eq!(traced.count(), usize::from(percent));
            }
        }
    }

    #[test]
    fn the_trace_of_a_request_is_its_id_behind_eight_zeros() {
        let (trace, span) = place(request(0xabcdef));
        assert_eq!(trace.to_string(), "00000000650102030405060708abcdef");
        assert_eq!(span.to_string(), "0405060708abcdef");
    }
}
