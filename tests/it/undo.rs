//! `POST /v3/request/undo`: what a request did is put back, contact by contact and field by field.

use serde_json::{Value, json};

use crate::past::{Past, field, gist, undone};

/// The first success of a request.
fn first(request: &Value) -> &Value {
    &request["results"]["success"][0]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_undone_field_by_field() {
    let past = Past::open().await;
    let source = past.server.source(&json!({ "name": "Shop" })).await;
    let made = past
        .upsert(json!([
            { "contact": "a", "email": "a@example.com", "name": "old", "firstName": "Jo", "active": true,
              "contactScore": 5, "sourceId": source, "variables": [{ "name": "plan", "value": "gold" }] },
        ]))
        .await;
    let before = past.contact("a").await;
    let update = past
        .upsert(json!([
            { "contact": "a", "email": "", "phoneNumber": "+15555555", "name": "new", "firstName": "Jo",
              "lastName": "x", "active": false, "contactScore": "", "sourceId": "", "contactGender": 2,
              "cac": { "value": 1, "currency": "EUR" },
              "variables": [{ "name": "plan", "value": null }, { "name": "since", "value": "2020-01-01" }] },
        ]))
        .await;
    past.clock.advance(std::time::Duration::from_secs(1));
    let undo = past.undo(&update).await;
    let restored = [
        "email",
        "phoneNumber",
        "name",
        "active",
        "lastName",
        "contactGender",
        "contactScore",
        "sourceId",
        "cac",
        "variables.plan",
        "variables.since",
    ];
    let expected = json!({
        "id": undo["id"], "source": "request/undo", "status": "processed", "webHookUri": null,
        "createdAt": "2026-10-15 00:00:01", "updatedAt": "2026-10-15 00:00:01",
        "results": { "success": [undone(0, "updated", first(&made), &restored, &[])], "errors": [] },
        "webHook": { "status": "none", "attempts": 0 },
    });
    assert_eq!(undo, expected, "firstName was named and not changed");
    let mut after = past.contact("a").await;
    assert_eq!(after["updatedAt"], "2026-10-15 00:00:01");
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_since_stays_even_where_it_was_changed_back() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1", "lastName": "1", "firstName": "1" }])).await;
    let update =
        past.upsert(json!([{ "contact": "a", "name": "2", "lastName": "2", "firstName": "2" }])).await;
    past.upsert(json!([{ "contact": "a", "name": "3", "lastName": "3" }])).await;
    past.upsert(json!([{ "contact": "a", "lastName": "2" }])).await;
    let kept = [("name", "CHANGED_SINCE"), ("lastName", "CHANGED_SINCE")];
    let expected = undone(0, "updated", first(&update), &["firstName"], &kept);
    assert_eq!(past.undone(&update).await, [expected]);
    assert_eq!(past.fields("a", &["name", "lastName", "firstName"]).await, json!(["3", "2", "1"]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_is_undone_by_removing() {
    let past = Past::open().await;
    let made = past.upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "x" }])).await;
    let expected = undone(0, "removed", first(&made), &["userId", "email", "name"], &[]);
    assert_eq!(past.undone(&made).await, [expected]);
    assert_eq!(past.contact("a").await, Value::Null);
    let again = past.upsert(json!([{ "contact": "a", "email": "a@example.com" }])).await;
    assert_eq!(first(&again)["action"], "created", "its identifiers are free");
    assert_ne!(first(&again)["id"], first(&made)["id"]);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_others_have_changed_loses_what_it_was_made_with_and_no_more() {
    let past = Past::open().await;
    let made = past
        .upsert(json!([{ "contact": "a", "email": "a@example.com", "name": "x", "lastName": "x" }]))
        .await;
    past.upsert(json!([{ "contact": "a", "name": "y", "firstName": "y" }])).await;
    let kept =
        [("userId", "IDENTIFIER_REQUIRED"), ("email", "IDENTIFIER_REQUIRED"), ("name", "CHANGED_SINCE")];
    let expected = undone(0, "updated", first(&made), &["lastName"], &kept);
    assert_eq!(past.undone(&made).await, [expected]);
    let shown = past.fields("a", &["email", "name", "lastName", "firstName"]).await;
    assert_eq!(shown, json!(["a@example.com", "y", null, "y"]));

    let made = past.upsert(json!([{ "contact": "b", "email": "b@example.com" }])).await;
    past.upsert(json!([{ "contact": "b", "phoneNumber": "+15555555" }])).await;
    let contact = json!({ "id": first(&made)["id"], "email": null, "phone": "+15555555", "userId": null });
    let expected = undone(0, "updated", &contact, &["userId", "email"], &[]);
    assert_eq!(past.undone(&made).await, [expected], "others have given it an identifier of its own");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_is_undone_by_bringing_back() {
    let past = Past::open().await;
    let made = past
        .upsert(json!([{ "contact": "a", "email": "a@example.com", "contactScore": 5, "active": true,
                         "variables": [{ "name": "plan", "value": "gold" }] }]))
        .await;
    let before = past.contact("a").await;
    past.clock.advance(std::time::Duration::from_secs(60));
    let removed = past.remove(&["a"]).await;
    let restored = ["userId", "email", "active", "contactScore", "variables.plan"];
    let expected = undone(0, "created", first(&made), &restored, &[]);
    assert_eq!(past.undone(&removed).await, [expected], "with its id");
    let mut after = past.contact("a").await;
    assert_eq!(after["updatedAt"], "2026-10-15 00:01:00");
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before, "its createdAt too");
    for request in [&made, &removed] {
        let later = past.server.processed(request["id"].as_str().unwrap()).await;
        assert_eq!(later, *request, "results say what they said");
    }
    let request = past.upsert(json!([{ "contact": "new" }, { "contact": "A@example.com" }])).await;
    assert_eq!(request["results"]["success"][1]["action"], "unchanged", "found by what it bears");
    assert_ne!(first(&request)["id"], first(&made)["id"], "its number is given to nobody else");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_is_undone_and_so_is_that() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "b" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "name": "2" }, { "contact": "c", "name": "c" }])).await;
    let removed = past.remove(&["b"]).await;
    let state = async || {
        let [mut shown, b, c] = [past.contact("a").await, past.contact("b").await, past.contact("c").await];
        json!([shown["name"].take(), b["userId"], c["name"]])
    };
    let mut requests = vec![update, removed];
    // An undo goes from the last contact to the first, so the next one comes to them in that order.
    let backwards = [json!(["created", "updated"]), json!(["removed"])];
    for (actions, expected) in [
        ([json!(["updated", "removed"]), json!(["created"])], json!(["1", "b", null])),
        (backwards.clone(), json!(["2", null, "c"])),
        ([json!(["updated", "removed"]), json!(["created"])], json!(["1", "b", null])),
        (backwards.clone(), json!(["2", null, "c"])),
    ] {
        let mut undos = Vec::new();
        for (request, actions) in requests.iter().zip(actions) {
            let undo = past.undo(request).await;
            let told = undo["results"]["success"].as_array().unwrap();
            let found: Vec<_> = told.iter().map(|told| told["action"].clone()).collect();
            assert_eq!(json!(found), actions);
            assert!(told.iter().all(|told| told["kept"] == json!([])), "{undo}");
            undos.push(undo);
        }
        assert_eq!(state().await, expected);
        requests = undos;
    }
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_undo_twice_finds_nothing_to_do() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "b" }])).await;
    let update = past.upsert(json!([{ "contact": "a", "name": "2" }])).await;
    let made = past.upsert(json!([{ "contact": "c" }])).await;
    let removed = past.remove(&["b"]).await;
    for request in [&update, &made, &removed] {
        past.undone(request).await;
    }
    let state = async || [past.contact("a").await, past.contact("b").await, past.contact("c").await];
    let before = state().await;
    let expected = undone(0, "unchanged", first(&update), &[], &[("name", "CHANGED_SINCE")]);
    assert_eq!(past.undone(&update).await, [expected]);
    let nobody = json!({ "id": first(&made)["id"], "email": null, "phone": null, "userId": null });
    assert_eq!(past.undone(&made).await, [undone(0, "unchanged", &nobody, &[], &[])]);
    assert_eq!(past.undone(&removed).await, [undone(0, "unchanged", first(&removed), &[], &[])]);
    assert_eq!(state().await, before);
    assert_eq!(past.changes("a").await.len(), 3, "an undo that changes nothing leaves nothing");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_were_added_are_removed_and_those_that_were_there_stay() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }])).await;
    let add = past
        .done("/v3/contacts/add", &json!({ "contacts": [{ "userId": "a", "name": "2" }, { "userId": "b" }] }))
        .await;
    assert_eq!(add["results"]["errors"][0]["error"], "CONTACT_EXISTS");
    let told = past.undone(&add).await;
    assert_eq!(told, [undone(0, "removed", first(&add), &["userId"], &[])], "items that failed did nothing");
    assert_eq!(past.fields("a", &["name"]).await, json!(["1"]));
    assert_eq!(past.contact("b").await, Value::Null);

    let failed = past.done("/v3/contacts/update", &json!({ "contacts": [{ "contact": "nobody" }] })).await;
    assert_eq!(failed["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND");
    let undo = past.undo(&failed).await;
    assert_eq!(undo["results"], json!({ "success": [], "errors": [] }));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_did_to_a_contact_in_several_items_is_undone_at_once() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "1" }, { "contact": "z", "name": "z" }])).await;
    let update = past
        .upsert(json!([
            { "contact": "z", "name": "y" },
            { "contact": "a", "name": "2", "userId": "b" },
            { "contact": "new", "name": "x" },
            { "contact": "b", "name": "3", "userId": "c", "lastName": "x" },
            { "contact": "new", "firstName": "x", "name": "" },
        ]))
        .await;
    let told: Vec<_> = past.undone(&update).await.iter().map(gist).collect();
    let expected = [
        json!(["updated", ["name"], []]),
        json!(["updated", ["userId", "name", "lastName"], []]),
        json!(["removed", ["userId", "name", "firstName"], []]),
    ];
    assert_eq!(told, expected, "one entry a contact, in the order in which the request came to them");
    assert_eq!(past.fields("a", &["name", "lastName"]).await, json!(["1", null]));
    assert_eq!(past.fields("z", &["name"]).await, json!(["z"]));
    let all = [field("userId", "c", "a"), field("name", "3", "1"), field("lastName", "x", None::<&str>)];
    assert_eq!(past.changes("a").await[0], json!(["updated", all]), "as one change");
    past.server.stop().await;
}

