//! Reading the body of contacts/update (contract, section 2).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{KEYS, Server};

const UPDATE: &str = "/v3/contacts/update";
const ADD_ONE: &str = "add at least one valid contact to contacts field";
const CONTACT: &str =
    "Argument contact must be a non-empty string filled with valid email, phoneNumber or userId";

/// Posts a body as it is written, waits until it is applied, and returns the first contact of it.
async fn applied(server: &Server, list: &str, body: &str, user_id: &str) -> Value {
    let answer = server.post_bytes(UPDATE, body.replace("LIST", list)).await;
    assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.text());
    assert_eq!(answer.json().get("warnings"), None, "{body}");
    server.processed(answer.json()["requestId"].as_str().unwrap()).await;
    server.contact(list, "userId", user_id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_trimmed_wherever_they_stand() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = r#"{" contactListId ":"LIST","upsert\t":true,"\ncontacts ":[{" contact":"a","contactGender ":2,
        " cac ":{" value ":"2.05","currency\u00a0":"USD"}," variables":[{"name ":"plan"," value":"gold"}]}]}"#;
    let contact = applied(&server, &list, body, "a").await;
    assert_eq!(contact["contactGender"], "2");
    assert_eq!(contact["cac"], json!({ "value": "2.05000", "currency": "USD" }));
    assert_eq!(contact["variables"][1], json!({ "name": "plan", "value": "gold" }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_equal_keys_the_last_wins() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = r#"{"contactListId":7,"contactListId":"LIST","upsert":"no","upsert":true,
        "contacts":1e999,"contacts":[{"contact":"z"}],"contacts":[{"contact":"z","contact":"a",
        "firstName":5,"firstName":"John","firstName ":"Jack","lastName":"Doe","lastName":null,
        "cac":{"value":-1,"value":"1","currency":"GBP","currency":"EUR"},
        "variables":5,"variables":[{"name":"nothing","name":"plan","value":{},"value":"x"}]}]}"#;
    let contact = applied(&server, &list, body, "a").await;
    assert_eq!(contact["firstName"], "Jack");
    assert_eq!(contact["lastName"], json!(null));
    assert_eq!(contact["cac"], json!({ "value": "1.00000", "currency": "EUR" }));
    assert_eq!(contact["variables"][1], json!({ "name": "plan", "value": "x" }));
    assert_eq!(server.contact(&list, "userId", "z").await, json!(null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_absence() {
    let server = Server::start().await;
    let list = server.list().await;
    let contact = json!({ "contact": "a", "name": "John Doe", "email": "user@example.com", "active": true,
        "contactScore": 5, "contactGender": 1, "cac": { "value": 1, "currency": "USD" } });
    server.upsert(&list, contact).await;
    let before = server.contact(&list, "userId", "a").await;
    // As the vendor's own PHP client sends it; and everything else.
    let mut nulls = json!({ "contact": "a" });
    for key in KEYS.into_iter().chain(["externalId"]) {
        nulls[key] = json!(null);
    }
    let body = json!({ "contactListId": list, "webHookUri": null, "upsert": null, "contacts": [nulls] });
    assert_eq!(applied(&server, &list, &body.to_string(), "a").await, before);
    for (body, text) in [
        (
            json!({ "contactListId": null, "contacts": [{ "contact": "a" }] }),
            "Argument contactListId required",
        ),
        (json!({ "contactListId": list, "contacts": null }), "Argument contacts required"),
        (json!({ "contactListId": list, "contacts": [{ "contact": null }] }), "Argument contact required"),
    ] {
        assert_eq!(server.refused(UPDATE, &body).await, [text]);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn external_id_is_an_old_name_of_user_id() {
    let server = Server::start().await;
    let list = server.list().await;
    for (contact, user_id) in [
        (json!({ "contact": "+15555551", "externalId": "old" }), "old"),
        (json!({ "contact": "+15555552", "externalId": "other", "userId": "new" }), "new"),
        (json!({ "contact": "+15555553", "externalId": "third", "userId": null }), "third"),
        // Where userId is given, nobody looks at the other.
        (json!({ "contact": "+15555554", "externalId": 5, "userId": "fourth" }), "fourth"),
    ] {
        assert_eq!(server.upsert(&list, contact).await["userId"], user_id);
    }
    let texts = server.refused_contact(&list, json!({ "contact": "a", "externalId": 5 })).await;
    assert_eq!(texts, ["Argument userId must be a string"]);
    let contact = json!({ "contact": "a", "externalId": "", "email": " ", "phoneNumber": "" });
    let text = "email, phoneNumber or externalId/userId must be filled at contact position 0";
    assert_eq!(server.refused_contact(&list, contact).await, [text]);
    let found = server.contact(&list, "externalId", "old").await;
    assert_eq!(found["phoneNumber"], "+15555551");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_required_and_what_is_wrong_are_told_apart() {
    let server = Server::start().await;
    let list = server.list().await;
    let list_id = "Argument contactListId must be a non-empty string";
    let one = || json!([{ "contact": "a" }]);
    for (body, texts) in [
        (json!({}), vec!["Argument contactListId required", "Argument contacts required"]),
        (json!({ "contactListId": "", "contacts": one() }), vec![list_id]),
        (json!({ "contactListId": ["x"], "contacts": one() }), vec![list_id]),
        (json!({ "contactListId": "x", "contacts": one() }), vec!["List with id x not found!"]),
        (json!({ "contactListId": list, "contacts": [] }), vec![ADD_ONE]),
        (json!({ "contactListId": list, "contacts": {} }), vec![ADD_ONE]),
        (json!({ "contactListId": list, "contacts": "" }), vec![ADD_ONE]),
        (json!({ "contactListId": list, "contacts": [{}] }), vec!["Argument contact required"]),
        (json!({ "contactListId": list, "contacts": [{ "contact": " \t" }] }), vec![CONTACT]),
        (json!({ "contactListId": list, "contacts": [{ "contact": 5 }] }), vec![CONTACT]),
        (json!({ "contactListId": list, "contacts": [{ "contact": "x".repeat(256) }] }), vec![CONTACT]),
        (json!({ "contactListId": list, "contacts": [{ "contact": "a\u{7}" }] }), vec![CONTACT]),
        (json!({ "contactListId": list, "contacts": [{ "contact": "a\u{0}" }] }), vec![CONTACT]),
    ] {
        assert_eq!(server.refused(UPDATE, &body).await, texts, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_no_object_is_told_at_its_position() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [
        { "contact": "a" }, null, 5, "a", [], { "contact": "b", "active": 1 }, true,
    ] });
    let answer = server.post(UPDATE, &body).await;
    let wrong = |position: usize| json!({ "position": position, "field": "contacts", "code": "INVALID_CONTACTS", "message": ADD_ONE });
    let active = "Argument active can be true or false";
    let expected = json!({ "result": false, "requestId": "<id>",
        "errors": [ADD_ONE, ADD_ONE, ADD_ONE, ADD_ONE, active, ADD_ONE],
        "details": [wrong(1), wrong(2), wrong(3), wrong(4),
            { "position": 5, "field": "active", "code": "NOT_A_BOOLEAN", "message": active }, wrong(6)] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::BAD_REQUEST, expected));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_contacts_are_taken_and_more_are_not_looked_at() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts: Vec<_> = (0..100).map(|n| json!({ "contact": format!("user{n}") })).collect();
    let request = server.update(&list, true, json!(contacts)).await;
    assert_eq!(request["results"]["success"].as_array().unwrap().len(), 100);
    let wrong: Vec<_> = (0..101).map(|n| json!({ "contact": n, "active": n })).collect();
    let body = json!({ "contactListId": list, "contacts": wrong });
    let answer = server.post(UPDATE, &body).await;
    let text = "Maximum count of records per transaction is 100, current 101";
    let expected = json!({ "result": false, "requestId": "<id>", "errors": [text], "details": [
        { "position": null, "field": "contacts", "code": "TOO_MANY_RECORDS", "message": text }] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::BAD_REQUEST, expected));
    let body = json!({ "contactListId": list, "contacts": vec![json!(null); 5_000] });
    let text = "Maximum count of records per transaction is 100, current 5000";
    assert_eq!(server.refused(UPDATE, &body).await, [text]);
    server.stop().await;
}
