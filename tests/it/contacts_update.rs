//! `POST /v3/contacts/update`: what is accepted, and the warnings beside it.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, is_id};

const UPDATE: &str = "/v3/contacts/update";

/// The body of the vendor's own example, byte for byte save for what stands in for ids.
fn page_example(list: &str, source: &str) -> String {
    include_str!("fixtures/vendor-example.json")
        .replace("YOUR_CONTACT_LIST_ID", list)
        .replace("YOUR_WEBHOOK_URL", "https://example.com/hook")
        .replace("Source_ID_from_Wooxy", source)
        .replace("\"upsert\": false", "\"upsert\": true")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_accepted_applied_and_read_back() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([{ "contact": "user@example.com", "firstName": "John", "active": true }]);
    let request = server.update(&list, true, contacts.clone()).await;
    assert_eq!(request["results"]["success"][0]["action"], "created");
    let again = server.update(&list, false, contacts).await;
    assert_eq!(again["results"]["success"][0]["action"], "unchanged");
    let contact = server.contact(&list, "email", "USER@example.com").await;
    assert_eq!(contact["firstName"], "John");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_is_these_bytes() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "user@example.com" }] });
    let answer = server.post(UPDATE, &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    let json = answer.json();
    assert!(is_id(&json["requestId"]), "{json}");
    let id = json["requestId"].as_str().unwrap();
    assert_eq!(answer.text(), format!(r#"{{"result":true,"requestId":"{id}","errors":[]}}"#));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_vendor_s_page_works_as_it_stands() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Site" })).await;
    let answer = server.post_bytes(UPDATE, page_example(&list, &source)).await;
    let expected = json!({ "result": true, "requestId": "<id>", "errors": [] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::OK, expected));
    let id = answer.json()["requestId"].as_str().unwrap().to_owned();
    let request = server.processed(&id).await;
    assert_eq!(request["results"]["success"][0]["action"], "created", "{request}");
    let mut contact = server.contact(&list, "phoneNumber", "+15555555").await;
    for key in ["createdAt", "updatedAt"] {
        assert_eq!(contact[key].as_str().unwrap().len(), "YYYY-MM-DD hh:mm:ss".len());
        contact[key] = json!("<time>");
    }
    contact["sourceId"] = json!(if contact["sourceId"] == json!(source) { "<source>" } else { "<other>" });
    insta::assert_json_snapshot!(contact);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_knows_is_warned_of_with_its_place() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "upsrt": 1, "contacts": [
        { "contact": "a", "fristName": "John", "deep": { "x": 1 } },
        { "contact": "b", "cac": { "value": 1, "currency": "EUR", "vat": 20 },
          "variables": [{ "name": "plan", "value": "x", "tpye": 1 }] },
    ] });
    let answer = server.post(UPDATE, &body).await;
    let warning = |position: Value, field: &str| {
        json!({ "position": position, "field": field, "code": "UNKNOWN_FIELD",
            "message": format!("Argument {field} is unknown and was ignored") })
    };
    let expected = json!({ "result": true, "requestId": "<id>", "errors": [], "warnings": [
        warning(json!(null), "upsrt"),
        warning(json!(0), "fristName"),
        warning(json!(0), "deep"),
        warning(json!(1), "cac.vat"),
        warning(json!(1), "variables.tpye"),
    ] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::OK, expected));
    // What is warned of is applied all the same.
    let contact = server.update(&list, false, json!([{ "contact": "b" }])).await;
    assert_eq!(contact["results"]["success"][0]["action"], "unchanged");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_looks_like_an_address_or_a_number_and_is_none_becomes_a_user_id_with_a_warning() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [
        { "contact": "user@example.com" },
        { "contact": "+15555555" },
        { "contact": "user@" },
        { "contact": "user" },
        { "contact": "+1 201 555 0123" },
        { "contact": "201-555-0123" },
    ] });
    let answer = server.post(UPDATE, &body).await;
    let expected = json!({ "result": true, "requestId": "<id>", "errors": [], "warnings": [{
        "position": 2, "field": "contact", "code": "CONTACT_TAKEN_AS_USER_ID",
        "message": "Argument contact user@ is not a valid email and was taken as a userId",
    }, {
        "position": 4, "field": "contact", "code": "CONTACT_TAKEN_AS_USER_ID",
        "message": "Argument contact +1 201 555 0123 is not a valid E.164 phone number and was taken as a userId",
    }] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::OK, expected));
    let id = answer.json()["requestId"].as_str().unwrap().to_owned();
    server.processed(&id).await;
    assert_eq!(server.contact(&list, "userId", "user@").await["userId"], "user@");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_keeps_nothing_and_warns_of_nothing() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [
        { "contact": "good@example.com", "unknown": 1 },
        { "contact": "bad@example.com", "active": "perhaps" },
    ] });
    let answer = server.post(UPDATE, &body).await;
    let text = "Argument active can be true or false";
    let expected = json!({ "result": false, "requestId": "<id>", "errors": [text], "details": [
        { "position": 1, "field": "active", "code": "NOT_A_BOOLEAN", "message": text },
    ] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::BAD_REQUEST, expected));
    let id = answer.json()["requestId"].clone();
    let found = server.ok("/v3/request/find", &json!({ "ids": [id] })).await;
    assert_eq!(found, json!({ "result": true, "requests": {}, "errors": [] }));
    // What is accepted later is applied later, so that by then the refused batch would have been, too.
    server.upsert(&list, json!({ "contact": "later" })).await;
    assert_eq!(server.contact(&list, "email", "good@example.com").await, json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_requests_begin_with_the_time_and_do_not_repeat() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(server.post(UPDATE, &json!({})).await.json()["requestId"].as_str().unwrap().to_owned());
    }
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for id in &ids {
        let made = u64::from_str_radix(&id[..8], 16).unwrap();
        assert!(now.abs_diff(made) < 60, "{id}");
    }
    ids.dedup();
    assert_eq!(ids.len(), 20);
    server.stop().await;
}
