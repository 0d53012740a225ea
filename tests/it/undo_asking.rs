//! Who may undo what, and how an undo behaves as a request like any other.

use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::past::{Past, gist, undone};
use crate::receiver::Receiver;
use crate::token_scope::token;

const UNDO: &str = "/v3/request/undo";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// One of `details`.
fn detail(field: &str, code: &str, message: &str) -> Value {
    json!({ "position": null, "field": field, "code": code, "message": message })
}

/// Posts a body that must be refused with these details.
async fn refused(past: &Past, token: &str, body: &Value, details: &[Value]) {
    let answer = past.server.post_as(token, UNDO, body).await;
    let texts: Vec<_> = details.iter().map(|detail| detail["message"].clone()).collect();
    let expected = json!({ "result": false, "errors": texts, "details": details });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
}

fn not_found(id: &str) -> Value {
    detail("requestId", "REQUEST_NOT_FOUND", &format!("Request {id} not found"))
}

fn gone(id: &str) -> Value {
    let text = format!("Request {id} can not be undone, its history is not kept any more");
    detail("requestId", "HISTORY_GONE", &text)
}

fn id(request: &Value) -> &str {
    request["id"].as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_undone_is_refused_text_by_text() {
    let past = Past::open_in_files().await;
    let mine = past.upsert(json!([{ "contact": "a" }])).await;
    let erased = past.done("/v3/contact/erase", &json!({ "userId": "nobody" })).await;
    let own = past.server.token.clone();
    let invalid =
        || detail("requestId", "INVALID_REQUEST_ID", "Argument requestId must be a non-empty string");
    let required = || detail("requestId", "REQUIRED", "Argument requestId required");
    let hook = || detail("webHookUri", "INVALID_WEBHOOK_URI", "Argument webHookUri must be a valid URI");
    let unknown = "5d915c22d132d5f45a4e38b8";
    for (body, details) in [
        (json!({}), vec![required()]),
        (json!({ "requestId": null, "webHookUri": "x" }), vec![required(), hook()]),
        (json!({ "requestId": "" }), vec![invalid()]),
        (json!({ "requestId": "  " }), vec![invalid()]),
        (json!({ "requestId": 5 }), vec![invalid()]),
        (json!({ "requestId": [id(&mine)] }), vec![invalid()]),
        (json!({ "requestId": "x" }), vec![not_found("x")]),
        (json!({ "requestId": unknown, "webHookUri": 5 }), vec![not_found(unknown), hook()]),
        (json!({ "requestId": id(&mine), "webHookUri": "ftp://example.com" }), vec![hook()]),
        (
            json!({ "requestId": id(&erased) }),
            vec![detail("requestId", "NOT_UNDOABLE", &format!("Request {} can not be undone", id(&erased)))],
        ),
    ] {
        refused(&past, &own, &body, &details).await;
    }
    let answer = past.server.post_bytes(UNDO, "5").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]));
    let stranger = past.server.bearer("Other").await;
    refused(&past, &stranger.token, &json!({ "requestId": id(&mine) }), &[not_found(id(&mine))]).await;
    assert_ne!(past.contact("a").await, Value::Null, "nothing was done");
    let odd = json!({ "requestId": id(&mine), "dryRun": true });
    let warned = past.server.ok(UNDO, &odd).await;
    let unknown = detail("dryRun", "UNKNOWN_FIELD", "Argument dryRun is unknown and was ignored");
    assert_eq!(warned["warnings"], json!([unknown]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_undo_what_they_could_have_done() {
    let past = Past::open_in_files().await;
    let other_list = past.server.list().await;
    let mine = past.upsert(json!([{ "contact": "a" }])).await;
    let erased = past.done("/v3/contact/erase", &json!({ "userId": "nobody" })).await;
    let body = json!({ "requestId": id(&mine) });

    let looks = token(&past.server, true, None).await;
    let answer = past.server.post_as(&looks, UNDO, &body).await;
    let text = format!("access token {}… is read-only", &looks[..8]);
    assert_eq!((answer.status, answer.errors()), (StatusCode::FORBIDDEN, vec![text]));

    let elsewhere = token(&past.server, false, Some(&[&other_list])).await;
    for request in [&mine, &erased] {
        refused(&past, &elsewhere, &json!({ "requestId": id(request) }), &[not_found(id(request))]).await;
    }
    let here = token(&past.server, false, Some(&[&past.list])).await;
    let answer = past.server.post_as(&here, UNDO, &body).await.json();
    let undo = past.server.processed(answer["requestId"].as_str().unwrap()).await;
    assert_eq!(gist(&undo["results"]["success"][0]), json!(["removed", ["userId"], []]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_undone_in_a_list_that_is_gone() {
    let past = Past::open_in_files().await;
    let request = past.upsert(json!([{ "contact": "a" }])).await;
    let limited = token(&past.server, false, Some(&[&past.list])).await;
    let remove = json!({ "contactListId": past.list, "confirm": "Customers" });
    past.server.ok("/v3/contact-list/remove", &remove).await;
    let body = json!({ "requestId": id(&request) });
    let text = format!("List with id {} not found!", past.list);
    let own = past.server.token.clone();
    refused(&past, &own, &body, &[detail("contactListId", "LIST_NOT_FOUND", &text)]).await;
    refused(&past, &limited, &body, &[not_found(id(&request))]).await;
    past.server.stop().await;
}

/// The store's lock is held by somebody else: what is accepted waits.
fn blocked(past: &Past) -> Connection {
    let blocker = Connection::open(past.server.directory.path("rollbook.db")).expect("the store's file");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("its lock");
    blocker
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_can_be_undone_and_what_comes_between_counts() {
    let past = Past::open_in_files().await;
    past.upsert(json!([{ "contact": "a", "name": "1", "lastName": "1" }])).await;
    let blocker = blocked(&past);
    let update = |contact: Value| {
        let body = json!({ "contacts": [contact] });
        async { past.send("/v3/contacts/update", &{ body }).await }
    };
    let first = update(json!({ "contact": "a", "name": "2", "lastName": "2" })).await;
    update(json!({ "contact": "a", "name": "3" })).await;
    let undo = past.send(UNDO, &json!({ "requestId": first })).await;
    let again = past.send(UNDO, &json!({ "requestId": undo })).await;
    update(json!({ "contact": "a", "firstName": "x" })).await;
    let found = past.server.ok("/v3/request/find", &json!({ "ids": [first, undo, again] })).await;
    for request in [&first, &undo, &again] {
        assert_ne!(found["requests"][request]["status"], "processed");
    }
    blocker.execute_batch("ROLLBACK").expect("given back");
    let undo = past.server.processed(&undo).await;
    let expected = json!(["updated", ["lastName"], [["name", "CHANGED_SINCE"]]]);
    assert_eq!(gist(&undo["results"]["success"][0]), expected);
    let again = past.server.processed(&again).await;
    assert_eq!(gist(&again["results"]["success"][0]), json!(["updated", ["lastName"], []]));
    assert_eq!(past.fields("a", &["name", "lastName"]).await, json!(["3", "2"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_goes_before_its_undo_is_applied_is_told() {
    let past = Past::open_in_files().await;
    let request = past.upsert(json!([{ "contact": "a" }, { "contact": "b" }])).await;
    let blocker = blocked(&past);
    let undo = past.send(UNDO, &json!({ "requestId": id(&request) })).await;
    let remove = json!({ "contactListId": past.list, "confirm": "Customers" });
    past.server.ok("/v3/contact-list/remove", &remove).await;
    blocker.execute_batch("ROLLBACK").expect("given back");
    let undo = past.server.processed(&undo).await;
    let nobody = json!({ "id": null, "email": null, "phone": null, "userId": null });
    let error = |position: usize| {
        json!({ "position": position, "error": "LIST_NOT_FOUND", "contact": nobody,
                "humanError": "The list was removed before the request was applied" })
    };
    assert_eq!(undo["results"], json!({ "success": [], "errors": [error(0), error(1)] }));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_undone_as_long_as_its_history_is_kept() {
    let past = Past::open_in_files().await;
    let mut setup = Past::setup(&past.clock);
    setup.limits.history = DAY * 3;
    let server = past.server.restart(setup).await;
    let past = Past { server, ..past };
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let old = past.upsert(json!([{ "contact": "a", "name": "2" }])).await;
    past.clock.advance(DAY * 3 - Duration::from_secs(1));
    let young = past.upsert(json!([{ "contact": "b" }])).await;
    past.clock.advance(Duration::from_secs(2));
    let is_gone = async || {
        past.clock.advance(Duration::from_secs(1));
        (past.history("userId", "a").await["totalCount"] == 0).then_some(())
    };
    past.server.wait_for("the history to be forgotten", is_gone).await;
    let own = past.server.token.clone();
    refused(&past, &own, &json!({ "requestId": id(&old) }), &[gone(id(&old))]).await;
    let expected = undone(0, "removed", &young["results"]["success"][0], &["userId"], &[]);
    assert_eq!(past.undone(&young).await, [expected]);
    past.clock.advance(DAY * 8);
    let is_gone = async || {
        past.clock.advance(Duration::from_secs(1));
        let found = past.server.ok("/v3/request/find", &json!({ "ids": [id(&old)] })).await;
        (found["requests"] == json!({})).then_some(())
    };
    past.server.wait_for("the request to be forgotten", is_gone).await;
    refused(&past, &own, &json!({ "requestId": id(&old) }), &[not_found(id(&old))]).await;
    past.server.stop().await;
}

/// The history may go between the acceptance of an undo and its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_goes_before_its_undo_is_applied_is_told() {
    let past = Past::open_in_files().await;
    let request = past.upsert(json!([{ "contact": "a" }])).await;
    let blocker = blocked(&past);
    let undo = past.send(UNDO, &json!({ "requestId": id(&request) })).await;
    blocker.execute_batch("DELETE FROM history; COMMIT").expect("forgotten");
    let undo = past.server.processed(&undo).await;
    let error = json!({ "position": 0, "error": "HISTORY_GONE",
        "contact": { "id": null, "email": null, "phone": null, "userId": null },
        "humanError": "The history of the request is not kept any more" });
    assert_eq!(undo["results"], json!({ "success": [], "errors": [error] }));
    assert_ne!(past.contact("a").await, Value::Null);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_processed_more_than_a_week_ago_can_be_undone() {
    let past = Past::open_in_files().await;
    let request = past.upsert(json!([{ "contact": "a" }])).await;
    past.clock.advance(DAY * 8);
    let is_gone = async || {
        past.clock.advance(Duration::from_secs(1));
        let found = past.server.ok("/v3/request/find", &json!({ "ids": [id(&request)] })).await;
        (found["requests"] == json!({})).then_some(())
    };
    past.server.wait_for("the request to be forgotten", is_gone).await;
    past.undone(&request).await;
    assert_eq!(past.contact("a").await, Value::Null);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_tells_what_was_put_back_and_what_was_not() {
    let past = Past::open_in_files().await;
    let receiver = Receiver::start(Arc::new(past.clock.clone()), &[], 204);
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "name": "2", "lastName": "x" }])).await;
    past.upsert(json!([{ "contact": "a", "name": "3" }])).await;
    let body = json!({ "requestId": id(&update), "webHookUri": receiver.uri() });
    let undo = past.send(UNDO, &body).await;
    let object = past
        .server
        .wait_for("the webhook", async || {
            let object = past.server.processed(&undo).await;
            (object["webHook"]["status"] == "delivered").then_some(object)
        })
        .await;
    let [hook] = &receiver.hooks()[..] else { panic!("one webhook") };
    let success =
        undone(0, "updated", &update["results"]["success"][0], &["lastName"], &[("name", "CHANGED_SINCE")]);
    let time = object["createdAt"].clone();
    let expected = json!({
        "id": undo, "source": "request/undo", "status": "processed", "webHookUri": receiver.uri(),
        "createdAt": time, "updatedAt": time, "results": { "success": [success], "errors": [] },
    });
    assert_eq!(hook.body, expected.to_string(), "in the documented order");
    assert!(hook.is_signed_by(&past.server.webhook_secret));
    let listed = past.server.ok("/v3/request/list", &json!({ "limit": 1 })).await;
    assert_eq!(listed["data"][0]["source"], "request/undo");
    assert_eq!(listed["data"][0]["counts"], json!({ "success": 1, "errors": 0 }));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_with_an_idempotency_key_is_accepted_once() {
    let past = Past::open_in_files().await;
    let made = past.upsert(json!([{ "contact": "a" }])).await;
    let other = past.upsert(json!([{ "contact": "b" }])).await;
    let headers = [("access-token", past.server.token.as_str()), ("idempotency-key", "undo-1")];
    let post = async |request: &Value| {
        let body = json!({ "requestId": request["id"] }).to_string();
        past.server.send(Method::POST, UNDO, &headers, body).await
    };
    let first = post(&made).await.json();
    past.server.processed(first["requestId"].as_str().unwrap()).await;
    past.undone(&json!({ "id": first["requestId"] })).await;
    assert_eq!(post(&made).await.json(), first);
    assert_ne!(past.contact("a").await, Value::Null, "it was not undone once more");
    let answer = post(&other).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.errors(), ["Idempotency-Key was used with another body"]);
    let server = &past.server;
    Connection::open(server.directory.path("rollbook.db"))
        .and_then(|store| store.execute_batch("DELETE FROM history"))
        .expect("forgotten");
    assert_eq!(post(&made).await.json(), first, "also where it would be refused by now");
    past.server.stop().await;
}
