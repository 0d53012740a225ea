//! `POST /v3/contact-list/create` and `/v3/contact-list/variables/add`

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, is_id};

const CREATE: &str = "/v3/contact-list/create";
const ADD: &str = "/v3/contact-list/variables/add";

async fn bare_list(server: &Server) -> String {
    let list = server.ok(CREATE, &json!({ "contactListName": "Bare" })).await;
    list["contactListId"].as_str().expect("an id").to_owned()
}

/// The names of a list's variables, as a contact of it shows them.
async fn names(server: &Server, list: &str) -> Vec<String> {
    server.upsert(list, json!({ "contact": "witness" })).await;
    let contact = server.contact(list, "userId", "witness").await;
    let variables = contact["variables"].as_array().expect("an array").iter();
    variables.map(|variable| variable["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_made_and_may_be_used_at_once() {
    let server = Server::start().await;
    for name in ["Customers", "Customers", " x ", &"\u{1F600}".repeat(150)] {
        let list = server.ok(CREATE, &json!({ "contactListName": name })).await;
        let id = &list["contactListId"];
        assert!(is_id(id), "{list}");
        assert_eq!(list, json!({ "result": true, "contactListId": id }));
        let made = server.upsert(id.as_str().unwrap(), json!({ "contact": "a" })).await;
        assert_eq!(made["action"], "created");
    }
    // The vendor's sending domains are not ours; a key that nobody knows is warned of.
    let body = json!({ "contactListName": "x", "domainId": 5, "domain": "example.com", "unknown": 1 });
    let warnings = server.ok(CREATE, &body).await["warnings"].clone();
    assert_eq!(
        warnings,
        json!([{ "position": null, "field": "unknown", "code": "UNKNOWN_FIELD",
        "message": "Argument unknown is unknown and was ignored" }])
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_needs_a_name() {
    let server = Server::start().await;
    let text = "Argument contactListName must be a non-empty string with max length within 150 characters";
    for (body, text) in [
        (json!({}), "Argument contactListName required"),
        (json!({ "contactListName": null }), "Argument contactListName required"),
        (json!({ "contactListName": "" }), text),
        (json!({ "contactListName": " \t" }), text),
        (json!({ "contactListName": 5 }), text),
        (json!({ "contactListName": "a\u{0}" }), text),
        (json!({ "contactListName": "x".repeat(151) }), text),
    ] {
        assert_eq!(server.refused(CREATE, &body).await, [text], "{body}");
    }
    let answer = server.post_bytes(CREATE, "[1]").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_added_in_their_order_all_or_none() {
    let server = Server::start().await;
    let list = bare_list(&server).await;
    let body = json!({ "contactListId": list, "variables": [
        { "name": "zulu", "type": "ENUM_STRING" }, { "name": "alpha", "type": "ENUM_DATE" }] });
    assert_eq!(server.ok(ADD, &body).await, json!({ "result": true }));
    assert_eq!(names(&server, &list).await, ["zulu", "alpha"]);
    let exists = |name: &str| format!("Variable {name} already exists in list {list}");
    let body = json!({ "contactListId": list, "variables": [
        { "name": "mike", "type": "ENUM_STRING" }, { "name": "zulu", "type": "ENUM_DATE" },
        { "name": "mike", "type": "ENUM_STRING" }] });
    assert_eq!(server.refused(ADD, &body).await, [exists("zulu"), exists("mike")]);
    assert_eq!(names(&server, &list).await, ["zulu", "alpha"]);
    // Its type is held to.
    let contact = json!({ "contact": "a", "variables": [{ "name": "alpha", "value": "x" }] });
    let texts = server.refused_contact(&list, contact).await;
    assert_eq!(texts, ["Variable alpha type is date, but value is not valid date. Value x"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_s_own_client_sends_no_type() {
    let server = Server::start().await;
    let list = bare_list(&server).await;
    let body = json!({ "contactListId": list, "variables": [
        { "name": "city", "type": "ENUM_STRING" }, { "name": "plan", "value": "gold" },
        { "name": "since", "type": null, "extra": 1 }] });
    let warning = |position: usize, field: &str, code: &str, message: &str| json!({ "position": position, "field": field, "code": code, "message": message });
    let assumed = |name: &str| format!("variable {name} has no type and was made an ENUM_STRING");
    let expected = json!({ "result": true, "warnings": [
        warning(1, "variables", "TYPE_ASSUMED", &assumed("plan")),
        warning(2, "variables", "TYPE_ASSUMED", &assumed("since")),
        warning(2, "variables.extra", "UNKNOWN_FIELD", "Argument variables.extra is unknown and was ignored"),
    ] });
    assert_eq!(server.ok(ADD, &body).await, expected);
    assert_eq!(names(&server, &list).await, ["city", "plan", "since"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_variable_is_told_in_the_words_of_the_page() {
    let server = Server::start().await;
    let list = bare_list(&server).await;
    let shape = "Argument variables must be an array of arrays with \"name\" and \"value\" fields";
    let cases = [
        (json!(5), shape),
        (json!({}), shape),
        (json!({ "type": "ENUM_STRING" }), shape),
        (json!({ "name": 5, "type": "ENUM_STRING" }), "name of variable must be a string"),
        (json!({ "name": "", "type": "ENUM_STRING" }), "name of variable can not be empty"),
        (
            json!({ "name": "Email", "type": "x" }),
            "variable \"Email\" is reserved and can not be added as custom variable",
        ),
        (json!({ "name": "plan1", "type": "ENUM_STRING" }), "invalid name of variable plan1"),
        (json!({ "name": "Plan", "type": "ENUM_STRING" }), "invalid name of variable Plan"),
        (json!({ "name": "plan", "type": "string" }), "invalid variable type string"),
        (json!({ "name": "plan", "type": "" }), "invalid variable type "),
        (json!({ "name": "plan", "type": 5 }), "invalid variable type 5"),
    ];
    let variables: Vec<_> = cases.iter().map(|(variable, _)| variable).collect();
    let answer = server.post(ADD, &json!({ "contactListId": list, "variables": variables })).await;
    let texts: Vec<_> = cases.iter().map(|(_, text)| (*text).to_owned()).collect();
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, texts));
    let details = answer.json()["details"].clone();
    for (position, (_, text)) in cases.iter().enumerate() {
        let detail = &details[position];
        assert_eq!((&detail["position"], &detail["message"]), (&json!(position), &json!(text)));
    }
    assert!(names(&server, &list).await.is_empty());
    for (variables, text) in [
        (json!(null), "Argument variables required"),
        (json!({}), shape),
        (json!([]), shape),
        (json!(vec![json!(5); 101]), "Maximum count of records per transaction is 100, current 101"),
    ] {
        let body = json!({ "contactListId": list, "variables": variables });
        assert_eq!(server.refused(ADD, &body).await, [text], "{variables}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_another_account_is_as_if_it_were_not_there() {
    let server = Server::start().await;
    let list = bare_list(&server).await;
    let other = server.bearer("Other").await;
    let body = |list: &str| json!({ "contactListId": list, "variables": [{ "name": "plan", "type": "ENUM_STRING" }] });
    let answer = server.post_as(&other.token, ADD, &body(&list)).await;
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::BAD_REQUEST, vec![format!("List with id {list} not found!")])
    );
    assert_eq!(server.refused(ADD, &body("x")).await, ["List with id x not found!"]);
    assert_eq!(
        server.refused(ADD, &json!({ "variables": [{ "name": "plan" }] })).await,
        ["Argument contactListId required"]
    );
    assert!(names(&server, &list).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_at_most_five_hundred_variables() {
    let server = Server::start().await;
    let list = bare_list(&server).await;
    let name = |n: usize| {
        format!("v{}", n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect::<String>())
    };
    let add = async |numbers: std::ops::Range<usize>| {
        let variables: Vec<Value> =
            numbers.map(|n| json!({ "name": name(n), "type": "ENUM_STRING" })).collect();
        server.post(ADD, &json!({ "contactListId": list, "variables": variables })).await
    };
    for hundred in 0..4 {
        assert_eq!(add(hundred * 100..hundred * 100 + 100).await.status, StatusCode::OK);
    }
    assert_eq!(add(400..499).await.status, StatusCode::OK);
    let answer = add(499..501).await;
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::BAD_REQUEST, vec!["Maximum count of variables per list is 500".to_owned()])
    );
    assert_eq!(add(499..500).await.status, StatusCode::OK);
    let all: Vec<_> = (0..500).map(|n| json!({ "name": name(n), "value": n })).collect();
    server.upsert(&list, json!({ "contact": "a", "variables": all })).await;
    let contact = server.contact(&list, "userId", "a").await;
    let shown: Vec<_> = (0..500).map(|n| json!({ "name": name(n), "value": n.to_string() })).collect();
    assert_eq!(contact["variables"], json!(shown));
    server.stop().await;
}
