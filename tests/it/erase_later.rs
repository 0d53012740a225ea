//! What comes after an erase: nobody comes back by accident, and those who are told to come back do.

use serde_json::{Value, json};

use crate::erase::{erase, outcomes};
use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const WORDS: &str = "The person was erased, and the request was not told to bring them back";

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.ok(path, &body).await;
    server.processed(answer["requestId"].as_str().expect("an id")).await
}

/// An error of an item whose person was erased; `left` are the identifiers that are nobody's who was.
fn refused(position: usize, left: Value) -> Value {
    let mut contact = json!({ "id": null, "email": null, "phone": null, "userId": null });
    for (key, text) in left.as_object().expect("an object") {
        contact[key] = text.clone();
    }
    json!({ "position": position, "error": "CONTACT_ERASED", "contact": contact, "humanError": WORDS })
}

/// A list where Ada, known by all three identifiers, was erased, and Bob was not.
async fn erased() -> (Server, String) {
    let server = Server::start().await;
    let list = server.list().await;
    server
        .upsert(&list, json!({ "contact": "ada", "email": "ada@example.com", "phoneNumber": "+15555555" }))
        .await;
    server.upsert(&list, json!({ "contact": "bob", "firstName": "Bob" })).await;
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased"]);
    (server, list)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_before_is_applied_before_and_what_came_after_brings_nobody_back() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "bob", "firstName": "Bob" })).await;
    switch.set(Fault::ApplyWaits);
    let send = async |path: &str, body: Value| server.ok(path, &body).await["requestId"].clone();
    let update = |contacts: Value| json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let both = json!([{ "contact": "ada", "email": "ada@example.com" }, { "contact": "eve" }]);
    let before = send("/v3/contacts/update", update(both)).await;
    let erase = send("/v3/contact/erase", json!({ "userId": "ada" })).await;
    let again = json!([
        { "contact": "ADA@example.com", "userId": "new" },
        { "contact": "bob", "firstName": "Robert", "email": "ada@example.com" },
        { "contact": "bob", "lastName": "Jones" },
    ]);
    let after = send("/v3/contacts/update", update(again)).await;
    let queued = server.ok("/v3/request/find", &json!({ "ids": [erase] })).await;
    let queued = &queued["requests"][erase.as_str().expect("an id")];
    assert_eq!(
        (&queued["status"], &queued["results"]),
        (&json!("queued"), &json!({ "success": [], "errors": [] }))
    );
    switch.set(Fault::None);
    let processed = async |id: &Value| server.processed(id.as_str().expect("an id")).await;
    let after = processed(&after).await;
    let expected = [refused(0, json!({ "userId": "new" })), refused(1, json!({ "userId": "bob" }))];
    assert_eq!(after["results"]["errors"], json!(expected));
    assert_eq!(after["results"]["success"][0]["action"], "updated");
    assert_eq!(outcomes(&processed(&erase).await), ["erased"]);
    let before = processed(&before).await;
    assert_eq!(outcomes(&before), ["created", "created"]);
    assert_eq!(before["results"]["success"][0]["userId"], Value::Null);
    assert_eq!(before["results"]["success"][1]["userId"], "eve");
    let bob = server.contact(&list, "userId", "bob").await;
    assert_eq!(
        (&bob["firstName"], &bob["lastName"], &bob["email"]),
        (&json!("Bob"), &json!("Jones"), &Value::Null)
    );
    for (key, identifier) in [("userId", "ada"), ("email", "ada@example.com"), ("userId", "new")] {
        assert_eq!(server.contact(&list, key, identifier).await, Value::Null, "{identifier}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_identifier_of_the_person_is_refused_by_each_method() {
    let (server, list) = erased().await;
    let contacts = json!([{ "userId": "ada" }, { "userId": "new", "email": "Ada@Example.com" },
        { "userId": "new", "phoneNumber": "+15555555" }]);
    let added =
        post(&server, "/v3/contacts/add", json!({ "contactListId": list, "contacts": contacts })).await;
    let new = json!({ "userId": "new" });
    let expected = json!([refused(0, json!({})), refused(1, new.clone()), refused(2, new)]);
    assert_eq!(added["results"], json!({ "success": [], "errors": expected }));
    let contacts = json!([{ "contact": "ada" }, { "contact": "ada@example.com" }, { "contact": "+15555555" },
        { "contact": "bob", "phoneNumber": "+15555555" }]);
    let updated = server.update(&list, true, contacts.clone()).await;
    let expected: Vec<_> = (0..4)
        .map(|place| refused(place, if place == 3 { json!({ "userId": "bob" }) } else { json!({}) }))
        .collect();
    assert_eq!(updated["results"]["errors"], json!(expected));
    let body = json!({ "contactListId": list, "upsert": true, "dryRun": true, "contacts": contacts });
    let tried = server.ok("/v3/contacts/update", &body).await;
    assert_eq!(tried["results"]["errors"], json!(expected), "a dry run tells it too");
    // Who is not there is not found, and what was asked for is not kept.
    let updated = server.update(&list, false, json!([{ "contact": "ada@example.com" }])).await;
    let nobody = json!({ "id": null, "email": null, "phone": null, "userId": null });
    let error = &updated["results"]["errors"][0];
    assert_eq!((&error["error"], &error["contact"]), (&json!("CONTACT_NOT_FOUND"), &nobody));
    let removed = json!({ "contactListId": list, "userIds": ["ada"] });
    let removed = post(&server, "/v3/contacts/remove", removed).await;
    let error = &removed["results"]["errors"][0];
    assert_eq!((&error["error"], &error["contact"]), (&json!("CONTACT_NOT_FOUND"), &nobody));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_says_so_brings_the_person_back_for_good() {
    let (server, list) = erased().await;
    let update = |restore: Value, contact: Value| json!({ "contactListId": list, "upsert": true, "restoreErased": restore, "contacts": [contact] });
    for restore in [json!(false), Value::Null] {
        let refused =
            post(&server, "/v3/contacts/update", update(restore, json!({ "contact": "ada" }))).await;
        assert_eq!(outcomes(&refused), ["CONTACT_ERASED"]);
    }
    let back = json!({ "contact": "ada", "email": "ada@example.com" });
    let back = post(&server, "/v3/contacts/update", update(json!(true), back)).await;
    let done = &back["results"]["success"][0];
    assert_eq!((&done["action"], &done["email"]), (&json!("created"), &json!("ada@example.com")));
    let contact = server.contact(&list, "userId", "ada").await;
    assert_eq!(
        (&contact["phoneNumber"], &contact["firstName"]),
        (&Value::Null, &Value::Null),
        "as a new one"
    );
    // From now on like anybody; what was not brought back is still refused.
    assert_eq!(
        server.upsert(&list, json!({ "contact": "ada", "firstName": "A" })).await["action"],
        "updated"
    );
    let phone = json!({ "contact": "ada", "phoneNumber": "+15555555" });
    assert_eq!(server.upsert(&list, phone.clone()).await["error"], "CONTACT_ERASED");
    assert_eq!(
        outcomes(&post(&server, "/v3/contacts/update", update(json!(true), phone.clone())).await),
        ["updated"]
    );
    let remove = json!({ "contactListId": list, "userIds": ["ada"] });
    assert_eq!(outcomes(&post(&server, "/v3/contacts/remove", remove).await), ["removed"]);
    assert_eq!(server.upsert(&list, phone).await["action"], "created");
    // And may be erased again.
    assert_eq!(outcomes(&erase(&server, json!({ "userId": "ada" })).await), ["erased", "erased"]);
    assert_eq!(
        server.upsert(&list, json!({ "contact": "ada@example.com" })).await["error"],
        "CONTACT_ERASED"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_add_brings_people_back_too_and_only_where_it_does_something() {
    let (server, list) = erased().await;
    let taken = json!([{ "userId": "bob", "email": "ada@example.com" }]);
    let body = json!({ "contactListId": list, "restoreErased": true, "contacts": taken });
    assert_eq!(outcomes(&post(&server, "/v3/contacts/add", body).await), ["CONTACT_EXISTS"]);
    assert_eq!(
        server.upsert(&list, json!({ "contact": "ada@example.com" })).await["error"],
        "CONTACT_ERASED"
    );
    let tried = json!({ "contactListId": list, "restoreErased": true, "dryRun": true,
        "contacts": [{ "email": "ada@example.com" }] });
    assert_eq!(outcomes(&server.ok("/v3/contacts/add", &tried).await), ["created"]);
    assert_eq!(
        server.upsert(&list, json!({ "contact": "ada@example.com" })).await["error"],
        "CONTACT_ERASED"
    );
    let contacts = json!([{ "email": "ada@example.com" }, { "email": "ADA@example.com" }]);
    let body = json!({ "contactListId": list, "restoreErased": true, "contacts": contacts });
    assert_eq!(outcomes(&post(&server, "/v3/contacts/add", body).await), ["created", "CONTACT_EXISTS"]);
    assert_eq!(server.upsert(&list, json!({ "contact": "ada@example.com" })).await["action"], "unchanged");
    assert_eq!(server.upsert(&list, json!({ "contact": "ada" })).await["error"], "CONTACT_ERASED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_erased_is_true_or_false() {
    let server = Server::start().await;
    let list = server.list().await;
    for path in ["/v3/contacts/update", "/v3/contacts/add"] {
        let body = json!({ "contactListId": list, "restoreErased": "true", "contacts": [{ "contact": "a", "userId": "a" }] });
        assert_eq!(server.refused(path, &body).await, ["Argument restoreErased must be a true or false"]);
    }
    server.stop().await;
}
