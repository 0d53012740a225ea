//! Bodies that are larger than the bound, or do not come: over a socket, as clients do that write before they read.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Server, Setup, is_id};

/// The head of a request to contacts/update.
fn head(server: &Server, framing: &str) -> String {
    format!(
        "POST /v3/contacts/update HTTP/1.1\r\nHost: localhost\r\nAccess-Token: {}\r\n{framing}\r\n\r\n",
        server.token
    )
}

/// Reads one answer: its status, its headers, its body as JSON with a checked `requestId`.
async fn read_answer(socket: &mut TcpStream) -> (StatusCode, String, Value) {
    let mut bytes = Vec::new();
    let read = async {
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // An interim answer may come before the one that counts.
            let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text).to_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if length.is_some_and(|length| body.len() >= length.parse().expect("a length")) {
                    return (head.to_owned(), body.to_owned());
                }
            }
            assert_ne!(
                socket.read_buf(&mut bytes).await.expect("the connection stands"),
                0,
                "closed after {text:?}"
            );
        }
    };
    let (head, body) = tokio::time::timeout(PATIENCE, read).await.expect("an answer in time");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut body: Value = serde_json::from_str(&body).expect("JSON");
    assert!(is_id(&body["requestId"]), "{body}");
    body["requestId"] = json!("<id>");
    (status, head, body)
}

fn refusal(text: &str, code: &str) -> Value {
    json!({ "result": false, "requestId": "<id>", "errors": [text], "details": [
        { "position": null, "field": null, "code": code, "message": text }] })
}

fn too_large() -> Value {
    refusal("Request body is too large", "BODY_TOO_LARGE")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_writes_ten_megabytes_first_sees_its_413() {
    let server = Server::start().await;
    let body = vec![b' '; 10 << 20];
    let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    for (framing, bytes) in [
        (format!("Content-Length: {}", body.len()), body),
        ("Transfer-Encoding: chunked".to_owned(), chunked),
    ] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(head(&server, &framing).as_bytes()).await.unwrap();
        // Nothing is read until all is written: a reset would lose the answer.
        socket.write_all(&bytes).await.expect("all of it can be written");
        let (status, _, body) = read_answer(&mut socket).await;
        assert_eq!((status, body), (StatusCode::PAYLOAD_TOO_LARGE, too_large()), "{framing}");
    }
    server.stop().await;
}

/// The server does not need the body to refuse these, and the client must see it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_early_is_seen_by_a_client_that_writes_first() {
    let server = Server::start().await;
    let body = vec![b' '; 10 << 20];
    for (line, status) in [
        ("POST /v3/contacts/update", StatusCode::UNAUTHORIZED),
        ("POST /v3/contacts/unheardof", StatusCode::NOT_FOUND),
        ("PUT /v3/contacts/update", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body).await.expect("all of it can be written");
        let (seen, _, body) = read_answer(&mut socket).await;
        assert_eq!((seen, &body["result"]), (status, &json!(false)), "{line}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_length_is_refused_without_waiting_for_the_body() {
    let server = Server::start().await;
    let start = Instant::now();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(head(&server, "Content-Length: 1048577").as_bytes()).await.unwrap();
    let (status, _, body) = read_answer(&mut socket).await;
    assert_eq!((status, body), (StatusCode::PAYLOAD_TOO_LARGE, too_large()));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // The rest is read for two seconds, and then the connection goes.
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is closed");
    assert!(rest.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_before_it_writes_is_told_at_once() {
    let server = Server::start().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let framing = "Content-Length: 10485760\r\nExpect: 100-continue";
    socket.write_all(head(&server, framing).as_bytes()).await.unwrap();
    let (status, _, body) = read_answer(&mut socket).await;
    assert_eq!((status, body), (StatusCode::PAYLOAD_TOO_LARGE, too_large()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_a_time_out() {
    let mut setup = Setup::default();
    setup.limits.body_timeout = Duration::from_millis(200);
    let server = Server::with(setup).await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(head(&server, framing).as_bytes()).await.unwrap();
        let (status, _, body) = read_answer(&mut socket).await;
        assert_eq!(
            (status, body),
            (StatusCode::REQUEST_TIMEOUT, refusal("Request Timeout", "REQUEST_TIMEOUT"))
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_chunk_is_a_bad_request() {
    let server = Server::start().await;
    for chunks in ["x\r\n", "5\r\nabcdefgh\r\n", "-1\r\n", "fffffffffffffffffffff\r\n"] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = format!("{}{chunks}", head(&server, "Transfer-Encoding: chunked"));
        socket.write_all(request.as_bytes()).await.unwrap();
        let (status, _, body) = read_answer(&mut socket).await;
        assert_eq!(
            (status, body),
            (StatusCode::BAD_REQUEST, refusal("Bad Request", "BAD_REQUEST")),
            "{chunks:?}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_ends_early_does_no_harm() {
    let server = Server::start().await;
    for sent in ["", "{\"contactListId\":"] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(format!("{}{sent}", head(&server, "Content-Length: 100")).as_bytes()).await.unwrap();
        drop(socket);
    }
    let list = server.list().await;
    assert_eq!(server.upsert(&list, json!({ "contact": "a" })).await["action"], "created");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_well_formed_request_with_many_or_long_headers_is_answered_in_json() {
    let server = Server::start().await;
    let many: String = (0..90).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(60_000));
    for (what, extra) in [("many", many), ("long", long)] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = head(&server, &format!("{extra}Content-Length: 2")) + "{}";
        socket.write_all(request.as_bytes()).await.unwrap();
        let (status, _, body) = read_answer(&mut socket).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{what}: {body}");
    }
    server.stop().await;
}
