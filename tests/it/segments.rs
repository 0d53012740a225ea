//! `/v3/segment/…`: filters with a name, usable wherever a filter is.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::Server;

const CREATE: &str = "/v3/segment/create";
const UPDATE: &str = "/v3/segment/update";
const REMOVE: &str = "/v3/segment/remove";
const GET: &str = "/v3/segment/get";
const FIND: &str = "/v3/segment/find";

async fn with_plans(server: &Server) -> String {
    let list = server.list().await;
    let contact =
        |user: &str, plan: &str| json!({ "contact": user, "variables": [{ "name": "plan", "value": plan }] });
    server.update(&list, true, json!([contact("a", "pro"), contact("b", "free"), contact("c", "pro")])).await;
    list
}

async fn found(server: &Server, list: &str, filter: Value) -> Vec<String> {
    let body = json!({ "contactListId": list, "filter": filter });
    let answer = server.ok("/v3/contacts/find", &body).await;
    let contacts = answer["data"].as_array().expect("contacts").clone();
    contacts.iter().map(|contact| contact["userId"].as_str().expect("a userId").to_owned()).collect()
}

async fn names(server: &Server, body: Value) -> Vec<String> {
    let answer = server.ok(FIND, &body).await;
    let segments = answer["data"].as_array().expect("segments").clone();
    segments.iter().map(|segment| segment["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_is_a_filter_that_outlives_renamings_and_goes_with_its_list() {
    let server = Server::start().await;
    let list = with_plans(&server).await;
    let filter = json!({ "field": "variables.plan", "op": "is", "value": "pro" });
    let new = json!({ "contactListId": list, "name": " Pro ", "filter": filter });
    let made = server.ok(CREATE, &new).await;
    let id = made["segmentId"].as_str().expect("an id").to_owned();
    assert_eq!(made, json!({ "result": true, "segmentId": id }));

    let one = json!({ "contactListId": list, "segmentId": id, "count": true });
    let mut got = server.ok(GET, &one).await;
    for key in ["createdAt", "updatedAt"] {
        got["data"].as_object_mut().expect("a segment").remove(key).expect("a time");
    }
    let expected = json!({ "result": true, "totalCount": 2,
        "data": { "segmentId": id, "name": "Pro", "filter": filter } });
    assert_eq!(got, expected);

    let named = json!({ "segment": id });
    assert_eq!(found(&server, &list, named.clone()).await, ["a", "c"]);
    let narrowed = json!({ "all": [named, { "field": "userId", "op": "isNot", "value": "a" }] });
    assert_eq!(found(&server, &list, narrowed).await, ["c"]);

    // What changes is in it at once, and a renamed variable is the same one.
    let b = json!({ "contact": "b", "variables": [{ "name": "plan", "value": "pro" }] });
    server.update(&list, false, json!([b])).await;
    let rename = json!({ "contactListId": list, "name": "plan", "newName": "tariff" });
    server.ok("/v3/contact-list/variables/rename", &rename).await;
    let got = server.ok(GET, &one).await;
    assert_eq!(
        (&got["totalCount"], &got["data"]["filter"]["field"]),
        (&json!(3), &json!("variables.tariff"))
    );

    let change = json!({ "contactListId": list, "segmentId": id, "name": "Free",
        "filter": { "field": "variables.tariff", "op": "is", "value": "free" } });
    assert_eq!(server.ok(UPDATE, &change).await, json!({ "result": true }));
    assert_eq!(found(&server, &list, json!({ "segment": id })).await, Vec::<String>::new());

    assert_eq!(
        server.ok(REMOVE, &json!({ "contactListId": list, "segmentId": id })).await,
        json!({ "result": true })
    );
    let gone = json!({ "contactListId": list, "filter": { "segment": id } });
    assert_eq!(server.refused("/v3/contacts/find", &gone).await, [format!("Segment {id} not found in list")]);

    server.ok(CREATE, &json!({ "contactListId": list, "name": "All", "filter": { "field": "userId", "op": "notEmpty" } })).await;
    server.ok("/v3/contact-list/remove", &json!({ "contactListId": list, "confirm": "Customers" })).await;
    assert_eq!(server.post(FIND, &json!({ "contactListId": list })).await.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_reports_the_segments_that_name_the_person() {
    let server = Server::start().await;
    let list = with_plans(&server).await;
    let in_any = json!({ "any": [{ "field": "email", "op": "in", "value": ["x@example.com", "USER@example.com"] },
        { "field": "userId", "op": "is", "value": "a" }] });
    for (name, filter) in
        [("Her", in_any), ("Others", json!({ "field": "email", "op": "contains", "value": "@example.com" }))]
    {
        server.ok(CREATE, &json!({ "contactListId": list, "name": name, "filter": filter })).await;
    }
    let erased = server.ok("/v3/contact/erase", &json!({ "email": "user@example.com" })).await;
    let text = format!(
        "The segment Her of list {list} has an identifier of the person in its filter: change or remove it"
    );
    assert_eq!(erased["warnings"].as_array().map(Vec::len), Some(1), "{erased}");
    let warning = &erased["warnings"][0];
    assert_eq!((&warning["code"], &warning["message"]), (&json!("SAVED_FILTER_NAMES_PERSON"), &json!(text)));
    let other = server.ok("/v3/contact/erase", &json!({ "email": "nobody@example.com" })).await;
    assert_eq!(other["warnings"], Value::Null);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_segments_of_a_contact_are_those_that_it_matches_now() {
    let server = Server::start().await;
    let list = with_plans(&server).await;
    for (name, value) in [("Pro", "pro"), ("Free", "free")] {
        let filter = json!({ "field": "variables.plan", "op": "is", "value": value });
        server.ok(CREATE, &json!({ "contactListId": list, "name": name, "filter": filter })).await;
    }
    let recent = json!({ "field": "createdAt", "op": "inLast", "value": 1 });
    server.ok(CREATE, &json!({ "contactListId": list, "name": "New", "filter": recent })).await;
    assert_eq!(names(&server, json!({ "contactListId": list })).await, ["Free", "New", "Pro"]);
    let ids = server.ok("/v3/contacts/find", &json!({ "contactListId": list })).await["contactIds"].clone();
    assert_eq!(names(&server, json!({ "contactListId": list, "contactId": ids[0] })).await, ["New", "Pro"]);
    assert_eq!(names(&server, json!({ "contactListId": list, "contactId": ids[1] })).await, ["Free", "New"]);
    let other = json!({ "contactListId": list, "contactId": list });
    assert_eq!(server.refused(FIND, &other).await, ["Argument contactId must be the id of a contact"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_segment_is_reported() {
    let server = Server::start().await;
    let list = with_plans(&server).await;
    let filter = json!({ "field": "userId", "op": "notEmpty" });
    let new = |name: &str, filter: &Value| json!({ "contactListId": list, "name": name, "filter": filter });
    let id = server.ok(CREATE, &new("One", &filter)).await["segmentId"].as_str().expect("an id").to_owned();
    assert_eq!(
        server.refused(CREATE, &new("One", &filter)).await,
        ["The list has another one with the name One"]
    );
    let nested = json!({ "any": [{ "segment": id }, filter] });
    assert_eq!(
        server.refused(CREATE, &new("Two", &nested)).await,
        ["Argument filter must not name a segment: it is the filter of one"]
    );
    assert_eq!(
        server.refused(CREATE, &json!({ "contactListId": list })).await,
        ["Argument name required", "Argument filter required"]
    );
    let other = server.list().await;
    let elsewhere = json!({ "contactListId": other, "segmentId": id });
    for path in [GET, REMOVE, UPDATE] {
        assert_eq!(
            server.refused(path, &elsewhere).await,
            [format!("Segment {id} not found in list")],
            "{path}"
        );
    }
    for number in 1..100 {
        server.ok(CREATE, &new(&format!("S{number}"), &filter)).await;
    }
    assert_eq!(server.refused(CREATE, &new("More", &filter)).await, ["Maximum count per list is 100"]);
    server.stop().await;
}
