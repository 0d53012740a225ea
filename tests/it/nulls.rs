//! Null is absence. Four of ten generated clients send null for members that nobody has set, so this promise keeps their
//! users' data.

use serde_json::{Map, Value, json};

use crate::harness::Server;
use crate::reference::description;

/// Every member of an object of the description that may be left out, as null.
async fn nulls(server: &Server, schema: &str) -> Map<String, Value> {
    let schema = description(server).await["components"]["schemas"][schema].clone();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let members = schema["properties"].as_object().expect("members").keys();
    members.filter(|name| !required.contains(&json!(name))).map(|name| (name.clone(), Value::Null)).collect()
}

fn whole_contact(source: &str) -> Value {
    json!({
        "contact": "u1", "name": "Jo", "email": "user@example.com", "phoneNumber": "+15555555", "userId": "u1",
        "active": true, "emailSubscribe": true, "smsSubscribe": true, "desktopWebPushSubscribe": true,
        "mobileWebPushSubscribe": true, "telegramSubscribe": true, "viberSubscribe": true, "firstName": "Jo",
        "lastName": "Doe", "contactBirthday": "1990-01-05", "contactLanguage": "et", "contactGender": 2,
        "contactTimezone": "Europe/Tallinn", "contactScore": 42, "avatarLink": "example.com/a",
        "facebookLink": "example.com/f", "instagramLink": "example.com/i", "linkedInLink": "example.com/l",
        "twitterLink": "example.com/t", "tiktokLink": "example.com/k", "sourceId": source,
        "cac": { "value": "2.05", "currency": "EUR" },
        "variables": [{ "name": "plan", "value": "gold" }, { "name": "since", "value": "2024-02-29" }],
    })
}

async fn read(server: &Server, list: &str) -> Value {
    server.ok("/v3/contact/get", &json!({ "contactListId": list, "userId": "u1" })).await["contact"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn null_for_every_member_changes_nothing() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Shop", "customerSourceId": "shop" })).await;
    let made = server.update(&list, true, json!([whole_contact(&source)])).await;
    assert_eq!(made["results"]["success"][0]["action"], "created", "{made}");
    let before = read(&server, &list).await;
    assert!(!before.as_object().expect("a contact").values().any(Value::is_null), "every member has a value");

    let mut contact = nulls(&server, "ContactInput").await;
    assert!(contact.len() > 25, "{contact:?}");
    contact.insert("contact".to_owned(), json!("u1"));
    let mut body = nulls(&server, "ContactsUpdateRequest").await;
    body.insert("contactListId".to_owned(), json!(list));
    body.insert("contacts".to_owned(), json!([contact]));
    let accepted = server.ok("/v3/contacts/update", &Value::Object(body)).await;
    assert_eq!(accepted.get("warnings"), None);
    let wait = json!({ "contactListId": list, "userId": "u1", "waitFor": accepted["requestId"] });
    assert_eq!(server.ok("/v3/contact/get", &wait).await["contact"], before);
    let request = server.ok("/v3/request/find", &json!({ "ids": [accepted["requestId"]] })).await;
    let request = &request["requests"][accepted["requestId"].as_str().expect("an id")];
    assert_eq!(request["results"]["success"][0]["action"], "unchanged");

    let by = json!({ "sourceId": source });
    let before = server.ok("/v3/contact-source/get", &by).await;
    let mut body = nulls(&server, "ContactSourceUpdateRequest").await;
    body.insert("source".to_owned(), json!(source));
    server.ok("/v3/contact-source/update", &Value::Object(body)).await;
    assert_eq!(server.ok("/v3/contact-source/get", &by).await, before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_is_cleared_by_an_object_with_a_blank_value() {
    let server = Server::start().await;
    let list = server.list().await;
    let cost = json!({ "value": "2.05000", "currency": "EUR" });
    let clear = |value: &str| json!({ "value": value, "currency": "EUR" });
    for blank in ["", " \t"] {
        server
            .update(&list, true, json!([{ "contact": "u1", "cac": { "value": 2.05, "currency": "EUR" } }]))
            .await;
        assert_eq!(read(&server, &list).await["cac"], cost);
        let mut body = json!({ "contactListId": list, "dryRun": true,
            "contacts": [{ "contact": "u1", "cac": clear(blank) }] });
        let tried = server.ok("/v3/contacts/update", &body).await;
        assert_eq!(tried["results"]["success"][0]["action"], "updated");
        assert_eq!(read(&server, &list).await["cac"], cost);
        body["contacts"][0]["cac"]["currency"] = json!("XXX");
        let refused = server.post("/v3/contacts/update", &body).await.json();
        let codes: Vec<_> =
            refused["details"].as_array().expect("details").iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["INVALID_CAC_CURRENCY"]);
        let done = server.update(&list, false, json!([{ "contact": "u1", "cac": clear(blank) }])).await;
        assert_eq!(done["results"]["success"][0]["action"], "updated");
        assert_eq!(read(&server, &list).await["cac"], Value::Null);
    }
    let added = json!({ "contactListId": list, "contacts": [{ "userId": "u2", "cac": clear("") }] });
    server.ok("/v3/contacts/add", &added).await;

    let source = server.source(&json!({ "name": "Shop", "cac": { "value": 1, "currency": "USD" } })).await;
    let by = json!({ "sourceId": source });
    server.ok("/v3/contact-source/update", &json!({ "source": source, "cac": clear("") })).await;
    assert_eq!(server.ok("/v3/contact-source/get", &by).await["data"]["cac"], Value::Null);
    server.stop().await;
}
