//! `POST /v3/contact/export`: everything that is kept about one person.

use std::sync::Arc;

use domain::clock::{Clock, SystemClock};
use domain::contact::identifier::IdentifierKind;
use domain::id::{Ids, ObjectId};
use domain::journal::{Batch, BatchKind, ItemsWriter};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::erase::erase;
use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const EXPORT: &str = "/v3/contact/export";

fn nothing(erased: bool) -> Value {
    json!({ "result": true, "contacts": [], "requests": [], "requestsComplete": true, "suppressed": [], "erased": erased, "errors": [] })
}

/// A request as it must be told.
fn told(request: &Value, list: &str, positions: Value) -> Value {
    json!({ "id": request["id"], "source": request["source"], "status": request["status"], "contactListId": list,
        "createdAt": request["createdAt"], "positions": positions })
}

async fn find(server: &Server, id: &Value) -> Value {
    let found = server.ok("/v3/request/find", &json!({ "ids": [id] })).await;
    found["requests"][id.as_str().expect("an id")].clone()
}

/// A contact as it must be told: what contact/get and contact/history say.
async fn contact(server: &Server, list: &str, name: &str, key: &str, identifier: &str) -> Value {
    let named = json!({ "contactListId": list, key: identifier });
    let history = server.ok("/v3/contact/history", &named).await;
    let consents = server.ok("/v3/consent/find", &named).await;
    json!({ "contactListId": list, "contactListName": name, "contactId": history["contactId"],
        "contact": server.contact(list, key, identifier).await, "history": history["data"], "historyComplete": true,
        "consents": consents["data"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_person_is_told_from_all_lists() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let [one, two, three] = [server.list().await, server.list().await, server.list().await];
    let rename = json!({ "contactListId": two, "contactListName": "Newsletter" });
    server.ok("/v3/contact-list/update", &rename).await;
    let source = server.source(&json!({ "name": "Shop", "cac": { "value": 2, "currency": "USD" } })).await;
    let full = json!([{ "contact": "bob" }, { "contact": "ada", "email": "old@example.com", "firstName": "Ada",
        "sourceId": source, "variables": [{ "name": "plan", "value": "gold" }] }]);
    let first = server.update(&one, true, full).await;
    let renamed = server.update(&one, true, json!([{ "contact": "ada", "email": "Ada@example.com" }])).await;
    let second = server.update(&two, true, json!([{ "contact": "ada@EXAMPLE.com" }])).await;
    let third = server.update(&three, true, json!([{ "contact": "ada@example.com", "lastName": "L" }])).await;
    let remove = json!({ "contactListId": three, "emails": ["ada@example.com"] });
    let removed = server.ok("/v3/contacts/remove", &remove).await["requestId"].clone();
    let removed = server.processed(removed.as_str().expect("an id")).await;
    let failed = json!([{ "contact": "x" }, { "contact": "ADA@example.com", "userId": "bob" }]);
    let failed = server.update(&one, false, failed).await;
    assert_eq!(failed["results"]["errors"][1]["error"], "IDENTIFIER_TAKEN");
    server.update(&one, true, json!([{ "contact": "bob", "firstName": "Bob" }])).await;
    switch.set(Fault::ApplyWaits);
    let waiting =
        json!({ "contactListId": two, "contacts": [{ "contact": "x" }, { "contact": "Ada@example.com" }] });
    let waiting = server.ok("/v3/contacts/update", &waiting).await["requestId"].clone();
    let waiting = find(&server, &waiting).await;
    let erasing =
        server.ok("/v3/contact/erase", &json!({ "email": "ada@example.com" })).await["requestId"].clone();
    let erasing = find(&server, &erasing).await;
    let other = json!({ "contactListId": two, "contacts": [{ "contact": "somebody.else@example.com" }] });
    server.ok("/v3/contacts/update", &other).await;

    let export = server.ok(EXPORT, &json!({ "email": "ADA@example.com" })).await;
    let contacts = json!([
        contact(&server, &one, "Customers", "userId", "ada").await,
        contact(&server, &two, "Newsletter", "email", "ada@example.com").await,
        contact(&server, &three, "Customers", "email", "ada@example.com").await,
    ]);
    assert_eq!(export["contacts"], contacts);
    let ada = &contacts[0]["contact"];
    assert_eq!(ada["cac"], json!({ "value": "2.00000", "currency": "USD" }));
    assert_eq!(ada["variables"][1], json!({ "name": "plan", "value": "gold" }));
    assert_eq!(contacts[0]["history"].as_array().map(Vec::len), Some(2));
    assert_eq!(contacts[2]["contact"], Value::Null, "only its history is kept");
    assert_eq!(contacts[2]["history"][0]["action"], "removed");
    let no_list = "0".repeat(24);
    let expected = json!([
        told(&first, &one, json!([1])),
        told(&renamed, &one, json!([0])),
        told(&second, &two, json!([0])),
        told(&third, &three, json!([0])),
        told(&removed, &three, json!([0])),
        told(&failed, &one, json!([1])),
        told(&waiting, &two, json!([1])),
        told(&erasing, &no_list, json!([0])),
    ]);
    assert_eq!(export["requests"], expected);
    assert_eq!(expected[6]["status"], "queued");
    let rest = json!({ "result": true, "contacts": contacts, "requests": expected, "requestsComplete": true, "suppressed": [],
        "erased": false, "errors": [] });
    assert_eq!(export, rest);

    switch.set(Fault::None);
    server.processed(erasing["id"].as_str().expect("an id")).await;
    for body in [
        json!({ "email": "ada@example.com" }),
        json!({ "userId": "ada" }),
        json!({ "email": "old@example.com" }),
    ] {
        assert_eq!(server.ok(EXPORT, &body).await, nothing(true), "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_bore_the_identifier_once_is_told_too() {
    let server = Server::start().await;
    let list = server.list().await;
    let old = server.update(&list, true, json!([{ "contact": "ada", "phoneNumber": "+15555555" }])).await;
    server.update(&list, true, json!([{ "contact": "ada", "phoneNumber": "" }])).await;
    server.update(&list, true, json!([{ "contact": "bob", "phoneNumber": "+15555555" }])).await;
    let export = server.ok(EXPORT, &json!({ "phoneNumber": "+15555555" })).await;
    let expected = [
        contact(&server, &list, "Customers", "userId", "bob").await,
        contact(&server, &list, "Customers", "userId", "ada").await,
    ];
    assert_eq!(export["contacts"], json!(expected));
    assert_eq!(export["requests"][0], told(&old, &list, json!([0])));
    assert_eq!(export["requests"].as_array().map(Vec::len), Some(3));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_and_those_of_other_accounts_are_nothing() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "ada" })).await;
    assert_eq!(server.ok(EXPORT, &json!({ "userId": "nobody" })).await, nothing(false));
    let them = server.bearer("Them").await;
    let theirs = server.post_as(&them.token, EXPORT, &json!({ "userId": "ada" })).await;
    assert_eq!((theirs.status, theirs.json()), (StatusCode::OK, nothing(false)));
    erase(&server, json!({ "userId": "ada" })).await;
    assert_eq!(server.ok(EXPORT, &json!({ "externalId": "ada" })).await, nothing(true));
    let theirs = server.post_as(&them.token, EXPORT, &json!({ "userId": "ada" })).await;
    assert_eq!(theirs.json(), nothing(false), "nor do they learn that somebody was erased");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused() {
    let server = Server::start().await;
    let required = "email, phoneNumber or externalId/userId must be filled";
    let answer = server.post(EXPORT, &json!({ "email": " " })).await;
    let details =
        json!([{ "position": null, "field": null, "code": "IDENTIFIER_REQUIRED", "message": required }]);
    let expected = json!({ "result": false, "errors": [required], "details": details });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected));
    let body = json!({ "userId": 1, "email": true, "phoneNumber": {} });
    let texts = ["userId", "email", "phoneNumber"].map(|key| format!("Argument {key} must be a string"));
    assert_eq!(server.refused(EXPORT, &body).await, texts);
    assert_eq!(server.post_bytes(EXPORT, "[1]").await.errors(), ["Bad Request"]);
    let answer = server.ok(EXPORT, &json!({ "userId": "ada", "limit": 5 })).await;
    let warning = json!({ "position": null, "field": "limit", "code": "UNKNOWN_FIELD",
        "message": "Argument limit is unknown and was ignored" });
    assert_eq!(answer["warnings"], json!([warning]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_changes_the_newest_are_told_and_it_is_said() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "bob", "contactScore": 1 })).await;
    for from in (0..10_000).step_by(100) {
        let changes =
            (from..from + 100).map(|score| json!({ "contact": "ada", "contactScore": score })).collect();
        server.update(&list, true, changes).await;
    }
    let export = server.ok(EXPORT, &json!({ "userId": "ada" })).await;
    let ada = &export["contacts"][0];
    assert_eq!(
        (ada["history"].as_array().map(Vec::len), &ada["historyComplete"]),
        (Some(10_000), &json!(true))
    );
    server.upsert(&list, json!({ "contact": "ada", "contactScore": -1 })).await;
    let export = server.ok(EXPORT, &json!({ "userId": "ada" })).await;
    let ada = &export["contacts"][0];
    assert_eq!(
        (ada["history"].as_array().map(Vec::len), &ada["historyComplete"]),
        (Some(10_000), &json!(false))
    );
    assert_eq!(
        ada["history"][0]["changes"],
        json!([{ "field": "contactScore", "old": "9999", "new": "-1" }])
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_requests_the_oldest_are_told_and_it_is_said() {
    let server = Server::start().await;
    let list = server.list().await;
    let ids = Ids::from_system();
    let list_id = ObjectId::parse(&list).expect("an id");
    let account = server.storage.find_access(server.token[3..19].to_owned()).await;
    let account = account.expect("a look").and_then(|access| access.account).expect("the account").no;
    let known = server.storage.find_list(list_id).await.expect("a look").expect("the list");
    let mut items = ItemsWriter::default();
    items.add(IdentifierKind::UserId, "ada", &[]);
    let items = items.finish();
    let batch = |_| {
        let accepted_at = SystemClock.now();
        Arc::new(Batch {
            request: ids.next(accepted_at),
            account,
            list: known.no,
            list_id,
            token: String::new(),
            kind: BatchKind::Upsert,
            accepted_at,
            webhook: None,
            restore_erased: false,
            once: None,
            items: items.clone(),
        })
    };
    let append = async |count: usize| {
        let batches: Vec<_> = (0..count).map(batch).collect();
        let ids: Vec<_> = batches.iter().map(|batch| batch.request.to_string()).collect();
        server.storage.append(batches).await.expect("kept");
        server.processed(ids.last().expect("one")).await;
        ids
    };
    let all = append(10_000).await;
    let told = async || {
        let export = server.ok(EXPORT, &json!({ "userId": "ada" })).await;
        let requests = export["requests"].as_array().expect("an array").iter();
        let ids: Vec<_> = requests.map(|request| request["id"].as_str().expect("an id").to_owned()).collect();
        (ids, export["requestsComplete"].clone())
    };
    assert!(told().await == (all.clone(), json!(true)), "all of them, and nothing is left out");
    append(1).await;
    assert!(told().await == (all, json!(false)), "the oldest, and one is left out");
    server.stop().await;
}
