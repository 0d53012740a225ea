//! `POST /v3/contacts/add`: contacts are made, and no other is touched.

use serde_json::{Value, json};

use crate::harness::Server;

const ADD: &str = "/v3/contacts/add";

/// Sends contacts/add for these contacts, and returns the processed request object.
async fn add(server: &Server, list: &str, contacts: Value) -> Value {
    let answer = server.ok(ADD, &json!({ "contactListId": list, "contacts": contacts })).await;
    assert_eq!(answer.get("warnings"), None, "{answer}");
    server.processed(answer["requestId"].as_str().unwrap()).await
}

fn created(position: usize, request: &Value, identifiers: [Value; 3]) -> Value {
    let [email, phone, user_id] = identifiers;
    let done = request["results"]["success"].as_array().unwrap();
    let id = &done.iter().find(|done| done["position"] == position).expect("a success")["id"];
    json!({ "position": position, "action": "created", "id": id, "email": email, "phone": phone, "userId": user_id })
}

/// `field` is the identifier that the contact `holder` has.
fn exists(position: usize, [email, phone, user_id]: [Value; 3], field: &str, holder: &Value) -> Value {
    let id = holder.as_str().expect("an id");
    json!({ "position": position, "error": "CONTACT_EXISTS",
            "contact": { "id": null, "email": email, "phone": phone, "userId": user_id },
            "humanError": format!("A contact of the list has this {field} already: contact {id}"),
            "taken": { "field": field, "id": id } })
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_made_and_those_that_are_there_are_not_touched() {
    let server = Server::start().await;
    let list = server.list().await;
    let holder = server
        .upsert(&list, json!({ "contact": "old@example.com", "phoneNumber": "+15555551", "name": "Old" }))
        .await["id"]
        .clone();
    let request = add(
        &server,
        &list,
        json!([
            { "email": "new@example.com", "name": "New", "variables": [{ "name": "plan", "value": "gold" }] },
            { "email": "OLD@example.com", "name": "x" },
            { "userId": "two", "phoneNumber": "+15555551" },
            { "externalId": "three" },
            // An item sees what those before it have made.
            { "userId": "four", "email": "New@example.com" },
            { "phoneNumber": "+15555552" },
        ]),
    )
    .await;
    let (null, text) = (|| json!(null), |text: &str| json!(text));
    let new = request["results"]["success"][0]["id"].clone();
    let old = server.contact(&list, "email", "old@example.com").await;
    let made = server.contact(&list, "email", "new@example.com").await;
    let expected = json!({
        "id": request["id"], "source": "contacts/add", "status": "processed", "webHookUri": null,
        "createdAt": request["createdAt"], "updatedAt": request["updatedAt"],
        "results": {
            "success": [
                created(0, &request, [text("new@example.com"), null(), null()]),
                created(3, &request, [null(), null(), text("three")]),
                created(5, &request, [null(), text("+15555552"), null()]),
            ],
            "errors": [
                exists(1, [text("OLD@example.com"), null(), null()], "email", &holder),
                exists(2, [null(), text("+15555551"), text("two")], "phoneNumber", &holder),
                exists(4, [text("New@example.com"), null(), text("four")], "email", &new),
            ],
        },
        "webHook": { "status": "none", "attempts": 0 },
    });
    assert_eq!(request.to_string(), expected.to_string(), "in this order");

    assert_eq!(
        (&made["name"], &made["active"], &made["contactGender"]),
        (&json!("New"), &json!(false), &json!("0"))
    );
    assert_eq!(made["variables"][1], json!({ "name": "plan", "value": "gold" }));
    assert_eq!(old["name"], "Old");
    assert_eq!(server.contact(&list, "userId", "two").await, json!(null), "whole or not at all");
    assert_eq!(server.contact(&list, "userId", "four").await, json!(null));

    // Sent again it makes nothing.
    let again = add(&server, &list, json!([{ "email": "new@example.com", "name": "Newer" }])).await;
    let errors = json!([exists(0, [text("new@example.com"), null(), null()], "email", &new)]);
    assert_eq!(again["results"], json!({ "success": [], "errors": errors }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_is_not_looked_at_and_upsert_is_a_key_that_nobody_knows() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "taken" })).await;
    for (number, contact) in
        [json!("taken"), json!(5), json!(""), json!(null), json!({}), json!("a@b@c")].into_iter().enumerate()
    {
        let user_id = format!("user-{number}");
        let request = add(&server, &list, json!([{ "contact": contact, "userId": user_id }])).await;
        assert_eq!(request["results"]["success"][0]["action"], "created", "{contact}");
        let made = server.contact(&list, "userId", &user_id).await;
        assert_eq!((&made["email"], &made["phoneNumber"]), (&json!(null), &json!(null)), "{contact}");
    }
    let body = json!({ "contactListId": list, "upsert": "x", "contacts": [{ "userId": "five", "x": 1 }] });
    let answer = server.ok(ADD, &body).await;
    let unknown = |position: Value, field: &str| {
        json!({ "position": position, "field": field, "code": "UNKNOWN_FIELD",
                "message": format!("Argument {field} is unknown and was ignored") })
    };
    assert_eq!(answer["warnings"], json!([unknown(json!(null), "upsert"), unknown(json!(0), "x")]));
    server.processed(answer["requestId"].as_str().unwrap()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_needs_an_identifier() {
    let server = Server::start().await;
    let list = server.list().await;
    let text = |position: usize| {
        format!("email, phoneNumber or externalId/userId must be filled at contact position {position}")
    };
    for contact in [
        json!({}),
        json!({ "contact": "user@example.com" }),
        json!({ "name": "Jo", "email": null, "userId": null }),
        json!({ "email": "", "phoneNumber": " ", "userId": "" }),
        json!({ "email": "" }),
    ] {
        let body = json!({ "contactListId": list, "contacts": [{ "userId": "good" }, contact] });
        let answer = server.post(ADD, &body).await;
        let details =
            json!([{ "position": 1, "field": null, "code": "IDENTIFIER_REQUIRED", "message": text(1) }]);
        let expected =
            json!({ "result": false, "requestId": "<id>", "errors": [text(1)], "details": details });
        assert_eq!((answer.status.as_u16(), answer.normal()), (400, expected), "{contact}");
    }
    // It is told beside what else is wrong; one that is refused was not left out.
    let body = json!({ "contactListId": list, "contacts": [
        { "name": 5 }, { "email": "x" }, { "email": "x", "phoneNumber": "" }, { "userId": 5, "name": 5 },
    ] });
    let email = || "invalid RFC2822 email x at email field".to_owned();
    let name = || "Argument name must be a string".to_owned();
    let user_id = "Argument userId must be a string".to_owned();
    assert_eq!(server.refused(ADD, &body).await, [name(), text(0), email(), email(), name(), user_id]);
    assert_eq!(
        server.contact(&list, "userId", "good").await,
        json!(null),
        "nothing of a refused request is kept"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_the_top_is_told_in_the_words_of_contacts_update() {
    let server = Server::start().await;
    let list = server.list().await;
    let many: Vec<_> = (0..101).map(|number| json!({ "userId": number.to_string() })).collect();
    let valid = json!([{ "userId": "a" }]);
    let cases = [
        (json!({}), vec!["Argument contactListId required", "Argument contacts required"]),
        (
            json!({ "contactListId": list, "webHookUri": "x", "dryRun": 1, "restoreErased": "true", "contacts": valid }),
            vec![
                "Argument webHookUri must be a valid URI",
                "Argument dryRun must be a true or false",
                "Argument restoreErased must be a true or false",
            ],
        ),
        (
            json!({ "contactListId": list, "contacts": [] }),
            vec!["add at least one valid contact to contacts field"],
        ),
        (
            json!({ "contactListId": list, "contacts": [null] }),
            vec!["add at least one valid contact to contacts field"],
        ),
        (
            json!({ "contactListId": list, "contacts": many }),
            vec!["Maximum count of records per transaction is 100, current 101"],
        ),
        (
            json!({ "contactListId": "5d9155bad132d5f45a4e38b1", "contacts": valid }),
            vec!["List with id 5d9155bad132d5f45a4e38b1 not found!"],
        ),
    ];
    for (body, texts) in cases {
        assert_eq!(server.refused(ADD, &body).await, texts, "{body}");
    }
    let answer = server.post_bytes(ADD, "{").await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec!["Bad Request".to_owned()]));
    let request = add(&server, &list, json!(many[..100])).await;
    assert_eq!(request["results"]["success"].as_array().unwrap().len(), 100);
    server.stop().await;
}
