//! The source of a contact and what it cost to acquire it (contract, section 3).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;

/// What contact/get shows: sourceName, sourceId, customerSourceId.
async fn source_of(server: &Server, list: &str, user_id: &str) -> [Value; 3] {
    let contact = server.contact(list, "userId", user_id).await;
    ["sourceName", "sourceId", "customerSourceId"].map(|key| contact[key].clone())
}

fn none() -> [Value; 3] {
    [json!(null), json!(null), json!(null)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_named_by_either_id_and_its_own_id_comes_first() {
    let server = Server::start().await;
    let list = server.list().await;
    let site = server.source(&json!({ "name": "Site", "customerSourceId": "site1" })).await;
    let shop = server.source(&json!({ "name": "Shop" })).await;
    let is_site = [json!("Site"), json!(site), json!("site1")];
    let is_shop = [json!("Shop"), json!(shop), json!(null)];
    for (named, shown) in [
        (json!({ "sourceId": site }), &is_site),
        (json!({ "sourceId": shop }), &is_shop),
        (json!({ "customerSourceId": "site1" }), &is_site),
        (json!({ "sourceId": shop, "customerSourceId": "site1" }), &is_shop),
        // Not looked at where sourceId is given.
        (json!({ "sourceId": site, "customerSourceId": "no such thing" }), &is_site),
        (json!({ "sourceId": shop, "customerSourceId": 5 }), &is_shop),
        (json!({ "sourceId": null, "customerSourceId": "site1" }), &is_site),
        (json!({}), &is_site),
        (json!({ "sourceId": "" }), &none()),
        (json!({ "sourceId": shop }), &is_shop),
        (json!({ "customerSourceId": " " }), &none()),
    ] {
        let mut contact = named.clone();
        contact["contact"] = json!("a");
        server.upsert(&list, contact).await;
        assert_eq!(&source_of(&server, &list, "a").await, shown, "{named}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_not_there_is_told_with_the_contact_that_names_it() {
    let server = Server::start().await;
    let list = server.list().await;
    let other = server.bearer("Other").await;
    let body = json!({ "name": "Theirs", "customerSourceId": "theirs" });
    let theirs =
        server.post_as(&other.token, "/v3/contact-source/add", &body).await.json()["sourceId"].clone();
    let site = server.source(&json!({ "name": "Site", "customerSourceId": "Site1" })).await;
    let theirs = theirs.as_str().expect("an id");
    let body = json!({ "contactListId": list, "contacts": [
        { "contact": "a", "sourceId": "5efc8503efeef96ca3151931" },
        { "contact": "b", "sourceId": site },
        { "contact": "c", "sourceId": "Site1" },
        { "contact": "d", "customerSourceId": "site1" },
        { "contact": "e", "sourceId": "5efc8503efeef96ca3151931" },
        { "contact": "f", "sourceId": theirs },
        { "contact": "g", "customerSourceId": "theirs" },
    ] });
    let not_found = |key: &str, id: &str, position: usize| {
        format!("{key} {id} not found in your account at contact position {position}")
    };
    let expected = [
        not_found("sourceId", "5efc8503efeef96ca3151931", 0),
        not_found("sourceId", "Site1", 2),
        not_found("customerSourceId", "site1", 3),
        not_found("sourceId", "5efc8503efeef96ca3151931", 4),
        not_found("sourceId", theirs, 5),
        not_found("customerSourceId", "theirs", 6),
    ];
    let answer = server.post("/v3/contacts/update", &body).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, expected.to_vec()));
    assert_eq!(
        answer.json()["details"][2],
        json!({ "position": 3, "field": "customerSourceId", "code": "SOURCE_NOT_FOUND", "message": expected[2] })
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_keep_five_decimals_rounded_half_to_even() {
    let server = Server::start().await;
    let list = server.list().await;
    for (sent, shown) in [
        ("\"2.05\"", "2.05000"),
        ("2.05", "2.05000"),
        ("2", "2.00000"),
        ("1e2", "100.00000"),
        ("\"1E-5\"", "0.00001"),
        ("0.000015", "0.00002"),
        ("0.000025", "0.00002"),
        ("0.0000250000000000000000001", "0.00003"),
        ("\"1.000005\"", "1.00000"),
        ("0.000006", "0.00001"),
        ("999999999999999.99999", "999999999999999.99999"),
        ("123456789012345.678905", "123456789012345.67890"),
    ] {
        let body = format!(
            r#"{{"contactListId":"{list}","upsert":true,"contacts":[{{"contact":"a","cac":{{"value":{sent},"currency":"EUR"}}}}]}}"#
        );
        let answer = server.post_bytes("/v3/contacts/update", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{sent}: {}", answer.text());
        server.processed(answer.json()["requestId"].as_str().unwrap()).await;
        let cac = &server.contact(&list, "userId", "a").await["cac"];
        assert_eq!(cac, &json!({ "value": shown, "currency": "EUR" }), "{sent}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_is_the_contact_s_own_or_else_its_source_s() {
    let server = Server::start().await;
    let list = server.list().await;
    let cac = json!({ "value": "7.5", "currency": "EUR" });
    let site = server.source(&json!({ "name": "Site", "cac": cac })).await;
    let sources = json!({ "value": "7.50000", "currency": "EUR" });
    let own = json!({ "value": "1.00000", "currency": "USD" });
    for (patch, shown) in [
        (json!({}), json!(null)),
        (json!({ "sourceId": site }), sources.clone()),
        (json!({ "cac": { "value": 1, "currency": "USD" } }), own.clone()),
        (json!({ "sourceId": "" }), own.clone()),
        (json!({ "sourceId": site }), own),
        (json!({ "cac": "" }), sources.clone()),
        (
            json!({ "cac": { "value": 1, "currency": "USD" } }),
            json!({ "value": "1.00000", "currency": "USD" }),
        ),
        (json!({ "cac": "  " }), sources),
        (json!({ "sourceId": " " }), json!(null)),
    ] {
        let mut contact = patch.clone();
        contact["contact"] = json!("a");
        server.upsert(&list, contact).await;
        assert_eq!(server.contact(&list, "userId", "a").await["cac"], shown, "{patch}");
    }
    server.stop().await;
}
