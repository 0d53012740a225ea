//! `contactBy`: whoever means a certain contact hits no other.

use serde_json::{Value, json};

use crate::harness::Server;

/// A list in which the userIds of two contacts read as the e-mail address and the number of a third.
async fn server() -> (Server, String) {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([
        { "contact": "one", "email": "user@example.com", "phoneNumber": "+15555551" },
        { "contact": "two", "userId": "user@example.com" },
        { "contact": "three", "userId": "+15555551" },
    ]);
    server.update(&list, true, contacts).await;
    (server, list)
}

fn body(list: &str, by: &Value, contact: &str, name: &str) -> Value {
    json!({ "contactListId": list, "contactBy": by, "contacts": [{ "contact": contact, "name": name }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_looked_up_as_what_the_caller_says_and_as_nothing_else() {
    let (server, list) = server().await;
    let cases = [
        ("email", "user@example.com", Some("one")),
        ("userId", "user@example.com", Some("user@example.com")),
        ("phoneNumber", "+15555551", Some("one")),
        ("userId", "+15555551", Some("+15555551")),
        ("email", "USER@EXAMPLE.COM", Some("one")),
        ("email", "nobody@example.com", None),
        ("phoneNumber", "+15555552", None),
        ("userId", "nobody", None),
    ];
    for (by, contact, user_id) in cases {
        let accepted = server.ok("/v3/contacts/update", &body(&list, &json!(by), contact, by)).await;
        assert_eq!(accepted.get("warnings"), None, "{accepted}");
        let request = server.processed(accepted["requestId"].as_str().expect("an id")).await;
        assert_eq!(request["source"], "contacts/update");
        let results = &request["results"];
        match user_id {
            Some(user_id) => {
                assert_eq!(results["success"][0]["userId"], user_id, "{by} {contact}: {results}")
            }
            None => {
                assert_eq!(results["errors"][0]["error"], "CONTACT_NOT_FOUND", "{by} {contact}: {results}")
            }
        }
    }
}

/// The ids of the contacts of a list, by their userIds.
async fn ids(server: &Server, list: &str) -> Vec<String> {
    let found = server.ok("/v3/contacts/find", &json!({ "contactListId": list, "limit": 100 })).await;
    let ids = found["contactIds"].as_array().expect("ids");
    ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_found_by_its_id_and_may_change_every_identifier() {
    let (server, list) = server().await;
    let ids = ids(&server, &list).await;
    let by_id =
        |contacts: Value| json!({ "contactListId": list, "contactBy": "contactId", "contacts": contacts });
    let other = server.list().await;
    let contacts = json!([
        { "contact": ids[0], "userId": "first", "email": "new@example.com" },
        { "contact": ids[0], "name": "Ann" },
        { "contact": ids[1], "userId": "one" },
        { "contact": ids[2], "userId": "first" },
        { "contact": other, "name": "Nobody" },
    ]);
    let dry = by_id(contacts.clone());
    let mut dry_run = dry.clone();
    dry_run["dryRun"] = json!(true);
    let tried = server.ok("/v3/contacts/update", &dry_run).await["results"].clone();
    let accepted = server.ok("/v3/contacts/update", &dry).await;
    let request = server.processed(accepted["requestId"].as_str().expect("an id")).await;
    let results = &request["results"];
    let done: Vec<_> =
        results["success"].as_array().expect("an array").iter().map(|it| it["position"].clone()).collect();
    assert_eq!(done, [0, 1, 2], "{results}");
    let failed: Vec<_> =
        results["errors"].as_array().expect("an array").iter().map(|it| it["error"].clone()).collect();
    assert_eq!(failed, ["IDENTIFIER_TAKEN", "CONTACT_NOT_FOUND"], "{results}");
    assert_eq!(
        results["errors"][1].get("userId").unwrap_or(&Value::Null),
        &Value::Null,
        "a number is no userId"
    );
    assert_eq!(tried["success"].as_array().map(Vec::len), Some(3), "{tried}");
    let first = server.contact(&list, "userId", "first").await;
    assert_eq!((&first["name"], &first["email"]), (&json!("Ann"), &json!("new@example.com")));
    // A contact that was removed is not brought back.
    let removed =
        server.ok("/v3/contacts/remove", &json!({ "contactListId": list, "userIds": ["first"] })).await;
    server.processed(removed["requestId"].as_str().expect("an id")).await;
    let accepted =
        server.ok("/v3/contacts/update", &by_id(json!([{ "contact": ids[0], "name": "Back" }]))).await;
    let request = server.processed(accepted["requestId"].as_str().expect("an id")).await;
    assert_eq!(request["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND");
    let mut upsert = by_id(json!([{ "contact": ids[1] }]));
    upsert["upsert"] = json!(true);
    assert_eq!(
        server.refused("/v3/contacts/update", &upsert).await,
        ["Argument upsert must be false where contactBy is contactId"]
    );
    assert_eq!(
        server.refused("/v3/contacts/update", &by_id(json!([{ "contact": "user@example.com" }]))).await,
        ["Argument contact must be a valid contactId where contactBy is contactId"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_made_gets_the_identifier_that_the_caller_names() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": true, "contactBy": "userId",
        "contacts": [{ "contact": "user@example.com", "name": "Jo" }] });
    for action in ["created", "unchanged"] {
        let accepted = server.ok("/v3/contacts/update", &body).await;
        let request = server.processed(accepted["requestId"].as_str().expect("an id")).await;
        let done = &request["results"]["success"][0];
        assert_eq!((&done["action"], &done["userId"]), (&json!(action), &json!("user@example.com")));
        assert_eq!(done["email"], json!(null));
    }
    let tried = json!({ "contactListId": list, "contactBy": "email", "dryRun": true,
        "contacts": [{ "contact": "user@example.com", "name": "Al" }] });
    let tried = server.ok("/v3/contacts/update", &tried).await;
    assert_eq!(tried["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND", "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_identifier_or_has_not_its_form_is_refused() {
    let (server, list) = server().await;
    let none = "Argument contactBy must be userId, email, phoneNumber or contactId";
    for by in [json!("phone"), json!("Email"), json!(""), json!(1), json!(["email"]), json!(true)] {
        assert_eq!(
            server.refused("/v3/contacts/update", &body(&list, &by, "one", "x")).await,
            [none],
            "{by}"
        );
    }
    for (by, contact) in [
        ("email", "one"),
        ("email", "+15555551"),
        ("email", " "),
        ("phoneNumber", "user@example.com"),
        ("phoneNumber", "15555551"),
        ("userId", "  "),
        ("userId", "a\u{7}b"),
    ] {
        let told = server.refused("/v3/contacts/update", &body(&list, &json!(by), contact, "x")).await;
        assert_eq!(
            told,
            [format!("Argument contact must be a valid {by} where contactBy is {by}")],
            "{contact:?}"
        );
    }
    // Null is absence, as everywhere.
    server.ok("/v3/contacts/update", &body(&list, &json!(null), "one", "x")).await;
}
