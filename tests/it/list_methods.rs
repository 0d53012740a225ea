//! `POST /v3/contact-list/get`, `/find`, `/update` and `/remove`

use std::sync::Arc;

use domain::clock::{ManualClock, Timestamp};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const GET: &str = "/v3/contact-list/get";
const FIND: &str = "/v3/contact-list/find";
const UPDATE: &str = "/v3/contact-list/update";
const REMOVE: &str = "/v3/contact-list/remove";

/// 2026-10-14 23:59:59 UTC.
const START: Timestamp = Timestamp::from_millis(1_792_022_399_000);

async fn make(server: &Server, name: &str) -> String {
    let list = server.ok("/v3/contact-list/create", &json!({ "contactListName": name })).await;
    list["contactListId"].as_str().expect("an id").to_owned()
}

/// What a list is as the account's other lists are: `isDefault` and the names of its variables left to the caller.
fn shown(id: &str, name: &str, is_default: &str, custom: Value) -> Value {
    let of = |kind: &str, names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "name": name, "type": kind })).collect()
    };
    let default = [
        of("string", &["name", "email", "phoneNumber", "userId"]),
        of("bool", &crate::harness::FLAGS),
        of("string", &["avatarLink"]),
        of("date", &["contactBirthday"]),
        of("string", &["contactLanguage", "firstName", "lastName"]),
        of("integer", &["contactGender"]),
        of("string", &["contactTimezone", "facebookLink", "instagramLink", "linkedInLink", "twitterLink"]),
        of("string", &["tiktokLink"]),
        of("integer", &["contactScore"]),
        of("datetime", &["createdAt", "updatedAt"]),
        of("string", &["sourceName", "sourceId", "customerSourceId"]),
    ];
    json!({ "contactListName": name, "contactListId": id, "isDefault": is_default,
        "createdAt": "2026-10-14 23:59:59", "updatedAt": "2026-10-14 23:59:59", "optOut": "allow",
        "domainId": null, "domain": null, "defaultFromEmail": null, "defaultFromName": null, "company": null,
        "replyToEmail": null, "replyToName": null, "smsFromName": null,
        "customVariables": custom, "defaultVariables": default.concat() })
}

fn found(data: Value, total: u64, offset: u64, limit: u64) -> Value {
    json!({ "result": true, "data": data, "totalCount": total, "offset": offset, "limit": limit })
}

async fn names(server: &Server, body: &Value) -> (Vec<String>, u64) {
    let answer = server.ok(FIND, body).await;
    let rows = answer["data"].as_array().expect("an array").iter();
    let names = rows.map(|row| row["contactListName"].as_str().expect("a name").to_owned()).collect();
    (names, answer["totalCount"].as_u64().expect("a count"))
}

