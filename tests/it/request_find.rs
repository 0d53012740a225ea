//! `POST /v3/request/find`

use std::collections::HashSet;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const FIND: &str = "/v3/request/find";

/// Sends one contact and returns the request's id, without waiting for it.
async fn send(server: &Server, list: &str, web_hook: Value, contacts: Value) -> String {
    let body = json!({ "contactListId": list, "upsert": true, "webHookUri": web_hook, "contacts": contacts });
    let answer = server.ok("/v3/contacts/update", &body).await;
    answer["requestId"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_known_from_the_200_on_and_shows_what_became_of_it() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let contacts =
        json!([{ "contact": "user@example.com", "userId": "a" }, { "contact": "b", "userId": "a" }]);
    let id = send(&server, &list, json!(null), contacts).await;
    let mut found = server.ok(FIND, &json!({ "ids": [id] })).await;
    let request = &mut found["requests"][&id];
    for key in ["createdAt", "updatedAt"] {
        assert_eq!(request[key].as_str().map(str::len), Some("YYYY-MM-DD hh:mm:ss".len()));
        request[key] = json!("<time>");
    }
    let mut expected = json!({ "id": id, "source": "contacts/update", "status": "queued", "webHookUri": null,
        "createdAt": "<time>", "updatedAt": "<time>", "results": { "success": [], "errors": [] },
        "webHook": { "status": "none", "attempts": 0 } });
    assert_eq!(found, json!({ "result": true, "requests": { &id: expected }, "errors": [] }));
    switch.set(Fault::None);
    let mut request = server.processed(&id).await;
    let contact_id = request["results"]["success"][0]["id"].clone();
    assert!(crate::harness::is_id(&contact_id), "{contact_id}");
    (request["createdAt"], request["updatedAt"]) = (json!("<time>"), json!("<time>"));
    expected["status"] = json!("processed");
    let holder = contact_id.as_str().expect("an id");
    expected["results"] = json!({
        "success": [{ "position": 0, "action": "created", "id": contact_id, "email": "user@example.com",
            "phone": null, "userId": "a" }],
        "errors": [{ "position": 1, "error": "IDENTIFIER_TAKEN",
            "contact": { "id": null, "email": null, "phone": null, "userId": "a" },
            "humanError": format!("Another contact of the list has this userId already: contact {holder}"),
            "taken": { "field": "userId", "id": holder } }],
    });
    assert_eq!(request, expected);
    // Without identifiers no contact is named but by its id.
    for key in ["email", "phone", "userId"] {
        expected["results"]["success"][0][key] = json!(null);
    }
    let found = server.ok(FIND, &json!({ "ids": [id, id], "identifiers": false })).await;
    let mut request = found["requests"][&id].clone();
    (request["createdAt"], request["updatedAt"]) = (json!("<time>"), json!("<time>"));
    assert_eq!(request, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_shown_as_it_was_given_and_waits_until_it_is_heard() {
    let server = Server::start().await;
    let list = server.list().await;
    // Nobody listens there: the first attempt fails, and the next is far away.
    let uri = "http://127.0.0.1:1/hook?a=b";
    let id = send(&server, &list, json!(uri), json!([{ "contact": "a" }])).await;
    let request = server.processed(&id).await;
    assert_eq!((&request["webHookUri"], &request["webHook"]["status"]), (&json!(uri), &json!("pending")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_account_s_own_requests_are_found() {
    let server = Server::start().await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let mine = send(&server, &list, json!(null), json!([{ "contact": "a" }])).await;
    let unknown = "5d915c22d132d5f45a4e38b8";
    let found = server.ok(FIND, &json!({ "ids": [mine, unknown, "x", "", mine] })).await;
    let keys: Vec<_> = found["requests"].as_object().unwrap().keys().collect();
    assert_eq!(keys, [&mine]);
    let nothing = json!({ "result": true, "requests": {}, "errors": [] });
    let answer = server.post_as(&other.token, FIND, &json!({ "ids": [mine] })).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, nothing.clone()));
    assert_eq!(server.ok(FIND, &json!({ "ids": [] })).await, nothing);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_ids_are_looked_up_at_once() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(send(&server, &list, json!(null), json!([{ "contact": format!("a{number}") }])).await);
    }
    let found = server.ok(FIND, &json!({ "ids": ids })).await;
    let keys: HashSet<_> = found["requests"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ids.iter().cloned().collect());
    ids.push("x".to_owned());
    let texts = server.refused(FIND, &json!({ "ids": ids })).await;
    assert_eq!(texts, ["Maximum count of records per transaction is 100, current 101"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_an_array_of_strings() {
    let server = Server::start().await;
    for (body, text) in [
        (json!({}), "Argument ids required"),
        (json!({ "ids": null }), "Argument ids required"),
        (json!({ "ids": "x" }), "Argument ids must be an array of strings"),
        (json!({ "ids": {} }), "Argument ids must be an array of strings"),
        (json!({ "ids": [5] }), "Argument ids must be an array of strings"),
        (json!({ "ids": ["x", null] }), "Argument ids must be an array of strings"),
    ] {
        let answer = server.post(FIND, &body).await;
        let code = if text.ends_with("required") { "REQUIRED" } else { "INVALID_IDS" };
        let expected = json!({ "result": false, "errors": [text], "details": [
            { "position": null, "field": "ids", "code": code, "message": text }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let wrong = server.post(FIND, &json!({ "ids": 5, "identifiers": "no" })).await;
    let both = ["Argument ids must be an array of strings", "Argument identifiers must be a true or false"];
    assert_eq!((wrong.status, wrong.errors()), (StatusCode::BAD_REQUEST, both.map(str::to_owned).to_vec()));
    for body in ["", "[1]", "null", "{"] {
        let answer = server.post_bytes(FIND, body).await;
        assert_eq!(
            (answer.status, answer.errors()),
            (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()])
        );
    }
    let answer = server.ok(FIND, &json!({ " ids ": [], "extra": 1 })).await;
    let warning = json!({ "position": null, "field": "extra", "code": "UNKNOWN_FIELD",
        "message": "Argument extra is unknown and was ignored" });
    assert_eq!(answer, json!({ "result": true, "requests": {}, "errors": [], "warnings": [warning] }));
    server.stop().await;
}
