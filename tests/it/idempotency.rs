//! `Idempotency-Key` (contract, section 6): a request that is sent again is answered again, and done once.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Method;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Server, Setup};

const UPDATE: &str = "/v3/contacts/update";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Sends a body with these keys.
async fn send(server: &Server, token: &str, path: &str, keys: &[&str], body: &str) -> Answer {
    let mut headers = vec![("access-token", token)];
    headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
    server.send(Method::POST, path, &headers, body.to_owned()).await
}

async fn keyed(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    send(server, &server.token, path, &[key], &body.to_string()).await
}

fn is_again(first: &Answer, again: &Answer) {
    assert_eq!(
        (first.status.as_u16(), again.status.as_u16()),
        (200, 200),
        "{} {}",
        first.text(),
        again.text()
    );
    assert_eq!(first.text(), again.text(), "byte for byte");
}

fn is_refused(answer: &Answer, shows_id: bool, code: &str, text: &str) {
    let details = json!([{ "position": null, "field": null, "code": code, "message": text }]);
    let mut expected = json!({ "result": false, "errors": [text], "details": details });
    if shows_id {
        expected["requestId"] = json!("<id>");
    }
    assert_eq!((answer.status.as_u16(), answer.normal()), (400, expected));
}

fn is_used(answer: &Answer, shows_id: bool) {
    is_refused(answer, shows_id, "IDEMPOTENCY_KEY_USED", "Idempotency-Key was used with another body");
}

fn id(answer: &Answer) -> String {
    answer.json()["requestId"].as_str().expect("an id").to_owned()
}

/// How many requests were accepted.
async fn accepted(server: &Server) -> u64 {
    server.ok("/v3/request/list", &json!({})).await["totalCount"].as_u64().expect("a count")
}

fn contact(list: &str, name: &str) -> Value {
    json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a", "name": name }] })
}

