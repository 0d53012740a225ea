//! `POST /v3/contact/history`: what has changed in a contact, when, by which request.

use serde_json::{Value, json};

use crate::harness::FLAGS;
use crate::past::{Past, START, field, token_key};

/// The fields in the order in which their changes are told, the variables left out.
fn fields() -> Vec<&'static str> {
    let head = ["userId", "email", "phoneNumber", "name"];
    let tail = [
        "firstName",
        "lastName",
        "contactBirthday",
        "contactLanguage",
        "contactGender",
        "contactTimezone",
        "contactScore",
        "avatarLink",
        "facebookLink",
        "instagramLink",
        "linkedInLink",
        "twitterLink",
        "tiktokLink",
        "sourceId",
        "cac",
    ];
    head.into_iter().chain(FLAGS).chain(tail).collect()
}

/// The differences of two contacts as contact/get shows them, in the form of a history.
fn differences(before: &Value, after: &Value) -> Value {
    let mut told = Vec::new();
    for name in fields() {
        if before[name] != after[name] {
            told.push(field(name, before[name].clone(), after[name].clone()));
        }
    }
    for (old, new) in
        before["variables"].as_array().unwrap().iter().zip(after["variables"].as_array().unwrap())
    {
        if old != new {
            let name = format!("variables.{}", old["name"].as_str().unwrap());
            told.push(field(&name, old["value"].clone(), new["value"].clone()));
        }
    }
    json!(told)
}

/// A contact of whom nothing is known.
async fn nobody(past: &Past) -> Value {
    past.upsert(json!([{ "contact": "nobody" }])).await;
    let mut nobody = past.contact("nobody").await;
    nobody["userId"] = Value::Null;
    nobody
}

