//! Contacts that may be one person, and what becomes of two that are merged.

use serde_json::{Value, json};

use crate::past::{Past, gist};

async fn ids(past: &Past, contacts: Value) -> Vec<String> {
    let request = past.upsert(contacts).await;
    let done = request["results"]["success"].as_array().expect("an array").iter();
    done.map(|result| result["id"].as_str().expect("an id").to_owned()).collect()
}

async fn merge(past: &Past, winner: &str, loser: &str, more: Value) -> Value {
    let mut body = json!({ "winner": winner, "loser": loser });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    past.done("/v3/contacts/merge", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_may_be_one_person_are_grouped_with_the_reason() {
    let past = Past::open().await;
    let all = ids(
        &past,
        json!([
            { "contact": "+442071234567" },
            { "contact": "0044 (0)20 7123 4567", "firstName": "Ada", "lastName": "Lovelace", "contactBirthday": "1990-01-02" },
            { "contact": "a.b@gmail.com" },
            { "contact": "ab+news@googlemail.com", "name": "Lovelace Ada", "contactBirthday": "1990-01-02" },
            { "contact": "someone@example.com" },
            { "contact": "else@example.com" },
        ]),
    )
    .await;
    let (mut groups, mut after) = (Vec::new(), Value::Null);
    loop {
        let body = json!({ "contactListId": past.list, "limit": 1, "after": after });
        let page = past.server.ok("/v3/contacts/duplicates", &body).await;
        groups.extend(page["data"].as_array().expect("an array").clone());
        if page["next"].is_null() {
            break;
        }
        after = page["next"].clone();
    }
    let mut told: Vec<_> = groups
        .iter()
        .map(|group| {
            let contacts: Vec<_> = group["contacts"]
                .as_array()
                .expect("an array")
                .iter()
                .map(|contact| contact["id"].clone())
                .collect();
            json!([group["reason"], group["score"], group["count"], contacts])
        })
        .collect();
    told.sort_by_key(Value::to_string);
    assert_eq!(
        told,
        [
            json!(["emailProvider", 95, 2, [all[2], all[3]]]),
            json!(["nameAndBirthday", 70, 2, [all[1], all[3]]]),
            json!(["phone", 95, 2, [all[0], all[1]]]),
        ]
    );
    assert_eq!(
        groups.iter().find(|group| group["reason"] == "phone").expect("it")["contacts"][0]["phoneNumber"],
        "+442071234567"
    );
    let body = json!({ "contactListId": past.list, "after": "x", "limit": 0 });
    assert_eq!(past.server.refused("/v3/contacts/duplicates", &body).await.len(), 2);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_winner_gets_what_it_lacks_and_an_undo_restores_both() {
    let past = Past::open().await;
    let all = ids(
        &past,
        json!([
            { "contact": "w", "name": "W", "firstName": "Wi", "variables": [{ "name": "plan", "value": "gold" }] },
            { "contact": "l", "email": "l@example.com", "phoneNumber": "+15555555", "name": "L", "lastName": "La",
              "firstName": "Lo", "variables": [{ "name": "plan", "value": "free" }, { "name": "since", "value": "2020-01-01" }] },
        ]),
    )
    .await;
    let before = (past.contact("w").await, past.contact("l").await);
    let rules =
        json!({ "fromLoser": ["firstName", "variables.plan"], "fromWinner": ["phoneNumber", "lastName"] });
    let mut dry = json!({ "contactListId": past.list, "winner": all[0], "loser": all[1], "dryRun": true });
    dry.as_object_mut().expect("an object").extend(rules.as_object().expect("an object").clone());
    let told = past.server.ok("/v3/contacts/merge", &dry).await;
    assert_eq!(past.contact("w").await, before.0, "a dry run");
    let merged = merge(&past, &all[0], &all[1], rules).await;
    assert_eq!(merged["source"], "contacts/merge");
    let result = |place: usize| merged["results"]["success"][place].clone();
    assert_eq!(
        [result(0), result(1)],
        [
            json!({ "position": 0, "action": "updated", "id": all[0], "email": "l@example.com", "phone": null, "userId": "w" }),
            json!({ "position": 1, "action": "removed", "id": all[1], "email": "l@example.com", "phone": "+15555555", "userId": "l" }),
        ]
    );
    assert_eq!(told["results"], merged["results"], "the dry run told the same");
    let fields = ["name", "firstName", "lastName", "email", "phoneNumber"];
    assert_eq!(past.fields("w", &fields).await, json!(["W", "Lo", null, "l@example.com", null]));
    let variables = past.contact("w").await["variables"].clone();
    assert!(
        variables.to_string().contains("free") && variables.to_string().contains("2020-01-01"),
        "{variables}"
    );
    assert_eq!(past.contact("l").await, Value::Null);
    past.undo(&merged).await;
    let mut after = (past.contact("w").await, past.contact("l").await);
    for (after, before) in [(&mut after.0, &before.0), (&mut after.1, &before.1)] {
        after["updatedAt"] = before["updatedAt"].clone();
    }
    assert_eq!(after, before);
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_of_either_wins_and_the_ledger_says_so() {
    let past = Past::open().await;
    let all = ids(
        &past,
        json!([
            { "contact": "w", "emailSubscribe": true, "smsSubscribe": false, "viberSubscribe": true },
            { "contact": "l", "emailSubscribe": false, "smsSubscribe": true, "telegramSubscribe": true },
        ]),
    )
    .await;
    let merged = merge(&past, &all[0], &all[1], json!({})).await;
    let flags = ["emailSubscribe", "smsSubscribe", "viberSubscribe", "telegramSubscribe", "active"];
    assert_eq!(past.fields("w", &flags).await, json!([false, false, true, true, false]));
    let keep = json!({ "optOut": "keep", "contacts": [{ "contact": "w", "emailSubscribe": true, "smsSubscribe": true }] });
    let kept = past.done("/v3/contacts/update", &keep).await;
    assert_eq!(kept["results"]["success"][0]["notes"].as_array().expect("notes").len(), 2, "{kept}");
    let body = json!({ "contactListId": past.list, "userId": "w" });
    let ledger = past.server.ok("/v3/consent/find", &body).await;
    let by_merge =
        ledger["data"].as_array().expect("an array").iter().filter(|record| record["by"] == "merge");
    let told: Vec<_> = by_merge.map(|record| json!([record["channel"], record["state"]])).collect();
    assert_eq!(told, [json!(["telegramSubscribe", "subscribed"]), json!(["emailSubscribe", "unsubscribed"])]);
    let undone = past.undone(&merged).await;
    assert_eq!(gist(&undone[0])[0], "created", "{undone:?}");
    assert_eq!(past.fields("l", &flags[..2]).await, json!([false, true]));
    past.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_not_there_are_not_merged() {
    let past = Past::open().await;
    let all = ids(&past, json!([{ "contact": "w" }, { "contact": "l" }])).await;
    past.remove(&["l"]).await;
    let merged = merge(&past, &all[0], &all[1], json!({})).await;
    let errors = merged["results"]["errors"].as_array().expect("an array").clone();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|error| error["error"] == "CONTACT_NOT_FOUND"), "{merged}");
    for (body, texts) in [
        (json!({}), vec!["Argument winner required", "Argument loser required"]),
        (
            json!({ "winner": all[0], "loser": all[0] }),
            vec!["Arguments winner and loser must be two contacts"],
        ),
        (json!({ "winner": "x", "loser": all[0] }), vec!["Argument winner must be the id of a contact"]),
        (
            json!({ "winner": all[0], "loser": all[1], "fromLoser": ["emailSubscribe"], "fromWinner": ["nothing"] }),
            vec![
                "Argument fromLoser must name fields that are not flags, each once",
                "Argument fromWinner must name fields that are not flags, each once",
            ],
        ),
    ] {
        let mut body = body;
        body["contactListId"] = json!(past.list);
        assert_eq!(past.server.refused("/v3/contacts/merge", &body).await, texts);
    }
    past.server.stop().await;
}
