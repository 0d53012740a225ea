//! Who said no stays no: a flag that was set to false, against items that would set it to true.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::past::{Past, gist};

const NO: &str = "OPTED_OUT";
const AGAIN: &str = "RESUBSCRIBED";

/// The codes and fields of the notes of a request's first item.
fn notes(request: &Value) -> Value {
    let notes = request["results"]["success"][0]["notes"].as_array().cloned().unwrap_or_default();
    notes.iter().map(|note| json!([note["code"], note["field"]])).collect()
}

async fn set_rule(past: &Past, rule: &str) {
    let body = json!({ "contactListId": past.list, "optOut": rule });
    past.server.ok("/v3/contact-list/update", &body).await;
}

async fn rule(past: &Past) -> Value {
    let got = past.server.ok("/v3/contact-list/get", &json!({ "contactListId": past.list })).await;
    got["data"]["optOut"].clone()
}

/// A body of contacts/update that has flags stay.
fn keep(contacts: Value) -> Value {
    json!({ "upsert": true, "optOut": "keep", "contacts": contacts })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_keeps_opt_outs_applies_the_rest_of_an_item() {
    let past = Past::open().await;
    set_rule(&past, "keep").await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true, "smsSubscribe": true, "active": true }]))
        .await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false, "active": false }])).await;
    let item = json!({ "contact": "a", "name": "x", "active": true, "emailSubscribe": true, "viberSubscribe": true });
    let request = past.upsert(json!([item])).await;
    let result = &request["results"]["success"][0];
    assert_eq!(result["action"], "updated");
    let text = "It was set to false before and stays false";
    let kept = |field: &str| json!({ "code": NO, "field": field, "humanNote": text });
    assert_eq!(result["notes"], json!([kept("active"), kept("emailSubscribe")]));
    let fields = ["name", "active", "emailSubscribe", "smsSubscribe", "viberSubscribe"];
    assert_eq!(past.fields("a", &fields).await, json!(["x", false, false, true, true]));
    // The same once more has nothing left to do.
    let again = past.upsert(json!([item])).await;
    assert_eq!(again["results"]["success"][0]["action"], "unchanged");
    assert_eq!(notes(&again), json!([[NO, "active"], [NO, "emailSubscribe"]]));
    let mut item = item;
    item["resubscribe"] = json!(true);
    let request = past.upsert(json!([item])).await;
    assert_eq!(notes(&request), json!([[AGAIN, "active"], [AGAIN, "emailSubscribe"]]));
    assert_eq!(past.fields("a", &fields).await, json!(["x", true, true, true, true]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rule_an_item_subscribes_again_and_says_so() {
    let past = Past::open().await;
    assert_eq!(rule(&past).await, "allow");
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let on = json!([{ "contact": "a", "emailSubscribe": true }]);
    assert_eq!(
        notes(&past.done("/v3/contacts/update", &keep(on.clone())).await),
        json!([[NO, "emailSubscribe"]])
    );
    assert_eq!(
        past.contact("a").await["emailSubscribe"],
        false,
        "the request keeps it, whatever the list says"
    );
    assert_eq!(notes(&past.upsert(on.clone()).await), json!([[AGAIN, "emailSubscribe"]]));
    assert_eq!(past.contact("a").await["emailSubscribe"], true);
    assert_eq!(past.upsert(on).await["results"]["success"][0].get("notes"), None);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_is_no_opt_out_and_an_explicit_false_is_one() {
    let past = Past::open().await;
    let on = |contact: &str| json!([{ "contact": contact, "emailSubscribe": true }]);
    past.upsert(json!([{ "contact": "default" }, { "contact": "made", "emailSubscribe": false }])).await;
    past.upsert(json!([{ "contact": "named" }])).await;
    let before = past.contact("named").await;
    past.clock.advance(std::time::Duration::from_secs(5));
    let named = past.upsert(json!([{ "contact": "named", "emailSubscribe": false }])).await;
    assert_eq!(named["results"]["success"][0]["action"], "unchanged", "no value changed");
    assert_eq!(past.contact("named").await, before, "neither did updatedAt");
    assert_eq!(past.changes("named").await.len(), 1, "the history has values alone");
    for (contact, expected) in [
        ("default", json!([])),
        ("made", json!([[NO, "emailSubscribe"]])),
        ("named", json!([[NO, "emailSubscribe"]])),
    ] {
        let request = past.done("/v3/contacts/update", &keep(on(contact))).await;
        assert_eq!(notes(&request), expected, "{contact}");
    }
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_who_would_be_left_alone() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "smsSubscribe": false }])).await;
    let mut body = keep(json!([{ "contact": "a", "smsSubscribe": true }]));
    body["contactListId"] = json!(past.list);
    body["dryRun"] = json!(true);
    let told = past.server.ok("/v3/contacts/update", &body).await;
    assert_eq!(notes(&told), json!([[NO, "smsSubscribe"]]));
    assert_eq!(told["results"]["success"][0]["action"], "unchanged");
    body["contacts"][0]["resubscribe"] = json!(true);
    let told = past.server.ok("/v3/contacts/update", &body).await;
    assert_eq!(notes(&told), json!([[AGAIN, "smsSubscribe"]]));
    assert_eq!(past.contact("a").await["smsSubscribe"], false);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_its_rule_or_leaves_it_to_the_account() {
    let past = Past::open().await;
    let server = &past.server;
    let made = json!({ "contactListName": "Strict", "optOut": "keep" });
    let strict = server.ok("/v3/contact-list/create", &made).await["contactListId"].clone();
    let found = server.ok("/v3/contact-list/find", &json!({ "contactListId": strict })).await;
    assert_eq!(found["data"][0]["optOut"], "keep");
    use storage::OptOut;
    assert_eq!(server.storage.opt_out(server.account).await.expect("a look"), Some(OptOut::Allow));
    assert!(server.storage.set_opt_out(server.account, OptOut::Keep).await.expect("a change"));
    server.wait_for("the change to be noticed", async || (rule(&past).await == "keep").then_some(())).await;
    set_rule(&past, "allow").await;
    assert_eq!(rule(&past).await, "allow");
    set_rule(&past, "account").await;
    assert_eq!(rule(&past).await, "keep");
    // With a name, and a name alone leaves the rule.
    let both = json!({ "contactListId": past.list, "contactListName": "New", "optOut": "allow" });
    server.ok("/v3/contact-list/update", &both).await;
    server
        .ok("/v3/contact-list/update", &json!({ "contactListId": past.list, "contactListName": "Newer" }))
        .await;
    let got = server.ok("/v3/contact-list/get", &json!({ "contactListId": past.list })).await;
    assert_eq!((&got["data"]["contactListName"], &got["data"]["optOut"]), (&json!("Newer"), &json!("allow")));
    assert!(
        !server
            .storage
            .set_opt_out(domain::id::ObjectId::from_bytes([9; 12]), OptOut::Keep)
            .await
            .expect("a look")
    );
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_words_are_refused() {
    let past = Past::open().await;
    let contacts = json!([{ "contact": "a" }]);
    for word in [json!("allow"), json!("Keep"), json!(true), json!("")] {
        let body = json!({ "contactListId": past.list, "optOut": word, "contacts": contacts });
        assert_eq!(past.server.refused("/v3/contacts/update", &body).await, ["Argument optOut must be keep"]);
        let body = json!({ "contactListId": past.list, "optOut": word, "contacts": [{ "userId": "a" }] });
        assert_eq!(past.server.refused("/v3/contacts/add", &body).await, ["Argument optOut must be keep"]);
    }
    let body = json!({ "contactListId": past.list, "contacts": [{ "contact": "a", "resubscribe": "yes" }] });
    let answer = past.server.post("/v3/contacts/update", &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["details"][0]["code"], "NOT_A_BOOLEAN");
    assert_eq!(answer.json()["details"][0]["position"], 0);
    let text = "Argument optOut must be allow, keep or account";
    let update = json!({ "contactListId": past.list, "optOut": "never" });
    assert_eq!(past.server.refused("/v3/contact-list/update", &update).await, [text]);
    let name = "Argument contactListName must be a non-empty string with max length within 150 characters";
    let create = json!({ "contactListName": "", "optOut": 1 });
    assert_eq!(past.server.refused("/v3/contact-list/create", &create).await, [name, text]);
    let neither = json!({ "contactListId": past.list });
    assert_eq!(
        past.server.refused("/v3/contact-list/update", &neither).await,
        ["Argument contactListName required"]
    );
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_puts_back_a_flag_that_only_the_request_has_named() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true, "smsSubscribe": true }])).await;
    let off = past
        .upsert(json!([{ "contact": "a", "emailSubscribe": false, "smsSubscribe": false, "name": "x" }]))
        .await;
    // The person says no to e-mail too: it is so already, and yet it counts.
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let undone = past.undone(&off).await;
    let kept = json!([["emailSubscribe", "CHANGED_SINCE"]]);
    assert_eq!(gist(&undone[0]), json!(["updated", ["name", "smsSubscribe"], kept]));
    assert_eq!(past.fields("a", &["emailSubscribe", "smsSubscribe"]).await, json!([false, true]));
    let on = keep(json!([{ "contact": "a", "emailSubscribe": true, "smsSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &on).await), json!([[NO, "emailSubscribe"]]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_a_flag_that_a_later_item_named_without_effect() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true, "smsSubscribe": true }])).await;
    let off = past.upsert(json!([{ "contact": "a", "emailSubscribe": false, "smsSubscribe": false }])).await;
    let on = keep(json!([{ "contact": "a", "emailSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &on).await), json!([[NO, "emailSubscribe"]]));
    let undone = past.undone(&off).await;
    let kept = json!([["emailSubscribe", "CHANGED_SINCE"]]);
    assert_eq!(gist(&undone[0]), json!(["updated", ["smsSubscribe"], kept]));
    assert_eq!(past.fields("a", &["emailSubscribe", "smsSubscribe"]).await, json!([false, true]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_a_new_subscription_brings_the_no_back() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let on = past.upsert(json!([{ "contact": "a", "emailSubscribe": true }])).await;
    assert_eq!(past.undone(&on).await.len(), 1);
    let again = keep(json!([{ "contact": "a", "emailSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &again).await), json!([[NO, "emailSubscribe"]]));
    // Of a default it makes no opt-out.
    past.upsert(json!([{ "contact": "b" }])).await;
    let on = past.upsert(json!([{ "contact": "b", "emailSubscribe": true }])).await;
    past.undone(&on).await;
    let again = keep(json!([{ "contact": "b", "emailSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &again).await), json!([]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_no_came_later_stays_when_its_creation_is_undone() {
    let past = Past::open().await;
    let made = past.upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "x" }])).await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let undone = past.undone(&made).await;
    assert_eq!(undone[0]["action"], "updated", "{undone:?}");
    let on = keep(json!([{ "contact": "a", "emailSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &on).await), json!([[NO, "emailSubscribe"]]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_contact_comes_back_with_its_no() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let removed = past.remove(&["a"]).await;
    let undone = past.undone(&removed).await;
    assert_eq!(gist(&undone[0]), json!(["created", ["userId"], []]));
    let on = keep(json!([{ "contact": "a", "emailSubscribe": true }]));
    assert_eq!(notes(&past.done("/v3/contacts/update", &on).await), json!([[NO, "emailSubscribe"]]));
    past.server.stop().await;
}
