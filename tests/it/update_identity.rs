//! Who a contact is: look-up, identifiers, what one item does to the next (contract, sections 4 and 5).

mod order;

use serde_json::{Value, json};

use crate::harness::Server;

/// The entry of an item that was applied: its position, what it did, and the identifiers after it.
type Seen = (u64, String, [Value; 3]);

/// Entries of `results.success` without the contact's id, `userId` first.
fn successes(request: &Value) -> Vec<Seen> {
    let entries = request["results"]["success"].as_array().expect("an array").iter();
    let seen = entries.map(|entry| {
        let identifiers = ["userId", "email", "phone"].map(|key| entry[key].clone());
        (entry["position"].as_u64().unwrap(), entry["action"].as_str().unwrap().to_owned(), identifiers)
    });
    seen.collect()
}

fn seen(position: u64, action: &str, identifiers: [&str; 3]) -> Seen {
    let text = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
    (position, action.to_owned(), identifiers.map(text))
}

fn failed(position: usize, code: &str, asked: [Value; 3]) -> Value {
    let text = match code {
        "CONTACT_NOT_FOUND" => "No contact of the list has this userId, email or phoneNumber",
        "IDENTIFIER_TAKEN" => "Another contact of the list has this userId, email or phoneNumber",
        _ => "A contact must keep a userId, an email or a phoneNumber",
    };
    let [user_id, email, phone] = asked;
    json!({ "position": position, "error": code, "humanError": text,
        "contact": { "id": null, "email": email, "phone": phone, "userId": user_id } })
}

