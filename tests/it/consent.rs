//! The consent ledger: what was said about the flags of a contact, when, how and by whom.

use serde_json::{Value, json};

use crate::past::{Past, token_key};

/// What consent/find answers of the contact with that userId.
async fn consents(past: &Past, user_id: &str, more: Value) -> Value {
    let mut body = json!({ "contactListId": past.list, "userId": user_id });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    past.server.ok("/v3/consent/find", &body).await
}

/// Channel, state and reason of each record, the newest first.
async fn gist(past: &Past, user_id: &str) -> Vec<Value> {
    let found = consents(past, user_id, json!({})).await;
    let records = found["data"].as_array().expect("an array").iter();
    records.map(|record| json!([record["channel"], record["state"], record["by"]])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_flag_is_written_down_with_what_the_caller_says_of_it() {
    let past = Past::open().await;
    let made = past
        .upsert(json!([{ "contact": "a", "name": "x", "emailSubscribe": true, "smsSubscribe": false, "consent": {
            "source": "form", "form": "https://example.com/newsletter", "ip": "192.0.2.1", "wording": "2026-11",
            "purpose": "news", "at": "2026-10-14 23:59:00", "confirmedAt": "2026-10-15",
        } }]))
        .await;
    past.clock.advance(std::time::Duration::from_secs(60));
    // Of what names no flag nothing is written, nor of what only confirms.
    past.upsert(json!([{ "contact": "a", "name": "y" }])).await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true }])).await;
    let off = past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let found = consents(&past, "a", json!({})).await;
    assert_eq!(
        (&found["contactId"], &found["totalCount"]),
        (&made["results"]["success"][0]["id"], &json!(3))
    );
    let token = token_key(&past.server.token);
    let mut newest = found["data"][0].clone();
    let hash = newest.as_object_mut().expect("an object").remove("hash").expect("a hash");
    assert_eq!(hash.as_str().expect("text").len(), 32);
    assert_eq!(
        newest,
        json!({
            "channel": "emailSubscribe", "state": "unsubscribed", "recordedAt": "2026-10-15 00:01:00", "at": null,
            "confirmedAt": null, "by": "request", "source": null, "form": null, "ip": null, "wording": null,
            "purpose": null, "requestId": off["id"], "token": token,
        })
    );
    for (place, channel, state) in [(1, "smsSubscribe", "unsubscribed"), (2, "emailSubscribe", "subscribed")]
    {
        let mut record = found["data"][place].clone();
        record.as_object_mut().expect("an object").remove("hash").expect("a hash");
        assert_eq!(
            record,
            json!({
                "channel": channel, "state": state, "recordedAt": "2026-10-15 00:00:00", "at": "2026-10-14 23:59:00",
                "confirmedAt": "2026-10-15 00:00:00", "by": "request", "source": "form",
                "form": "https://example.com/newsletter", "ip": "192.0.2.1", "wording": "2026-11", "purpose": "news",
                "requestId": made["id"], "token": token,
            })
        );
    }
    let sms = consents(&past, "a", json!({ "channel": "smsSubscribe", "limit": 1 })).await;
    assert_eq!((sms["data"].as_array().expect("an array").len(), &sms["totalCount"]), (1, &json!(1)));
    let second = consents(&past, "a", json!({ "offset": 1, "limit": 1 })).await;
    assert_eq!(second["data"][0], found["data"][1]);
    let nobody = consents(&past, "nobody", json!({})).await;
    assert_eq!((&nobody["contactId"], &nobody["data"]), (&Value::Null, &json!([])));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_with_a_proof_is_written_down_and_an_undo_leaves_it() {
    let past = Past::open().await;
    let on = past.upsert(json!([{ "contact": "a", "emailSubscribe": true }])).await;
    let confirmed =
        json!({ "contact": "a", "emailSubscribe": true, "consent": { "confirmedAt": "2026-10-15" } });
    let confirmed = past.upsert(json!([confirmed])).await;
    assert_eq!(confirmed["results"]["success"][0]["action"], "unchanged");
    assert_eq!(gist(&past, "a").await.len(), 2);
    let undone = past.undone(&on).await;
    assert_eq!(undone[0]["action"], "unchanged", "the person has confirmed it: {undone:?}");
    // An undo that changes a flag is written down too.
    past.upsert(json!([{ "contact": "b", "smsSubscribe": true }])).await;
    let off = past.upsert(json!([{ "contact": "b", "smsSubscribe": false }])).await;
    past.undone(&off).await;
    let expected = [
        json!(["smsSubscribe", "subscribed", "undo"]),
        json!(["smsSubscribe", "unsubscribed", "request"]),
        json!(["smsSubscribe", "subscribed", "request"]),
    ];
    assert_eq!(gist(&past, "b").await, expected);
    // What the person said is not undone, though nobody has named it since.
    past.upsert(json!([{ "contact": "c", "smsSubscribe": true }])).await;
    let said =
        json!([{ "contact": "c", "smsSubscribe": false, "consent": { "source": "unsubscribe page" } }]);
    let said = past.upsert(said).await;
    past.undo(&said).await;
    assert_eq!(past.contact("c").await["smsSubscribe"], false);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_or_failed_is_not_written_down() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let keep = json!({ "optOut": "keep", "contacts": [
        { "contact": "a", "emailSubscribe": true, "consent": { "source": "list" } },
        { "contact": "nobody", "emailSubscribe": true },
        { "contact": "a", "userId": "", "emailSubscribe": true, "resubscribe": true },
    ] });
    let request = past.done("/v3/contacts/update", &keep).await;
    assert_eq!(request["results"]["errors"].as_array().expect("an array").len(), 2, "{request}");
    assert_eq!(gist(&past, "a").await, [json!(["emailSubscribe", "unsubscribed", "request"])]);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_none_is_refused() {
    let past = Past::open().await;
    for (consent, text) in [
        (json!("yes"), "Argument consent must be an object"),
        (
            json!({ "source": 1 }),
            "Argument consent.source must be a string with max length within 255 characters",
        ),
        (
            json!({ "form": "x".repeat(256) }),
            "Argument consent.form must be a string with max length within 255 characters",
        ),
        (json!({ "ip": "192.0.2.256" }), "Argument consent.ip must be an IP address"),
        (
            json!({ "at": "yesterday" }),
            "Argument consent.at must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date",
        ),
    ] {
        let contact = json!({ "contact": "a", "emailSubscribe": true, "consent": consent });
        assert_eq!(past.server.refused_contact(&past.list, contact).await, [text]);
    }
    let contact = json!({ "contact": "a", "name": "x", "consent": { "source": "form" } });
    let text = "Argument consent must come with a flag, such as emailSubscribe";
    assert_eq!(past.server.refused_contact(&past.list, contact).await, [text]);
    let body = json!({ "contactListId": past.list, "userId": "a", "channel": "fax" });
    assert_eq!(
        past.server.refused("/v3/consent/find", &body).await,
        ["Argument channel must be the name of a flag"]
    );
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_ledger_and_an_erase_empties_it() {
    let past = Past::open().await;
    let consent = json!({ "source": "form", "ip": "192.0.2.77" });
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true, "consent": consent }, { "contact": "b", "active": true }])).await;
    // One that was removed is exported too, as long as its history is stored.
    past.upsert(json!([{ "contact": "c", "emailSubscribe": true, "consent": consent }])).await;
    past.remove(&["c"]).await;
    for user in ["a", "c"] {
        let export = past.server.ok("/v3/contact/export", &json!({ "userId": user })).await;
        assert_eq!(export["contacts"][0]["consents"][0]["ip"], "192.0.2.77", "{user}: {export}");
        past.done("/v3/contact/erase", &json!({ "userId": user })).await;
        let export = past.server.ok("/v3/contact/export", &json!({ "userId": user })).await;
        assert_eq!(export["contacts"], json!([]), "{user}");
    }
    assert_eq!(gist(&past, "b").await.len(), 1, "nobody else's");
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_comes_back_goes_on_with_its_ledger() {
    let past = Past::open().await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": true }])).await;
    let removed = past.remove(&["a"]).await;
    past.undone(&removed).await;
    past.upsert(json!([{ "contact": "a", "emailSubscribe": false }])).await;
    let expected = [
        json!(["emailSubscribe", "unsubscribed", "request"]),
        json!(["emailSubscribe", "subscribed", "request"]),
    ];
    assert_eq!(gist(&past, "a").await, expected);
    past.server.stop().await;
}
