//! `/v3/blacklist/…`, `/v3/phone-blacklist/…` and `/v3/suppression/…`: the vendor's bodies, byte for byte.

mod contacts;

use std::sync::Arc;
use std::time::Duration;

use app::suppressions::SuppressionExpiry;
use domain::clock::{Clock, ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::erase::erase;
use crate::harness::{Answer, Server, Setup};
use crate::token_scope::token;

const ADD: &str = "/v3/blacklist/add";
const FIND: &str = "/v3/blacklist/find";
const REMOVE: &str = "/v3/blacklist/remove";
const ADD_PHONE: &str = "/v3/phone-blacklist/add";
const FIND_PHONE: &str = "/v3/phone-blacklist/find";
const REMOVE_PHONE: &str = "/v3/phone-blacklist/remove";
const LIST: &str = "/v3/suppression/list";

fn codes(answer: &Answer) -> Vec<String> {
    let details = answer.json()["details"].as_array().cloned().unwrap_or_default();
    details.iter().map(|detail| detail["code"].as_str().expect("a code").to_owned()).collect()
}

async fn suppress(server: &Server, email: &str, reason: &str) {
    let record = json!({ "email": email, "rejectType": reason });
    assert_eq!(server.ok(ADD, &json!({ "records": [record] })).await, json!({ "result": true }));
}

async fn suppress_phone(server: &Server, number: &str, reason: &str) {
    let record = json!({ "phoneNumber": number, "rejectType": reason });
    assert_eq!(server.ok(ADD_PHONE, &json!({ "records": [record] })).await, json!({ "result": true }));
}

/// What is found, without the times, which are checked for their form.
async fn found(server: &Server, path: &str, body: Value) -> Value {
    let mut answer = server.ok(path, &body).await;
    for row in answer["data"].as_array_mut().expect("an array") {
        let created = row["createdAt"].as_str().and_then(Timestamp::parse);
        assert!(created.is_some(), "{row}");
        row.as_object_mut().expect("an object").remove("createdAt");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_are_suppressed_found_and_removed() {
    let server = Server::start().await;
    let records = json!({ "records": [
        { "email": "user@example.com", "rejectType": "hard", "rawLog": "Text to describe reason for adding to Black List" },
        { "email": " Other@Example.com ", "rejectType": "complaint" },
        { "email": "user@example.com", "rejectType": "list-unsubscribe", "rawLog": null },
        { "email": "USER@example.com", "rejectType": "hard" },
    ] });
    for _ in 0..2 {
        assert_eq!(server.ok(ADD, &records).await, json!({ "result": true }));
    }
    let hard = json!({ "email": "user@example.com", "type": "hard", "expireAt": null });
    let unsubscribed = json!({ "email": "user@example.com", "type": "list-unsubscribe", "expireAt": null });
    let complaint = json!({ "email": "Other@Example.com", "type": "complaint", "expireAt": null });
    let page = |data: Value, total: u64, offset: u64, limit: u32| json!({ "result": true, "data": data, "totalCount": total, "offset": offset, "limit": limit });
    let both = found(&server, FIND, json!({ "email": "User@EXAMPLE.com" })).await;
    assert_eq!(both["totalCount"], 2, "{both}");
    assert!(both["data"].as_array().expect("rows").contains(&hard), "{both}");
    assert!(both["data"].as_array().expect("rows").contains(&unsubscribed), "{both}");
    for (body, expected) in [
        (json!({ "email": "user@example.com", "rejectType": "hard" }), page(json!([hard]), 1, 0, 20)),
        (
            json!({ "email": "user@example.com", "rejectType": "hard", "withRawLog": false, "offset": 0, "limit": 2 }),
            page(json!([hard]), 1, 0, 2),
        ),
        (
            json!({ "email": "user@example.com", "rejectType": "hard", "offset": 1 }),
            page(json!([]), 1, 1, 20),
        ),
        (json!({ "rejectType": "complaint" }), page(json!([complaint]), 1, 0, 20)),
        (json!({ "email": "other@example.com", "rejectType": "" }), page(json!([complaint]), 1, 0, 20)),
        (json!({ "email": "nobody@example.com" }), page(json!([]), 0, 0, 20)),
        (json!({ "email": "not an address" }), page(json!([]), 0, 0, 20)),
    ] {
        assert_eq!(found(&server, FIND, body.clone()).await, expected, "{body}");
    }
    let all = found(&server, FIND, json!({})).await;
    assert_eq!((&all["totalCount"], all["data"].as_array().expect("rows").len()), (&json!(3), 3));
    let logs = found(&server, FIND, json!({ "rejectType": "hard", "withRawLog": true })).await;
    assert_eq!(logs["data"][0]["rawLog"], "Text to describe reason for adding to Black List");
    let logs = found(&server, FIND, json!({ "rejectType": "complaint", "withRawLog": true })).await;
    assert_eq!(logs["data"][0]["rawLog"], Value::Null, "{logs}");

    let removed = server.ok(REMOVE, &json!({ "email": "USER@example.com", "rejectType": "hard" })).await;
    assert_eq!(removed, json!({ "result": true }));
    let left = found(&server, FIND, json!({ "email": "user@example.com" })).await;
    assert_eq!(left["data"], json!([unsubscribed]));
    for _ in 0..2 {
        assert_eq!(
            server.ok(REMOVE, &json!({ "email": "user@example.com" })).await,
            json!({ "result": true })
        );
    }
    assert_eq!(found(&server, FIND, json!({})).await["data"], json!([complaint]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phone_numbers_are_suppressed_found_and_removed() {
    let server = Server::start().await;
    let records = json!({ "records": [
        { "phoneNumber": "+15555555" },
        { "phoneNumber": " +15555556 ", "rejectType": "unsubscribe" },
        { "phoneNumber": "+15555556", "rejectType": "undeliverable" },
    ] });
    assert_eq!(server.ok(ADD_PHONE, &records).await, json!({ "result": true }));
    let one = found(&server, FIND_PHONE, json!({ "phoneNumber": "+15555555" })).await;
    let expected = json!({ "result": true, "data": [{ "phoneNumber": "+15555555", "rejectType": "import" }],
        "totalCount": 1, "offset": 0, "limit": 20 });
    assert_eq!(one, expected);
    let two = found(&server, FIND_PHONE, json!({ "phoneNumber": "+15555556", "limit": 1 })).await;
    assert_eq!((&two["totalCount"], &two["limit"]), (&json!(2), &json!(1)), "{two}");
    let body = json!({ "phoneNumber": "+15555556", "rejectType": "undeliverable", "offset": 0, "limit": 10 });
    let one = found(&server, FIND_PHONE, body).await;
    assert_eq!(one["data"], json!([{ "phoneNumber": "+15555556", "rejectType": "undeliverable" }]));
    assert_eq!(
        server.ok(REMOVE_PHONE, &json!({ "phoneNumber": "+15555556" })).await,
        json!({ "result": true })
    );
    let none = found(&server, FIND_PHONE, json!({ "phoneNumber": "+15555556" })).await;
    assert_eq!(none["totalCount"], 0);
    // The two lists have nothing to do with each other.
    assert_eq!(found(&server, FIND, json!({})).await["totalCount"], 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_get_the_vendors_texts_and_nothing_is_stored() {
    let server = Server::start().await;
    let email =
        |record: Value| json!({ "records": [{ "email": "good@example.com", "rejectType": "hard" }, record] });
    let many = |record: Value| json!({ "records": vec![record; 101] });
    let no_email = "Argument email must be a non-empty string";
    let no_number = "Argument phoneNumber must be a non-empty string";
    let allowed =
        |given: &str| format!("Allowed rejectType is hard, complaint, list-unsubscribe, but {given} given");
    let allowed_of_phones = |given: &str| {
        format!("Allowed reject types are import, invalid, unsubscribe, undeliverable, but {given} given")
    };
    let records = "Argument records must be a non-empty array of objects";
    let cases: Vec<(&str, Value, Vec<String>)> = vec![
        (ADD, json!({}), vec!["Argument records required".to_owned()]),
        (ADD, json!({ "records": [] }), vec![records.to_owned()]),
        (ADD, json!({ "records": 5 }), vec![records.to_owned()]),
        (ADD, json!({ "records": [5] }), vec![records.to_owned()]),
        (
            ADD,
            many(json!({ "email": "a@example.com", "rejectType": "hard" })),
            vec!["Maximum count of records per transaction is 100, current 101".to_owned()],
        ),
        (ADD, email(json!({ "rejectType": "hard" })), vec![no_email.to_owned()]),
        (ADD, email(json!({ "email": " ", "rejectType": "hard" })), vec![no_email.to_owned()]),
        (ADD, email(json!({ "email": 5, "rejectType": "hard" })), vec![no_email.to_owned()]),
        (
            ADD,
            email(json!({ "email": "user@", "rejectType": "hard" })),
            vec!["Invalid RFC2822 email user@".to_owned()],
        ),
        (ADD, email(json!({ "email": "a@example.com", "rejectType": "soft" })), vec![allowed("soft")]),
        (ADD, email(json!({ "email": "a@example.com", "rejectType": 5 })), vec![allowed("5")]),
        (ADD, email(json!({ "email": "a@example.com", "rejectType": "import" })), vec![allowed("import")]),
        (ADD, email(json!({ "email": "a@example.com" })), vec!["Argument rejectType required".to_owned()]),
        (
            ADD,
            email(json!({ "email": "a@example.com", "rejectType": "hard", "rawLog": 5 })),
            vec!["Argument rawLog must be a string".to_owned()],
        ),
        (
            ADD,
            // 1,026 bytes in 513 characters.
            email(json!({ "email": "a@example.com", "rejectType": "hard", "rawLog": "é".repeat(513) })),
            vec!["Argument rawLog cannot be longest 1024 bytes".to_owned()],
        ),
        (
            ADD,
            json!({ "records": [{ "email": "x", "rejectType": "y" }, { "rejectType": "hard" }] }),
            vec!["Invalid RFC2822 email x".to_owned(), allowed("y"), no_email.to_owned()],
        ),
        (
            ADD,
            email(json!({ "email": "a@example.com", "rejectType": "hard", "createdAt": "now" })),
            vec!["Argument createdAt must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date".to_owned()],
        ),
        (REMOVE, json!({}), vec![no_email.to_owned()]),
        (REMOVE, json!({ "email": "", "rejectType": "x" }), vec![no_email.to_owned(), allowed("x")]),
        (FIND, json!({ "email": 5 }), vec![no_email.to_owned()]),
        (FIND, json!({ "rejectType": "x" }), vec![allowed("x")]),
        (
            FIND,
            json!({ "withRawLog": "yes" }),
            vec!["Argument withRawLog must be a true or false".to_owned()],
        ),
        (FIND, json!({ "limit": 0 }), vec!["Argument limit must be an integer from 1 to 100".to_owned()]),
        (ADD_PHONE, json!({ "records": [{}] }), vec![no_number.to_owned()]),
        (
            ADD_PHONE,
            json!({ "records": [{ "phoneNumber": "5555" }] }),
            vec!["5555 is not a valid E.164 phone number".to_owned()],
        ),
        (
            ADD_PHONE,
            json!({ "records": [{ "phoneNumber": "+15555555", "rejectType": "hard" }] }),
            vec![allowed_of_phones("hard")],
        ),
        (
            ADD_PHONE,
            many(json!({ "phoneNumber": "+15555555" })),
            vec!["Maximum count of records per transaction is 100, current 101".to_owned()],
        ),
        (REMOVE_PHONE, json!({}), vec![no_number.to_owned()]),
        (FIND_PHONE, json!({}), vec![no_number.to_owned()]),
        (
            FIND_PHONE,
            json!({ "phoneNumber": 5, "rejectType": "x" }),
            vec![no_number.to_owned(), allowed_of_phones("x")],
        ),
        (LIST, json!({ "channel": "sms" }), vec!["Argument channel must be email or phoneNumber".to_owned()]),
        (
            LIST,
            json!({ "after": "x" }),
            vec!["Argument after must be the next of an answer of suppression/list".to_owned()],
        ),
    ];
    for (path, body, texts) in cases {
        assert_eq!(server.refused(path, &body).await, texts, "{path} {body}");
    }
    let details = server.post(ADD, &email(json!({ "email": "x", "rejectType": "hard" }))).await.json();
    assert_eq!(
        details["details"],
        json!([{ "position": 1, "field": "email", "code": "INVALID_EMAIL", "message": "Invalid RFC2822 email x" }])
    );
    assert_eq!(server.ok(LIST, &json!({})).await, json!({ "result": true, "data": [], "next": null }));
    let longest =
        email(json!({ "email": "a@example.com", "rejectType": "hard", "rawLog": "é".repeat(512), "why": 1 }));
    let warned = server.ok(ADD, &longest).await;
    assert_eq!(warned["warnings"][0]["field"], "records.why", "{warned}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_suppressions_are_read_page_by_page_and_an_import_keeps_its_times() {
    let server = Server::start().await;
    let records: Vec<_> = (0..25)
        .map(|n| {
            let day = format!("2020-01-{:02}", n + 1);
            json!({ "email": format!("u{n}@example.com"), "rejectType": "hard", "createdAt": day, "expireAt": "2999-01-01" })
        })
        .collect();
    server.ok(ADD, &json!({ "records": records })).await;
    suppress_phone(&server, "+15555555", "invalid").await;
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = server.ok(LIST, &json!({ "limit": 10, "after": after })).await;
        seen.extend(page["data"].as_array().expect("rows").clone());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 26);
    let first = json!({ "channel": "email", "address": "u0@example.com", "reason": "hard", "rawLog": null,
        "createdAt": "2020-01-01 00:00:00", "expireAt": "2999-01-01 00:00:00" });
    assert_eq!(seen[0], first);
    assert_eq!((&seen[25]["channel"], &seen[25]["address"]), (&json!("phoneNumber"), &json!("+15555555")));
    let of = |body: Value| {
        let server = &server;
        async move { server.ok(LIST, &body).await["data"].as_array().expect("rows").len() }
    };
    assert_eq!(of(json!({ "channel": "phoneNumber" })).await, 1);
    assert_eq!(of(json!({ "reason": "hard" })).await, 25);
    assert_eq!(of(json!({ "reason": "hard", "channel": "phoneNumber" })).await, 0);
    // A time that has passed already adds nothing, and one in the future is now.
    let gone = json!({ "email": "gone@example.com", "rejectType": "hard", "expireAt": "2020-01-01" });
    let ahead = json!({ "email": "ahead@example.com", "rejectType": "hard", "createdAt": "2999-01-01" });
    server.ok(ADD, &json!({ "records": [gone, ahead] })).await;
    assert_eq!(found(&server, FIND, json!({ "email": "gone@example.com" })).await["totalCount"], 0);
    let ahead = server.ok(FIND, &json!({ "email": "ahead@example.com" })).await;
    assert!(ahead["data"][0]["createdAt"].as_str() < Some("2999"), "{ahead}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hard_and_undeliverable_expire_by_the_settings_and_others_never() {
    let hand = ManualClock::new(Timestamp::from_millis(1_780_000_000_000));
    let mut setup = Setup { clock: Arc::new(hand.clone()), ..Setup::default() };
    let days = |days: u64| Some(Duration::from_secs(days * 24 * 3_600));
    setup.limits.suppression_expiry = SuppressionExpiry { hard: days(30), undeliverable: days(7) };
    let server = Server::with(setup).await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "user@example.com", "phoneNumber": "+15555555" })).await;
    suppress(&server, "user@example.com", "hard").await;
    suppress(&server, "user@example.com", "complaint").await;
    suppress_phone(&server, "+15555555", "undeliverable").await;
    let expires = |days: u64| hand.now().after(Duration::from_secs(days * 24 * 3_600)).to_string();
    let row = server.ok(FIND, &json!({ "email": "user@example.com", "rejectType": "hard" })).await;
    assert_eq!(row["data"][0]["expireAt"], json!(expires(30)));
    let row = server.ok(FIND, &json!({ "email": "user@example.com", "rejectType": "complaint" })).await;
    assert_eq!(row["data"][0]["expireAt"], Value::Null);
    let reasons = async || {
        let contact = server.contact(&list, "email", "user@example.com").await;
        let all = contact["suppressed"].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one["reason"].as_str().expect("a reason").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(reasons().await, ["hard", "complaint", "undeliverable"]);
    hand.advance(Duration::from_secs(7 * 24 * 3_600 - 1));
    assert_eq!(reasons().await, ["hard", "complaint", "undeliverable"]);
    hand.advance(Duration::from_secs(1));
    assert_eq!(reasons().await, ["hard", "complaint"]);
    hand.advance(Duration::from_secs(23 * 24 * 3_600));
    assert_eq!(reasons().await, ["complaint"]);
    assert_eq!(server.ok(FIND, &json!({ "email": "user@example.com" })).await["totalCount"], 1);
    server.stop().await;
}
