//! What requests do to each other: the order of acceptance, and nothing else (contract, section 4).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

/// Sends upserts one after the other while nothing is applied, lets them be applied together, and returns the
/// processed requests.
async fn applied_together(server: &Server, switch: &Switch, list: &str, requests: Vec<Value>) -> Vec<Value> {
    switch.set(Fault::ApplyWaits);
    let mut ids = Vec::new();
    for contacts in requests {
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        ids.push(server.ok("/v3/contacts/update", &body).await["requestId"].clone());
    }
    switch.set(Fault::None);
    let mut processed = Vec::new();
    for id in ids {
        processed.push(server.processed(id.as_str().unwrap()).await);
    }
    processed
}

/// What each item did, with the contact's identifiers after it, in the order of positions.
fn told(request: &Value) -> Vec<[Value; 4]> {
    let entry = |entry: &Value| ["action", "userId", "email", "phone"].map(|key| entry[key].clone());
    request["results"]["success"].as_array().unwrap().iter().map(entry).collect()
}

async fn start() -> (Server, Switch) {
    let switch = Switch::new();
    (Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await, switch)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_take_effect_in_the_order_in_which_they_were_accepted() {
    let (server, switch) = start().await;
    let list = server.list().await;
    let requests = (0..30).map(|n| json!([{ "contact": "a", "name": n.to_string() }])).collect();
    let processed = applied_together(&server, &switch, &list, requests).await;
    for (number, request) in processed.iter().enumerate() {
        let action = if number == 0 { "created" } else { "updated" };
        assert_eq!(told(request), [[json!(action), json!("a"), json!(null), json!(null)]]);
    }
    assert_eq!(server.contact(&list, "userId", "a").await["name"], "29");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_shows_identifiers_as_after_its_items_though_all_were_applied_at_once() {
    let (server, switch) = start().await;
    let list = server.list().await;
    let (a, null) = (|| json!("a"), || json!(null));
    let requests = vec![
        json!([{ "contact": "a", "email": "one@example.com" }]),
        json!([{ "contact": "a", "email": "two@example.com" }, { "contact": "a", "phoneNumber": "+15555555" }]),
        json!([{ "contact": "b", "email": "one@example.com" }]),
        json!([{ "contact": "a", "userId": "", "email": "" }]),
        json!([{ "contact": "+15555555", "name": "x" }, { "contact": "a" }]),
    ];
    let processed = applied_together(&server, &switch, &list, requests).await;
    let told: Vec<_> = processed.iter().map(told).collect();
    let (two, number) = (|| json!("two@example.com"), || json!("+15555555"));
    let expected = [
        vec![[json!("created"), a(), json!("one@example.com"), null()]],
        vec![[json!("updated"), a(), two(), null()], [json!("updated"), a(), two(), number()]],
        vec![[json!("created"), json!("b"), json!("one@example.com"), null()]],
        vec![[json!("updated"), null(), null(), number()]],
        vec![[json!("updated"), null(), null(), number()], [json!("created"), a(), null(), null()]],
    ];
    assert_eq!(told, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_cannot_be_applied_stops_nobody() {
    let (server, switch) = start().await;
    let list = server.list().await;
    let requests = vec![
        json!([{ "contact": "one" }, { "contact": "two" }]),
        json!([{ "contact": "one", "userId": "two" }, { "contact": "one", "userId": "" }, { "contact": "three" }]),
        json!([{ "contact": "x@example.com", "email": "" }]),
        json!([{ "contact": "four" }]),
    ];
    let processed = applied_together(&server, &switch, &list, requests).await;
    let codes = |request: &Value| {
        let errors = request["results"]["errors"].as_array().unwrap().iter();
        errors.map(|error| (error["position"].clone(), error["error"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(codes(&processed[0]), []);
    let taken = (json!(0), json!("IDENTIFIER_TAKEN"));
    let required = |position: usize| (json!(position), json!("IDENTIFIER_REQUIRED"));
    assert_eq!(codes(&processed[1]), [taken, required(1)]);
    assert_eq!(processed[1]["results"]["success"][0]["position"], 2);
    assert_eq!(codes(&processed[2]), [required(0)]);
    assert_eq!(told(&processed[3]), [[json!("created"), json!("four"), json!(null), json!(null)]]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_lose_nothing() {
    let server = Arc::new(Server::start().await);
    let list = server.list().await;
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (server, list) = (Arc::clone(&server), list.clone());
        callers.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for round in 0..10 {
                let own = json!({ "contact": format!("user{caller}"), "contactScore": round });
                let shared = json!({ "contact": "shared", "name": format!("{caller}/{round}") });
                let body = json!({ "contactListId": list, "upsert": true, "contacts": [own, shared] });
                ids.push(server.ok("/v3/contacts/update", &body).await["requestId"].clone());
            }
            ids
        }));
    }
    for (number, caller) in callers.into_iter().enumerate() {
        for id in caller.await.unwrap() {
            let request = server.processed(id.as_str().unwrap()).await;
            assert_eq!(request["results"]["errors"], json!([]));
        }
        let contact = server.contact(&list, "userId", &format!("user{number}")).await;
        assert_eq!(contact["contactScore"], "9");
    }
    Arc::into_inner(server).unwrap().stop().await;
}
