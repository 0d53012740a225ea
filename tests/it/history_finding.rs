//! Whose history contact/history tells, and to whom.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::past::{Past, field};
use crate::token_scope::token;

const HISTORY: &str = "/v3/contact/history";

/// The id of the contact whose history is told, and the actions in it.
async fn found(past: &Past, key: &str, identifier: &str) -> (Value, Vec<String>) {
    let told = past.history(key, identifier).await;
    let actions = told["data"].as_array().expect("an array").iter();
    let actions: Vec<_> =
        actions.map(|change| change["action"].as_str().expect("a word").to_owned()).collect();
    assert_eq!(told["totalCount"], actions.len());
    (told["contactId"].clone(), actions)
}

fn id(request: &Value, position: usize) -> Value {
    request["results"]["success"][position]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_found_by_what_it_bears_and_by_what_it_bore() {
    let past = Past::open().await;
    let made = past
        .upsert(json!([{ "contact": "One@example.com", "userId": "one", "phoneNumber": "+15555551" }]))
        .await;
    past.upsert(json!([{ "contact": "one", "userId": "two", "email": "", "phoneNumber": "+15555552" }]))
        .await;
    past.upsert(json!([{ "contact": "two", "userId": "three" }])).await;
    let (one, actions) = (id(&made, 0), ["updated", "updated", "created"].map(str::to_owned).to_vec());
    for (key, identifier) in [
        ("userId", "one"),
        ("userId", "two"),
        ("userId", "three"),
        ("externalId", "two"),
        ("email", "one@EXAMPLE.com"),
        ("phoneNumber", "+15555551"),
        ("phoneNumber", "+15555552"),
    ] {
        assert_eq!(found(&past, key, identifier).await, (one.clone(), actions.clone()), "{key} {identifier}");
    }
    past.remove(&["three"]).await;
    let actions = [vec!["removed".to_owned()], actions].concat();
    for (key, identifier) in [("userId", "one"), ("userId", "three"), ("email", "one@example.com")] {
        assert_eq!(found(&past, key, identifier).await, (one.clone(), actions.clone()), "{key} {identifier}");
    }
    let nobody = json!({ "result": true, "contactId": null, "data": [], "totalCount": 0, "offset": 0, "limit": 100,
                         "complete": true, "errors": [] });
    for (key, identifier) in [("userId", "ONE"), ("userId", "One@example.com"), ("email", "two@example.com")]
    {
        assert_eq!(past.history(key, identifier).await, nobody, "{key} {identifier}");
    }
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_bore_an_identifier_the_bearer_comes_first_and_then_the_last() {
    let past = Past::open().await;
    let made = past.upsert(json!([{ "contact": "a", "userId": "shared" }, { "contact": "b" }])).await;
    let (a, b) = (id(&made, 0), id(&made, 1));
    past.upsert(json!([{ "contact": "shared", "userId": "a" }, { "contact": "b", "userId": "shared" }]))
        .await;
    assert_eq!(found(&past, "userId", "shared").await.0, b, "who bears it");
    past.upsert(json!([{ "contact": "shared", "userId": "b" }])).await;
    assert_eq!(found(&past, "userId", "shared").await.0, b, "who bore it last");
    past.upsert(json!([{ "contact": "a", "userId": "shared" }, { "contact": "shared", "userId": "a" }]))
        .await;
    assert_eq!(found(&past, "userId", "shared").await.0, a, "once more");
    past.remove(&["a"]).await;
    assert_eq!(found(&past, "userId", "shared").await.0, a, "removed, and the last all the same");
    let request = past.upsert(json!([{ "contact": "shared" }])).await;
    assert_eq!(found(&past, "userId", "shared").await, (id(&request, 0), vec!["created".to_owned()]));
    assert_eq!(found(&past, "userId", "a").await.0, a);
    assert_eq!(found(&past, "userId", "b").await.0, b);
    past.server.stop().await;
}

/// What one asks for is looked for in the order userId, email, phoneNumber; who bears one goes before who bore one.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_identifiers_one_that_is_borne_decides() {
    let past = Past::open().await;
    let made =
        past.upsert(json!([{ "contact": "a" }, { "contact": "b@example.com" }, { "contact": "c" }])).await;
    past.upsert(json!([{ "contact": "a", "userId": "z" }])).await;
    for (body, position) in [
        (json!({ "userId": "a", "email": "b@example.com" }), 1),
        (json!({ "userId": "c", "email": "b@example.com" }), 2),
        (json!({ "userId": "a", "email": "nobody@example.com" }), 0),
    ] {
        let mut body = body;
        body["contactListId"] = json!(past.list);
        let told = past.server.ok(HISTORY, &body).await;
        assert_eq!(told["contactId"], id(&made, position), "{body}");
    }
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_are_of_one_list_and_one_account() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "mine" }])).await;
    let other_list = past.server.list().await;
    past.server.update(&other_list, true, json!([{ "contact": "a", "name": "other" }])).await;
    let expected =
        json!(["created", [field("userId", None::<&str>, "a"), field("name", None::<&str>, "mine")]]);
    assert_eq!(past.changes("a").await, [expected]);

    let stranger = past.server.bearer("Other").await;
    let limited = token(&past.server, true, Some(&[&other_list])).await;
    let body = json!({ "contactListId": past.list, "userId": "a" });
    for token in [&stranger.token, &limited] {
        let answer = past.server.post_as(token, HISTORY, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.errors(), [format!("List with id {} not found!", past.list)]);
    }
    let looks = token(&past.server, true, Some(&[&past.list])).await;
    let answer = past.server.post_as(&looks, HISTORY, &body).await;
    assert_eq!(answer.json(), past.server.ok(HISTORY, &body).await);
    past.server.stop().await;
}

