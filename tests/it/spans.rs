//! Traces: what a collector is told of a request, and that nobody waits for it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::SystemClock;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Told;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::{Value, json};

use crate::process::{Process, Store, wait_for};
use crate::receiver::Receiver;
use crate::wire::head;

/// Sends its spans there.
fn traced(store: &Store, collector: &str, percent: u8) -> Process {
    store.serve_with(|command| {
        command
            .env("ROLLBOOK_OTLP_ENDPOINT", collector)
            .env("ROLLBOOK_OTLP_PERCENT", percent.to_string())
            .args(["--webhook-allow", "127.0.0.0/8"]);
    })
}

/// Everything that the collector has taken.
fn taken(collector: &Receiver) -> Vec<Span> {
    let mut spans = Vec::new();
    for hook in collector.hooks() {
        assert_eq!(
            (hook.path.as_str(), hook.header("content-type")),
            ("POST /v1/traces", "application/x-protobuf")
        );
        let told = ExportTraceServiceRequest::decode(hook.body).expect("the protobuf of OTLP");
        for resource in told.resource_spans {
            let about = attributes(&resource.resource.expect("who tells it").attributes);
            assert_eq!(about["service.name"], json!("rollbook"));
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

fn attributes(told: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> BTreeMap<String, Value> {
    let value = |value: &Told| match value {
        Told::StringValue(text) => json!(text),
        Told::IntValue(number) => json!(number),
        other => panic!("neither a text nor a number: {other:?}"),
    };
    let value = |told: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        value(told.value.as_ref().expect("a value").value.as_ref().expect("a value"))
    };
    told.iter().map(|told| (told.key.clone(), value(told))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The spans of a request by their names, once there are so many.
fn of(collector: &Receiver, request: &str, count: usize) -> BTreeMap<String, Span> {
    wait_for("the spans of a request", || {
        let spans = taken(collector).into_iter();
        let spans: Vec<Span> =
            spans.filter(|span| hex(&span.trace_id) == format!("00000000{request}")).collect();
        (spans.len() == count).then(|| spans.into_iter().map(|span| (span.name.clone(), span)).collect())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_from_its_answer_to_its_webhook() {
    let clock = Arc::new(SystemClock);
    let collector = Receiver::start(clock.clone(), &[], 200);
    let webhooks = Receiver::start(clock, &[], 500);
    let store = Store::new();
    let account = store.account("Secret Shop");
    let server = traced(&store, &format!("http://{}/", collector.address), 100);
    let list = server.list(&account.token);
    let contacts = json!([{ "contact": "ada.lovelace@example.com", "firstName": "Augusta" }]);
    let uri = format!("{}?to=augusta", webhooks.uri());
    let update = json!({ "contactListId": list, "upsert": true, "webHookUri": uri, "contacts": contacts });
    let request = server.ok("/v3/contacts/update", &account.token, &update)["requestId"].clone();
    let request = request.as_str().expect("an id");

    let spans = of(&collector, request, 4);
    let [asked, append, apply, deliver] = ["request", "append", "apply", "deliver"].map(|name| &spans[name]);
    let told = |more: Value| {
        let mut told: BTreeMap<String, Value> = serde_json::from_value(more).expect("an object");
        told.insert("rollbook.request_id".to_owned(), json!(request));
        told
    };
    let expected = json!({
        "http.request.method": "POST", "http.route": "/v3/contacts/update", "http.response.status_code": 200,
    });
    assert_eq!(attributes(&asked.attributes), told(expected));
    assert_eq!(attributes(&append.attributes), told(json!({ "rollbook.batches": 1 })));
    assert_eq!(attributes(&apply.attributes), told(json!({ "rollbook.batches": 1 })));
    let expected = json!({
        "rollbook.attempt": 1, "rollbook.outcome": "failed", "http.response.status_code": 500,
    });
    assert_eq!(attributes(&deliver.attributes), told(expected));

    // All are under the request, whose own id follows from the requestId.
    assert_eq!((asked.parent_span_id.as_slice(), hex(&asked.span_id)), (&[][..], request[8..].to_owned()));
    for span in [append, apply, deliver] {
        assert_eq!(span.parent_span_id, asked.span_id, "{}", span.name);
    }
    let kinds = [asked, append, apply, deliver].map(|span| span.kind());
    assert_eq!(kinds, [SpanKind::Server, SpanKind::Internal, SpanKind::Internal, SpanKind::Client]);
    let status = |span: &Span| span.status.as_ref().map_or(StatusCode::Unset, |status| status.code());
    assert_eq!([asked, append, apply].map(status), [StatusCode::Unset; 3]);
    assert_eq!(deliver.status.as_ref().expect("one").message, "HTTP_500");
    for span in spans.values() {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
    }
    assert!(append.end_time_unix_nano <= apply.end_time_unix_nano);
    assert!(apply.end_time_unix_nano <= deliver.end_time_unix_nano);

    // What is refused has a span as well, and none after it.
    let bad = json!({ "contactListId": list, "contacts": [{ "contact": 7 }] });
    let refused = server.post("/v3/contacts/update", &account.token, &bad).json();
    let spans = of(&collector, refused["requestId"].as_str().expect("an id"), 1);
    assert_eq!(attributes(&spans["request"].attributes)["http.response.status_code"], json!(400));

    let bodies: Vec<u8> = collector.hooks().iter().flat_map(|hook| hook.body.to_vec()).collect();
    let bodies = String::from_utf8_lossy(&bodies).to_lowercase();
    for private in
        ["lovelace", "augusta", "secret shop", &account.token[..19], &list, "127.0.0.1", "example.com"]
    {
        assert!(!bodies.contains(private), "{private}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_requests_as_many_are_traced_as_were_asked_for() {
    let collector = Receiver::start(Arc::new(SystemClock), &[], 200);
    let store = Store::new();
    let token = store.account("Shop").token;
    let mut server = traced(&store, &format!("http://{}", collector.address), 10);
    let mut wire = server.connect();
    for _ in 0..200 {
        assert_eq!(wire.post("/v3/account/info", &token, &json!({})).expect("an answer").status, 200);
    }
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "what waits is sent at the end");
    assert_eq!(taken(&collector).len(), 20);
}

#[test]
fn a_collector_that_is_gone_or_hangs_slows_nothing() {
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    for address in [hanging.local_addr().expect("its address"), gone] {
        let store = Store::new();
        let token = store.account("Shop").token;
        let mut server = traced(&store, &format!("http://{address}"), 100);
        let list = server.list(&token);
        let start = Instant::now();
        // More spans than the queue has room for, a hundred at a time.
        let mut wire = server.connect();
        let info = format!("{}{{}}", head("/v3/account/info", &token, 2)).repeat(100);
        for _ in 0..50 {
            wire.write(info.as_bytes()).expect("requests");
            for _ in 0..100 {
                assert_eq!(wire.read().expect("an answer").status, 200);
            }
        }
        let request = server.upsert(&token, &list, json!([{ "contact": "user@example.com" }]));
        server.processed(&token, &request);
        let took = start.elapsed();
        // Each that had to wait for the collector would have waited for 5 s.
        assert!(took < Duration::from_secs(120), "{took:?}");
        wait_for("the failure to be told", || {
            server.log().contains("traces: sending spans failed").then_some(())
        });
        let stopping = Instant::now();
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        assert!(stopping.elapsed() < Duration::from_secs(10), "{:?}", stopping.elapsed());
        let told = server.log().matches("traces: sending spans failed").count();
        assert_eq!(told, 1, "once, and not for every second of it");
    }
}