fn full(source: &str) -> Value {
    json!({
        "contact": "a", "name": "John Doe", "email": "user@example.com", "phoneNumber": "+15555555",
        "active": true, "emailSubscribe": true, "smsSubscribe": true, "desktopWebPushSubscribe": true,
        "mobileWebPushSubscribe": true, "telegramSubscribe": true, "viberSubscribe": true,
        "firstName": "John", "lastName": "Doe", "contactBirthday": "1990-01-01", "contactLanguage": "EN",
        "contactGender": "female", "contactTimezone": "Europe/Tallinn", "contactScore": 100,
        "avatarLink": "img.example.com/a.jpg", "facebookLink": "facebook.com/x", "instagramLink": "instagram.com/x",
        "linkedInLink": "linkedin.com/x", "twitterLink": "twitter.com/x", "tiktokLink": "tiktok.com/x",
        "sourceId": source, "cac": { "value": "2.05", "currency": "USD" },
        "variables": [{ "name": "plan", "value": "gold" }, { "name": "since", "value": "2020-01-31" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_every_kind_is_told_as_contact_get_shows_it() {
    let past = Past::open().await;
    let [shop, fair] = [
        past.server.source(&json!({ "name": "Shop" })).await,
        past.server.source(&json!({ "name": "Fair" })).await,
    ];
    let mut states = vec![nobody(&past).await];
    let mut other = json!({
        "contact": "a", "userId": "b", "name": "Jane Roe", "email": "User@example.com", "phoneNumber": "+15555556",
        "active": false, "firstName": "Jane", "lastName": "Roe", "contactBirthday": "1991-02-28",
        "contactLanguage": "et", "contactGender": 1, "contactTimezone": "+02:00", "contactScore": -5,
        "avatarLink": "https://img.example.com/b.jpg", "facebookLink": "facebook.com/y",
        "instagramLink": "instagram.com/y", "linkedInLink": "linkedin.com/y", "twitterLink": "twitter.com/y",
        "tiktokLink": "tiktok.com/y", "sourceId": fair, "cac": { "value": 3, "currency": "EUR" },
        "variables": [{ "name": "plan", "value": "silver" }, { "name": "newVariableName", "value": "x" }],
    });
    let mut none = json!({ "contact": "b", "cac": "", "variables": [
        { "name": "plan", "value": null }, { "name": "since", "value": "" }, { "name": "newVariableName", "value": null },
    ] });
    for name in fields().into_iter().filter(|name| !["userId", "cac"].contains(name)) {
        let flag = FLAGS.contains(&name);
        none[name] = if flag { json!(false) } else { json!("") };
        if flag {
            other[name] = json!(false);
        }
    }
    let mut requests = Vec::new();
    for (contact, user_id) in [(full(&shop), "a"), (other, "b"), (none, "b")] {
        let request = past.upsert(json!([contact])).await;
        assert_eq!(request["results"]["errors"], json!([]));
        requests.push(request);
        states.push(past.contact(user_id).await);
    }
    let expected: Vec<_> = ["created", "updated", "updated"]
        .iter()
        .zip(&requests)
        .zip(states.windows(2))
        .map(|((action, request), states)| {
            past.change(START, action, request, differences(&states[0], &states[1]))
        })
        .rev()
        .collect();
    assert_eq!(
        expected[2]["changes"].as_array().unwrap().len(),
        fields().len() + 2,
        "all is told of at least once"
    );
    let told = past.history("userId", "b").await;
    let contact = &requests[0]["results"]["success"][0]["id"];
    assert_eq!(
        told,
        json!({ "result": true, "contactId": contact, "data": expected, "totalCount": 3, "offset": 0, "limit": 100,
                "complete": true, "errors": [] })
    );
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_changing_a_contact_is_told_with_its_time_request_and_token() {
    let past = Past::open().await;
    let (list, clock) = (&past.list, &past.clock);
    let made = past.done("/v3/contacts/add", &json!({ "contacts": [{ "userId": "a", "name": "x" }] })).await;
    clock.advance(std::time::Duration::from_secs(1));
    let limited = crate::token_scope::token(&past.server, false, Some(&[list])).await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a", "name": "y" }] });
    let answer = past.server.post_as(&limited, "/v3/contacts/update", &body).await.json();
    let changed = past.server.processed(answer["requestId"].as_str().unwrap()).await;
    clock.advance(std::time::Duration::from_secs(1));
    let undone = past.undo(&changed).await;
    clock.advance(std::time::Duration::from_secs(1));
    let removed = past.remove(&["a"]).await;
    let mut by_limited =
        past.change("2026-10-15 00:00:01", "updated", &changed, json!([field("name", "x", "y")]));
    by_limited["token"] = json!(token_key(&limited));
    let both = |old: [Option<&str>; 2], new: [Option<&str>; 2]| {
        json!([field("userId", old[0], new[0]), field("name", old[1], new[1])])
    };
    let (nothing, all) = ([None, None], [Some("a"), Some("x")]);
    let mut expected = vec![
        past.change("2026-10-15 00:00:03", "removed", &removed, both(all, nothing)),
        past.change("2026-10-15 00:00:02", "updated", &undone, json!([field("name", "y", "x")])),
        by_limited,
        past.change(START, "created", &made, both(nothing, all)),
    ];
    assert_eq!(past.history("userId", "a").await["data"], json!(expected));
    let sources: Vec<_> = expected.iter().map(|change| change["source"].clone()).collect();
    assert_eq!(sources, ["contacts/remove", "request/undo", "contacts/update", "contacts/add"]);

    let returned = past.undo(&removed).await;
    expected.insert(0, past.change("2026-10-15 00:00:03", "created", &returned, both(nothing, all)));
    assert_eq!(past.history("userId", "a").await["data"], json!(expected), "it came back with its history");
    let server = past.server.restart(Past::setup(&past.clock)).await;
    let past = Past { server, ..past };
    assert_eq!(past.history("userId", "a").await["data"], json!(expected), "after a restart too");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_cut_from_the_newest_back() {
    let past = Past::open().await;
    for number in 0..25 {
        past.upsert(json!([{ "contact": "a", "contactScore": number }])).await;
    }
    let page = async |extra: Value| {
        let mut body = json!({ "contactListId": past.list, "userId": "a" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let answer = past.server.ok("/v3/contact/history", &body).await;
        let scores = answer["data"].as_array().unwrap().iter();
        let scores: Vec<_> = scores
            .map(|change| {
                let changes = change["changes"].as_array().unwrap();
                let score = changes.iter().find(|change| change["field"] == "contactScore").unwrap();
                score["new"].as_str().unwrap().parse::<u32>().unwrap()
            })
            .collect();
        (scores, json!([answer["totalCount"], answer["offset"], answer["limit"]]))
    };
    assert_eq!(page(json!({})).await, ((5..25).rev().collect(), json!([25, 0, 20])));
    assert_eq!(page(json!({ "offset": 20 })).await, ((0..5).rev().collect(), json!([25, 20, 20])));
    assert_eq!(page(json!({ "offset": 1, "limit": 2 })).await, (vec![23, 22], json!([25, 1, 2])));
    assert_eq!(page(json!({ "offset": 24, "limit": 100 })).await, (vec![0], json!([25, 24, 100])));
    assert_eq!(page(json!({ "offset": 25 })).await, (vec![], json!([25, 25, 20])));
    let far = json!({ "offset": 9_000_000_000_000_000_000_u64, "limit": 1 });
    assert_eq!(page(far).await, (vec![], json!([25, 9_000_000_000_000_000_000_u64, 1])));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_leaves_nothing() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "name": "x" }, { "contact": "b" }])).await;
    let before = past.history("userId", "a").await;
    assert_eq!(before["totalCount"], 1);
    let request = past
        .upsert(json!([
            { "contact": "a" },
            { "contact": "a", "name": "x", "active": false, "variables": [{ "name": "plan", "value": "" }] },
            { "contact": "a", "userId": "b", "name": "y" },
            { "contact": "a", "userId": "" },
        ]))
        .await;
    assert_eq!(request["results"]["success"].as_array().unwrap().len(), 2);
    assert_eq!(request["results"]["errors"].as_array().unwrap().len(), 2);
    past.done("/v3/contacts/add", &json!({ "contacts": [{ "userId": "a", "name": "z" }] })).await;
    let dry =
        json!({ "contactListId": past.list, "dryRun": true, "contacts": [{ "contact": "a", "name": "z" }] });
    past.server.ok("/v3/contacts/update", &dry).await;
    assert_eq!(past.history("userId", "a").await, before);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_in_one_batch_are_told_one_by_one() {
    let past = Past::open().await;
    past.upsert(json!([
        { "contact": "a", "name": "1" },
        { "contact": "other" },
        { "contact": "a", "name": "2", "userId": "b" },
        { "contact": "b", "name": "3", "lastName": "x" },
    ]))
    .await;
    let expected = [
        json!(["updated", [field("name", "2", "3"), field("lastName", None::<&str>, "x")]]),
        json!(["updated", [field("userId", "a", "b"), field("name", "1", "2")]]),
        json!(["created", [field("userId", None::<&str>, "a"), field("name", None::<&str>, "1")]]),
    ];
    assert_eq!(past.changes("b").await, expected);
    past.upsert(json!([{ "contact": "b", "name": "4" }, { "contact": "b", "name": "3" }])).await;
    let later =
        [json!(["updated", [field("name", "4", "3")]]), json!(["updated", [field("name", "3", "4")]])];
    assert_eq!(past.changes("b").await, [&later[..], &expected].concat());
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_hundred_is_told_to_each_of_them() {
    let past = Past::open().await;
    for word in ["x", "y"] {
        let contacts: Value = (0..100)
            .map(|number| json!({ "contact": format!("id{number}"), "name": format!("{word}{number}") }))
            .collect();
        past.upsert(contacts).await;
    }
    for number in [0, 1, 50, 99] {
        let (user_id, [x, y]) = (format!("id{number}"), ["x", "y"].map(|word| format!("{word}{number}")));
        let expected = [
            json!(["updated", [field("name", x.as_str(), y)]]),
            json!([
                "created",
                [field("userId", None::<&str>, user_id.as_str()), field("name", None::<&str>, x.as_str())]
            ]),
        ];
        assert_eq!(past.changes(&user_id).await, expected);
    }
    past.server.stop().await;
}
