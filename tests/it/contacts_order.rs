//! contacts/add, update and remove of one list take effect in one common order, and are reported alike.

use std::sync::Arc;

use domain::clock::SystemClock;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};
use crate::receiver::Receiver;

/// The methods of a round, and what each must find if all before it, and none behind it, was applied.
const ROUND: [(&str, bool, &str); 8] = [
    ("update", false, "CONTACT_NOT_FOUND"),
    ("remove", false, "CONTACT_NOT_FOUND"),
    ("add", false, "created"),
    ("add", false, "CONTACT_EXISTS"),
    ("update", false, "updated"),
    ("remove", false, "removed"),
    ("update", true, "created"),
    ("remove", false, "removed"),
];

fn body(list: &str, step: usize, user_id: &str, number: usize) -> (String, Value) {
    let (method, upsert, _) = ROUND[step];
    let mut body = json!({ "contactListId": list });
    match method {
        "remove" => body["userIds"] = json!([user_id]),
        "add" => body["contacts"] = json!([{ "userId": user_id }]),
        _ => {
            body["contacts"] = json!([{ "contact": user_id, "contactScore": number }]);
            body["upsert"] = json!(upsert);
        }
    }
    (format!("/v3/contacts/{method}"), body)
}

/// Sends round after round without waiting for anything to be applied, and returns the requests.
async fn chain(server: &Server, list: &str, user_id: &str, rounds: usize) -> Vec<String> {
    let mut requests = Vec::new();
    for number in 0..rounds {
        for step in 0..ROUND.len() {
            let (path, body) = body(list, step, user_id, number);
            let answer = server.ok(&path, &body).await;
            requests.push(answer["requestId"].as_str().unwrap().to_owned());
        }
    }
    requests
}

/// The results of every request of a chain are those of its place, and a contact that was made anew is a new one.
async fn prove(server: &Server, requests: &[String]) {
    let (mut present, mut former) = (Value::Null, Vec::new());
    for (place, request) in requests.iter().enumerate() {
        let (method, _, expected) = ROUND[place % ROUND.len()];
        let object = server.processed(request).await;
        assert_eq!(object["source"], format!("contacts/{method}"));
        let results = &object["results"];
        let (done, failed) = (&results["success"][0], &results["errors"][0]);
        let told = done.get("action").or(failed.get("error")).expect("a result");
        assert_eq!(told, expected, "request {place}");
        match expected {
            "created" => {
                assert!(!former.contains(&done["id"]), "request {place}");
                present = done["id"].clone();
                former.push(present.clone());
            }
            "updated" | "removed" => assert_eq!(done["id"], present, "request {place}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_chain_is_applied_in_its_order() {
    let server = Server::start().await;
    let list = server.list().await;
    let requests = chain(&server, &list, "a", 60).await;
    prove(&server, &requests).await;
    assert_eq!(server.contact(&list, "userId", "a").await, json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_waited_is_applied_at_once_and_in_its_order() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let requests = chain(&server, &list, "a", 20).await;
    switch.set(Fault::None);
    prove(&server, &requests).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_many_callers_keep_each_its_order() {
    let server = Arc::new(Server::start().await);
    let list = server.list().await;
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (server, list) = (Arc::clone(&server), list.clone());
        callers.push(tokio::spawn(async move { chain(&server, &list, &format!("user{caller}"), 10).await }));
    }
    for caller in callers {
        prove(&server, &caller.await.unwrap()).await;
    }
    Arc::into_inner(server).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn additions_and_removals_are_reported_to_their_webhook_and_signed() {
    let server = Server::start().await;
    let list = server.list().await;
    let receiver = Receiver::start(Arc::new(SystemClock), &[], 204);
    for (step, action) in [(2, "created"), (3, "CONTACT_EXISTS"), (5, "removed")] {
        let (path, mut body) = body(&list, step, "a", 0);
        body["webHookUri"] = json!(receiver.uri());
        let answer = server.ok(&path, &body).await;
        let id = answer["requestId"].as_str().unwrap();
        let mut object = server
            .wait_for("the webhook to be delivered", async || {
                let object = server.processed(id).await;
                (object["webHook"] == json!({ "status": "delivered", "attempts": 1 })).then_some(object)
            })
            .await;
        object.as_object_mut().unwrap().shift_remove("webHook");
        let hooks = receiver.hooks();
        let hook = hooks.last().expect("a webhook");
        assert_eq!(hook.body, object.to_string());
        assert_eq!(hook.header("webhook-id"), id);
        assert!(hook.is_signed_by(&server.webhook_secret));
        assert_eq!(object["source"], path.trim_start_matches("/v3/"));
        let results = &object["results"];
        let told = results["success"][0].get("action").or(results["errors"][0].get("error"));
        assert_eq!(told, Some(&json!(action)));
    }
    assert_eq!(receiver.hooks().len(), 3);
    server.stop().await;
}
