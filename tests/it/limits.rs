//! The bounds of what a client may do over its connections, and what it is told beyond them.
//! (Bodies that are too large or do not come: `too_large`.)

use std::io;
use std::time::Duration;

use domain::clock::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{Server, Setup, StoreKind, new_account};
use crate::process::wait_for;
use crate::wire::{Reply, Wire, head};

const INFO: &str = "/v3/account/info";
const UPDATE: &str = "/v3/contacts/update";

/// A body that needs more than one packet in these tests: they send it in two halves.
const BODY: &str = "{\"half\":\"half\"}";

/// The exact answer of a method that has no requestId.
fn refusal(code: &str, text: &str) -> Value {
    let details = json!([{ "position": null, "field": null, "code": code, "message": text }]);
    json!({ "result": false, "errors": [text], "details": details })
}

fn too_many() -> Value {
    refusal("TOO_MANY_CONCURRENT_REQUESTS", "Too many concurrent requests, at most 10 are allowed")
}

fn post(server: &Server, path: &str, token: &str) -> Reply {
    Wire::open(server.address).unwrap().post(path, token, &json!({})).unwrap()
}

/// Ten requests that the server has counted, with half of their bodies sent.
fn ten_in_flight(server: &Server, path: &str) -> Vec<Wire> {
    (0..10).map(|_| Wire::begin(server.address, path, &server.token, BODY).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_request_of_a_token_is_one_too_many() {
    let server = Server::start().await;
    let (_, _, other, _) = new_account(server.storage.as_ref(), "Other").await;
    let mut wires = ten_in_flight(&server, INFO);

    let reply = post(&server, INFO, &server.token);
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    assert_eq!(reply.text(), too_many().to_string(), "in this order");
    let mut reply = post(&server, UPDATE, &server.token).json();
    assert_eq!(reply.as_object_mut().unwrap().shift_remove("requestId").unwrap().as_str().unwrap().len(), 24);
    assert_eq!(reply, too_many());
    assert_eq!(post(&server, INFO, &other).status, 200, "another token is not concerned");

    // One that is finished gives its place to another; when all are, all places are free.
    assert_eq!(wires.pop().unwrap().finish(BODY).unwrap().status, 200);
    assert_eq!(post(&server, INFO, &server.token).status, 200);
    for mut wire in wires {
        assert_eq!(wire.finish(BODY).unwrap().status, 200);
    }
    drop(ten_in_flight(&server, INFO));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_give_their_places_back() {
    let server = Server::start().await;
    let list = server.list().await;
    drop(ten_in_flight(&server, UPDATE));
    wait_for("the places to be given back", || {
        (post(&server, INFO, &server.token).status == 200).then_some(())
    });
    // Those who hang up after the whole request, before the answer, do no harm either.
    for number in 0..10 {
        let contacts = json!([{ "contact": format!("contact-{number}") }]);
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts }).to_string();
        let mut wire = Wire::open(server.address).unwrap();
        wire.write(format!("{}{body}", head(UPDATE, &server.token, body.len())).as_bytes()).unwrap();
    }
    let update = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    let update = |wire: &mut Wire| wire.post(UPDATE, &server.token, &update).unwrap().status == 200;
    wait_for("a place", || update(&mut Wire::open(server.address).unwrap()).then_some(()));
    server.stop().await;
}

fn too_large() -> Value {
    refusal("BODY_TOO_LARGE", "Request body is too large")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_stops_writing_is_cut_off() {
    let server = Server::start().await;
    let mut wire = Wire::open(server.address).unwrap();
    wire.write(head(INFO, &server.token, 1 << 40).as_bytes()).unwrap();
    let megabyte = vec![b' '; 1 << 20];
    let mut written = 0;
    let error = loop {
        match wire.write(&megabyte) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 200, "the server reads for ever");
    };
    let cut = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(cut.contains(&error.kind()), "{error}");
    assert!(written >= 16, "it reads 16 MiB before it closes, so that the answer is seen: {written}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_measured_as_it_comes() {
    let server = Server::start().await;
    let head = head(INFO, &server.token, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    for (chunks, status) in [(32, 413), (31, 200)] {
        let mut wire = Wire::open(server.address).unwrap();
        wire.write(format!("{head}{}2\r\n{{}}\r\n0\r\n\r\n", chunk.repeat(chunks)).as_bytes()).unwrap();
        let reply = wire.read().unwrap();
        assert_eq!(reply.status, status, "{}", reply.text());
        if status == 413 {
            assert_eq!(reply.text(), too_large().to_string());
        }
    }
    server.stop().await;
}

/// Time is paused here: it jumps to the next timer when nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_headers_does_not_hold_its_connection_for_ever() {
    let clock = ManualClock::new(SystemClock.now());
    // A database would be waited for by timers that jump too.
    let store = StoreKind::Sqlite;
    let server = Server::with(Setup { clock: std::sync::Arc::new(clock), store, ..Setup::default() }).await;
    for sent in ["", "POST /v3/account/info HTTP/1.1\r\nAccess-To"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let (start, mut answer) = (Instant::now(), Vec::new());
        let end = tokio::time::timeout(Duration::from_secs(90), stream.read_to_end(&mut answer)).await;
        end.expect("the connection is ended").expect("in order");
        assert!(start.elapsed() >= Duration::from_secs(5), "a slow client has its time");
    }
    server.stop().await;
}

/// Time is paused here too.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_outlives_those_that_a_proxy_keeps() {
    let store = StoreKind::Sqlite;
    let clock = std::sync::Arc::new(ManualClock::new(SystemClock.now()));
    let server = Server::with(Setup { clock, store, ..Setup::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answer = vec![0; 4 << 10];
    // nginx closes what it keeps after 75 seconds. None of this asks the store, which is not waited for by timers.
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(80)).await;
    }
    let start = Instant::now();
    assert_eq!(stream.read(&mut answer).await.unwrap(), 0, "in the end it is closed");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_go_over_one_connection() {
    let server = Server::start().await;
    let mut wire = Wire::open(server.address).unwrap();
    for _ in 0..3 {
        let reply = wire.post(INFO, &server.token, &json!({})).unwrap();
        assert_eq!(reply.json()["accountName"], "Test");
    }
    // Pipelined: all are sent before the first is answered; the answers come in the order of the requests.
    let request = |path: &str| format!("{}{{}}", head(path, &server.token, 2));
    let paths = [INFO, "/v3/nothing", "/v3/contact/get", INFO];
    wire.write(paths.map(request).concat().as_bytes()).unwrap();
    let statuses: Vec<_> = paths.iter().map(|_| wire.read().unwrap().status).collect();
    assert_eq!(statuses, [200, 404, 400, 200]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_to_those_who_begin_with_it() {
    let server = Server::start().await;
    let list = server.list().await;
    let connection = crate::http2::Http2::open(server.address).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10 {
        let (mut connection, token) = (connection.clone(), server.token.clone());
        let contacts = json!([{ "contact": format!("contact-{number}") }]);
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        tasks.spawn(async move { connection.post(UPDATE, &token, body.to_string()).await.unwrap() });
    }
    for (status, answer) in tasks.join_all().await {
        assert_eq!((status, &answer["result"]), (200, &json!(true)));
        server.processed(answer["requestId"].as_str().unwrap()).await;
    }
    assert_eq!(server.contact(&list, "userId", "contact-9").await["userId"], "contact-9");
    drop(connection);
    server.stop().await;
}
