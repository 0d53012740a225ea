//! Receivers and clients that hold on to what they have got: ten thousand receivers that hang, clients that write a
//! byte now and then. Those who behave are served all the same, and memory stays bounded.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rollbook::descriptors;
use serde_json::{Value, json};

use crate::kill::number;
use crate::process::{Process, Store, wait_for, wait_within};
use crate::receiver;
use crate::wire::Wire;

/// Receivers that hang, where ROLLBOOK_TEST_RECEIVERS does not say how many.
const RECEIVERS: u64 = 1_500;

/// Clients that write slowly, where ROLLBOOK_TEST_SLOW_CLIENTS does not say how many.
const SLOW_CLIENTS: u64 = 1_000;

/// What the server may take at most, whatever is done to it. A build for tests takes more than one for use.
const MEMORY_KIB: u64 = 160 << 10;

fn open_server(store: &Store) -> Process {
    store.serve_with(|command| {
        command.args(["--webhook-allow", "127.0.0.0/8"]);
    })
}

fn assert_memory_is_bounded(server: &Process) {
    let peak = server.peak_memory_kib();
    println!("the server has taken {} MiB at most", peak >> 10);
    assert!(peak < MEMORY_KIB, "{peak} KiB");
}

/// A receiver of every address of 127.0.0.0/8 that never answers: some connections are never even taken.
struct Hanging(TcpListener);

impl Hanging {
    fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port"))
    }

    /// Each number is another receiver.
    fn uri(&self, number: u64) -> String {
        let [.., b, c, d] = number.to_be_bytes();
        let port = self.0.local_addr().expect("its address").port();
        format!("http://127.{}.{c}.{d}:{port}/", b + 1)
    }
}

fn report_to(uri: &str, list: &str) -> Value {
    json!({ "contactListId": list, "webHookUri": uri, "upsert": true, "contacts": [{ "contact": "a" }] })
}

#[test]
fn one_good_receiver_is_served_in_time_beside_thousands_that_hang() {
    let receivers = number("ROLLBOOK_TEST_RECEIVERS").unwrap_or(RECEIVERS);
    let (store, hanging) = (Store::in_files(), Hanging::new());
    let server = open_server(&store);
    let token = store.account("Shop").token;
    let list = server.list(&token);
    let mut wire = server.connect();
    let mut send = |uri: &str| {
        let reply = wire.post("/v3/contacts/update", &token, &report_to(uri, &list)).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["requestId"].as_str().expect("an id").to_owned()
    };
    let bad: Vec<String> = (0..receivers).map(|number| send(&hanging.uri(number))).collect();
    let (good, count) = receiver::counting();
    // All that hang have their turn first at the worst: a thousand at a time, for 1.5 s each.
    let turns = Duration::from_millis(1_500) * u32::try_from(receivers / 1_000 + 2).expect("a few");
    for round in 1..=3 {
        let start = Instant::now();
        let request = send(&format!("http://{good}/"));
        wait_within(turns * 2, "the good receiver to be told", || {
            (count.load(Ordering::SeqCst) >= round).then_some(())
        });
        println!("{receivers} hang, and the good one was told after {:?}", start.elapsed());
        let delivered = json!({ "status": "delivered", "attempts": 1 });
        wait_for("that to be known", || {
            (server.processed(&token, &request)["webHook"] == delivered).then_some(())
        });
    }
    let first = server.processed(&token, &bad[0])["webHook"].clone();
    assert_eq!(first["status"], "pending", "those that hang are tried again later");
    assert_memory_is_bounded(&server);
}

/// A part of a request, and nothing more. None of them ever finishes, each holds its connection.
fn slow(address: SocketAddr, token: &str, number: u64) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("POST /v3/contacts/update HTTP/1.1\r\nHost: x\r\nAccess-Token: {token}\r\n");
    let part = match number % 4 {
        0 => String::new(),
        1 => head[..20].to_owned(),
        2 => head,
        // In its body, and counted: at most ten at a time of a token are let in.
        _ => format!("{head}Content-Length: 1000\r\n\r\n{{\"contactListId\":"),
    };
    // One that was closed by the server is a client less.
    let _ = stream.write_all(part.as_bytes());
    stream
}

#[test]
fn thousands_of_clients_that_write_slowly_keep_nobody_out() {
    let clients = number("ROLLBOOK_TEST_SLOW_CLIENTS").unwrap_or(SLOW_CLIENTS);
    descriptors::raise();
    let store = Store::in_files();
    let server = open_server(&store);
    let [token, other] = ["Shop", "Other"].map(|name| store.account(name).token);
    let list = server.list(&token);
    let mut held = Vec::new();
    let (mut served, mut slowest) = (0, Duration::ZERO);
    for number in 0..clients {
        held.push(slow(server.address, &other, number));
        if number % 50 == 49 {
            // All of them write a little, so that none is idle for long.
            for stream in &mut held {
                let _ = stream.write_all(b"x");
            }
            let start = Instant::now();
            let mut wire = Wire::open(server.address).expect("a connection");
            let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
            let reply = wire.post("/v3/contacts/update", &token, &body).expect("an answer");
            assert_eq!(reply.status, 200, "{}", reply.text());
            slowest = slowest.max(start.elapsed());
            served += 1;
        }
    }
    println!("{clients} slow clients; {served} others were served, the slowest in {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_memory_is_bounded(&server);
}
