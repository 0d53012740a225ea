//! `POST /v3/contacts/remove`: by e-mail addresses, phone numbers and userIds.

use serde_json::{Value, json};

use crate::harness::Server;

const REMOVE: &str = "/v3/contacts/remove";

/// Sends contacts/remove with these keys beside the list, and returns the processed request object.
async fn remove(server: &Server, list: &str, mut body: Value) -> Value {
    body["contactListId"] = json!(list);
    let answer = server.ok(REMOVE, &body).await;
    let id = answer["requestId"].as_str().unwrap();
    assert_eq!(answer, json!({ "result": true, "requestId": id, "errors": [] }));
    server.processed(id).await
}

fn removed(position: usize, id: &Value, [email, phone, user_id]: [Option<&str>; 3]) -> Value {
    json!({ "position": position, "action": "removed", "id": id, "email": email, "phone": phone, "userId": user_id })
}

fn not_found(position: usize, [email, phone, user_id]: [Option<&str>; 3]) -> Value {
    json!({ "position": position, "error": "CONTACT_NOT_FOUND",
            "contact": { "id": null, "email": email, "phone": phone, "userId": user_id },
            "humanError": "No contact of the list has this userId, email or phoneNumber" })
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_removed_by_each_identifier_and_told_with_those_that_they_had() {
    let server = Server::start().await;
    let list = server.list().await;
    let contacts = json!([
        { "contact": "One", "email": "one@example.com" },
        { "contact": "+15555552", "userId": "two" },
        { "contact": "three", "email": "three@example.com", "phoneNumber": "+15555553" },
        { "contact": "four" },
        // Whoever removes says which kind of identifier it is.
        { "contact": "x", "userId": "five@example.com" },
    ]);
    let made = server.update(&list, true, contacts).await;
    let id = |position: usize| &made["results"]["success"][position]["id"];
    let request = remove(
        &server,
        &list,
        json!({
            "userIds": ["one", "One", "three", "nobody"],
            "phoneNumbers": ["+15555552", "+15555552"],
            "emails": ["ONE@example.com", "five@example.com", "three@example.com", ""],
        }),
    )
    .await;
    let expected = json!({
        "id": request["id"], "source": "contacts/remove", "status": "processed", "webHookUri": null,
        "createdAt": request["createdAt"], "updatedAt": request["updatedAt"],
        "results": {
            "success": [
                removed(0, id(0), [Some("one@example.com"), None, Some("One")]),
                removed(2, id(2), [Some("three@example.com"), Some("+15555553"), Some("three")]),
                removed(4, id(1), [None, Some("+15555552"), Some("two")]),
            ],
            "errors": [
                not_found(1, [Some("five@example.com"), None, None]),
                not_found(3, [None, None, None]),
                // The same again, and others of the same person: they are gone already.
                not_found(5, [None, Some("+15555552"), None]),
                not_found(6, [None, None, Some("one")]),
                not_found(7, [None, None, Some("One")]),
                not_found(8, [None, None, Some("three")]),
                not_found(9, [None, None, Some("nobody")]),
            ],
        },
        "webHook": { "status": "none", "attempts": 0 },
    });
    assert_eq!(
        request.to_string(),
        expected.to_string(),
        "emails, phoneNumbers, userIds, whatever their order"
    );
    for (key, identifier) in [
        ("userId", "One"),
        ("email", "one@example.com"),
        ("phoneNumber", "+15555552"),
        ("userId", "two"),
        ("userId", "three"),
    ] {
        assert_eq!(server.contact(&list, key, identifier).await, json!(null), "{identifier}");
    }
    assert!(server.contact(&list, "userId", "four").await.is_object());
    assert!(server.contact(&list, "userId", "five@example.com").await.is_object());
    // What is told of earlier requests stays, and the identifiers are free for somebody new.
    assert_eq!(server.processed(made["id"].as_str().unwrap()).await["results"], made["results"]);
    let new = server.upsert(&list, json!({ "contact": "one@example.com", "userId": "two" })).await;
    assert_eq!(new["action"], "created");
    assert!((0..5).all(|old| *id(old) != new["id"]), "an id is never given twice");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_has_its_text() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let nobody = "add at least one email, phoneNumber or userId to emails, phoneNumbers or userIds field";
    let detail = |field: Option<&str>, code: &str, text: &str| json!({ "position": null, "field": field, "code": code, "message": text });
    let kinds = [("emails", "email"), ("phoneNumbers", "phoneNumber"), ("userIds", "userId")];
    let mut cases = vec![
        (json!({}), vec![detail(None, "IDENTIFIER_REQUIRED", nobody)]),
        (json!({ "emails": [], "userIds": null }), vec![detail(None, "IDENTIFIER_REQUIRED", nobody)]),
    ];
    for (plural, single) in kinds {
        for value in [json!("a"), json!({ "0": "a" }), json!(0), json!(true), json!("")] {
            let text = format!("Argument {plural} must be a list of {plural}");
            cases.push((json!({ plural: value }), vec![detail(Some(plural), "NOT_A_LIST", &text)]));
        }
        for entry in [json!(null), json!(5), json!(["a"]), json!({}), json!(false), json!("a\u{0}")] {
            let text = format!("Each {single} must be a string");
            let body = json!({ plural: ["a", entry, entry] });
            cases.push((body, vec![detail(Some(plural), "NOT_A_STRING", &text)]));
        }
    }
    let not_a_list = detail(Some("emails"), "NOT_A_LIST", "Argument emails must be a list of emails");
    let number = detail(Some("phoneNumbers"), "NOT_A_STRING", "Each phoneNumber must be a string");
    cases.push((
        json!({ "userIds": ["a"], "phoneNumbers": [1], "emails": "x" }),
        vec![not_a_list.clone(), number],
    ));
    let many = |count: usize| vec![json!("a"); count];
    let too_many = |count: usize| {
        let text = format!("Maximum count of records per transaction is 100, current {count}");
        detail(None, "TOO_MANY_RECORDS", &text)
    };
    cases.push((json!({ "userIds": many(101) }), vec![too_many(101)]));
    // All three are counted together, and entries beyond the count are not looked at.
    cases
        .push((json!({ "emails": many(50), "phoneNumbers": [1], "userIds": many(50) }), vec![too_many(101)]));
    cases.push((json!({ "emails": "x", "userIds": many(101) }), vec![not_a_list, too_many(101)]));
    let hook = detail(Some("webHookUri"), "INVALID_WEBHOOK_URI", "Argument webHookUri must be a valid URI");
    let dry = detail(Some("dryRun"), "NOT_A_BOOLEAN", "Argument dryRun must be a true or false");
    let none = detail(None, "IDENTIFIER_REQUIRED", nobody);
    cases.push((json!({ "dryRun": "x", "webHookUri": "x" }), vec![hook, dry, none]));
    for (mut body, details) in cases {
        body["contactListId"] = json!(list);
        let answer = server.post(REMOVE, &body).await;
        let texts: Vec<_> = details.iter().map(|detail| detail["message"].clone()).collect();
        let expected = json!({ "result": false, "requestId": "<id>", "errors": texts, "details": details });
        assert_eq!((answer.status.as_u16(), answer.normal()), (400, expected), "{body}");
    }
    for (body, text) in [
        (json!({ "userIds": ["a"] }), "Argument contactListId required"),
        (
            json!({ "contactListId": "", "userIds": ["a"] }),
            "Argument contactListId must be a non-empty string",
        ),
        (json!({ "contactListId": "x", "userIds": ["a"] }), "List with id x not found!"),
    ] {
        assert_eq!(server.refused(REMOVE, &body).await, [text], "{body}");
    }
    assert!(server.contact(&list, "userId", "a").await.is_object(), "nothing of a refused request is done");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_go_in_one_request() {
    let server = Server::start().await;
    let list = server.list().await;
    let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
    let contacts = names.iter().map(|name| json!({ "contact": name })).collect();
    server.update(&list, true, contacts).await;
    let request = remove(&server, &list, json!({ "userIds": names })).await;
    let done = request["results"]["success"].as_array().unwrap();
    assert_eq!(done.len(), 100);
    for (position, (done, name)) in done.iter().zip(&names).enumerate() {
        assert_eq!(*done, removed(position, &done["id"], [None, None, Some(name)]));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_trimmed_and_unknown_ones_are_told() {
    let server = Server::start().await;
    let list = server.list().await;
    let body =
        json!({ " contactListId ": list, "userIds ": ["a"], "emails": null, "email": "a", "contacts": [] });
    let answer = server.ok(REMOVE, &body).await;
    let unknown = |field: &str| {
        json!({ "position": null, "field": field, "code": "UNKNOWN_FIELD",
                "message": format!("Argument {field} is unknown and was ignored") })
    };
    let mut warnings = answer["warnings"].as_array().unwrap().clone();
    warnings.sort_by_key(|warning| warning["field"].to_string());
    assert_eq!(warnings, [unknown("contacts"), unknown("email")]);
    let request = server.processed(answer["requestId"].as_str().unwrap()).await;
    assert_eq!(request["results"]["errors"], json!([not_found(0, [None, None, Some("a")])]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_s_contacts_and_lists_are_out_of_reach() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let other = server.bearer("Other").await;
    let body = json!({ "contactListId": list, "userIds": ["a"] });
    let answer = server.post_as(&other.token, REMOVE, &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.errors()),
        (400, vec![format!("List with id {list} not found!")])
    );
    // Another list of the same account is another world too.
    let second = server.list().await;
    let request = remove(&server, &second, json!({ "userIds": ["a"] })).await;
    assert_eq!(request["results"]["errors"], json!([not_found(0, [None, None, Some("a")])]));
    assert!(server.contact(&list, "userId", "a").await.is_object());
    server.stop().await;
}
