//! `max_connections`: strangers who hold every connection keep no client with a token out, and no connection that is in
//! an admitted request is closed for another.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use observe::metrics::Connections;
use serde_json::json;
use web::connection_limit::ConnectionLimit;
use web::{admission, serve};

use crate::harness::{Server, Setup};
use crate::process::{Process, Store, wait_for};
use crate::views::browser::Browser;
use crate::wire::{Wire, socket};

const INFO: &str = "/v3/account/info";
const PING: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const FORM: &str = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                    Content-Length: 16000\r\n\r\ne";

fn small(store: &Store, max: &str) -> Process {
    store.serve_with(|command| {
        command.env("ROLLBOOK_MAX_CONNECTIONS", max);
    })
}

/// Connections without a token, each of which has sent something.
struct Strangers {
    address: SocketAddr,
    sent: &'static str,
    streams: Vec<TcpStream>,
}

impl Strangers {
    fn come(address: SocketAddr, count: usize, sent: &'static str) -> Self {
        let mut strangers = Self { address, sent, streams: Vec::new() };
        strangers.streams.extend((0..count).map(|_| Self::one(address, sent)));
        strangers
    }

    fn one(address: SocketAddr, sent: &str) -> TcpStream {
        let mut stream = socket(address).expect("a connection");
        // It may be closed already.
        let _ = stream.write_all(sent.as_bytes());
        stream
    }

    /// Each sends on, and whose connection was closed comes again.
    fn go_on(&mut self) {
        for stream in &mut self.streams {
            let part = if self.sent == PING { PING } else { "e" };
            let mut answer = [0; 4 << 10];
            stream.set_nonblocking(true).expect("a socket");
            let gone = match stream.read(&mut answer) {
                Ok(read) => read == 0,
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
            stream.set_nonblocking(false).expect("a socket");
            if gone || stream.write_all(part.as_bytes()).is_err() {
                *stream = Self::one(self.address, self.sent);
            }
        }
    }
}

#[test]
fn strangers_who_hold_every_connection_keep_nobody_with_a_token_out() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let server = small(&store, "32");
    for sent in [FORM, PING, "P"] {
        let mut strangers = Strangers::come(server.address, 48, sent);
        for _ in 0..20 {
            strangers.go_on();
            let reply = server.post(INFO, &token, &json!({}));
            assert_eq!(reply.status, 200, "{sent:?}");
        }
    }
}

#[test]
fn strangers_close_no_connection_that_a_client_keeps_alive() {
    let store = Store::new();
    let token = store.account("Shop").token;
    let server = small(&store, "32");
    let mut kept = server.connect();
    for sent in ["", FORM, PING] {
        assert_eq!(kept.post(INFO, &token, &json!({})).expect("an answer").status, 200);
        let strangers = Strangers::come(server.address, 64, sent);
        // They were all accepted: this one comes behind them.
        assert_eq!(server.post(INFO, &token, &json!({})).status, 200, "{sent:?}");
        drop(strangers);
    }
    assert_eq!(kept.post(INFO, &token, &json!({})).expect("the same connection").status, 200);
}

/// A server of so many connections whose `/` answers with more than any socket holds, as to a valid token.
fn large_answers(max: usize) -> (SocketAddr, serve::Handle) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let large = async |request: Request| {
        admission::admit(&request.into_parts().0);
        vec![b'a'; LARGE]
    };
    let handle = serve::Handle::new();
    let limit = ConnectionLimit::new(max, Connections::default());
    let router = Router::new().route("/", get(large));
    tokio::spawn(serve::serve(listener, router, limit, handle.clone()));
    (address, handle)
}

