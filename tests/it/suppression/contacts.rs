//! What a suppression means for contacts, and for whom it is.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_suppressed_contact_stays_a_contact_and_shows_why() {
    let server = Server::start().await;
    let list = server.list().await;
    for contact in [
        json!({ "contact": "ada@example.com", "phoneNumber": "+15555551", "userId": "ada" }),
        json!({ "contact": "bob@example.com", "phoneNumber": "+15555552", "userId": "bob" }),
        json!({ "contact": "eve", "emailSubscribe": true }),
    ] {
        server.upsert(&list, contact).await;
    }
    suppress(&server, "ADA@example.com", "hard").await;
    suppress(&server, "ada@example.com", "complaint").await;
    suppress_phone(&server, "+15555552", "import").await;
    let ada = server.contact(&list, "userId", "ada").await;
    let created = ada["suppressed"][0]["createdAt"].clone();
    assert!(created.as_str().and_then(Timestamp::parse).is_some(), "{ada}");
    let shown = |channel: &str, reason: &str, created: &Value| json!({ "channel": channel, "reason": reason, "createdAt": created, "expireAt": null });
    let complained = ada["suppressed"][1]["createdAt"].clone();
    assert_eq!(
        ada["suppressed"],
        json!([shown("email", "hard", &created), shown("email", "complaint", &complained)])
    );
    let bob = server.contact(&list, "userId", "bob").await;
    assert_eq!(bob["suppressed"][0]["channel"], "phoneNumber");
    // A client that compares a contact as a whole sees nothing new where nothing is suppressed.
    let eve = server.contact(&list, "userId", "eve").await;
    assert_eq!(eve.get("suppressed"), None, "{eve}");

    let ids = |answer: &Value| {
        let rows = answer["data"].as_array().expect("rows");
        rows.iter().map(|row| row["userId"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let find = |keys: Value| {
        let (server, mut body) = (&server, keys);
        body["contactListId"] = json!(list);
        async move { server.ok("/v3/contacts/find", &body).await }
    };
    let all = find(json!({})).await;
    assert_eq!(ids(&all), ["ada", "bob", "eve"]);
    assert_eq!(all["data"][0]["suppressed"], ada["suppressed"]);
    assert_eq!(all["data"][2].get("suppressed"), None);
    let feed = json!({ "contactListId": list, "after": "start", "include": "contact" });
    let feed = server.ok("/v3/contacts/changes", &feed).await;
    assert_eq!(feed["changes"][0]["contact"]["suppressed"], ada["suppressed"]);
    assert_eq!(feed["changes"][2]["contact"].get("suppressed"), None);
    assert_eq!(ids(&find(json!({ "suppressed": true })).await), ["ada", "bob"]);
    assert_eq!(ids(&find(json!({ "suppressed": false })).await), ["eve"]);
    assert_eq!(ids(&find(json!({ "suppressed": true, "limit": 1 })).await), ["ada"]);
    let body = json!({ "contactListId": list, "suppressed": "yes" });
    assert_eq!(
        server.refused("/v3/contacts/find", &body).await,
        ["Argument suppressed must be a true or false"]
    );
    // Updates and removals do not ask whether an address is suppressed.
    let changed = server.upsert(&list, json!({ "contact": "ada@example.com", "firstName": "Ada" })).await;
    assert_eq!(changed["action"], "updated");
    server.ok(REMOVE, &json!({ "email": "ada@example.com" })).await;
    assert_eq!(server.contact(&list, "userId", "ada").await.get("suppressed"), None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppression_outlives_its_contact_its_list_and_its_person() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada@example.com", "phoneNumber": "+15555551" })).await;
    server.upsert(&list, json!({ "contact": "bob@example.com" })).await;
    suppress(&server, "Ada@Example.com", "complaint").await;
    suppress_phone(&server, "+15555551", "unsubscribe").await;
    suppress(&server, "bob@example.com", "hard").await;
    let removed = json!({ "contactListId": list, "emails": ["bob@example.com"] });
    let answer = server.ok("/v3/contacts/remove", &removed).await;
    server.processed(answer["requestId"].as_str().expect("an id")).await;
    erase(&server, json!({ "email": "ada@example.com" })).await;

    let export = json!({ "email": "bob@example.com" });
    let exported = server.ok("/v3/contact/export", &export).await;
    assert_eq!(exported["suppressed"][0]["reason"], "hard", "{exported}");
    // By the address, the erased person is still known as suppressed; without it, the address is in no answer.
    let by_address = found(&server, FIND, json!({ "email": "ADA@example.com" })).await;
    assert_eq!(
        by_address["data"],
        json!([{ "email": "ADA@example.com", "type": "complaint", "expireAt": null }])
    );
    let by_number = found(&server, FIND_PHONE, json!({ "phoneNumber": "+15555551" })).await;
    assert_eq!(by_number["data"], json!([{ "phoneNumber": "+15555551", "rejectType": "unsubscribe" }]));
    let all = server.post(FIND, &json!({})).await.text() + &server.post(LIST, &json!({})).await.text();
    assert!(!all.to_lowercase().contains("ada@") && !all.contains("+15555551"), "{all}");
    assert!(all.contains(r#""email":null"#) && all.contains("bob@example.com"), "{all}");
    // Who comes back is suppressed.
    let back = json!({ "contactListId": list, "upsert": true, "restoreErased": true,
        "contacts": [{ "contact": "ada@example.com" }] });
    let answer = server.ok("/v3/contacts/update", &back).await;
    server.processed(answer["requestId"].as_str().expect("an id")).await;
    let ada = server.contact(&list, "email", "ada@example.com").await;
    assert_eq!(ada["suppressed"][0]["reason"], "complaint", "{ada}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suppression_is_of_the_account_and_needs_the_rights_for_it() {
    let server = Server::start().await;
    let list = server.list().await;
    suppress(&server, "user@example.com", "hard").await;
    let them = server.bearer("Them").await;
    let theirs = server.post_as(&them.token, FIND, &json!({})).await;
    assert_eq!(theirs.json()["totalCount"], 0);
    let removed = server.post_as(&them.token, REMOVE, &json!({ "email": "user@example.com" })).await;
    assert_eq!(removed.status, StatusCode::OK);
    assert_eq!(found(&server, FIND, json!({})).await["totalCount"], 1);
    let reads = token(&server, true, None).await;
    assert_eq!(server.post_as(&reads, FIND, &json!({})).await.status, StatusCode::OK);
    let one = json!({ "records": [{ "email": "a@example.com", "rejectType": "hard" }] });
    for (path, body) in [(ADD, &one), (REMOVE, &json!({ "email": "user@example.com" }))] {
        let answer = server.post_as(&reads, path, body).await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (StatusCode::FORBIDDEN, vec!["TOKEN_READ_ONLY".to_owned()])
        );
    }
    let limited = token(&server, false, Some(&[&list])).await;
    for path in [ADD, FIND, REMOVE, LIST, ADD_PHONE, FIND_PHONE, REMOVE_PHONE] {
        let answer = server.post_as(&limited, path, &one).await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (StatusCode::FORBIDDEN, vec!["TOKEN_LIMITED".to_owned()]),
            "{path}"
        );
    }
    server.stop().await;
}
