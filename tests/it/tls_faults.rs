//! TLS that goes wrong: files that are not as they should be, and clients that are not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use observe::metrics::Connections;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use web::connection_limit::ConnectionLimit;
use web::serve;
use web::tls::Tls;

use crate::harness::Directory;
use crate::process::{Store, run};
use crate::tls::{NAME, Pair};
use crate::wire::{Wire, socket};

#[test]
fn files_that_are_not_right_are_told_in_a_sentence() {
    let store = Store::in_files();
    let pair = Pair::write(&store.directory);
    let empty = store.directory.path("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (certificate, key) = (pair.certificate.display(), pair.key.display());
    let other = Directory::new();
    let stranger = Pair::write(&other);
    let serve = |certificate: Option<&std::path::Path>, key: Option<&std::path::Path>| {
        let mut command = store.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(certificate.map(|path| ("ROLLBOOK_TLS_CERTIFICATE", path)));
        command.envs(key.map(|path| ("ROLLBOOK_TLS_KEY", path)));
        let printed = run(&mut command);
        assert_eq!(printed.code, Some(1));
        printed.err
    };
    let both = "rollbook: tls_certificate and tls_key are set together, or neither is\n";
    assert_eq!(serve(Some(&pair.certificate), None), both);
    assert_eq!(serve(None, Some(&pair.key)), both);
    let none = format!("rollbook: tls_certificate {}: there is no certificate in it\n", empty.display());
    assert_eq!(serve(Some(&empty), Some(&pair.key)), none);
    let none = format!("rollbook: tls_key {}: there is no private key in it\n", empty.display());
    assert_eq!(serve(Some(&pair.certificate), Some(&empty)), none);
    let strange = format!(
        "rollbook: tls_key {key} does not belong to tls_certificate {}\n",
        stranger.certificate.display()
    );
    assert_eq!(serve(Some(&stranger.certificate), Some(&pair.key)), strange);
    std::fs::remove_file(&pair.key).unwrap();
    let missing = format!("rollbook: tls_key {key}: No such file or directory (os error 2)\n");
    assert_eq!(serve(Some(&pair.certificate), Some(&pair.key)), missing);
    std::fs::remove_file(&pair.certificate).unwrap();
    let told = serve(Some(&pair.certificate), Some(&pair.key));
    assert!(told.starts_with(&format!("rollbook: tls_certificate {certificate}: ")), "{told}");
}

#[test]
fn a_file_of_roots_for_webhooks_that_is_not_right_is_told_in_a_sentence() {
    let store = Store::in_files();
    let (empty, damaged) = (store.directory.path("empty.pem"), store.directory.path("damaged.pem"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&damaged, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (path, told) in [
        (empty, "there is no certificate in it\n"),
        (damaged, "invalid peer certificate: BadEncoding\n"),
        (store.directory.path("none.pem"), "No such file or directory (os error 2)\n"),
    ] {
        let mut command = store.command(&["serve", "--listen", "127.0.0.1:0"]);
        let printed = run(command.env("ROLLBOOK_WEBHOOK_CA_FILE", &path));
        let expected = format!("rollbook: webhook_ca_file {}: {told}", path.display());
        assert_eq!((printed.code, printed.err), (Some(1), expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_goes_to_a_receiver_whose_root_is_given() {
    use crate::process::wait_for;
    let store = Store::in_files();
    let pair = Pair::write(&store.directory);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let tls = Tls::load(&pair.certificate, &pair.key).expect("a certificate");
    let router = Router::new().route("/", axum::routing::post(async || "taken"));
    let limit = ConnectionLimit::new(512, Connections::default());
    tokio::spawn(serve::serve_tls(listener, router, limit, tls.config(), serve::Handle::new()));
    let told = |roots: Option<&std::path::Path>| {
        let server = store.serve_with(|command| {
            command.args(["--webhook-allow", "127.0.0.0/8"]);
            command.envs(roots.map(|path| ("ROLLBOOK_WEBHOOK_CA_FILE", path)));
        });
        let token = store.account("Shop").token;
        let list = server.list(&token);
        // The name of the certificate is of no machine; what is compared is whether it is trusted.
        let uri = format!("https://127.0.0.1:{}/", address.port());
        let body = json!({ "contactListId": list, "upsert": true, "webHookUri": uri,
                           "contacts": [{ "contact": "a" }] });
        let reply = server.connect().post("/v3/contacts/update", &token, &body).expect("an answer").json();
        let request = reply["requestId"].as_str().expect("an id").to_owned();
        wait_for("an attempt", || {
            let web_hook = server.processed(&token, &request)["webHook"].clone();
            (web_hook["attempts"] == 1).then(|| web_hook["reason"].as_str().map(str::to_owned))
        })
    };
    let (untrusted, trusted) = tokio::task::block_in_place(|| (told(None), told(Some(&pair.certificate))));
    assert_eq!(untrusted.as_deref(), Some("TLS_UNKNOWN_CA"));
    assert_eq!(trusted.as_deref(), Some("TLS_WRONG_NAME"), "it is trusted, for another name");
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    let store = Store::in_files();
    let pair = Pair::write(&store.directory);
    for (mode, warned) in [(0o640, false), (0o644, true)] {
        std::fs::set_permissions(&pair.key, PermissionsExt::from_mode(mode)).unwrap();
        let log = pair.serve(&store).log();
        assert_eq!(log.contains("tls: others can read the key"), warned, "{mode:o}: {log}");
    }
}

#[test]
fn hundreds_who_never_finish_their_handshake_keep_nobody_out() {
    let store = Store::new();
    let pair = Pair::write(&store.directory);
    let token = store.account("Shop").token;
    let server = pair.serve(&store);
    let mut hanging = Vec::new();
    for number in 0..400 {
        let mut stream = socket(server.address).expect("a connection");
        // Some say nothing; some begin a record of 512 bytes, and leave it at that.
        let begun: &[u8] = if number % 2 == 0 { b"" } else { b"\x16\x03\x01\x02\x00\x01" };
        stream.write_all(begun).expect("a place");
        hanging.push(stream);
    }
    // Not TLS at all: HTTP in the clear is cut off, and never answered.
    let mut plain = socket(server.address).expect("a connection");
    plain.write_all(b"POST /v3/account/info HTTP/1.1\r\nhost: x\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).expect("the end");
    assert!(answer.len() <= 7 && !answer.starts_with(b"HTTP"), "an alert of TLS at most: {answer:?}");

    for _ in 0..10 {
        let mut wire: Wire = pair.connect(server.address).expect("a handshake");
        assert_eq!(wire.post("/v3/account/info", &token, &json!({})).expect("an answer").status, 200);
    }
    assert!(!server.log().contains("connection limit reached"), "{}", server.log());
}

/// A server over TLS with nothing behind it but `/`, which answers with more than any socket holds.
fn large_answers(pair: &Pair, max_connections: usize) -> (std::net::SocketAddr, serve::Handle) {
    let tls = Tls::load(&pair.certificate, &pair.key).expect("a certificate");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let router = Router::new().route("/", get(async || vec![b'a'; 64 << 20]));
    let handle = serve::Handle::new();
    let limit = ConnectionLimit::new(max_connections, Connections::default());
    tokio::spawn(serve::serve_tls(listener, router, limit, tls.config(), handle.clone()));
    (address, handle)
}

/// Time is paused here, and in the next one: it jumps to the next timer when nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_hangs_is_cut_off() {
    let directory = Directory::new();
    let (address, _handle) = large_answers(&Pair::write(&directory), 512);
    for begun in [b"".as_slice(), b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let (start, mut answer) = (Instant::now(), Vec::new());
        let end = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        end.expect("the connection is ended").expect("in order");
        assert!(start.elapsed() >= Duration::from_secs(5), "a slow client has its time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_loses_its_connection_under_tls_too() {
    let directory = Directory::new();
    let pair = Pair::write(&directory);
    let (address, _handle) = large_answers(&pair, 512);
    let connector = TlsConnector::from(Arc::new(pair.client(rustls::ALL_VERSIONS)));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stuck =
        connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.expect("a handshake");
    stuck.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stuck.flush().await.unwrap();
    let mut begun = [0; 1_024];
    assert!(stuck.read(&mut begun).await.expect("the beginning of the answer") > 0);
    sleep(Duration::from_secs(20)).await;
    assert!(stuck.read(&mut begun).await.expect("a slow client has its time") > 0);
    sleep(Duration::from_secs(120)).await;
    // What the sockets hold is still there, and then the connection ends without the rest.
    let mut rest = Vec::new();
    let end = stuck.read_to_end(&mut rest).await;
    assert!(end.is_err(), "an end that TLS was not told of: {end:?}");
    assert!(rest.len() < 32 << 20, "{}", rest.len());
}
