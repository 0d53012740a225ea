//! What an undo leaves as it is, and why.

use serde_json::{Value, json};

use crate::past::{Past, gist, undone};

/// What became of the contacts of an undo, in short.
async fn gists(past: &Past, request: &Value) -> Vec<Value> {
    past.undone(request).await.iter().map(gist).collect()
}

fn first(request: &Value) -> &Value {
    &request["results"]["success"][0]
}

fn nobody(id: &Value) -> Value {
    json!({ "id": id, "email": null, "phone": null, "userId": null })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_that_was_taken_since_stays_where_it_is() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "email": "shared@example.com", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "2" }])).await;
    past.upsert(json!([{ "contact": "b", "email": "Shared@Example.com" }])).await;
    let expected = undone(0, "updated", first(&update), &["name"], &[("email", "IDENTIFIER_TAKEN")]);
    assert_eq!(past.undone(&update).await, [expected]);
    assert_eq!(past.fields("a", &["email", "name"]).await, json!(["a@example.com", "1"]));
    assert_eq!(past.fields("b", &["email"]).await, json!(["Shared@Example.com"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_and_added_again_by_others_is_two_people_now() {
    let past = Past::open().await;
    past.upsert(
        json!([{ "contact": "a", "email": "a@example.com", "name": "1" }, { "contact": "b", "name": "1" }]),
    )
    .await;
    let removed = past.remove(&["a", "b"]).await;
    past.upsert(json!([{ "contact": "a@example.com", "name": "new" }, { "contact": "b", "name": "new" }]))
        .await;
    let taken = json!(["email", "IDENTIFIER_TAKEN"]);
    let required = json!(["name", "IDENTIFIER_REQUIRED"]);
    let expected = [
        json!(["created", ["userId", "name"], [taken]]),
        json!(["unchanged", [], [["userId", "IDENTIFIER_TAKEN"], required]]),
    ];
    let undo = past.undone(&removed).await;
    assert_eq!(undo.iter().map(gist).collect::<Vec<_>>(), expected);
    assert_eq!(undo[1]["userId"], Value::Null, "of one that did not come back nothing is shown");
    assert_eq!(past.fields("a", &["email", "name"]).await, json!([null, "1"]));
    assert_eq!(past.server.contact(&past.list, "email", "a@example.com").await["name"], "new");
    assert_eq!(past.fields("b", &["name"]).await, json!(["new"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_keeps_an_identifier() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "2" }])).await;
    past.upsert(json!([{ "contact": "a", "userId": "" }])).await;
    let contact =
        json!({ "id": first(&update)["id"], "email": "a@example.com", "phone": null, "userId": null });
    let expected = undone(0, "updated", &contact, &["name"], &[("email", "IDENTIFIER_REQUIRED")]);
    assert_eq!(past.undone(&update).await, [expected]);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_and_sources_that_are_gone_do_not_come_back() {
    let past = Past::open().await;
    let source = past.server.source(&json!({ "name": "Shop" })).await;
    let full = json!({ "contact": "a", "name": "1", "sourceId": source,
        "variables": [{ "name": "plan", "value": "gold" }, { "name": "since", "value": "2020-01-01" }] });
    past.upsert(json!([full])).await;
    let update = past
        .upsert(json!([{ "contact": "a", "name": "2", "sourceId": "", "variables": [
            { "name": "plan", "value": "x" }, { "name": "since", "value": "" } ] }]))
        .await;
    let removed = past.remove(&["a"]).await;
    past.server.ok("/v3/contact-source/remove", &json!({ "ids": [source] })).await;
    let gone = json!({ "contactListId": past.list, "names": ["plan"] });
    past.server.ok("/v3/contact-list/variables/remove", &gone).await;
    let plan = json!(["variables.#1", "VARIABLE_NOT_FOUND"]);
    let back = gists(&past, &removed).await;
    // The values of the variable may have left the history of the contact by then, and with them that it had one.
    let without = json!(["created", ["userId", "name"], []]);
    assert!(back == [json!(["created", ["userId", "name"], [plan]])] || back == [without], "{back:?}");
    let kept = json!([["sourceId", "SOURCE_NOT_FOUND"], plan]);
    assert_eq!(gists(&past, &update).await, [json!(["updated", ["name", "variables.since"], kept])]);
    let shown = past.fields("a", &["name", "sourceId"]).await;
    assert_eq!(shown, json!(["1", null]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_since_is_not_there_to_be_changed_back() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "name": "2", "lastName": "x" }])).await;
    let made = past.upsert(json!([{ "contact": "b" }])).await;
    let removed = past.remove(&["a", "b"]).await;
    let kept = [("name", "CONTACT_NOT_FOUND"), ("lastName", "CONTACT_NOT_FOUND")];
    let expected = undone(0, "unchanged", &nobody(&first(&update)["id"]), &[], &kept);
    assert_eq!(past.undone(&update).await, [expected]);
    let expected = undone(0, "unchanged", &nobody(&first(&made)["id"]), &[], &[]);
    assert_eq!(past.undone(&made).await, [expected], "gone is what it was");
    past.undone(&removed).await;
    let expected = undone(0, "updated", first(&update), &["name", "lastName"], &[]);
    assert_eq!(past.undone(&update).await, [expected], "a removal and its undoing have changed nothing");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_back_and_was_removed_once_more_stays_away() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let removed = past.remove(&["a"]).await;
    past.undone(&removed).await;
    past.upsert(json!([{ "contact": "a", "name": "2" }])).await;
    let again = past.remove(&["a"]).await;
    let kept = [("userId", "CHANGED_SINCE"), ("name", "CHANGED_SINCE")];
    let expected = undone(0, "unchanged", &nobody(&first(&removed)["id"]), &[], &kept);
    assert_eq!(past.undone(&removed).await, [expected], "that was somebody else's doing");
    assert_eq!(past.contact("a").await, Value::Null);
    past.undone(&again).await;
    assert_eq!(past.fields("a", &["name"]).await, json!(["2"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_is_undone_also_after_the_contact_went_and_came_back() {
    let past = Past::open().await;
    let made = past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let removed = past.remove(&["a"]).await;
    past.undone(&removed).await;
    assert_eq!(gists(&past, &made).await, [json!(["removed", ["userId", "name"], []])]);

    let made = past.upsert(json!([{ "contact": "b", "name": "1", "email": "b@example.com" }])).await;
    let removed = past.remove(&["b"]).await;
    past.upsert(json!([{ "contact": "taker", "email": "b@example.com" }])).await;
    past.undone(&removed).await;
    let kept = json!([["userId", "IDENTIFIER_REQUIRED"], ["email", "CHANGED_SINCE"]]);
    let expected = json!(["updated", ["name"], kept]);
    assert_eq!(gists(&past, &made).await, [expected], "it has come back without its address");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_does_not_come_back() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "b", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "name": "2" }, { "contact": "b", "name": "2" }])).await;
    let removed = past.remove(&["b"]).await;
    for user_id in ["a", "b"] {
        past.done("/v3/contact/erase", &json!({ "userId": user_id })).await;
    }
    let gone = |position: usize| {
        json!({ "position": position, "error": "CONTACT_ERASED",
            "contact": { "id": null, "email": null, "phone": null, "userId": null },
            "humanError": "The person was erased, and the request was not told to bring them back" })
    };
    let undo = past.undo(&update).await;
    assert_eq!(undo["results"], json!({ "success": [], "errors": [gone(0), gone(1)] }));
    let undo = past.undo(&removed).await;
    assert_eq!(undo["results"], json!({ "success": [], "errors": [gone(0)] }));
    for user_id in ["a", "b"] {
        assert_eq!(past.history("userId", user_id).await["contactId"], Value::Null);
    }
    past.server.stop().await;
}

/// An identifier that a living contact has given up is somebody's who was erased since.
#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_of_an_erased_person_is_not_given_back() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "email": "shared@example.com", "name": "1" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "2" }])).await;
    past.upsert(json!([{ "contact": "b", "email": "shared@example.com" }])).await;
    past.done("/v3/contact/erase", &json!({ "userId": "b" })).await;
    assert_eq!(past.contact("b").await, Value::Null);
    assert_eq!(past.fields("a", &["email"]).await, json!(["a@example.com"]), "another person");
    let expected = undone(0, "updated", first(&update), &["name"], &[]);
    assert_eq!(past.undone(&update).await, [expected], "that it was this one's is forgotten, too");
    assert_eq!(past.fields("a", &["email", "name"]).await, json!(["a@example.com", "1"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_changed_ten_thousand_times_since_is_left_alone() {
    let past = Past::open().await;
    let made = past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "b", "name": "1" }])).await;
    let update =
        past.upsert(json!([{ "contact": "a", "lastName": "x" }, { "contact": "b", "lastName": "x" }])).await;
    let mut last = String::new();
    for _ in 0..101 {
        let contacts: Value =
            (0..100).map(|number| json!({ "contact": "a", "name": number.to_string() })).collect();
        last = past.send("/v3/contacts/update", &json!({ "contacts": contacts })).await;
    }
    past.server.processed(&last).await;
    let expected =
        [json!(["unchanged", [], [["lastName", "HISTORY_TOO_LONG"]]]), json!(["updated", ["lastName"], []])];
    assert_eq!(gists(&past, &update).await, expected);
    let too_long = ["userId", "lastName"].map(|name| json!([name, "HISTORY_TOO_LONG"]));
    let kept = json!([too_long[0], ["name", "CHANGED_SINCE"], too_long[1]]);
    let expected =
        [json!(["unchanged", [], kept]), json!(["updated", ["name"], [["userId", "IDENTIFIER_REQUIRED"]]])];
    assert_eq!(gists(&past, &made).await, expected);
    let told = past.history("userId", "a").await;
    assert_eq!(
        (&told["totalCount"], &told["complete"]),
        (&json!(10_000), &json!(false)),
        "as many as are walked"
    );
    past.server.stop().await;
}

/// Neither could be put back before the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_have_exchanged_an_identifier_in_one_request_get_theirs_back() {
    let past = Past::open().await;
    past.upsert(
        json!([{ "contact": "a", "email": "a@example.com" }, { "contact": "b", "email": "b@example.com" }]),
    )
    .await;
    let update = past
        .upsert(json!([
            { "contact": "a", "email": "" },
            { "contact": "b", "email": "a@example.com" },
            { "contact": "a", "email": "b@example.com" },
        ]))
        .await;
    assert_eq!(update["results"]["errors"], json!([]));
    assert_eq!(gists(&past, &update).await, vec![json!(["updated", ["email"], []]); 2]);
    assert_eq!(past.fields("a", &["email"]).await, json!(["a@example.com"]));
    assert_eq!(past.fields("b", &["email"]).await, json!(["b@example.com"]));
    past.server.stop().await;
}