const LARGE: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_read_slowly_comes_whole_though_strangers_come() {
    let (address, handle) = large_answers(4);
    let downloads = tokio::task::spawn_blocking(move || {
        let mut download = socket(address).expect("a connection");
        download.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        let mut begun = [0; 1 << 10];
        download.read_exact(&mut begun).expect("the beginning");
        let mut strangers = Strangers::come(address, 16, "P");
        strangers.go_on();
        // Another download gets in among them.
        let mut other = socket(address).expect("a connection");
        other.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        other.read_exact(&mut begun).expect("the beginning");
        let mut lengths = Vec::new();
        for mut download in [download, other] {
            let mut rest = Vec::new();
            while rest.len() < LARGE - (1 << 10) {
                let read = download.read(&mut begun).expect("the rest");
                assert!(read > 0, "cut off after {}", rest.len());
                rest.extend_from_slice(&begun[..read]);
            }
            lengths.push(rest.len());
        }
        lengths
    });
    assert!(downloads.await.expect("both").iter().all(|length| *length >= LARGE - (1 << 10)));
    handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_as_good_as_a_token() {
    let server = Server::with(Setup { max_connections: 8, ..Setup::default() }).await;
    let browser = Browser::sign_in(&server, server.user).await;
    let (address, cookie) = (server.address, browser.cookie().to_owned());
    let visit = move || {
        let request = format!("GET /account HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n");
        let mut kept = Wire::open(address).expect("a connection");
        let mut ask = || {
            kept.write(request.as_bytes())?;
            kept.read().map(|reply| reply.status)
        };
        assert_eq!(ask().expect("an answer"), 200);
        let _strangers = Strangers::come(address, 32, PING);
        assert_eq!(ask().expect("the same connection"), 200);
    };
    tokio::task::spawn_blocking(visit).await.expect("served");
    server.stop().await;
}

#[test]
fn connections_that_do_not_read_are_within_the_limit_too() {
    const MAX: usize = 8;
    let store = Store::new();
    let token = store.account("Shop").token;
    let server = small(&store, &MAX.to_string());
    assert_eq!(server.post(INFO, &token, &json!({})).status, 200);
    let before = server.sockets();
    let pipelined = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let mut unread = Vec::new();
    for _ in 0..5 * MAX {
        let mut stream = socket(server.address).expect("a connection");
        let _ = stream.write_all(pipelined.as_bytes());
        unread.push(stream);
        let sockets = server.sockets();
        // One more is accepted, and waits for its slot.
        assert!(sockets <= before + MAX + 1, "{sockets} sockets of {before} and {MAX}");
    }
    assert_eq!(server.post(INFO, &token, &json!({})).status, 200);
    assert!(server.sockets() <= before + MAX + 1);
}

#[test]
fn connections_beyond_those_in_requests_wait_for_a_slot() {
    const BODY: &str = "{\"half\":\"half\"}";
    let store = Store::new();
    let token = store.account("Shop").token;
    let server = small(&store, "2");
    let mut busy = [(); 2].map(|()| Wire::begin(server.address, INFO, &token, BODY).expect("a slot"));
    let mut waits = server.connect();
    waits.write(crate::wire::head(INFO, &token, 2).as_bytes()).expect("taken by the system");
    waits.write(b"{}").expect("taken by the system");
    // Both are finished though another waits, and then it has its turn.
    for wire in &mut busy {
        assert_eq!(wire.finish(BODY).expect("an answer").status, 200);
    }
    assert_eq!(waits.read().expect("an answer").status, 200);
}

#[test]
fn a_flood_of_connections_is_a_line_of_the_log_a_second_and_a_metric() {
    const FLOOD: usize = 200;
    let store = Store::new();
    let (server, metrics) = crate::watch::watched_with(&store, |command| {
        command.env("ROLLBOOK_MAX_CONNECTIONS", "4");
    });
    let begun = std::time::Instant::now();
    let strangers = Strangers::come(server.address, FLOOD, "P");
    let closed = wait_for("all but four to be closed", || {
        let closed =
            crate::watch::value(&crate::watch::metrics(metrics), "rollbook_connections_closed_total");
        (closed >= (FLOOD - 4) as f64).then_some(closed)
    });
    assert!((closed - (FLOOD - 4) as f64).abs() < f64::EPSILON);
    let counts = || -> Vec<u64> {
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("connection limit reached"));
        let count = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["fields"]["closed"].as_u64()
        };
        lines.filter_map(count).collect()
    };
    let counts = wait_for("the log to tell of all", || {
        let counts = counts();
        (counts.iter().sum::<u64>() == (FLOOD - 4) as u64).then_some(counts)
    });
    let seconds = begun.elapsed() + Duration::from_secs(1);
    assert!(counts.len() as u64 <= seconds.as_secs() + 1, "{counts:?} in {seconds:?}");
    drop(strangers);
}
