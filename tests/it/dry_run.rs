//! `"dryRun": true`: what would become of a request, and nothing else.

use std::collections::HashSet;
use std::sync::Arc;

use domain::clock::SystemClock;
use hyper::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::contacts_model::{batches, send};
use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};
use crate::receiver::Receiver;
use crate::token_scope::token;

const UPDATE: &str = "/v3/contacts/update";
const ADD: &str = "/v3/contacts/add";
const REMOVE: &str = "/v3/contacts/remove";

/// Tries a body out and returns its `results`.
async fn tried(server: &Server, path: &str, body: &Value) -> Value {
    let mut body = body.clone();
    body["dryRun"] = json!(true);
    let answer = server.ok(path, &body).await;
    let id = answer["requestId"].clone();
    let expected = json!({ "result": true, "requestId": id, "errors": [], "results": answer["results"] });
    assert_eq!(answer, expected);
    answer["results"].clone()
}

/// The results of a request as a dry run tells them: contacts that were not there have no ids yet.
fn without_new_ids(results: &Value, known: &HashSet<String>) -> Value {
    let mut results = results.clone();
    for done in results["success"].as_array_mut().expect("an array") {
        if !known.contains(done["id"].as_str().expect("an id")) {
            done["id"] = Value::Null;
        }
    }
    for failed in results["errors"].as_array_mut().expect("an array") {
        let Some(id) = failed["taken"]["id"].as_str().map(str::to_owned) else { continue };
        if !known.contains(&id) {
            let text = failed["humanError"].as_str().expect("a text");
            failed["humanError"] =
                json!(text.replace(&format!("contact {id}"), "one that the request would create"));
            failed["taken"]["id"] = Value::Null;
        }
    }
    results
}

