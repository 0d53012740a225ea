//! `POST /v3/contact/get`

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;

const GET: &str = "/v3/contact/get";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_found_is_answered_by_user_id_then_address_then_number() {
    let server = Server::start().await;
    let list = server.list().await;
    let people = json!([{ "contact": "user@example.com", "name": "by address" }, { "contact": "+15555555", "name": "by number" },
        { "contact": "a", "name": "by user id" }]);
    server.update(&list, true, people).await;
    for (body, name) in [
        (json!({ "userId": "a" }), json!("by user id")),
        (json!({ "externalId": "a" }), json!("by user id")),
        (json!({ "userId": "a", "externalId": "b" }), json!("by user id")),
        (json!({ "email": "USER@Example.com" }), json!("by address")),
        (json!({ "phoneNumber": "+15555555" }), json!("by number")),
        (
            json!({ "phoneNumber": "+15555555", "email": "user@example.com", "userId": "a" }),
            json!("by user id"),
        ),
        (
            json!({ "phoneNumber": "+15555555", "email": "user@example.com", "userId": "b" }),
            json!("by address"),
        ),
        (
            json!({ "phoneNumber": "+15555555", "email": "nobody@example.com", "userId": "" }),
            json!("by number"),
        ),
        (json!({ "phoneNumber": "+15555555", "email": null }), json!("by number")),
    ] {
        let mut asked = body.clone();
        asked["contactListId"] = json!(list);
        assert_eq!(server.ok(GET, &asked).await["contact"]["name"], name, "{body}");
    }
    let nobody = json!({ "result": true, "contact": null, "errors": [] });
    for body in [
        json!({ "userId": "user@example.com" }),
        json!({ "email": "a" }),
        json!({ "phoneNumber": "15555555" }),
    ] {
        let mut asked = body.clone();
        asked["contactListId"] = json!(list);
        assert_eq!(server.ok(GET, &asked).await, nobody, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_others_are_as_if_they_were_not_there() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let other = server.bearer("Other").await;
    let body = json!({ "contactListId": list, "userId": "a" });
    let answer = server.post_as(&other.token, GET, &body).await;
    let text = format!("List with id {list} not found!");
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": "contactListId", "code": "LIST_NOT_FOUND", "message": text }] });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected));
    let update = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] });
    let answer = server.post_as(&other.token, "/v3/contacts/update", &update).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![text]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told() {
    let server = Server::start().await;
    let list = server.list().await;
    let none = "email, phoneNumber or externalId/userId must be filled";
    let of = |key: &str, value: Value| json!({ "contactListId": list, key: value });
    for (body, text) in [
        (json!({ "userId": "a" }), "Argument contactListId required"),
        (json!({ "contactListId": "", "userId": "a" }), "Argument contactListId must be a non-empty string"),
        (json!({ "contactListId": 5, "userId": "a" }), "Argument contactListId must be a non-empty string"),
        (json!({ "contactListId": "x", "userId": "a" }), "List with id x not found!"),
        (json!({ "contactListId": list }), none),
        (of("userId", json!("")), none),
        (of("email", json!(null)), none),
        (of("userId", json!(5)), "Argument userId must be a string"),
        (of("email", json!(["a"])), "Argument email must be a string"),
        (of("phoneNumber", json!(15555555)), "Argument phoneNumber must be a string"),
    ] {
        assert_eq!(server.refused(GET, &body).await, [text], "{body}");
    }
    for body in ["", "[1]", "{\"userId\":\"a\""] {
        let answer = server.post_bytes(GET, body).await;
        assert_eq!(
            (answer.status, answer.errors()),
            (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()])
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_contacts_are_found_in_the_order_in_which_they_are_asked_for() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([{ "contact": "a", "email": "A@example.com" }, { "contact": "b" }]);
    server.update(&list, true, contacts).await;
    let path = "/v3/contact/get-many";
    let asked = json!([{ "userId": "nobody" }, { "email": "a@example.com" }, { "userId": "b" },
        { "phoneNumber": "+15555555", "userId": "a" }, { "userId": "b" }]);
    let answer = server.ok(path, &json!({ "contactListId": list, "contacts": asked })).await;
    let found = answer["found"].as_array().expect("contacts");
    let told: Vec<_> =
        found.iter().map(|one| (one["position"].as_u64(), &one["contact"]["userId"])).collect();
    let [a, b] = ["a", "b"].map(|id| json!(id));
    assert_eq!(told, [(Some(1), &a), (Some(2), &b), (Some(3), &a), (Some(4), &b)]);
    assert_eq!(answer["missing"], json!([0]));
    assert_eq!(found[0]["contact"], server.contact(&list, "userId", "a").await);
    assert_ne!(found[0]["contactId"], found[1]["contactId"]);
    for (contacts, text) in [
        (json!([]), "add at least one valid contact to contacts field"),
        (json!("a"), "add at least one valid contact to contacts field"),
        (json!([{ "userId": "a" }, 1]), "add at least one valid contact to contacts field"),
        (json!([{}]), "email, phoneNumber or externalId/userId must be filled"),
        (
            json!(vec![json!({ "userId": "a" }); 101]),
            "Maximum count of records per transaction is 100, current 101",
        ),
    ] {
        let body = json!({ "contactListId": list, "contacts": contacts });
        assert_eq!(server.refused(path, &body).await, [text], "{body}");
    }
    server.stop().await;
}