/// A batch whose items have handed an identifier from one contact to the next is undone from its end.
#[tokio::test(flavor = "multi_thread")]
async fn identifiers_that_were_handed_on_go_back_the_way_they_came() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "A" }, { "contact": "b", "name": "B" }, { "contact": "c", "name": "C" }]))
        .await;
    let update = past
        .upsert(json!([
            { "contact": "c", "userId": "d" }, { "contact": "b", "userId": "c" }, { "contact": "a", "userId": "b" },
        ]))
        .await;
    let told: Vec<_> = past.undone(&update).await.iter().map(gist).collect();
    assert_eq!(told, vec![json!(["updated", ["userId"], []]); 3]);
    for (user_id, name) in [("a", "A"), ("b", "B"), ("c", "C")] {
        assert_eq!(past.fields(user_id, &["name"]).await, json!([name]));
    }
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_contacts_are_undone_at_once() {
    let past = Past::open().await;
    let batch = |word: &str| -> Value {
        (0..100).map(|number| json!({ "contact": format!("id{number}"), "name": word })).collect()
    };
    let made = past.upsert(batch("x")).await;
    let update = past.upsert(batch("y")).await;
    let told = past.undone(&update).await;
    for (number, told) in told.iter().enumerate() {
        let expected = undone(number, "updated", &made["results"]["success"][number], &["name"], &[]);
        assert_eq!(*told, expected);
    }
    assert_eq!(told.len(), 100);
    assert_eq!(past.fields("id99", &["name"]).await, json!(["x"]));
    past.server.stop().await;
}
