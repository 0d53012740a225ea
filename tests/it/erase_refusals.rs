//! contact/erase as a request: what it refuses, who may send it, and that it is told like any other.

use app::{Access, Reach};
use http::METHODS;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::erase::{erase, outcomes};
use crate::harness::{Answer, Server};
use crate::token_scope::token;

const ERASE: &str = "/v3/contact/erase";

fn details(field: Value, code: &str, text: &str) -> Value {
    json!({ "position": null, "field": field, "code": code, "message": text })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_and_erases_nobody() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada" })).await;
    let required = "email, phoneNumber or externalId/userId must be filled";
    for body in
        [json!({}), json!({ "userId": null }), json!({ "userId": " ", "email": "", "phoneNumber": "\t" })]
    {
        let answer = server.post(ERASE, &body).await;
        let expected = json!({ "result": false, "errors": [required],
            "details": [details(Value::Null, "IDENTIFIER_REQUIRED", required)] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let texts = [
        ("userId", "Argument userId must be a string"),
        ("email", "Argument email must be a string"),
        ("phoneNumber", "Argument phoneNumber must be a string"),
    ];
    for (key, text) in texts {
        let answer = server.post(ERASE, &json!({ key: 1 })).await;
        let expected = json!({ "result": false, "errors": [text], "details": [details(json!(key), "NOT_A_STRING", text)] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected));
    }
    let body = json!({ "userId": "ada", "email": ["x"], "webHookUri": "ftp://example.com" });
    let texts = ["Argument email must be a string", "Argument webHookUri must be a valid URI"];
    assert_eq!(server.refused(ERASE, &body).await, texts);
    for body in ["", "[1]", "{\"userId\":\"ada\"", "\"ada\""] {
        assert_eq!(server.post_bytes(ERASE, body).await.errors(), ["Bad Request"], "{body}");
    }
    assert_eq!(server.contact(&list, "userId", "ada").await["userId"], "ada");
    let listed = server.ok("/v3/request/list", &json!({})).await;
    assert_eq!(listed["totalCount"], 1, "nothing of them was kept");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_warned_of_and_a_list_is_none() {
    let server = Server::start().await;
    let [one, other] = [server.list().await, server.list().await];
    for list in [&one, &other] {
        server.upsert(list, json!({ "contact": "ada" })).await;
    }
    let answer = server.ok(ERASE, &json!({ "userId": "ada", "contactListId": one })).await;
    let text = "Argument contactListId is unknown and was ignored";
    let expected = json!({ "result": true, "requestId": answer["requestId"], "errors": [],
        "warnings": [details(json!("contactListId"), "UNKNOWN_FIELD", text)] });
    assert_eq!(answer, expected);
    let request = server.processed(answer["requestId"].as_str().expect("an id")).await;
    assert_eq!(outcomes(&request), ["erased", "erased"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_the_whole_account_may_erase_and_export() {
    let find = |path: &str| METHODS.iter().find(|method| method.path() == path).expect("the method");
    let (erasing, export) = (find(ERASE), find("/v3/contact/export"));
    // What these mean is tried for every method in `token_scope`.
    assert_ne!(erasing.operation.access, Access::Read);
    assert_eq!(erasing.operation.reach, Reach::Account);
    assert_eq!((export.operation.access, export.operation.reach), (Access::Read, Reach::Account));
    let server = Server::start().await;
    let body = json!({ "userId": "ada" });
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada" })).await;
    let read_only = token(&server, true, None).await;
    let limited = token(&server, false, Some(&[&list])).await;
    for (path, bearer, expected) in [
        (ERASE, "", StatusCode::UNAUTHORIZED),
        ("/v3/contact/export", "", StatusCode::UNAUTHORIZED),
        (ERASE, &read_only, StatusCode::FORBIDDEN),
        ("/v3/contact/export", &read_only, StatusCode::OK),
        (ERASE, &limited, StatusCode::FORBIDDEN),
        ("/v3/contact/export", &limited, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(server.post_as(bearer, path, &body).await.status, expected, "{path}");
    }
    assert_eq!(server.contact(&list, "userId", "ada").await["userId"], "ada");
    // Nor does one that is limited learn of an erase.
    let erased = erase(&server, body).await["id"].clone();
    let found = server.post_as(&limited, "/v3/request/find", &json!({ "ids": [erased] })).await;
    assert_eq!(found.json()["requests"], json!({}));
    let found = server.post_as(&read_only, "/v3/request/find", &json!({ "ids": [erased] })).await;
    assert_eq!(found.json()["requests"][erased.as_str().expect("an id")]["id"], erased);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_like_any_other_request_and_cannot_be_undone() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada" })).await;
    let request = erase(&server, json!({ "userId": "ada" })).await;
    let id = request["id"].as_str().expect("an id");
    let listed = server.ok("/v3/request/list", &json!({ "limit": 1 })).await;
    let row = json!({ "id": id, "source": "contact/erase", "status": "processed", "webHookUri": null,
        "createdAt": request["createdAt"], "updatedAt": request["updatedAt"],
        "counts": { "success": 1, "errors": 0 }, "webHook": { "status": "none", "attempts": 0 } });
    assert_eq!((&listed["data"], &listed["totalCount"]), (&json!([row]), &json!(2)));
    let of_list = server.ok("/v3/request/list", &json!({ "contactListId": list })).await;
    assert_eq!(of_list["totalCount"], 1, "it is of no list");
    let text = format!("Request {id} can not be undone");
    let answer = server.post("/v3/request/undo", &json!({ "requestId": id })).await;
    let expected = json!({ "result": false, "errors": [text],
        "details": [details(json!("requestId"), "NOT_UNDOABLE", &text)] });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected));
    let them = server.bearer("Them").await;
    let found = server.post_as(&them.token, "/v3/request/find", &json!({ "ids": [id] })).await;
    assert_eq!(found.json()["requests"], json!({}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_erases_once() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada" })).await;
    let send = async |key: &str, body: Value| -> Answer {
        let headers = [("access-token", server.token.as_str()), ("idempotency-key", key)];
        server.send(Method::POST, ERASE, &headers, body.to_string()).await
    };
    let body = json!({ "userId": "ada", "note": "by letter" });
    let first = send("erase-1", body.clone()).await;
    assert_eq!(first.status, StatusCode::OK);
    let first = first.json();
    server.processed(first["requestId"].as_str().expect("an id")).await;
    assert_eq!(send("erase-1", body.clone()).await.json(), first, "its warnings too");
    let refused = send("erase-1", json!({ "userId": "bob" })).await;
    assert_eq!(refused.errors(), ["Idempotency-Key was used with another body"]);
    assert_eq!(server.ok("/v3/request/list", &json!({})).await["totalCount"], 2);
    let second = send("erase-2", body).await.json();
    assert_ne!(second["requestId"], first["requestId"]);
    server.stop().await;
}
