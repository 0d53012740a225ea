//! `POST /v3/contact-source/get`, `/find`, `/update` and `/remove`

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const GET: &str = "/v3/contact-source/get";
const FIND: &str = "/v3/contact-source/find";
const UPDATE: &str = "/v3/contact-source/update";
const REMOVE: &str = "/v3/contact-source/remove";

const DONE: fn() -> Value = || json!({ "result": true });

fn removed(rows: u64) -> Value {
    json!({ "result": true, "affectedRows": rows })
}

async fn refused(server: &Server, path: &str, body: &Value, text: &str, code: &str, field: Value) {
    let answer = server.post(path, body).await;
    let expected = json!({ "result": false, "errors": [text], "details": [
        { "position": null, "field": field, "code": code, "message": text }] });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{path} {body}");
}

async fn cac_of(server: &Server, list: &str, contact: &str) -> Value {
    server.contact(list, "userId", contact).await["cac"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_told_by_id_by_the_caller_s_own_id_and_by_name() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_399_000));
    let server = Server::with(Setup { clock: Arc::new(clock), ..Setup::default() }).await;
    let cac = json!({ "value": "2.05", "currency": "USD" });
    let shop = server.source(&json!({ "name": "Shop", "customerSourceId": "shop1", "cac": cac })).await;
    let site = server.source(&json!({ "name": "Site" })).await;
    let data = |key: &str, id: &str, name: &str, customer: Value, cac: Value| {
        json!({ key: id, "name": name, "customerSourceId": customer, "cac": cac,
            "createdAt": "2026-10-14 23:59:59", "updatedAt": "2026-10-14 23:59:59" })
    };
    let kept = json!({ "value": "2.05000", "currency": "USD" });
    let of_shop = |key: &str| data(key, &shop, "Shop", json!("shop1"), kept.clone());
    let of_site = |key: &str| data(key, &site, "Site", json!(null), json!(null));
    for (body, expected) in [
        (json!({ "sourceId": shop }), of_shop("sourceId")),
        (json!({ "customerSourceId": "shop1" }), of_shop("sourceId")),
        (json!({ "name": "Shop" }), of_shop("sourceId")),
        (json!({ "sourceId": site, "customerSourceId": "shop1", "name": "Shop" }), of_site("sourceId")),
        (json!({ "sourceId": "", "customerSourceId": null, "name": "Site" }), of_site("sourceId")),
    ] {
        let expected = json!({ "result": true, "data": expected });
        assert_eq!(server.ok(GET, &body).await, expected, "{body}");
    }
    let page = |data: Value, total: u64, offset: u64, limit: u64| json!({ "result": true, "data": data, "totalCount": total, "offset": offset, "limit": limit });
    for (body, expected) in [
        (json!({}), page(json!([of_shop("id"), of_site("id")]), 2, 0, 20)),
        (json!({ "offset": 1, "limit": 1 }), page(json!([of_site("id")]), 2, 1, 1)),
        (json!({ "name": "Shop" }), page(json!([of_shop("id")]), 1, 0, 20)),
        (json!({ "name": "Sho" }), page(json!([]), 0, 0, 20)),
        (json!({ "name": "", "customerSourceId": "shop1" }), page(json!([of_shop("id")]), 1, 0, 20)),
        (json!({ "name": "Site", "customerSourceId": "shop1" }), page(json!([]), 0, 0, 20)),
    ] {
        assert_eq!(server.ok(FIND, &body).await, expected, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_of_others_are_as_if_they_were_not_there() {
    let server = Server::start().await;
    let id = server.source(&json!({ "name": "Shop", "customerSourceId": "shop1" })).await;
    let other = server.bearer("Other").await;
    let not_found = |text: &str| format!("Contact source {text} not found in your account");
    for (path, body, text) in [
        (GET, json!({ "sourceId": id }), not_found(&id)),
        (GET, json!({ "customerSourceId": "shop1" }), not_found("shop1")),
        (GET, json!({ "name": "Shop" }), not_found("Shop")),
        (UPDATE, json!({ "source": id, "name": "x" }), not_found(&id)),
        (UPDATE, json!({ "source": "shop1", "name": "x" }), not_found("shop1")),
        (REMOVE, json!({ "ids": [id] }), "No records found by this identifiers".to_owned()),
        (
            REMOVE,
            json!({ "customerSourceIds": ["shop1"] }),
            "No records found by this identifiers".to_owned(),
        ),
    ] {
        let answer = server.post_as(&other.token, path, &body).await;
        assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![text]), "{path} {body}");
    }
    assert_eq!(server.post_as(&other.token, FIND, &json!({})).await.json()["totalCount"], 0);
    assert_eq!(server.ok(FIND, &json!({})).await["totalCount"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_changed_where_something_is_said_and_stays_unique() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_399_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let cac = json!({ "value": "2.05", "currency": "USD" });
    let id = server.source(&json!({ "name": "Shop", "customerSourceId": "shop1", "cac": cac })).await;
    server.source(&json!({ "name": "Site", "customerSourceId": "site1" })).await;
    let told = async || {
        let data = server.ok(GET, &json!({ "sourceId": id })).await["data"].clone();
        json!([data["name"], data["customerSourceId"], data["cac"]["value"], data["updatedAt"]])
    };
    clock.advance(Duration::from_secs(1));
    assert_eq!(server.ok(UPDATE, &json!({ "source": id, "name": "Shop", "cac": null })).await, DONE());
    assert_eq!(
        told().await,
        json!(["Shop", "shop1", "2.05000", "2026-10-14 23:59:59"]),
        "nothing has changed"
    );
    let later = "2026-10-15 00:00:00";
    for (body, expected) in [
        (json!({ "source": "shop1", "name": "Store" }), json!(["Store", "shop1", "2.05000", later])),
        (json!({ "source": id, "customerSourceId": "store1" }), json!(["Store", "store1", "2.05000", later])),
        (
            json!({ "source": "store1", "cac": { "value": 3, "currency": "EUR" } }),
            json!(["Store", "store1", "3.00000", later]),
        ),
        (json!({ "source": id, "cac": "", "customerSourceId": "" }), json!(["Store", null, null, later])),
        (json!({ "source": id, "customerSourceId": id }), json!(["Store", id, null, later])),
    ] {
        assert_eq!(server.ok(UPDATE, &body).await, DONE(), "{body}");
        assert_eq!(told().await, expected, "{body}");
    }
    let exists = "Contact source with this parameters is already registered";
    for body in
        [json!({ "source": id, "name": "Site" }), json!({ "source": id, "customerSourceId": "site1" })]
    {
        refused(&server, UPDATE, &body, exists, "SOURCE_EXISTS", json!(null)).await;
    }
    assert_eq!(told().await, json!(["Store", id, null, later]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told() {
    let server = Server::start().await;
    let id = server.source(&json!({ "name": "Shop" })).await;
    let source = "Argument 'source' must be a non-empty string: ID or customerSourceId of updating instance";
    let name = "Argument 'name' must be a non-empty string with max length 150 chars";
    let customer = "Argument 'customerSourceId' must be an alphanumeric string with max length 40 chars";
    for body in [json!({}), json!({ "source": "" }), json!({ "source": " " }), json!({ "source": 5 })] {
        refused(&server, UPDATE, &body, source, "INVALID_SOURCE", json!("source")).await;
    }
    let text = "Contact source x not found in your account";
    refused(&server, UPDATE, &json!({ "source": "x" }), text, "SOURCE_NOT_FOUND", json!("source")).await;
    let body =
        json!({ "source": id, "name": "", "customerSourceId": "?", "cac": { "value": 0, "currency": "x" } });
    let texts = server.refused(UPDATE, &body).await;
    let cac = ["CAC value must be a positive float", "CAC currency x not allowed. USD, EUR are"];
    assert_eq!(texts, [name, customer, cac[0], cac[1]]);
    let none = "sourceId, customerSourceId or name must be filled";
    refused(&server, GET, &json!({}), none, "IDENTIFIER_REQUIRED", json!(null)).await;
    let text = "Argument customerSourceId must be a string";
    refused(&server, GET, &json!({ "customerSourceId": 5 }), text, "NOT_A_STRING", json!("customerSourceId"))
        .await;
    let texts = server.refused(FIND, &json!({ "name": 5, "customerSourceId": 5, "limit": 0 })).await;
    assert_eq!(texts, [name, customer, "Argument limit must be an integer from 1 to 100"]);
    for (body, text, code, field) in [
        (json!({}), "Add at least one identifier to remove", "IDENTIFIER_REQUIRED", json!(null)),
        (json!({ "ids": [] }), "Add at least one identifier to remove", "IDENTIFIER_REQUIRED", json!(null)),
        (json!({ "ids": "x" }), "Argument ids must be an array of strings", "INVALID_IDS", json!("ids")),
        (json!({ "ids": [5] }), "Argument ids must be an array of strings", "INVALID_IDS", json!("ids")),
        (
            json!({ "customerSourceIds": {} }),
            "Argument customerSourceIds must be an array of strings",
            "INVALID_CUSTOMER_SOURCE_IDS",
            json!("customerSourceIds"),
        ),
        (json!({ "ids": ["x"] }), "No records found by this identifiers", "SOURCE_NOT_FOUND", json!(null)),
        (
            json!({ "ids": vec!["x"; 60], "customerSourceIds": vec!["x"; 41] }),
            "Maximum count of records per transaction is 100, current 101",
            "TOO_MANY_RECORDS",
            json!("customerSourceIds"),
        ),
    ] {
        refused(&server, REMOVE, &body, text, code, field).await;
    }
    let each = "Each customerSourceId must be an alphanumeric string with 40 max chars length";
    let answer = server.post(REMOVE, &json!({ "customerSourceIds": ["a", "a b"] })).await;
    let details = json!([{ "position": 1, "field": "customerSourceIds", "code": "INVALID_CUSTOMER_SOURCE_ID",
        "message": each }]);
    assert_eq!(answer.json(), json!({ "result": false, "errors": [each], "details": details }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_a_removed_source_keep_what_they_cost_and_lose_the_reference() {
    let server = Server::start().await;
    let list = server.list().await;
    let cac = json!({ "value": "2.05", "currency": "USD" });
    let own = json!({ "value": "1", "currency": "EUR" });
    let shop = server.source(&json!({ "name": "Shop", "customerSourceId": "shop1", "cac": cac })).await;
    let free = server.source(&json!({ "name": "Free", "customerSourceId": "free1" })).await;
    let contacts = json!([{ "contact": "of source", "sourceId": shop },
        { "contact": "own", "sourceId": shop, "cac": own }, { "contact": "free", "sourceId": free }]);
    server.update(&list, true, contacts).await;
    // Named twice, counted once.
    let body = json!({ "ids": [shop, "x", shop], "customerSourceIds": ["shop1", "free1"] });
    assert_eq!(server.ok(REMOVE, &body).await, removed(2));
    let kept = json!({ "value": "2.05000", "currency": "USD" });
    for (contact, cac) in [
        ("of source", kept.clone()),
        ("own", json!({ "value": "1.00000", "currency": "EUR" })),
        ("free", json!(null)),
    ] {
        let contact = server.contact(&list, "userId", contact).await;
        let told =
            json!([contact["sourceId"], contact["sourceName"], contact["customerSourceId"], contact["cac"]]);
        assert_eq!(told, json!([null, null, null, cac]));
    }
    // What else changes a contact leaves its cost alone; a new source takes its place.
    server.upsert(&list, json!({ "contact": "of source", "name": "x" })).await;
    assert_eq!(cac_of(&server, &list, "of source").await, kept);
    let again = server.source(&json!({ "name": "Shop", "customerSourceId": "shop1" })).await;
    assert_eq!(cac_of(&server, &list, "of source").await, kept, "one of the same name is another");
    server.upsert(&list, json!({ "contact": "of source", "sourceId": again })).await;
    assert_eq!(cac_of(&server, &list, "of source").await, json!(null));
    let texts = server.refused_contact(&list, json!({ "contact": "a", "sourceId": shop })).await;
    assert_eq!(texts, [format!("sourceId {shop} not found in your account at contact position 0")]);
    assert_eq!(server.ok(FIND, &json!({})).await["totalCount"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_while_its_source_goes_ends_in_source_not_found() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let shop = server.source(&json!({ "name": "Shop", "cac": { "value": 1, "currency": "USD" } })).await;
    switch.set(Fault::ApplyWaits);
    let contacts = json!([{ "contact": "a", "sourceId": shop }, { "contact": "b" }]);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let id = server.ok("/v3/contacts/update", &body).await["requestId"].as_str().expect("an id").to_owned();
    assert_eq!(server.ok(REMOVE, &json!({ "ids": [shop] })).await, removed(1));
    switch.set(Fault::None);
    let results = server.processed(&id).await["results"].clone();
    assert_eq!(
        json!([results["errors"][0]["error"], results["success"][0]["userId"]]),
        json!(["SOURCE_NOT_FOUND", "b"])
    );
    server.stop().await;
}
