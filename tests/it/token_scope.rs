//! Tokens that may only look, and tokens that are limited to lists

use std::collections::HashSet;

use app::{Access, Reach};
use domain::clock::{Clock, SystemClock};
use domain::id::ObjectId;
use domain::token::FreshToken;
use http::METHODS;
use hyper::StatusCode;
use serde_json::{Value, json};
use storage::{NewToken, Scope};

use crate::harness::Server;

/// Makes a token of the server's account.
pub async fn token(server: &Server, read_only: bool, lists: Option<&[&str]>) -> String {
    let fresh = FreshToken::generate();
    let lists = lists.map(|lists| lists.iter().map(|id| ObjectId::parse(id).expect("an id")).collect());
    let new = NewToken {
        key: fresh.key,
        secret_hash: fresh.secret_hash,
        name: String::new(),
        expires_at: None,
        scope: Scope { read_only, lists },
    };
    server.storage.add_token(server.user, new, SystemClock.now()).await.expect("a token");
    fresh.text
}

async fn ok(server: &Server, token: &str, path: &str, body: &Value) -> Value {
    let answer = server.post_as(token, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {}", answer.text());
    answer.json()
}

async fn refused(server: &Server, token: &str, path: &str, body: &Value) -> Vec<String> {
    let answer = server.post_as(token, path, body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.text());
    answer.errors()
}

/// Sends one contact to a list with the account's own token, and returns the request's id once it is processed.
async fn send(server: &Server, list: &str) -> String {
    let request = server.update(list, true, json!([{ "contact": "a" }])).await;
    request["id"].as_str().expect("an id").to_owned()
}

fn forbidden(token: &str, path: &str, what: &str, code: &str) -> Value {
    let text = format!("access token {}… is {what}", &token[..8]);
    let details = json!([{ "position": null, "field": null, "code": code, "message": text }]);
    if path.starts_with("/v3/contacts/") {
        json!({ "result": false, "requestId": "<id>", "errors": [text], "details": details })
    } else {
        json!({ "result": false, "errors": [text], "details": details })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_token_changes_nothing() {
    let server = Server::start().await;
    let list = server.list().await;
    let request = send(&server, &list).await;
    let token = token(&server, true, None).await;
    for method in METHODS {
        let answer = server.post_as(&token, method.path(), &json!({})).await;
        if method.operation.access != Access::Read {
            let expected = forbidden(&token, method.path(), "read-only", "TOKEN_READ_ONLY");
            assert_eq!(
                (answer.status, answer.normal()),
                (StatusCode::FORBIDDEN, expected),
                "{}",
                method.path()
            );
        } else {
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}", method.path());
        }
    }
    let get = json!({ "contactListId": list, "userId": "a", "waitFor": request });
    assert_eq!(ok(&server, &token, "/v3/contact/get", &get).await["contact"]["userId"], "a");
    let found = ok(&server, &token, "/v3/request/find", &json!({ "ids": [request] })).await;
    assert_eq!(found["requests"][&request]["id"], request.as_str());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_classed_so() {
    let reads: HashSet<_> = METHODS
        .iter()
        .filter(|method| method.operation.access == Access::Read)
        .map(|method| method.path())
        .collect();
    for path in &reads {
        let verb = path.rsplit('/').next().expect("a verb");
        let reads = ["info", "get", "get-many", "find", "list", "history", "export", "changes", "duplicates"];
        let others = ["unsubscribe-links", "rejected", "deliveries", "health"];
        assert!(reads.contains(&verb) || others.contains(&verb), "{path}");
    }
    for path in ["/v3/contacts/update", "/v3/contact-list/remove", "/v3/contact-source/add"] {
        assert!(!reads.contains(path), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_limited_to_lists_calls_no_method_of_the_whole_account() {
    let server = Server::start().await;
    let list = server.list().await;
    let limited = token(&server, false, Some(&[&list])).await;
    for method in METHODS {
        let answer = server.post_as(&limited, method.path(), &json!({})).await;
        if method.operation.reach == Reach::Account {
            let expected = forbidden(&limited, method.path(), "limited to lists", "TOKEN_LIMITED");
            assert_eq!(
                (answer.status, answer.normal()),
                (StatusCode::FORBIDDEN, expected),
                "{}",
                method.path()
            );
        } else {
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}", method.path());
        }
    }
    let both = token(&server, true, Some(&[&list])).await;
    let create = "/v3/contact-list/create";
    let answer = server.post_as(&both, create, &json!({ "contactListName": "x" })).await;
    assert_eq!(answer.json(), forbidden(&both, create, "read-only", "TOKEN_READ_ONLY"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_a_list_answers_a_list_out_of_sight_as_one_that_is_not_there() {
    let server = Server::start().await;
    let (mine, theirs) = (server.list().await, server.list().await);
    let limited = token(&server, false, Some(&[&mine])).await;
    let gone = format!("List with id {theirs} not found!");
    let body = json!({ "contactListId": theirs, "contactListName": "x", "confirm": "Customers", "userId": "a",
        "names": ["plan"], "name": "plan", "newName": "offer", "contacts": [{ "contact": "a" }],
        "variables": [{ "name": "x", "type": "ENUM_STRING" }] });
    for method in METHODS.iter().filter(|method| method.operation.reach == Reach::List) {
        let texts = refused(&server, &limited, method.path(), &body).await;
        assert_eq!(texts.first(), Some(&gone), "{}", method.path());
        let unknown = json!({ "contactListId": "x" });
        let texts = refused(&server, &limited, method.path(), &unknown).await;
        assert_eq!(texts[0], "List with id x not found!", "{}", method.path());
    }
    let told = server.ok("/v3/contact-list/get", &json!({ "contactListId": theirs })).await;
    assert_eq!(told["data"]["contactListName"], "Customers");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_of_the_lists_in_sight() {
    let server = Server::start().await;
    let (mine, theirs, also_mine) = (server.list().await, server.list().await, server.list().await);
    let (own, other, second) =
        (send(&server, &mine).await, send(&server, &theirs).await, send(&server, &also_mine).await);
    let limited = token(&server, false, Some(&[&also_mine, &mine])).await;
    let ids = |answer: &Value, key: &str| -> Vec<String> {
        let rows = answer["data"].as_array().expect("an array").iter();
        rows.map(|row| row[key].as_str().expect("an id").to_owned()).collect()
    };
    let lists = ok(&server, &limited, "/v3/contact-list/find", &json!({})).await;
    assert_eq!(
        (ids(&lists, "contactListId"), &lists["totalCount"]),
        (vec![mine.clone(), also_mine], &json!(2))
    );
    let lists = ok(&server, &limited, "/v3/contact-list/find", &json!({ "contactListId": theirs })).await;
    assert_eq!(lists["totalCount"], 0);
    let found = ok(&server, &limited, "/v3/request/find", &json!({ "ids": [own, other, second] })).await;
    let found: HashSet<_> = found["requests"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(found, HashSet::from([own.clone(), second.clone()]));
    let listed = ok(&server, &limited, "/v3/request/list", &json!({})).await;
    assert_eq!((ids(&listed, "id"), &listed["totalCount"]), (vec![second, own.clone()], &json!(2)));
    let listed = ok(&server, &limited, "/v3/request/list", &json!({ "contactListId": mine })).await;
    assert_eq!(ids(&listed, "id"), [own]);
    let texts = refused(&server, &limited, "/v3/request/list", &json!({ "contactListId": theirs })).await;
    assert_eq!(texts, [format!("List with id {theirs} not found!")]);
    let wait = json!({ "contactListId": mine, "userId": "a", "waitFor": other });
    let texts = refused(&server, &limited, "/v3/contact/get", &wait).await;
    assert_eq!(texts, [format!("Request {other} not found")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_uses_its_list_the_sources_and_the_account_s_name() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Shop" })).await;
    let limited = token(&server, false, Some(&[&list])).await;
    assert_eq!(ok(&server, &limited, "/v3/account/info", &json!({})).await["accountName"], "Test");
    let told = ok(&server, &limited, "/v3/contact-source/get", &json!({ "sourceId": source })).await;
    assert_eq!(told["data"]["name"], "Shop");
    assert_eq!(ok(&server, &limited, "/v3/contact-source/find", &json!({})).await["totalCount"], 1);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a", "sourceId": source }] });
    let request = ok(&server, &limited, "/v3/contacts/update", &body).await["requestId"].clone();
    let get = json!({ "contactListId": list, "userId": "a", "waitFor": request });
    let answer = ok(&server, &limited, "/v3/contact/get", &get).await;
    assert_eq!(answer["contact"]["sourceName"], "Shop");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_limited_to_a_list_that_was_removed_sees_nothing() {
    let server = Server::start().await;
    let (list, _other) = (server.list().await, server.list().await);
    let request = send(&server, &list).await;
    let limited = token(&server, false, Some(&[&list])).await;
    let remove = json!({ "contactListId": list, "confirm": "Customers" });
    ok(&server, &limited, "/v3/contact-list/remove", &remove).await;
    for (path, body) in [
        ("/v3/contact-list/find", json!({})),
        ("/v3/request/list", json!({})),
        ("/v3/request/list", json!({ "status": "processed" })),
    ] {
        let answer = ok(&server, &limited, path, &body).await;
        assert_eq!((&answer["data"], &answer["totalCount"]), (&json!([]), &json!(0)), "{path}");
    }
    let found = ok(&server, &limited, "/v3/request/find", &json!({ "ids": [request] })).await;
    assert_eq!(found["requests"], json!({}));
    let get = json!({ "contactListId": list, "userId": "a" });
    let texts = refused(&server, &limited, "/v3/contact/get", &get).await;
    assert_eq!(texts, [format!("List with id {list} not found!")]);
    let create =
        server.post_as(&limited, "/v3/contact-list/create", &json!({ "contactListName": "x" })).await;
    assert_eq!(create.status, StatusCode::FORBIDDEN, "limited it stays");
    let found = server.ok("/v3/request/find", &json!({ "ids": [request] })).await;
    assert_eq!(found["requests"][&request]["status"], "processed", "those who may see all still do");
    server.stop().await;
}
