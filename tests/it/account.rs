//! `POST /v3/account/info`

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_for_an_empty_body_and_an_empty_object() {
    let server = Server::start().await;
    let expected = json!({ "result": true, "accountName": "Test", "accountBalance": 0 });
    for body in ["", " \n", "{}", " {} ", "[]", "{\"anything\":1}"] {
        let answer = server.post_bytes("/v3/account/info", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{body:?}");
        let mut shown = answer.json();
        shown.as_object_mut().unwrap().remove("warnings");
        assert_eq!(shown, expected, "{body:?}");
    }
    for body in ["[{}]", "null", "{", "x"] {
        let answer = server.post_bytes("/v3/account/info", body).await;
        let expected = json!({ "result": false, "errors": ["Bad Request"], "details": [
            { "position": null, "field": null, "code": "BAD_REQUEST", "message": "Bad Request" }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body:?}");
    }
    let other = server.bearer("Other \u{1F600}").await;
    let answer = server.post_as(&other.token, "/v3/account/info", &json!({})).await;
    assert_eq!(answer.json()["accountName"], "Other \u{1F600}");
    let answer = server.send(Method::POST, "/v3/account/info", &[], "").await;
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::UNAUTHORIZED, vec!["Invalid authorization token!".to_owned()])
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_is_an_empty_object_where_nothing_is_required() {
    let server = Server::start().await;
    server.list().await;
    // webhook/list answers 400, as the vendor does, as long as there is none.
    let webhook = json!({ "title": "CRM", "url": "https://example.com/hook", "events": ["contact.created"] });
    server.ok("/v3/webhook/create", &webhook).await;
    let mut optional = Vec::new();
    for method in http::METHODS {
        let object = server.post_bytes(method.path(), "{}").await;
        let needs_nothing = object.status == StatusCode::OK;
        for blank in ["", " \r\n"] {
            let answer = server.post_bytes(method.path(), blank).await;
            if needs_nothing {
                // Each has an id of its own, where answers show one.
                let without_id = |answer: &Answer| {
                    let mut answer = answer.json();
                    answer.as_object_mut().expect("an object").remove("requestId");
                    answer
                };
                assert_eq!(without_id(&answer), without_id(&object), "{}", method.path());
            } else {
                let told = (answer.status, answer.errors());
                assert_eq!(
                    told,
                    (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]),
                    "{}",
                    method.path()
                );
            }
        }
        optional.extend(needs_nothing.then_some(method.path()));
    }
    let expected = [
        "/v3/account/info",
        "/v3/contact-list/find",
        "/v3/contact-source/find",
        "/v3/contacts/changes",
        "/v3/blacklist/find",
        "/v3/suppression/list",
        "/v3/request/list",
        "/v3/request/rejected",
        "/v3/webhook/list",
        "/v3/webhook/deliveries",
        "/v3/webhook/health",
    ];
    assert_eq!(optional, expected);
    server.stop().await;
}
