//! `/v3/contacts/find`: every contact of a list, a page at a time.

use serde_json::{Value, json};

use crate::harness::Server;

const PATH: &str = "/v3/contacts/find";

/// Walks to the end of a list and returns the contacts and how many pages there were.
async fn walk(server: &Server, body: Value) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut body) = (Vec::new(), 0, body);
    loop {
        let answer = server.ok(PATH, &body).await;
        found.extend(answer["data"].as_array().expect("an array").clone());
        pages += 1;
        if answer["next"].is_null() {
            return (found, pages);
        }
        body["after"] = answer["next"].clone();
    }
}

fn user_ids(contacts: &[Value]) -> Vec<&str> {
    contacts.iter().map(|contact| contact["userId"].as_str().expect("a userId")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_contact_once_as_contact_get_shows_it() {
    let server = Server::start().await;
    let (list, other) = (server.list().await, server.list().await);
    let source = server.source(&json!({ "name": "Fair", "cac": { "value": 2, "currency": "USD" } })).await;
    let names: Vec<_> = (0..25).map(|number| format!("user{number:02}")).collect();
    for one in [&other, &list, &other] {
        let contacts: Vec<_> = names
            .iter()
            .map(|name| json!({ "contact": name, "firstName": name, "sourceId": source }))
            .collect();
        server.update(one, true, json!(contacts)).await;
    }
    for (limit, pages) in [(1, 25), (10, 3), (25, 1), (1_000, 1)] {
        let (found, count) = walk(&server, json!({ "contactListId": list, "limit": limit })).await;
        assert_eq!((user_ids(&found), count), (names.iter().map(String::as_str).collect(), pages));
        assert_eq!(found[7], server.contact(&list, "userId", "user07").await);
    }
    // A contact that goes leaves no hole, and a cursor that names it still works.
    let first = server.ok(PATH, &json!({ "contactListId": list, "limit": 3 })).await;
    let gone =
        server.ok("/v3/contacts/remove", &json!({ "contactListId": list, "userIds": ["user02"] })).await;
    server.processed(gone["requestId"].as_str().unwrap()).await;
    let body = json!({ "contactListId": list, "after": first["next"], "limit": 2 });
    assert_eq!(user_ids(server.ok(PATH, &body).await["data"].as_array().unwrap()), ["user03", "user04"]);
    let empty = json!({ "contactListId": server.list().await });
    let mut answer = server.ok(PATH, &empty).await;
    for key in ["requestId", "cursor"] {
        answer.as_object_mut().unwrap().remove(key).expect("a text");
    }
    assert_eq!(answer, json!({ "result": true, "data": [], "contactIds": [], "next": null, "errors": [] }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_narrowed_by_flags_source_time_and_name() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Fair" })).await;
    let contacts = json!([
        { "contact": "a", "name": "Ärger", "active": true, "emailSubscribe": true },
        { "contact": "b", "name": "ärmel", "active": true, "viberSubscribe": true, "sourceId": source },
        { "contact": "c", "name": "Bär", "sourceId": source },
    ]);
    server.update(&list, true, contacts).await;
    for (filter, expected) in [
        (json!({}), vec!["a", "b", "c"]),
        (json!({ "active": true }), vec!["a", "b"]),
        (json!({ "active": false }), vec!["c"]),
        (json!({ "active": null }), vec!["a", "b", "c"]),
        (json!({ "active": true, "emailSubscribe": false }), vec!["b"]),
        (json!({ "viberSubscribe": true }), vec!["b"]),
        (json!({ "sourceId": source }), vec!["b", "c"]),
        (json!({ "sourceId": source, "active": true }), vec!["b"]),
        (json!({ "sourceId": "nobody's" }), vec![]),
        (json!({ "sourceId": "000000000000000000000000" }), vec![]),
        (json!({ "sourceId": " " }), vec!["a", "b", "c"]),
        (json!({ "namePrefix": "är" }), vec!["a", "b"]),
        (json!({ "namePrefix": "ÄRM" }), vec!["b"]),
        (json!({ "namePrefix": "r" }), vec![]),
        (json!({ "updatedSince": "2020-01-01" }), vec!["a", "b", "c"]),
        (json!({ "updatedSince": "2999-01-01 00:00:00" }), vec![]),
    ] {
        for limit in [1, 2, 100] {
            let mut body = filter.clone();
            body["contactListId"] = json!(list);
            body["limit"] = json!(limit);
            assert_eq!(user_ids(&walk(&server, body).await.0), expected, "{filter} {limit}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_once() {
    let server = Server::start().await;
    let (list, other) = (server.list().await, server.list().await);
    server.update(&other, true, json!([{ "contact": "a" }, { "contact": "b" }])).await;
    let next = server.ok(PATH, &json!({ "contactListId": other, "limit": 1 })).await["next"].clone();
    let body = json!({
        "contactListId": list, "after": next, "limit": 1_001, "active": "yes", "sourceId": 1,
        "updatedSince": "yesterday", "namePrefix": {},
    });
    let expected = [
        "Argument after must be the next of an answer about this list",
        "Argument limit must be an integer from 1 to 1000",
        "Argument active can be true or false",
        "Argument sourceId must be a string",
        "Argument updatedSince must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date",
        "Argument namePrefix must be a string",
    ];
    assert_eq!(server.refused(PATH, &body).await, expected);
    let unknown = json!({ "contactListId": "nobody's" });
    assert_eq!(server.refused(PATH, &unknown).await, ["List with id nobody's not found!"]);
    assert_eq!(server.refused(PATH, &json!({})).await, ["Argument contactListId required"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_large_contacts_ends_early() {
    let server = Server::start().await;
    let list = server.list().await;
    let names: Vec<_> = ('a'..='z').map(|letter| format!("v{letter}")).collect();
    let variables: Vec<_> = names.iter().map(|name| json!({ "name": name, "type": "ENUM_STRING" })).collect();
    let added = json!({ "contactListId": list, "variables": variables });
    server.ok("/v3/contact-list/variables/add", &added).await;
    let value = "ö".repeat(10_000);
    let values: Vec<_> = names.iter().map(|name| json!({ "name": name, "value": value })).collect();
    for number in 10..22 {
        server.update(&list, true, json!([{ "contact": format!("{number}"), "variables": values }])).await;
    }
    let (found, pages) = walk(&server, json!({ "contactListId": list, "limit": 1_000 })).await;
    // Each takes a little over half a megabyte as stored.
    assert_eq!((found.len(), pages), (12, 2));
    server.stop().await;
}