/// One of `details`.
fn detail(field: Option<&str>, code: &str, message: &str) -> Value {
    json!({ "position": null, "field": field, "code": code, "message": message })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_text_by_text() {
    let server = Server::start().await;
    let list = server.list().await;
    let offset =
        detail(Some("offset"), "INVALID_OFFSET", "Argument offset must be an integer that is not negative");
    let limit = detail(Some("limit"), "INVALID_LIMIT", "Argument limit must be an integer from 1 to 100");
    let who = detail(None, "IDENTIFIER_REQUIRED", "email, phoneNumber or externalId/userId must be filled");
    for (body, expected) in [
        (
            json!({}),
            vec![detail(Some("contactListId"), "REQUIRED", "Argument contactListId required"), who.clone()],
        ),
        (
            json!({ "contactListId": 5, "userId": "a" }),
            vec![detail(
                Some("contactListId"),
                "INVALID_LIST_ID",
                "Argument contactListId must be a non-empty string",
            )],
        ),
        (
            json!({ "contactListId": "x", "userId": "a" }),
            vec![detail(Some("contactListId"), "LIST_NOT_FOUND", "List with id x not found!")],
        ),
        (json!({ "contactListId": list, "userId": " ", "email": null }), vec![who]),
        (
            json!({ "contactListId": list, "userId": 5, "email": [], "phoneNumber": {}, "offset": -1, "limit": 101 }),
            vec![
                detail(Some("userId"), "NOT_A_STRING", "Argument userId must be a string"),
                detail(Some("email"), "NOT_A_STRING", "Argument email must be a string"),
                detail(Some("phoneNumber"), "NOT_A_STRING", "Argument phoneNumber must be a string"),
                offset.clone(),
                limit.clone(),
            ],
        ),
        (json!({ "contactListId": list, "userId": "a", "offset": "1", "limit": 0 }), vec![offset, limit]),
    ] {
        let answer = server.post(HISTORY, &body).await;
        let texts: Vec<_> = expected.iter().map(|detail| detail["message"].clone()).collect();
        let expected = json!({ "result": false, "errors": texts, "details": expected });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let answer = server.post_bytes(HISTORY, "[1]").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]));
    let odd = json!({ "contactListId": list, " userId ": "a", "since": 5 });
    let warned = server.ok(HISTORY, &odd).await;
    let unknown = detail(Some("since"), "UNKNOWN_FIELD", "Argument since is unknown and was ignored");
    assert_eq!(warned["warnings"], json!([unknown]));
    server.stop().await;
}
