//! `POST /v3/request/list`

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const LIST: &str = "/v3/request/list";

async fn send(server: &Server, list: &str, contacts: Value) -> String {
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let answer = server.ok("/v3/contacts/update", &body).await;
    answer["requestId"].as_str().expect("an id").to_owned()
}

/// The ids that are told, and how many there are in all.
async fn told(server: &Server, body: &Value) -> (Vec<String>, u64) {
    let answer = server.ok(LIST, body).await;
    let rows = answer["data"].as_array().expect("an array").iter();
    let ids = rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect();
    (ids, answer["totalCount"].as_u64().expect("a count"))
}

/// A server whose clock stands at 2026-10-14 23:59:59, with a list, and the switch that holds applying back.
async fn standing() -> (Switch, ManualClock, Server, String) {
    let (switch, clock) = (Switch::new(), ManualClock::new(Timestamp::from_millis(1_792_022_399_000)));
    let setup = Setup { wrap: switch.wrap(), clock: Arc::new(clock.clone()), ..Setup::default() };
    let server = Server::with(setup).await;
    let list = server.list().await;
    (switch, clock, server, list)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_with_counts_the_newest_first() {
    let (switch, clock, server, list) = standing().await;
    let contacts = json!([{ "contact": "a" }, { "contact": "b", "userId": "a" }, { "contact": "c" }]);
    let first = send(&server, &list, contacts).await;
    server.processed(&first).await;
    clock.advance(Duration::from_secs(1));
    switch.set(Fault::ApplyWaits);
    let hook = "http://127.0.0.1:1/hook";
    let body = json!({ "contactListId": list, "webHookUri": hook, "contacts": [{ "contact": "a" }] });
    let second = server.ok("/v3/contacts/update", &body).await["requestId"].clone();
    let entry = |id: &Value, status: &str, at: &str, hook: Value, counts: Value, web_hook: &str| {
        json!({ "id": id, "source": "contacts/update", "status": status, "webHookUri": hook, "createdAt": at,
            "updatedAt": at, "counts": counts, "webHook": { "status": web_hook, "attempts": 0 } })
    };
    let at = ["2026-10-14 23:59:59", "2026-10-15 00:00:00"];
    let older =
        entry(&json!(first), "processed", at[0], json!(null), json!({ "success": 2, "errors": 1 }), "none");
    let newer = entry(&second, "queued", at[1], json!(hook), json!(null), "pending");
    let expected = |data: Value| {
        let total = data.as_array().map(Vec::len);
        json!({ "result": true, "data": data, "totalCount": total, "offset": 0, "limit": 20, "errors": [] })
    };
    for (body, data) in [
        (json!({}), json!([newer, older])),
        (json!({ "status": "queued" }), json!([newer])),
        (json!({ "status": "processing" }), json!([])),
        (json!({ "status": "processed" }), json!([older])),
        (json!({ "contactListId": list, "status": null }), json!([newer, older])),
    ] {
        assert_eq!(server.ok(LIST, &body).await, expected(data), "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_list_narrow_what_is_told() {
    let (switch, clock, server, list) = standing().await;
    let other_list = server.list().await;
    let mut ids: Vec<String> = Vec::new();
    for number in 0..6 {
        if number == 3 {
            server.processed(&ids[2]).await;
            switch.set(Fault::ApplyWaits);
        }
        let list = if number % 2 == 0 { &list } else { &other_list };
        ids.push(send(&server, list, json!([{ "contact": "a" }])).await);
        clock.advance(Duration::from_secs(1));
    }
    let of = |numbers: &[usize]| -> (Vec<String>, u64) {
        (numbers.iter().map(|number| ids[*number].clone()).collect(), numbers.len() as u64)
    };
    for (body, expected) in [
        (json!({}), of(&[5, 4, 3, 2, 1, 0])),
        (json!({ "contactListId": list }), of(&[4, 2, 0])),
        (json!({ "contactListId": other_list, "status": "queued" }), of(&[5, 3])),
        (json!({ "from": "2026-10-15" }), of(&[5, 4, 3, 2, 1])),
        (json!({ "from": "2026-10-15 00:00:01", "to": "2026-10-15 00:00:03" }), of(&[3, 2])),
        (json!({ "to": "2026-10-15" }), of(&[0])),
        (json!({ "from": "2026-10-15", "contactListId": list, "status": "processed" }), of(&[2])),
        (json!({ "from": "2026-10-16", "to": "2026-10-15" }), of(&[])),
        (json!({ "from": "0001-01-01", "to": "9999-12-31" }), of(&[5, 4, 3, 2, 1, 0])),
    ] {
        assert_eq!(told(&server, &body).await, expected, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_without_a_gap_where_waiting_and_processed_meet() {
    let (switch, clock, server, list) = standing().await;
    let mut ids: Vec<String> = Vec::new();
    for number in 0..9 {
        if number == 5 {
            server.processed(&ids[4]).await;
            switch.set(Fault::ApplyWaits);
        }
        ids.push(send(&server, &list, json!([{ "contact": "a" }])).await);
        if number % 3 == 0 {
            clock.advance(Duration::from_millis(1));
        }
    }
    ids.reverse();
    for limit in 1..=10 {
        for offset in 0..=10 {
            let expected = ids.iter().skip(offset).take(limit).cloned().collect::<Vec<_>>();
            let body = json!({ "offset": offset, "limit": limit });
            assert_eq!(told(&server, &body).await, (expected, 9), "{body}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_applied_every_request_is_told_once() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut ids: Vec<String> = Vec::new();
    for number in 0..100 {
        ids.push(send(&server, &list, json!([{ "contact": format!("a{number}") }])).await);
        let (mut listed, total) = told(&server, &json!({ "limit": 100 })).await;
        assert_eq!(total, ids.len() as u64);
        listed.sort_unstable();
        let mut expected = ids.clone();
        expected.sort_unstable();
        assert_eq!(listed, expected);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_others_are_not_told() {
    let server = Server::start().await;
    let list = server.list().await;
    send(&server, &list, json!([{ "contact": "a" }])).await;
    let other = server.bearer("Other").await;
    let answer = server.post_as(&other.token, LIST, &json!({})).await;
    let nothing =
        json!({ "result": true, "data": [], "totalCount": 0, "offset": 0, "limit": 20, "errors": [] });
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, nothing));
    let answer = server.post_as(&other.token, LIST, &json!({ "contactListId": list })).await;
    assert_eq!(answer.errors(), [format!("List with id {list} not found!")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_all_of_it() {
    let server = Server::start().await;
    let time = |key: &str| format!("Argument {key} must be a YYYY-MM-DD hh:mm:ss time or a YYYY-MM-DD date");
    let status = "Argument status must be queued, processing or processed";
    for (body, text, code, field) in [
        (json!({ "status": "done" }), status.to_owned(), "INVALID_STATUS", "status"),
        (json!({ "status": 1 }), status.to_owned(), "INVALID_STATUS", "status"),
        (json!({ "from": "yesterday" }), time("from"), "INVALID_TIME", "from"),
        (json!({ "to": 1792022399 }), time("to"), "INVALID_TIME", "to"),
        (
            json!({ "contactListId": "x" }),
            "List with id x not found!".to_owned(),
            "LIST_NOT_FOUND",
            "contactListId",
        ),
    ] {
        let answer = server.post(LIST, &body).await;
        let expected = json!({ "result": false, "errors": [text], "details": [
            { "position": null, "field": field, "code": code, "message": text }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let body = json!({ "status": "", "contactListId": "", "from": "", "to": "2023-02-29", "offset": -1, "limit": 0 });
    let texts = server.refused(LIST, &body).await;
    let expected = [
        status,
        "Argument contactListId must be a non-empty string",
        &time("from"),
        &time("to"),
        "Argument offset must be an integer that is not negative",
        "Argument limit must be an integer from 1 to 100",
    ];
    assert_eq!(texts, expected);
    server.stop().await;
}
