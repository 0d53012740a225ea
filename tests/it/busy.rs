//! Refusals for now: too much at once, or a store that cannot write (contract, section 1).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Server, Setup};

const UPDATE: &str = "/v3/contacts/update";
const SAVING: &str = "Request saving error. Please, contact us or try again later";

fn refusal(text: &str, code: &str) -> Value {
    json!({ "result": false, "requestId": "<id>", "errors": [text], "details": [
        { "position": null, "field": null, "code": code, "message": text }] })
}

fn retry_after(answer: &Answer) -> Option<u32> {
    answer.headers.get("retry-after")?.to_str().ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_over_its_bound_is_told_and_goes_by() {
    let switch = Switch::new();
    let mut setup = Setup { wrap: switch.wrap(), ..Setup::default() };
    setup.limits.backlog = storage::Backlog { batches: 5, bytes: 1 << 30 };
    let server = Server::with(setup).await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let create = json!({ "contactListName": "Theirs" });
    let their_list =
        server.post_as(&other.token, "/v3/contact-list/create", &create).await.json()["contactListId"]
            .clone();
    switch.set(Fault::ApplyWaits);
    let body = |contact: &str| json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": contact }] });
    for contact in ["one", "two", "three"] {
        server.ok(UPDATE, &body(contact)).await;
    }
    let answer = server.post(UPDATE, &body("four")).await;
    assert_eq!(
        (answer.status, answer.normal()),
        (StatusCode::SERVICE_UNAVAILABLE, refusal(SAVING, "BACKLOG_FULL"))
    );
    assert!(retry_after(&answer).is_some_and(|seconds| seconds > 0));
    // That is the share of one account: another's is free.
    let theirs = json!({ "contactListId": their_list, "upsert": true, "contacts": [{ "contact": "one" }] });
    assert_eq!(server.post_as(&other.token, UPDATE, &theirs).await.status, StatusCode::OK);
    switch.set(Fault::None);
    server
        .wait_for("the backlog to be applied", async || {
            let answer = server.post(UPDATE, &body("five")).await;
            (answer.status == StatusCode::OK).then_some(())
        })
        .await;
    server.upsert(&list, json!({ "contact": "six" })).await;
    assert_eq!(server.contact(&list, "userId", "three").await["userId"], "three");
    assert_eq!(server.contact(&list, "userId", "four").await, json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_saved_is_not_there_and_may_be_sent_again() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    switch.set(Fault::AppendNotKept);
    let answer = server.post(UPDATE, &body).await;
    assert_eq!(
        (answer.status, answer.normal()),
        (StatusCode::SERVICE_UNAVAILABLE, refusal(SAVING, "NOT_SAVED"))
    );
    switch.set(Fault::None);
    let found = server.ok("/v3/request/find", &json!({ "ids": [answer.json()["requestId"]] })).await;
    assert_eq!(found["requests"], json!({}));
    let made = server.upsert(&list, json!({ "contact": "a" })).await;
    assert_eq!(made["action"], "created");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_change_something_say_so_when_they_cannot() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::Change);
    for (path, body) in [
        ("/v3/contact-list/create", json!({ "contactListName": "x" })),
        (
            "/v3/contact-list/variables/add",
            json!({ "contactListId": list, "variables": [{ "name": "later" }] }),
        ),
        ("/v3/contact-source/add", json!({ "name": "x" })),
    ] {
        let answer = server.post(path, &body).await;
        let mut expected = refusal(SAVING, "NOT_SAVED");
        expected.as_object_mut().unwrap().remove("requestId");
        assert_eq!((answer.status, answer.json()), (StatusCode::SERVICE_UNAVAILABLE, expected), "{path}");
        assert!(retry_after(&answer).is_some_and(|seconds| seconds > 0), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_in_a_method_is_an_internal_error_and_not_the_end() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let other = server.ok("/v3/contact-list/create", &json!({ "contactListName": "Other" })).await;
    let text = "Internal server error";
    let mut expected = refusal(text, "INTERNAL_ERROR");
    expected.as_object_mut().unwrap().remove("requestId");
    for fault in [Fault::Damaged, Fault::Panic] {
        switch.set(fault);
        for (path, body) in [
            ("/v3/contact/get", json!({ "contactListId": list, "userId": "a" })),
            ("/v3/contact/get", json!({ "contactListId": other["contactListId"], "userId": "a" })),
            ("/v3/request/find", json!({ "ids": ["5d915c22d132d5f45a4e38b8"] })),
        ] {
            let answer = server.post(path, &body).await;
            let told = (answer.status, answer.json());
            assert_eq!(told, (StatusCode::INTERNAL_SERVER_ERROR, expected.clone()), "{path} {fault:?}");
        }
    }
    switch.set(Fault::None);
    assert_eq!(server.upsert(&list, json!({ "contact": "a" })).await["action"], "created");
    server.stop().await;
}
