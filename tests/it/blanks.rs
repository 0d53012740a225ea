//! White space around values: kept in names, ignored around identifiers, dates, codes and numbers.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;

const GET: &str = "/v3/contact/get";

/// A text with white space of several kinds around it.
fn wide(text: &str) -> String {
    format!(" \t{text}\u{a0} \n")
}

#[tokio::test(flavor = "multi_thread")]
async fn white_space_around_identifiers_dates_codes_and_numbers_is_ignored() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Shop", "customerSourceId": wide("shop1") })).await;
    let contact = json!({
        "contact": wide("user@example.com"), "email": wide("user@example.com"), "phoneNumber": wide("+15555555"),
        "userId": wide("u 1"), "name": " Jo ", "firstName": "Jo ", "lastName": " Doe", "active": true,
        "contactBirthday": wide("1990-01-05"), "contactLanguage": wide("ET"), "contactGender": wide("Female"),
        "contactTimezone": wide("Europe/Tallinn"), "contactScore": wide("42"), "customerSourceId": wide("shop1"),
        "cac": { "value": wide("2.05"), "currency": wide("EUR") },
        "variables": [{ "name": "plan", "value": " gold " }, { "name": "since", "value": wide("2024-02-29") }],
    });
    let body = json!({ "contactListId": wide(&list), "upsert": true, "contactBy": wide("email"), "contacts": [contact] });
    let accepted = server.ok("/v3/contacts/update", &body).await;
    assert_eq!(accepted.get("warnings"), None);
    let request = wide(accepted["requestId"].as_str().expect("an id"));
    let body = json!({ "contactListId": list, "email": wide("USER@example.com"), "waitFor": request });
    let shown = server.ok(GET, &body).await["contact"].clone();
    for (key, value) in [
        ("email", "user@example.com"),
        ("phoneNumber", "+15555555"),
        ("userId", "u 1"),
        ("name", " Jo "),
        ("firstName", "Jo "),
        ("lastName", " Doe"),
        ("contactBirthday", "1990-01-05"),
        ("contactLanguage", "et"),
        ("contactGender", "2"),
        ("contactTimezone", "Europe/Tallinn"),
        ("contactScore", "42"),
        ("sourceId", source.as_str()),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    assert_eq!(shown["cac"], json!({ "value": "2.05000", "currency": "EUR" }));
    let values = ["plan", "since"].map(|name| {
        let variables = shown["variables"].as_array().expect("variables");
        variables.iter().find(|one| one["name"] == name).expect("the variable")["value"].clone()
    });
    assert_eq!(values, [" gold ", "2024-02-29"]);

    // Every way to name something takes it with white space around it.
    for (key, value) in [("userId", "u 1"), ("phoneNumber", "+15555555"), ("externalId", "u 1")] {
        let found = server.ok(GET, &json!({ "contactListId": list, key: wide(value) })).await;
        assert_eq!(found["contact"]["userId"], "u 1", "{key}");
    }
    let requests = server.ok("/v3/request/find", &json!({ "ids": [request] })).await;
    assert_eq!(requests["requests"].as_object().expect("requests").len(), 1);
    let window =
        json!({ "status": wide("processed"), "contactListId": wide(&list), "from": wide("2000-01-01") });
    assert_eq!(server.ok("/v3/request/list", &window).await["totalCount"], 1);
    let filter =
        json!({ "contactListId": list, "sourceId": wide(&source), "updatedSince": wide("2000-01-01") });
    assert_eq!(server.ok("/v3/contacts/find", &filter).await["data"].as_array().expect("an array").len(), 1);
    for body in [json!({ "sourceId": wide(&source) }), json!({ "customerSourceId": wide("shop1") })] {
        assert_eq!(server.ok("/v3/contact-source/get", &body).await["data"]["name"], "Shop", "{body}");
    }
    let found = server.ok("/v3/contact-source/find", &json!({ "customerSourceId": wide("shop1") })).await;
    assert_eq!(found["totalCount"], 1);
    let body = json!({ "contactListId": list, "userIds": [wide("u 1")] });
    let removed = server.ok("/v3/contacts/remove", &body).await;
    let body = json!({ "contactListId": list, "userId": "u 1", "waitFor": removed["requestId"] });
    assert_eq!(server.ok(GET, &body).await["contact"], Value::Null);
    let request = wide(removed["requestId"].as_str().expect("an id"));
    let undone = server.ok("/v3/request/undo", &json!({ "requestId": request })).await;
    let body = json!({ "contactListId": list, "userId": "u 1", "waitFor": undone["requestId"] });
    assert_eq!(server.ok(GET, &body).await["contact"]["name"], " Jo ");
    server.ok("/v3/contact-source/update", &json!({ "source": wide("shop1"), "name": "Window" })).await;
    let removed =
        server.ok("/v3/contact-source/remove", &json!({ "customerSourceIds": [wide("shop1")] })).await;
    assert_eq!(removed["affectedRows"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_array_is_an_empty_object_and_a_filled_one_is_a_bad_request() {
    let server = Server::start().await;
    for method in http::METHODS {
        let object = server.post_bytes(method.path(), "{}").await;
        for body in ["[]", " [ ]\r\n", "[\t]", "\u{feff}[]"] {
            let array = server.post_bytes(method.path(), body).await;
            assert_eq!(array.status, object.status, "{} {body:?}", method.path());
            assert_eq!(array.json()["errors"], object.json()["errors"], "{} {body:?}", method.path());
        }
        for body in ["[{}]", "[[]]", "[null]", "[1]", "[,]", "[] []", "[\u{a0}]", "[]x"] {
            let answer = server.post_bytes(method.path(), body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{} {body:?}", method.path());
            assert_eq!(answer.errors(), ["Bad Request"], "{} {body:?}", method.path());
        }
        let answer = server.post_bytes(method.path(), " \n").await;
        let expected = if method.body.optional { object.json()["result"].clone() } else { json!(false) };
        assert_eq!(answer.json()["result"], expected, "{}", method.path());
        let required = method.body.params.iter().copied().flatten().any(|param| param.required);
        assert!(!(required && method.body.optional), "{} requires a key", method.path());
    }
    server.stop().await;
}