async fn standing(server_start: Timestamp) -> (ManualClock, Server) {
    let clock = ManualClock::new(server_start);
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    (clock, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_told_with_its_variables_and_the_fields_of_every_contact() {
    let (_, server) = standing(START).await;
    let first = make(&server, "First").await;
    let second = server.list().await;
    let answer = server.ok(GET, &json!({ "contactListId": first })).await;
    let data = shown(&first, "First", "1", json!([]));
    assert_eq!(answer, json!({ "result": true, "data": data }));
    let answer = server.ok(GET, &json!({ "contactListId": second })).await;
    let custom = json!([{ "name": "newVariableName", "type": "string" }, { "name": "plan", "type": "string" },
        { "name": "since", "type": "date" }]);
    let data = shown(&second, "Customers", "0", custom);
    assert_eq!(answer, json!({ "result": true, "data": data }));
    let both = json!([shown(&first, "First", "1", json!([])), data]);
    assert_eq!(server.ok(FIND, &json!({})).await, found(both, 2, 0, 20));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_found_by_id_and_exact_name_page_by_page() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "a", "A", "ab"] {
        ids.push(make(&server, name).await);
    }
    for (body, rows, total) in [
        (json!({}), vec!["a", "b", "a", "A", "ab"], 5),
        (json!({ "contactListName": "a" }), vec!["a", "a"], 2),
        (json!({ "contactListName": "" }), vec!["a", "b", "a", "A", "ab"], 5),
        (json!({ "contactListName": "x" }), vec![], 0),
        (json!({ "contactListId": ids[3] }), vec!["A"], 1),
        (json!({ "contactListId": ids[3], "contactListName": "a" }), vec![], 0),
        (json!({ "contactListId": "x" }), vec![], 0),
        (json!({ "limit": 2 }), vec!["a", "b"], 5),
        (json!({ "limit": 2, "offset": 4 }), vec!["ab"], 5),
        (json!({ "limit": 1, "offset": 1, "contactListName": "a" }), vec!["a"], 2),
        (json!({ "offset": 5 }), vec![], 5),
        (json!({ "offset": i64::MAX, "limit": 100 }), vec![], 5),
    ] {
        assert_eq!(
            names(&server, &body).await,
            (rows.iter().map(ToString::to_string).collect(), total),
            "{body}"
        );
    }
    let other = server.bearer("Other").await;
    let answer = server.post_as(&other.token, FIND, &json!({ "contactListId": ids[0] })).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, found(json!([]), 0, 0, 20)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_page_or_a_filter_is_told_all_of_it() {
    let server = Server::start().await;
    let offset = "Argument offset must be an integer that is not negative";
    let limit = "Argument limit must be an integer from 1 to 100";
    for (body, texts) in [
        (json!({ "offset": -1 }), vec![offset]),
        (json!({ "offset": "1" }), vec![offset]),
        (json!({ "offset": 0.5 }), vec![offset]),
        (json!({ "offset": 1e30 }), vec![offset]),
        (json!({ "limit": 0 }), vec![limit]),
        (json!({ "limit": 101 }), vec![limit]),
        (json!({ "limit": true }), vec![limit]),
        (json!({ "contactListName": 5 }), vec!["Argument contactListName must be a string"]),
        (
            json!({ "contactListId": 5, "contactListName": [], "offset": [], "limit": {} }),
            vec![
                "Argument contactListId must be a non-empty string",
                "Argument contactListName must be a string",
                offset,
                limit,
            ],
        ),
    ] {
        assert_eq!(server.refused(FIND, &body).await, texts, "{body}");
    }
    let answer = server.post(FIND, &json!({ "limit": 101 })).await;
    let details = json!([{ "position": null, "field": "limit", "code": "INVALID_LIMIT", "message": limit }]);
    assert_eq!(answer.json(), json!({ "result": false, "errors": [limit], "details": details }));
    assert_eq!(server.ok(FIND, &json!({ "offset": null, "limit": 100.0 })).await["limit"], 100);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_gets_another_name() {
    let (clock, server) = standing(START).await;
    let list = make(&server, "Old").await;
    clock.advance(std::time::Duration::from_secs(1));
    let same = json!({ "contactListId": list, "contactListName": "Old" });
    assert_eq!(server.ok(UPDATE, &same).await, json!({ "result": true }));
    let told = server.ok(GET, &json!({ "contactListId": list })).await["data"].clone();
    assert_eq!(told["updatedAt"], "2026-10-14 23:59:59", "nothing has changed");
    let body = json!({ "contactListId": list, "contactListName": "New", "domainId": 5 });
    assert_eq!(server.ok(UPDATE, &body).await, json!({ "result": true }));
    let told = server.ok(GET, &json!({ "contactListId": list })).await["data"].clone();
    assert_eq!(
        json!([told["contactListName"], told["createdAt"], told["updatedAt"]]),
        json!(["New", "2026-10-14 23:59:59", "2026-10-15 00:00:00"])
    );
    let name = "Argument contactListName must be a non-empty string with max length within 150 characters";
    for (body, texts) in [
        (json!({}), vec!["Argument contactListId required", "Argument contactListName required"]),
        (json!({ "contactListId": list, "contactListName": " " }), vec![name]),
        (json!({ "contactListId": "x", "contactListName": 5 }), vec!["List with id x not found!", name]),
    ] {
        assert_eq!(server.refused(UPDATE, &body).await, texts, "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_removed_by_who_says_its_present_name() {
    let server = Server::start().await;
    let list = make(&server, "Old").await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    server.ok(UPDATE, &json!({ "contactListId": list, "contactListName": "New" })).await;
    let confirm = "Argument confirm must be the name of the contact list";
    for (body, text) in [
        (json!({ "contactListId": list }), "Argument confirm required"),
        (json!({ "contactListId": list, "confirm": "Old" }), confirm),
        (json!({ "contactListId": list, "confirm": "new" }), confirm),
        (json!({ "contactListId": list, "confirm": "" }), confirm),
        (json!({ "contactListId": list, "confirm": true }), confirm),
    ] {
        let answer = server.post(REMOVE, &body).await;
        let code = if text == confirm { "INVALID_CONFIRM" } else { "REQUIRED" };
        let expected = json!({ "result": false, "errors": [text], "details": [
            { "position": null, "field": "confirm", "code": code, "message": text }] });
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let other = server.bearer("Other").await;
    let body = json!({ "contactListId": list, "confirm": "New" });
    let gone = format!("List with id {list} not found!");
    let answer = server.post_as(&other.token, REMOVE, &body).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![gone.clone()]));
    assert_eq!(server.contact(&list, "userId", "a").await["userId"], "a");
    assert_eq!(server.ok(REMOVE, &body).await, json!({ "result": true }));
    for path in [REMOVE, GET, UPDATE] {
        let body = json!({ "contactListId": list, "confirm": "New", "contactListName": "x" });
        assert_eq!(server.refused(path, &body).await, [gone.as_str()], "{path}");
    }
    let body = json!({ "contactListId": list, "userId": "a" });
    assert_eq!(server.refused("/v3/contact/get", &body).await, [gone]);
    assert_eq!(names(&server, &json!({})).await, (vec![], 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_default_list_goes_the_oldest_is_the_next() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(make(&server, name).await);
    }
    let defaults = async || {
        let answer = server.ok(FIND, &json!({})).await;
        let rows = answer["data"].as_array().expect("an array").clone();
        rows.iter().map(|row| format!("{}{}", row["contactListName"], row["isDefault"])).collect::<String>()
    };
    assert_eq!(defaults().await, r#""a""1""b""0""c""0""#);
    server.ok(REMOVE, &json!({ "contactListId": ids[1], "confirm": "b" })).await;
    assert_eq!(defaults().await, r#""a""1""c""0""#);
    server.ok(REMOVE, &json!({ "contactListId": ids[0], "confirm": "a" })).await;
    assert_eq!(defaults().await, r#""c""1""#);
    server.ok(REMOVE, &json!({ "contactListId": ids[2], "confirm": "c" })).await;
    assert_eq!(defaults().await, "");
    make(&server, "d").await;
    assert_eq!(defaults().await, r#""d""1""#);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_in_the_place_of_a_list_means_the_default_list() {
    let server = Server::start().await;
    let none = json!({ "domain": "example.com" });
    assert_eq!(server.refused(GET, &none).await, ["Argument contactListId required"], "there is no list");
    let (first, second) = (make(&server, "a").await, make(&server, "b").await);
    for domain in [json!({ "domainId": "7" }), json!({ "domainId": 7, "domain": null }), none.clone()] {
        let answer = server.ok(GET, &domain).await;
        assert_eq!(
            (&answer["data"]["contactListId"], answer.get("warnings")),
            (&json!(first), None),
            "{domain}"
        );
        assert_eq!(names(&server, &domain).await, (vec!["a".to_owned()], 1), "{domain}");
    }
    // Null is absence, and a list that is named is the one that is meant.
    let null = json!({ "domainId": null, "domain": null });
    assert_eq!(server.refused(GET, &null).await, ["Argument contactListId required"]);
    assert_eq!(names(&server, &null).await.1, 2);
    let named = json!({ "domain": "example.com", "contactListId": second });
    assert_eq!(server.ok(GET, &named).await["data"]["contactListName"], "b");
    assert_eq!(names(&server, &named).await.0, ["b"]);
    let other_name = json!({ "domain": "example.com", "contactListName": "b" });
    assert_eq!(names(&server, &other_name).await.1, 0, "both filters hold");
    let limited = crate::token_scope::token(&server, true, Some(&[&second])).await;
    let answer = server.post_as(&limited, GET, &none).await;
    assert_eq!(
        answer.errors(),
        ["Argument contactListId required"],
        "the token does not see the default list"
    );
    assert_eq!(server.post_as(&limited, FIND, &none).await.json()["totalCount"], 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_while_its_list_goes_ends_in_list_not_found() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    let id = server.ok("/v3/contacts/update", &body).await["requestId"].as_str().expect("an id").to_owned();
    server.ok(REMOVE, &json!({ "contactListId": list, "confirm": "Customers" })).await;
    switch.set(Fault::None);
    let request = server.processed(&id).await;
    assert_eq!(request["results"]["errors"][0]["error"], "LIST_NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_not_saved_is_told_and_changes_nothing() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Site" })).await;
    switch.set(Fault::Change);
    let text = "Request saving error. Please, contact us or try again later";
    for (path, body) in [
        (UPDATE, json!({ "contactListId": list, "contactListName": "New" })),
        (REMOVE, json!({ "contactListId": list, "confirm": "Customers" })),
        ("/v3/contact-list/variables/remove", json!({ "contactListId": list, "names": ["plan"] })),
        (
            "/v3/contact-list/variables/rename",
            json!({ "contactListId": list, "name": "plan", "newName": "offer" }),
        ),
        ("/v3/contact-source/update", json!({ "source": source, "name": "Shop" })),
        ("/v3/contact-source/remove", json!({ "ids": [source] })),
    ] {
        let answer = server.post(path, &body).await;
        let told = (answer.status, answer.errors(), answer.headers.contains_key("retry-after"));
        assert_eq!(told, (StatusCode::SERVICE_UNAVAILABLE, vec![text.to_owned()], true), "{path}");
    }
    switch.set(Fault::None);
    let told = server.ok(GET, &json!({ "contactListId": list })).await["data"].clone();
    assert_eq!(
        json!([told["contactListName"], told["customVariables"][1]["name"]]),
        json!(["Customers", "plan"])
    );
    let told = server.ok("/v3/contact-source/get", &json!({ "sourceId": source })).await;
    assert_eq!(told["data"]["name"], "Site");
    server.stop().await;
}
