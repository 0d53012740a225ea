//! `POST /v3/contact-list/variables/remove` and `/rename`

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

const ADD: &str = "/v3/contact-list/variables/add";
const REMOVE: &str = "/v3/contact-list/variables/remove";
const RENAME: &str = "/v3/contact-list/variables/rename";

async fn variables(server: &Server, list: &str, contact: &str) -> Value {
    server.contact(list, "userId", contact).await["variables"].clone()
}

fn entry(name: &str, value: Value) -> Value {
    json!({ "name": name, "value": value })
}

async fn refused(server: &Server, path: &str, body: &Value, expected: Value) {
    let answer = server.post(path, body).await;
    let errors: Vec<_> =
        expected.as_array().expect("details").iter().map(|one| one["message"].clone()).collect();
    let expected = json!({ "result": false, "errors": errors, "details": expected });
    assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{path} {body}");
}

fn detail(position: Option<usize>, field: &str, code: &str, message: &str) -> Value {
    json!({ "position": position, "field": field, "code": code, "message": message })
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_variables_are_gone_with_their_values() {
    let server = Server::start().await;
    let list = server.list().await;
    let all = json!([
        entry("plan", json!("gold")),
        entry("newVariableName", json!("x")),
        entry("since", json!("2020-01-01"))
    ]);
    server.upsert(&list, json!({ "contact": "a", "name": "Jo", "variables": all })).await;
    let before = server.contact(&list, "userId", "a").await;
    let body = json!({ "contactListId": list, "names": ["plan", "newVariableName", "plan"] });
    assert_eq!(server.ok(REMOVE, &body).await, json!({ "result": true }));
    let mut after = server.contact(&list, "userId", "a").await;
    assert_eq!(after["variables"], json!([entry("since", json!("2020-01-01"))]));
    after["variables"] = before["variables"].clone();
    assert_eq!(after, before, "all else is as it was, updatedAt too");
    let told = server.ok("/v3/contact-list/get", &json!({ "contactListId": list })).await;
    assert_eq!(told["data"]["customVariables"], json!([{ "name": "since", "type": "date" }]));
    let contact = json!({ "contact": "a", "variables": [entry("plan", json!("x"))] });
    let texts = server.refused_contact(&list, contact).await;
    assert_eq!(texts, ["Variable plan not found in list. Try to add it first"]);
    // One that is added under the old name is another.
    let add = json!({ "contactListId": list, "variables": [{ "name": "plan", "type": "ENUM_DATE" }] });
    server.ok(ADD, &add).await;
    let expected = json!([entry("since", json!("2020-01-01")), entry("plan", json!(null))]);
    assert_eq!(variables(&server, &list, "a").await, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_while_its_variable_goes_ends_in_variable_not_found() {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    switch.set(Fault::ApplyWaits);
    let contacts = json!([{ "contact": "a", "variables": [entry("plan", json!("gold"))] },
        { "contact": "b", "variables": [entry("newVariableName", json!("x"))] }]);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
    let id = server.ok("/v3/contacts/update", &body).await["requestId"].as_str().expect("an id").to_owned();
    server.ok(REMOVE, &json!({ "contactListId": list, "names": ["plan"] })).await;
    // A rename is none of its business.
    let rename = json!({ "contactListId": list, "name": "newVariableName", "newName": "city" });
    server.ok(RENAME, &rename).await;
    switch.set(Fault::None);
    let results = server.processed(&id).await["results"].clone();
    let told = json!([results["errors"][0]["error"], results["success"][0]["userId"]]);
    assert_eq!(told, json!(["VARIABLE_NOT_FOUND", "b"]));
    assert_eq!(server.contact(&list, "userId", "a").await, json!(null));
    let expected = json!([entry("city", json!("x")), entry("since", json!(null))]);
    assert_eq!(variables(&server, &list, "b").await, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_told_and_nothing_is() {
    let server = Server::start().await;
    let list = server.list().await;
    let not_found = |position, name: &str| {
        let text = format!("Variable {name} not found in list. Try to add it first");
        detail(Some(position), "names", "VARIABLE_NOT_FOUND", &text)
    };
    let wrong = || {
        let text = "Argument names must be a non-empty array of strings";
        json!([detail(None, "names", "INVALID_NAMES", text)])
    };
    for (names, expected) in [
        (json!(["plan", "x", "since", "Y"]), json!([not_found(1, "x"), not_found(3, "Y")])),
        (json!([]), wrong()),
        (json!("plan"), wrong()),
        (json!(["plan", 5]), wrong()),
        (json!(["plan", null]), wrong()),
        (json!(null), json!([detail(None, "names", "REQUIRED", "Argument names required")])),
        (
            json!(vec!["plan"; 101]),
            json!([detail(
                None,
                "names",
                "TOO_MANY_RECORDS",
                "Maximum count of records per transaction is 100, current 101"
            )]),
        ),
    ] {
        refused(&server, REMOVE, &json!({ "contactListId": list, "names": names }), expected).await;
    }
    let texts = server.refused(REMOVE, &json!({ "contactListId": "x", "names": ["plan"] })).await;
    assert_eq!(texts, ["List with id x not found!"]);
    let told = server.ok("/v3/contact-list/get", &json!({ "contactListId": list })).await;
    assert_eq!(told["data"]["customVariables"].as_array().map(Vec::len), Some(3));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_variable_keeps_its_values_and_its_type() {
    let server = Server::start().await;
    let list = server.list().await;
    let all = json!([entry("plan", json!("gold")), entry("since", json!("2020-01-01"))]);
    server.upsert(&list, json!({ "contact": "a", "variables": all })).await;
    let done = json!({ "result": true });
    for (name, new_name) in [("plan", "offer"), ("offer", "offer"), ("since", "plan")] {
        let body = json!({ "contactListId": list, "name": name, "newName": new_name });
        assert_eq!(server.ok(RENAME, &body).await, done, "{body}");
    }
    let expected = json!([
        entry("newVariableName", json!(null)),
        entry("offer", json!("gold")),
        entry("plan", json!("2020-01-01"))
    ]);
    assert_eq!(variables(&server, &list, "a").await, expected);
    let contact = json!({ "contact": "a", "variables": [entry("plan", json!("gold"))] });
    let texts = server.refused_contact(&list, contact).await;
    assert_eq!(texts, ["Variable plan type is date, but value is not valid date. Value gold"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_renamed_is_told() {
    let server = Server::start().await;
    let list = server.list().await;
    let exists = format!("Variable since already exists in list {list}");
    for (body, expected) in [
        (json!({ "name": "plan", "newName": "since" }), detail(None, "newName", "VARIABLE_EXISTS", &exists)),
        (
            json!({ "name": "x", "newName": "y" }),
            detail(None, "name", "VARIABLE_NOT_FOUND", "Variable x not found in list. Try to add it first"),
        ),
        (
            json!({ "name": "plan", "newName": "" }),
            detail(None, "newName", "VARIABLE_NAME_EMPTY", "name of variable can not be empty"),
        ),
        (
            json!({ "name": "plan", "newName": "Email" }),
            detail(
                None,
                "newName",
                "VARIABLE_NAME_RESERVED",
                "variable \"Email\" is reserved and can not be added as custom variable",
            ),
        ),
        (
            json!({ "name": "plan", "newName": "a b" }),
            detail(None, "newName", "VARIABLE_NAME_INVALID", "invalid name of variable a b"),
        ),
        (
            json!({ "name": "plan", "newName": 5 }),
            detail(None, "newName", "VARIABLE_NAME_NOT_A_STRING", "name of variable must be a string"),
        ),
        (
            json!({ "name": 5, "newName": "a" }),
            detail(None, "name", "VARIABLE_NAME_NOT_A_STRING", "name of variable must be a string"),
        ),
    ] {
        let mut asked = body.clone();
        asked["contactListId"] = json!(list);
        refused(&server, RENAME, &asked, json!([expected])).await;
    }
    let texts = server.refused(RENAME, &json!({})).await;
    let required = ["contactListId", "name", "newName"].map(|key| format!("Argument {key} required"));
    assert_eq!(texts, required);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_has_at_most_255_letters() {
    let server = Server::start().await;
    let list = server.list().await;
    let (longest, longer) = ("a".repeat(255), "a".repeat(256));
    let add =
        |name: &str| json!({ "contactListId": list, "variables": [{ "name": name, "type": "ENUM_STRING" }] });
    let rename = |name: &str| json!({ "contactListId": list, "name": "plan", "newName": name });
    let refused = [format!("invalid name of variable {longer}")];
    assert_eq!(server.refused(ADD, &add(&longer)).await, refused);
    assert_eq!(server.refused(RENAME, &rename(&longer)).await, refused);
    server.ok(RENAME, &rename(&longest)).await;
    assert_eq!(
        server.refused(ADD, &add(&longest)).await,
        [format!("Variable {longest} already exists in list {list}")]
    );
    server.stop().await;
}
