//! Paths and verbs: whoever notices what is wrong answers in JSON (contract, section 1).

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

/// Every method of the API.
const METHODS: [&str; 18] = [
    "/v3/account/info",
    "/v3/contact-list/create",
    "/v3/contact-list/find",
    "/v3/contact-list/get",
    "/v3/contact-list/remove",
    "/v3/contact-list/update",
    "/v3/contact-list/variables/add",
    "/v3/contact-list/variables/remove",
    "/v3/contact-list/variables/rename",
    "/v3/contact-source/add",
    "/v3/contact-source/find",
    "/v3/contact-source/get",
    "/v3/contact-source/remove",
    "/v3/contact-source/update",
    "/v3/contact/get",
    "/v3/contacts/update",
    "/v3/request/find",
    "/v3/request/list",
];

fn refusal(path: &str, text: &str, code: &str) -> Value {
    let details = json!([{ "position": null, "field": null, "code": code, "message": text }]);
    if path.starts_with("/v3/contacts/") {
        json!({ "result": false, "requestId": "<id>", "errors": [text], "details": details })
    } else {
        json!({ "result": false, "errors": [text], "details": details })
    }
}

fn is_json(answer: &Answer) -> bool {
    answer.headers.get("content-type").is_some_and(|value| value == "application/json")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_not_found() {
    let server = Server::start().await;
    for path in [
        "/v3/contacts/unheardof",
        "/v3/contacts/update/",
        "/v3/contacts/update/x",
        "/v3/contacts/Update",
        "/v3/contacts/",
        "/v3/contacts",
        "/v3/",
        "/v3",
        "/v3/contact",
        "/v3/unheardof?x=1",
        "/v2/contacts/update",
        "/v3/%00",
        "/v3/contacts/%ff",
        "/v3/contacts/../account/info",
        "//v3/account/info",
    ] {
        for method in [Method::POST, Method::GET, Method::PUT, Method::OPTIONS] {
            let answer = server.send(method.clone(), path, &[], "{}").await;
            let expected = refusal(path, "Not Found", "NOT_FOUND");
            assert_eq!(
                (answer.status, answer.normal()),
                (StatusCode::NOT_FOUND, expected),
                "{method} {path}"
            );
            assert!(is_json(&answer), "{method} {path}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_verb_is_not_allowed() {
    let server = Server::start().await;
    let own = Method::from_bytes(b"BREW").unwrap();
    for path in METHODS {
        for method in [
            Method::GET,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
            own.clone(),
        ] {
            let token = [("access-token", server.token.as_str())];
            for headers in [&[][..], &token] {
                let answer = server.send(method.clone(), path, headers, "{}").await;
                let expected = refusal(path, "Method Not Allowed", "METHOD_NOT_ALLOWED");
                let told = (answer.status, answer.normal());
                assert_eq!(told, (StatusCode::METHOD_NOT_ALLOWED, expected), "{method} {path}");
                assert!(is_json(&answer), "{method} {path}");
            }
        }
        // HEAD has no body: the status is all there is.
        let answer = server.send(Method::HEAD, path, &[], "").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::METHOD_NOT_ALLOWED, 0), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_and_a_content_type_change_nothing() {
    let server = Server::start().await;
    let expected = json!({ "result": true, "accountName": "Test", "accountBalance": 0 });
    for content_type in
        ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
    {
        let headers = [("access-token", server.token.as_str()), ("content-type", content_type)];
        let answer = server.send(Method::POST, "/v3/account/info?a=b", &headers, "{}").await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected.clone()), "{content_type}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_asks_for_a_token_and_shows_its_request_id_where_it_has_one() {
    let server = Server::start().await;
    for path in METHODS {
        for body in ["", "{}", "{", "[]"] {
            let answer = server.send(Method::POST, path, &[], body).await;
            let expected = refusal(path, "Invalid authorization token!", "INVALID_TOKEN");
            assert_eq!((answer.status, answer.normal()), (StatusCode::UNAUTHORIZED, expected), "{path}");
            assert!(is_json(&answer), "{path}");
        }
        let answer = server.post_bytes(path, "{").await;
        let expected = refusal(path, "Bad Request", "BAD_REQUEST");
        assert_eq!((answer.status, answer.normal()), (StatusCode::BAD_REQUEST, expected), "{path}");
    }
    server.stop().await;
}