/// Entries of `results.errors` in the words for any identifier; those that name a holder name it in words too.
fn errors(request: &Value) -> Value {
    let mut errors = request["results"]["errors"].clone();
    for error in errors.as_array_mut().expect("an array") {
        let Some(taken) = error.as_object_mut().expect("an object").remove("taken") else { continue };
        assert!(crate::harness::is_id(&taken["id"]), "{taken}");
        let [field, id] = ["field", "id"].map(|key| taken[key].as_str().expect("a text"));
        let text = format!("Another contact of the list has this {field} already: contact {id}");
        assert_eq!(error["humanError"], text);
        error["humanError"] = json!("Another contact of the list has this userId, email or phoneNumber");
    }
    errors
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_looked_up_as_user_id_then_as_address_then_as_number() {
    let server = Server::start().await;
    let list = server.list().await;
    let made = json!([
        { "contact": "one", "email": "user@example.com", "phoneNumber": "+15555551" },
        { "contact": "two", "userId": "user@example.com" },
        { "contact": "three", "userId": "+15555551" },
    ]);
    // The second and third take for userId what the first has as address and as number: nobody minds.
    let request = server.update(&list, true, made).await;
    assert_eq!(
        successes(&request),
        [
            seen(0, "created", ["one", "user@example.com", "+15555551"]),
            seen(1, "created", ["user@example.com", "", ""]),
            seen(2, "created", ["+15555551", "", ""]),
        ]
    );
    let asked = json!([{ "contact": "user@example.com", "name": "two" }, { "contact": "+15555551", "name": "three" },
        { "contact": "one", "name": "one" }]);
    let request = server.update(&list, false, asked).await;
    assert_eq!(
        successes(&request),
        [
            seen(0, "updated", ["user@example.com", "", ""]),
            seen(1, "updated", ["+15555551", "", ""]),
            seen(2, "updated", ["one", "user@example.com", "+15555551"]),
        ]
    );
    // Without those, the address and the number are the first one's.
    let moved = json!([{ "contact": "user@example.com", "userId": "two" }, { "contact": "+15555551", "userId": "three" },
        { "contact": "user@example.com", "name": "by address" }, { "contact": "+15555551", "lastName": "by number" }]);
    server.update(&list, false, moved).await;
    let one = server.contact(&list, "userId", "one").await;
    assert_eq!((&one["name"], &one["lastName"]), (&json!("by address"), &json!("by number")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_ids_are_compared_exactly_and_addresses_without_case_and_spelling() {
    let server = Server::start().await;
    let list = server.list().await;
    let people = json!([{ "contact": "User" }, { "contact": "Straße.ÜNAL@Example.com" }, { "contact": "ΣΊΣΥΦΟΣ@example.com" }]);
    server.update(&list, true, people).await;
    for contact in [
        "straße.ünal@example.COM",
        "STRAßE.ÜNAL@EXAMPLE.COM",
        "straße.u\u{308}nal@example.com",
        "Straße.ÜNAL@Example.com",
        "σίσυφος@example.com",
        "σίσυφοσ@example.com",
    ] {
        let request = server.update(&list, false, json!([{ "contact": contact }])).await;
        assert_eq!(request["results"]["success"][0]["action"], "unchanged", "{contact}");
        assert_ne!(server.contact(&list, "email", contact).await, json!(null), "{contact}");
    }
    for contact in ["user", "USER", "Us er", "unal@example.com", "strasse.ünal@example.com"] {
        let request = server.update(&list, false, json!([{ "contact": contact }])).await;
        assert_eq!(request["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND", "{contact}");
    }
    // Another writing of one's own address is a change, and taken as given; of somebody else's, it is taken.
    let request = server
        .update(
            &list,
            true,
            json!([{ "contact": "straße.ünal@example.com", "email": "STRAẞE.ÜNAL@example.com" },
            { "contact": "User", "email": "straße.ünal@EXAMPLE.com" }]),
        )
        .await;
    assert_eq!(successes(&request), [seen(0, "updated", ["", "STRAẞE.ÜNAL@example.com", ""])]);
    let asked = [json!("User"), json!("straße.ünal@EXAMPLE.com"), json!(null)];
    assert_eq!(errors(&request), json!([failed(1, "IDENTIFIER_TAKEN", asked)]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_with_invisible_characters_and_domains_that_end_in_a_number_are_refused() {
    let server = Server::start().await;
    let list = server.list().await;
    let whom = "Argument contact must be a non-empty string filled with valid email, phoneNumber or userId";
    for (contact, texts) in [
        (json!({ "contact": "a\u{200b}" }), vec![whom.to_owned()]),
        (json!({ "contact": "\u{feff}user@example.com" }), vec![whom.to_owned()]),
        (json!({ "contact": "+1555\u{ad}5555" }), vec![whom.to_owned()]),
        (
            json!({ "contact": "a", "userId": "b\u{200d}c" }),
            vec!["Argument userId must be a string".to_owned()],
        ),
        (
            json!({ "contact": "a", "email": "us\u{ad}er@example.com" }),
            vec!["invalid RFC2822 email us\u{ad}er@example.com at email field".to_owned()],
        ),
        (
            json!({ "contact": "a", "phoneNumber": "\u{202a}+15555555" }),
            vec!["\u{202a}+15555555 is not a valid E.164 phone number".to_owned()],
        ),
        (
            json!({ "contact": "a", "email": "user@192.0.2.1" }),
            vec!["invalid RFC2822 email user@192.0.2.1 at email field".to_owned()],
        ),
    ] {
        assert_eq!(server.refused_contact(&list, contact.clone()).await, texts, "{contact}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_made_unless_upsert_says_so() {
    let server = Server::start().await;
    let list = server.list().await;
    let items = json!([
        { "contact": "user@example.com", "name": "x" },
        { "contact": "+15555555", "email": "user@example.com" },
        { "contact": "myUserId", "phoneNumber": "+15555555", "email": "" },
    ]);
    let request = server.update(&list, false, items.clone()).await;
    let null = || json!(null);
    let expected = json!({ "success": [], "errors": [
        failed(0, "CONTACT_NOT_FOUND", [null(), json!("user@example.com"), null()]),
        failed(1, "CONTACT_NOT_FOUND", [null(), json!("user@example.com"), json!("+15555555")]),
        failed(2, "CONTACT_NOT_FOUND", [json!("myUserId"), null(), json!("+15555555")]),
    ] });
    assert_eq!(request["results"], expected);
    assert_eq!(server.contact(&list, "email", "user@example.com").await, null());
    // Absent is false.
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "user@example.com" }] });
    let answer = server.ok("/v3/contacts/update", &body).await;
    let request = server.processed(answer["requestId"].as_str().unwrap()).await;
    assert_eq!(request["results"]["errors"][0]["error"], "CONTACT_NOT_FOUND");
    let request = server.update(&list, true, items).await;
    assert_eq!(successes(&request)[0], seen(0, "created", ["", "user@example.com", ""]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_fills_its_identifier_and_the_same_item_finds_what_it_made() {
    let server = Server::start().await;
    let list = server.list().await;
    for (item, identifiers) in [
        (json!({ "contact": "user@example.com" }), ["", "user@example.com", ""]),
        (json!({ "contact": "+15555555" }), ["", "", "+15555555"]),
        (json!({ "contact": "myUserId" }), ["myUserId", "", ""]),
        (json!({ "contact": "no@address" }), ["no@address", "", ""]),
        (json!({ "contact": "+0155", "phoneNumber": "+15555556" }), ["+0155", "", "+15555556"]),
        (
            json!({ "contact": "a@example.com", "userId": "a", "phoneNumber": "+15555557" }),
            ["a", "a@example.com", "+15555557"],
        ),
        (json!({ "contact": "B@example.com", "email": "b@example.com" }), ["", "b@example.com", ""]),
        // What the item empties itself stays empty.
        (json!({ "contact": "c", "email": "", "phoneNumber": "" }), ["c", "", ""]),
    ] {
        let made = server.update(&list, true, json!([item])).await;
        assert_eq!(successes(&made), [seen(0, "created", identifiers)], "{item}");
        let found = server.update(&list, true, json!([item])).await;
        assert_eq!(successes(&found), [seen(0, "unchanged", identifiers)], "{item}");
        assert_eq!(made["results"]["success"][0]["id"], found["results"]["success"][0]["id"]);
    }
    server.stop().await;
}

/// The item names the identifier that `contact` would fill: what it made cannot be found by `contact`, and the
/// contract wants nobody merged.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_names_another_identifier_is_taken_by_what_it_made() {
    let server = Server::start().await;
    let list = server.list().await;
    let item = json!([{ "contact": "one", "userId": "two" }]);
    let made = server.update(&list, true, item.clone()).await;
    assert_eq!(successes(&made), [seen(0, "created", ["two", "", ""])]);
    let again = server.update(&list, true, item).await;
    let asked = [json!("two"), json!(null), json!(null)];
    assert_eq!(successes(&again), []);
    assert_eq!(errors(&again), json!([failed(0, "IDENTIFIER_TAKEN", asked)]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_identifier_fails_its_item_whole_and_no_other() {
    let server = Server::start().await;
    let list = server.list().await;
    let people = json!([{ "contact": "one", "email": "one@example.com", "phoneNumber": "+15555551" },
        { "contact": "two", "email": "two@example.com" }]);
    let made = server.update(&list, true, people).await;
    let [one, two] = [0, 1].map(|place| made["results"]["success"][place]["id"].clone());
    let before = server.contact(&list, "userId", "two").await;
    let request = server
        .update(
            &list,
            true,
            json!([
                { "contact": "two", "email": "ONE@example.com", "name": "x" },
                { "contact": "two@example.com", "userId": "one", "name": "x" },
                { "contact": "two", "phoneNumber": "+15555551", "name": "x" },
                { "contact": "new", "email": "one@example.com" },
                { "contact": "+15555552", "userId": "two" },
                { "contact": "behind" },
            ]),
        )
        .await;
    let null = || json!(null);
    let expected = json!([
        failed(0, "IDENTIFIER_TAKEN", [json!("two"), json!("ONE@example.com"), null()]),
        failed(1, "IDENTIFIER_TAKEN", [json!("one"), json!("two@example.com"), null()]),
        failed(2, "IDENTIFIER_TAKEN", [json!("two"), null(), json!("+15555551")]),
        failed(3, "IDENTIFIER_TAKEN", [json!("new"), json!("one@example.com"), null()]),
        failed(4, "IDENTIFIER_TAKEN", [json!("two"), null(), json!("+15555552")]),
    ]);
    assert_eq!(errors(&request), expected);
    let holders = request["results"]["errors"].as_array().expect("an array").iter();
    let holders: Vec<_> = holders.map(|error| error["taken"].clone()).collect();
    let taken = |field: &str, id: &Value| json!({ "field": field, "id": id });
    let expected = [
        taken("email", &one),
        taken("userId", &one),
        taken("phoneNumber", &one),
        taken("email", &one),
        taken("userId", &two),
    ];
    assert_eq!(holders, expected);
    assert_eq!(successes(&request), [seen(5, "created", ["behind", "", ""])]);
    assert_eq!(server.contact(&list, "userId", "two").await, before);
    assert_eq!(server.contact(&list, "userId", "new").await, null());
    assert_eq!(server.contact(&list, "phoneNumber", "+15555552").await, null());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_unique_inside_a_list_only() {
    let server = Server::start().await;
    let (one, two) = (server.list().await, server.list().await);
    let contact = json!({ "contact": "a", "email": "user@example.com", "name": "x" });
    let first = server.upsert(&one, contact.clone()).await;
    let second = server.upsert(&two, contact).await;
    assert_eq!((&first["action"], &second["action"]), (&json!("created"), &json!("created")));
    assert_ne!(first["id"], second["id"]);
    server.upsert(&two, json!({ "contact": "a", "name": "y" })).await;
    assert_eq!(server.contact(&one, "userId", "a").await["name"], "x");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_must_keep_an_identifier() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "user@example.com", "userId": "a" })).await;
    let request = server
        .update(
            &list,
            true,
            json!([
                { "contact": "a", "userId": "" },
                { "contact": "user@example.com", "email": " ", "name": "x" },
                { "contact": "new@example.com", "email": "" },
                { "contact": "user@example.com", "email": "", "phoneNumber": "+15555555" },
            ]),
        )
        .await;
    let null = || json!(null);
    let errors = json!([
        failed(1, "IDENTIFIER_REQUIRED", [null(), null(), null()]),
        failed(2, "IDENTIFIER_REQUIRED", [null(), null(), null()]),
    ]);
    assert_eq!(request["results"]["errors"], errors);
    assert_eq!(
        successes(&request),
        [seen(0, "updated", ["", "user@example.com", ""]), seen(3, "updated", ["", "", "+15555555"]),]
    );
    let contact = json!({ "contact": "user@example.com", "email": "", "phoneNumber": " ", "userId": "\t" });
    let text = "email, phoneNumber or externalId/userId must be filled at contact position 0";
    assert_eq!(server.refused_contact(&list, contact).await, [text]);
    server.stop().await;
}
