//! Requests that no handler sees are answered in JSON too: heads that do not parse, or that are too large, and hosts that
//! are missing or doubled.

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::harness::Server;
use crate::process::Store;
use crate::tls::Pair;
use crate::wire::{Reply, Wire};

fn refusal(code: &str, text: &str) -> Value {
    let details = json!([{ "position": null, "field": null, "code": code, "message": text }]);
    json!({ "result": false, "errors": [text], "details": details })
}

/// What is sent, the status, and the answer.
fn cases() -> Vec<(&'static str, String, u16, Value)> {
    let large = || refusal("HEADERS_TOO_LARGE", "Request headers are too large or too many");
    let long = || refusal("URI_TOO_LONG", "Request URI is too long");
    let bad = || refusal("BAD_REQUEST", "Bad Request");
    let head = "POST /v3/account/info HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n";
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    vec![
        ("many headers", format!("{head}{many}\r\n"), 431, large()),
        ("a large header", format!("{head}X-Large: {}\r\n\r\n", "x".repeat(2 << 20)), 431, large()),
        ("a long URI", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000)), 414, long()),
        ("a header that is none", format!("{head}Access-Token\r\n\r\n"), 400, bad()),
        ("no HTTP", "Augusta Byron\r\n\r\n".to_owned(), 400, bad()),
    ]
}

fn assert_refused(what: &str, reply: &Reply, status: u16, body: &Value) {
    assert_eq!((reply.status, &reply.json()), (status, body), "{what}");
    assert_eq!(reply.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(reply.header("connection"), Some("close"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_parse_is_answered_in_json() {
    let server = Server::start().await;
    let address = server.address;
    let ask = move || {
        for (what, sent, status, body) in cases() {
            let mut wire = Wire::open(address).expect("a connection");
            // Nothing is read until all is written: a reset would lose the answer.
            wire.write(sent.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_refused(what, &wire.read().expect(what), status, &body);
            assert!(wire.is_at_end(), "{what}");
        }
    };
    spawn_blocking(ask).await.expect("all are answered");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn such_a_head_behind_other_requests_is_answered_after_them() {
    let server = Server::start().await;
    let address = server.address;
    let ask = move || {
        for (what, sent, status, body) in cases() {
            let mut wire = Wire::open(address).expect("a connection");
            wire.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
            assert_eq!(wire.read().expect("an answer").status, 200);
            wire.write(sent.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_refused(what, &wire.read().expect(what), status, &body);
        }
    };
    spawn_blocking(ask).await.expect("all are answered");
    server.stop().await;
}

#[test]
fn over_tls_it_is_the_same() {
    let store = Store::new();
    let pair = Pair::write(&store.directory);
    let server = pair.serve(&store);
    for (what, sent, status, body) in cases() {
        let mut wire = pair.connect(server.address).expect("a handshake");
        wire.write(sent.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_refused(what, &wire.read().expect(what), status, &body);
    }
}

/// An answer that quotes what was sent is passed on as it is, however that looks.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_looks_like_such_a_refusal_is_left_alone() {
    let server = Server::start().await;
    let list = server.list().await;
    let quoted = "HTTP/1.1 431 x\r\ncontent-length: 0\r\n\r\n";
    let email = format!("{quoted}@example.com");
    let refused = server.refused_contact(&list, json!({ "contact": "a", "email": email })).await;
    assert_eq!(refused, [format!("invalid RFC2822 email {email} at email field")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_1_names_one_host() {
    let server = Server::start().await;
    let (address, token) = (server.address, server.token.clone());
    let ask = move || {
        let rest = format!("Access-Token: {token}\r\nContent-Length: 2\r\n\r\n{{}}");
        for (line, hosts, status) in [
            ("HTTP/1.1", "Host: rollbook.example.com\r\n", 200),
            ("HTTP/1.1", "Host: [::1]:8080\r\n", 200),
            ("HTTP/1.1", "Host:\r\n", 200),
            ("HTTP/1.1", "", 400),
            ("HTTP/1.1", "Host: a.example.com\r\nHost: b.example.com\r\n", 400),
            ("HTTP/1.1", "Host: a.example.com\r\nHost: a.example.com\r\n", 400),
            ("HTTP/1.1", "Host: a.example.com/path\r\n", 400),
            ("HTTP/1.1", "Host: a.example.com, b.example.com\r\n", 400),
            ("HTTP/1.0", "", 200),
            ("HTTP/1.0", "Host: a.example.com\r\nHost: b.example.com\r\n", 400),
        ] {
            let mut wire = Wire::open(address).expect("a connection");
            let request = format!("POST /v3/account/info {line}\r\n{hosts}{rest}");
            wire.write(request.as_bytes()).expect("a request");
            let reply = wire.read().expect("an answer");
            assert_eq!(reply.status, status, "{line} {hosts:?}: {}", reply.text());
            if status == 400 {
                assert_eq!(reply.json(), refusal("BAD_REQUEST", "Bad Request"), "{line} {hosts:?}");
            }
        }
    };
    spawn_blocking(ask).await.expect("all are answered");
    server.stop().await;
}
