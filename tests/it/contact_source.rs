//! `POST /v3/contact-source/add`

use hyper::StatusCode;
use serde_json::json;

use crate::harness::{Server, is_id};

const ADD: &str = "/v3/contact-source/add";
const NAME: &str = "Argument 'name' must be a non-empty string with max length 150 chars";
const CUSTOMER: &str = "Argument 'customerSourceId' must be an alphanumeric string with max length 40 chars";
const CAC: &str = "Argument CAC must be an array with value and currency fields";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_made_and_may_be_named_at_once() {
    let server = Server::start().await;
    let list = server.list().await;
    let longest = "\u{1F600}".repeat(150);
    for (body, shown) in [
        (json!({ "name": "Site" }), json!([null, null])),
        (
            json!({ "name": "Shop", "customerSourceId": "shop1", "cac": { "value": "2.05", "currency": "USD" } }),
            json!(["shop1", { "value": "2.05000", "currency": "USD" }]),
        ),
        (json!({ "name": "Null", "customerSourceId": null, "cac": null }), json!([null, null])),
        (
            json!({ " name ": "Trimmed", "customerSourceId": "x".repeat(40), "cac": { " value": 1, "currency ": "EUR" } }),
            json!(["x".repeat(40), { "value": "1.00000", "currency": "EUR" }]),
        ),
        (json!({ "name": longest }), json!([null, null])),
    ] {
        let answer = server.ok(ADD, &body).await;
        let id = &answer["sourceId"];
        assert!(is_id(id), "{answer}");
        assert_eq!(answer, json!({ "result": true, "sourceId": id }));
        server.upsert(&list, json!({ "contact": "a", "sourceId": id })).await;
        let contact = server.contact(&list, "userId", "a").await;
        assert_eq!(&contact["sourceId"], id);
        assert_eq!(json!([contact["customerSourceId"], contact["cac"]]), shown, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_all_of_it() {
    let server = Server::start().await;
    let cac = |value, currency| json!({ "name": "x", "cac": { "value": value, "currency": currency } });
    for (body, texts) in [
        (json!({}), vec![NAME]),
        (json!({ "name": null }), vec![NAME]),
        (json!({ "name": "" }), vec![NAME]),
        (json!({ "name": " " }), vec![NAME]),
        (json!({ "name": 5 }), vec![NAME]),
        (json!({ "name": "x".repeat(151) }), vec![NAME]),
        (json!({ "name": "x", "customerSourceId": "a b" }), vec![CUSTOMER]),
        (json!({ "name": "x", "customerSourceId": "ä" }), vec![CUSTOMER]),
        (json!({ "name": "x", "customerSourceId": 5 }), vec![CUSTOMER]),
        (json!({ "name": "x", "customerSourceId": "x".repeat(41) }), vec![CUSTOMER]),
        (json!({ "name": "x", "cac": {} }), vec![CAC]),
        (json!({ "name": "x", "cac": 5 }), vec![CAC]),
        (cac(json!(0), json!("USD")), vec!["CAC value must be a positive float"]),
        (cac(json!(1), json!("GBP")), vec!["CAC currency GBP not allowed. USD, EUR are"]),
        (
            json!({ "name": 5, "customerSourceId": "?", "cac": { "value": "x", "currency": "x" } }),
            vec![
                NAME,
                CUSTOMER,
                "CAC value must be a positive float",
                "CAC currency x not allowed. USD, EUR are",
            ],
        ),
    ] {
        assert_eq!(server.refused(ADD, &body).await, texts, "{body}");
    }
    let answer = server.post_bytes(ADD, "\"name\"").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_customer_source_ids_are_each_unique_in_an_account() {
    let server = Server::start().await;
    server.source(&json!({ "name": "Site", "customerSourceId": "site1" })).await;
    let text = "Contact source with this parameters is already registered";
    for body in [
        json!({ "name": "Site" }),
        json!({ "name": "Site", "customerSourceId": "other" }),
        json!({ "name": "Other", "customerSourceId": "site1" }),
    ] {
        let answer = server.post(ADD, &body).await;
        let expected = json!({ "result": false, "errors": [text], "details": [
            { "position": null, "field": null, "code": "SOURCE_EXISTS", "message": text }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    server.source(&json!({ "name": "Other" })).await;
    server.source(&json!({ "name": "Third" })).await;
    let other = server.bearer("Other").await;
    let answer =
        server.post_as(&other.token, ADD, &json!({ "name": "Site", "customerSourceId": "site1" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    server.stop().await;
}