/// A server on a clock that stands, and the switch that makes its store fail.
async fn standing() -> (Server, ManualClock, Switch) {
    let (clock, switch) = (ManualClock::new(Timestamp::from_millis(1_792_022_400_000)), Switch::new());
    let setup = Setup { clock: Arc::new(clock.clone()), wrap: switch.wrap(), ..Setup::default() };
    (Server::with(setup).await, clock, switch)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_that_makes_a_batch_answers_again_and_queues_nothing() {
    let (server, clock, _) = standing().await;
    let list = server.list().await;
    let made = server.update(&list, true, json!([{ "contact": "b" }, { "contact": "c" }])).await;
    // A misspelt key each: the warnings are told again too.
    let cases = [
        (
            UPDATE,
            json!({ "contactListId": list, "x": 1, "upsert": true,
                         "contacts": [{ "contact": "d", "y": 1 }, { "contact": "e@" }] }),
        ),
        ("/v3/contacts/add", json!({ "contactListId": list, "x": 1, "contacts": [{ "userId": "f" }] })),
        ("/v3/contacts/remove", json!({ "contactListId": list, "x": 1, "userIds": ["b"] })),
        ("/v3/request/undo", json!({ "requestId": made["id"], "x": 1 })),
        ("/v3/contact/erase", json!({ "userId": "c", "x": 1 })),
    ];
    let mut count = accepted(&server).await;
    for (path, body) in &cases {
        let first = keyed(&server, path, "one key", body).await;
        is_refused(
            &first,
            path.starts_with("/v3/contacts/"),
            "INVALID_IDEMPOTENCY_KEY",
            "Idempotency-Key must be 1 to 255 visible ASCII characters",
        );
        let key = format!("key-of-{path}");
        let first = keyed(&server, path, &key, body).await;
        assert_eq!(first.json()["warnings"][0]["code"], "UNKNOWN_FIELD", "{}", first.text());
        is_again(&first, &keyed(&server, path, &key, body).await);
        let object = server.processed(&id(&first)).await;
        clock.advance(Duration::from_secs(60));
        let again = keyed(&server, path, &key, body).await;
        if *path == "/v3/contact/erase" {
            // Warnings may quote what was sent: once the files are written again after an erasure, they are gone.
            assert_eq!((again.status, id(&again)), (first.status, id(&first)), "{}", again.text());
        } else {
            is_again(&first, &again);
        }
        count += 1;
        assert_eq!(accepted(&server).await, count, "{path}");
        assert_eq!(server.processed(&id(&first)).await, object, "{path}");
        // Another body, if only by a blank.
        let other = send(&server, &server.token, path, &[&key], &format!("{body} ")).await;
        is_used(&other, path.starts_with("/v3/contacts/"));
    }
    // Without a key the same body is another request.
    server.ok(cases[0].0, &cases[0].1).await;
    assert_eq!(accepted(&server).await, count + 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_with_the_same_body_is_refused() {
    let (server, ..) = standing().await;
    let list = server.list().await;
    let body =
        json!({ "contactListId": list, "contacts": [{ "contact": "a", "userId": "a" }], "userIds": ["a"] });
    let methods = [UPDATE, "/v3/contacts/add", "/v3/contacts/remove"];
    for (key, path) in ["k1", "k2", "k3"].into_iter().zip(methods) {
        assert_eq!(keyed(&server, path, key, &body).await.status, 200);
        for other in methods.into_iter().filter(|other| *other != path) {
            is_used(&keyed(&server, other, key, &body).await, true);
        }
    }
    assert_eq!(accepted(&server).await, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_decompressed_body_that_counts() {
    let (server, ..) = standing().await;
    let list = server.list().await;
    let coded = |body: &str, level| {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(body.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let body = contact(&list, "A").to_string();
    let plain = send(&server, &server.token, UPDATE, &["k"], &body).await;
    let headers =
        [("access-token", server.token.as_str()), ("idempotency-key", "k"), ("content-encoding", "gzip")];
    for level in [Compression::none(), Compression::best()] {
        is_again(&plain, &server.send(Method::POST, UPDATE, &headers, coded(&body, level)).await);
    }
    let other = coded(&contact(&list, "B").to_string(), Compression::best());
    is_used(&server.send(Method::POST, UPDATE, &headers, other).await, true);
    assert_eq!(accepted(&server).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day_over_a_restart_and_is_free_then() {
    let (server, clock, _) = standing().await;
    let list = server.list().await;
    let first = keyed(&server, UPDATE, "k", &contact(&list, "A")).await;
    server.processed(&id(&first)).await;
    clock.advance(DAY - Duration::from_millis(1));
    server.notice_time().await;
    is_again(&first, &keyed(&server, UPDATE, "k", &contact(&list, "A")).await);
    let server = server.restart(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    server.notice_time().await;
    is_again(&first, &keyed(&server, UPDATE, "k", &contact(&list, "A")).await);
    is_used(&keyed(&server, UPDATE, "k", &contact(&list, "B")).await, true);
    clock.advance(Duration::from_millis(1));
    // A day after it was first used: asking for it again does not make it young.
    let second = keyed(&server, UPDATE, "k", &contact(&list, "B")).await;
    assert_eq!(second.status, 200, "{}", second.text());
    assert_ne!(id(&second), id(&first));
    server.processed(&id(&second)).await;
    assert_eq!(server.contact(&list, "userId", "a").await["name"], "B");
    clock.advance(DAY - Duration::from_millis(1));
    is_again(&second, &keyed(&server, UPDATE, "k", &contact(&list, "B")).await);
    is_used(&keyed(&server, UPDATE, "k", &contact(&list, "A")).await, true);
    assert_eq!(accepted(&server).await, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_account_s_own_and_of_one_list() {
    let (server, ..) = standing().await;
    let (list, second) = (server.list().await, server.list().await);
    let first = keyed(&server, UPDATE, "k", &contact(&list, "A")).await;
    let other_list = keyed(&server, UPDATE, "k", &contact(&second, "A")).await;
    assert_eq!(other_list.status, 200, "{}", other_list.text());
    assert_ne!(id(&first), id(&other_list));
    is_again(&first, &keyed(&server, UPDATE, "k", &contact(&list, "A")).await);

    let other = server.bearer("Other").await;
    let create = json!({ "contactListName": "Theirs" });
    let theirs = server.post_as(&other.token, "/v3/contact-list/create", &create).await.json();
    let body = contact(theirs["contactListId"].as_str().unwrap(), "A").to_string();
    let answer = send(&server, &other.token, UPDATE, &["k"], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Erasing is about no list, and so an account's: the same body and key are another's too.
    let erase = json!({ "userId": "nobody" }).to_string();
    let ours = send(&server, &server.token, "/v3/contact/erase", &["k"], &erase).await;
    let their = send(&server, &other.token, "/v3/contact/erase", &["k"], &erase).await;
    assert_eq!((ours.status.as_u16(), their.status.as_u16()), (200, 200));
    assert_ne!(id(&ours), id(&their));
    assert_eq!(accepted(&server).await, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_accepted_is_not_remembered() {
    let (server, _, switch) = standing().await;
    let list = server.list().await;
    let invalid =
        json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a", "name": 5 }] });
    assert_eq!(keyed(&server, UPDATE, "k", &invalid).await.errors(), ["Argument name must be a string"]);
    assert_eq!(keyed(&server, UPDATE, "k", &json!("text")).await.errors(), ["Bad Request"]);
    switch.set(Fault::AppendNotKept);
    assert_eq!(keyed(&server, UPDATE, "k", &contact(&list, "A")).await.status, 503);
    switch.set(Fault::None);
    let first = keyed(&server, UPDATE, "k", &contact(&list, "B")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    // Now it is used, and what is invalid is another body above all.
    is_used(&keyed(&server, UPDATE, "k", &invalid).await, true);
    assert_eq!(accepted(&server).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_given_though_the_body_would_be_refused_by_now() {
    let (server, ..) = standing().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Fair" })).await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [
        { "contact": "a", "sourceId": source, "variables": [{ "name": "plan", "value": "gold" }] }] });
    let first = keyed(&server, UPDATE, "k", &body).await;
    server.processed(&id(&first)).await;
    server.ok("/v3/contact-source/remove", &json!({ "ids": [source] })).await;
    server
        .ok("/v3/contact-list/variables/remove", &json!({ "contactListId": list, "names": ["plan"] }))
        .await;
    assert_eq!(server.refused(UPDATE, &body).await.len(), 2);
    is_again(&first, &keyed(&server, UPDATE, "k", &body).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_header_of_1_to_255_visible_ascii_characters() {
    let (server, ..) = standing().await;
    let list = server.list().await;
    let body = contact(&list, "A").to_string();
    let visible: String = (0x21..0x7f_u8).map(char::from).collect();
    let (longest, too_long) = ("x".repeat(255), "x".repeat(256));
    let mut good = vec!["k", &longest, &visible];
    good.push("K");
    for key in &good {
        let first = send(&server, &server.token, UPDATE, &[key], &body).await;
        is_again(&first, &send(&server, &server.token, UPDATE, &[key], &body).await);
    }
    assert_eq!(accepted(&server).await, 4, "K is not k");
    let text = "Idempotency-Key must be 1 to 255 visible ASCII characters";
    for keys in [&[""][..], &[&too_long], &["a b"], &["a\tb"], &["ä"], &["k", "k"], &["k", "l"]] {
        let answer = send(&server, &server.token, UPDATE, keys, &body).await;
        is_refused(&answer, true, "INVALID_IDEMPOTENCY_KEY", text);
    }
    assert_eq!(accepted(&server).await, 4);
    server.stop().await;
}