#[test]
fn whatever_the_batches_a_dry_run_tells_what_the_request_then_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&batches(), |batches| {
        let list = runtime.block_on(server.list());
        let mut known = HashSet::new();
        for batch in &batches {
            let body = batch.body(&list);
            let results = runtime.block_on(tried(&server, batch.path(), &body));
            let twice = runtime.block_on(tried(&server, batch.path(), &body));
            prop_assert_eq!(&results, &twice, "trying changes nothing");
            let request = runtime.block_on(send(&server, &list, batch));
            prop_assert_eq!(results.to_string(), without_new_ids(&request["results"], &known).to_string());
            for done in request["results"]["success"].as_array().unwrap() {
                known.insert(done["id"].as_str().unwrap().to_owned());
            }
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_as_in_results_and_nothing_is_kept() {
    let server = Server::start().await;
    let list = server.list().await;
    let old =
        server.upsert(&list, json!({ "contact": "old", "email": "old@example.com", "name": "Old" })).await;
    let requests = server.ok("/v3/request/list", &json!({})).await;
    let history = json!({ "contactListId": list, "userId": "old" });
    let before = server.ok("/v3/contact/history", &history).await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": receiver.uri(), "dryRun": true, "x": 1,
        "contacts": [
            { "contact": "new", "phoneNumber": "+15555551" },
            { "contact": "old", "name": "Newer" },
            { "contact": "new", "userId": "renamed" },
            { "contact": "b", "email": "old@example.com" },
        ] });
    let headers = [("access-token", server.token.as_str()), ("idempotency-key", "k")];
    let answer = server.send(Method::POST, UPDATE, &headers, body.to_string()).await;
    let done = |position: usize, action: &str, id: &Value, email: Value, phone: Value, user_id: &str| json!({ "position": position, "action": action, "id": id, "email": email, "phone": phone, "userId": user_id });
    let null = || json!(null);
    let id = old["id"].as_str().expect("an id");
    let human = format!("Another contact of the list has this email already: contact {id}");
    let expected = json!({
        "result": true, "requestId": answer.json()["requestId"],
        "results": {
            "success": [
                done(0, "created", &null(), null(), json!("+15555551"), "new"),
                done(1, "updated", &old["id"], json!("old@example.com"), null(), "old"),
                done(2, "updated", &null(), null(), json!("+15555551"), "renamed"),
            ],
            "errors": [{ "position": 3, "error": "IDENTIFIER_TAKEN",
                "contact": { "id": null, "email": "old@example.com", "phone": null, "userId": "b" },
                "humanError": human, "taken": { "field": "email", "id": old["id"] } }],
        },
        "errors": [],
        "warnings": [{ "position": null, "field": "x", "code": "UNKNOWN_FIELD",
                       "message": "Argument x is unknown and was ignored" }],
    });
    assert_eq!(answer.text(), expected.to_string(), "in this order");

    let id = answer.json()["requestId"].clone();
    let find = server.ok("/v3/request/find", &json!({ "ids": [id] })).await;
    assert_eq!(find["requests"], json!({}), "nobody knows the request");
    assert_eq!(server.ok("/v3/request/list", &json!({})).await, requests);
    assert_eq!(server.ok("/v3/contact/history", &history).await, before);
    assert_eq!(server.contact(&list, "userId", "new").await, null());
    assert_eq!(server.contact(&list, "userId", "old").await["name"], "Old");

    // The key is free, and the number that the new contact would have got is given to the next.
    let mut real = body;
    real["dryRun"] = json!(false);
    let answer = server.send(Method::POST, UPDATE, &headers, real.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = server.processed(answer.json()["requestId"].as_str().unwrap()).await;
    let number = |id: &Value| u64::from_str_radix(&id.as_str().unwrap()[16..], 16).unwrap();
    assert_eq!(number(&request["results"]["success"][0]["id"]), number(&old["id"]) + 1);
    server.wait_for("the one webhook", async || (receiver.hooks().len() == 1).then_some(())).await;
    assert_eq!(receiver.hooks()[0].json()["id"], request["id"], "that of the request itself");
    // A key that was used is not looked at by a dry run.
    real["dryRun"] = json!(true);
    let answer = server.send(Method::POST, UPDATE, &headers, real.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["results"].is_object()), (200, true));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_at_what_is_applied_and_not_at_what_waits() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let body = json!({ "contactListId": list, "contacts": [{ "userId": "a" }] });
    let waiting = server.ok(ADD, &body).await;
    assert_eq!(tried(&server, ADD, &body).await["success"][0]["action"], "created");
    switch.set(Fault::None);
    server.processed(waiting["requestId"].as_str().unwrap()).await;
    assert_eq!(tried(&server, ADD, &body).await["errors"][0]["error"], "CONTACT_EXISTS");
    switch.set(Fault::Read);
    let mut tried = body;
    tried["dryRun"] = json!(true);
    assert_eq!(server.post(ADD, &tried).await.status, 503);
    switch.set(Fault::None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_in_the_same_words() {
    let server = Server::start().await;
    let list = server.list().await;
    let cases = [
        (UPDATE, json!({ "contactListId": list, "contacts": [{ "contact": "", "name": 5 }], "upsert": 1 })),
        (UPDATE, json!({ "contactListId": "x", "contacts": [{ "contact": "a", "sourceId": "b" }] })),
        (ADD, json!({ "contactListId": list, "contacts": [{ "name": "Jo" }] })),
        (REMOVE, json!({ "contactListId": list, "webHookUri": "ftp://example.com/", "emails": [1] })),
    ];
    for (path, mut body) in cases {
        let refused = server.refused(path, &body).await;
        assert!(!refused.is_empty());
        body["dryRun"] = json!(true);
        assert_eq!(server.refused(path, &body).await, refused, "{body}");
    }
    for value in [json!(1), json!("true"), json!([]), json!({})] {
        for (path, key, entry) in
            [(UPDATE, "contacts", json!({ "contact": "a" })), (REMOVE, "userIds", json!("a"))]
        {
            let body = json!({ "contactListId": list, "dryRun": value, key: [entry] });
            assert_eq!(server.refused(path, &body).await, ["Argument dryRun must be a true or false"]);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_try_what_it_may_do() {
    let server = Server::start().await;
    let (list, other) = (server.list().await, server.list().await);
    let read_only = token(&server, true, None).await;
    let limited = token(&server, false, Some(&[&list])).await;
    for (path, key, entry) in [
        (UPDATE, "contacts", json!({ "contact": "a" })),
        (ADD, "contacts", json!({ "userId": "a" })),
        (REMOVE, "userIds", json!("a")),
    ] {
        for dry_run in [true, false] {
            let body = |list: &str| json!({ "contactListId": list, "dryRun": dry_run, key: [entry] });
            let answer = server.post_as(&read_only, path, &body(&list)).await;
            let code = answer.json()["details"][0]["code"].clone();
            assert_eq!((answer.status.as_u16(), code), (403, json!("TOKEN_READ_ONLY")), "{path}");
            assert_eq!(server.post_as(&limited, path, &body(&list)).await.status, 200, "{path}");
            let answer = server.post_as(&limited, path, &body(&other)).await;
            let text = format!("List with id {other} not found!");
            assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec![text]), "{path}");
        }
    }
    server.stop().await;
}
