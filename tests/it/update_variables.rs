//! The variables of a contact (contract, section 3).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{KEYS, Server};

const SHAPE: &str = "Argument variables must be an array of arrays with \"name\" and \"value\" fields";

/// What contact/get shows of a contact's variables: `newVariableName`, `plan`, `since`.
async fn values(server: &Server, list: &str, user_id: &str) -> [Value; 3] {
    let contact = server.contact(list, "userId", user_id).await;
    let variables = contact["variables"].as_array().expect("an array");
    let names = ["newVariableName", "plan", "since"];
    assert_eq!(variables.len(), names.len());
    for (variable, name) in variables.iter().zip(names) {
        assert_eq!(variable["name"], name);
        assert_eq!(variable.as_object().unwrap().len(), 2);
    }
    [0, 1, 2].map(|index| variables[index]["value"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_kept_as_they_were_sent() {
    let server = Server::start().await;
    let list = server.list().await;
    let longest = "\u{1F600}".repeat(10_000);
    for (sent, shown) in [
        ("\"gold\"", json!("gold")),
        ("\" gold \\n\\t\\\"\"", json!(" gold \n\t\"")),
        ("5", json!("5")),
        ("-1.50e+400", json!("-1.50e+400")),
        ("100000000000000000000000.0", json!("100000000000000000000000.0")),
        ("true", json!("true")),
        ("false", json!("false")),
        ("\"\"", json!(null)),
        ("null", json!(null)),
        (&format!("\"{longest}\""), json!(longest)),
    ] {
        // Over another value, so that what clears is seen.
        let before = json!([{ "name": "plan", "value": "before" }]);
        server.upsert(&list, json!({ "contact": "a", "variables": before })).await;
        let body = format!(
            r#"{{"contactListId":"{list}","contacts":[{{"contact":"a","variables":[{{"name":"plan","value":{sent}}}]}}]}}"#
        );
        let answer = server.post_bytes("/v3/contacts/update", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{sent}: {}", answer.text());
        server.processed(answer.json()["requestId"].as_str().unwrap()).await;
        assert_eq!(values(&server, &list, "a").await, [json!(null), shown, json!(null)], "{sent}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_keeps_the_variables_that_are_not_named() {
    let server = Server::start().await;
    let list = server.list().await;
    for (variables, shown) in [
        (
            json!([{ "name": "since", "value": "2020-02-29" }, { "name": "plan", "value": "gold" }]),
            [json!(null), json!("gold"), json!("2020-02-29")],
        ),
        (
            json!([{ "name": "newVariableName", "value": "x" }]),
            [json!("x"), json!("gold"), json!("2020-02-29")],
        ),
        (json!([]), [json!("x"), json!("gold"), json!("2020-02-29")]),
        (json!(null), [json!("x"), json!("gold"), json!("2020-02-29")]),
        (
            json!([{ "name": "since", "value": null }, { "name": "plan", "value": "" }]),
            [json!("x"), json!(null), json!(null)],
        ),
    ] {
        server.upsert(&list, json!({ "contact": "a", "variables": variables })).await;
        assert_eq!(values(&server, &list, "a").await, shown, "{variables}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_for_one_variable_the_last_wins() {
    let server = Server::start().await;
    let list = server.list().await;
    for (first, second, shown) in [
        (json!("x"), json!("y"), json!("y")),
        (json!("x"), json!(null), json!(null)),
        (json!(""), json!("y"), json!("y")),
    ] {
        let variables = json!([{ "name": "plan", "value": first }, { "name": "newVariableName", "value": "z" },
            { "name": "plan", "value": second }]);
        server.upsert(&list, json!({ "contact": "a", "variables": variables })).await;
        assert_eq!(values(&server, &list, "a").await, [json!("z"), shown, json!(null)], "{variables}");
    }
    // The one that is not used must be right all the same.
    let variables = json!([{ "name": "plan", "value": {} }, { "name": "plan", "value": "y" }]);
    let texts = server.refused_contact(&list, json!({ "contact": "a", "variables": variables })).await;
    assert_eq!(texts, [SHAPE]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_array_of_names_and_values_is_refused() {
    let server = Server::start().await;
    let list = server.list().await;
    let too_long = "x".repeat(10_001);
    for variables in [
        json!(5),
        json!("plan"),
        json!(true),
        json!({}),
        json!({ "name": "plan", "value": "x" }),
        json!(""),
        json!([null]),
        json!([5]),
        json!(["plan"]),
        json!([[]]),
        json!([{}]),
        json!([{ "name": "plan" }]),
        json!([{ "value": "x" }]),
        json!([{ "name": null, "value": "x" }]),
        json!([{ "name": "plan", "value": [] }]),
        json!([{ "name": "plan", "value": {} }]),
        json!([{ "name": "plan", "value": "a\u{0}" }]),
        json!([{ "name": "plan", "value": too_long }]),
    ] {
        let texts = server.refused_contact(&list, json!({ "contact": "a", "variables": variables })).await;
        assert_eq!(texts, [SHAPE], "{variables}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_lower_camel_case_free_and_known() {
    let server = Server::start().await;
    let list = server.list().await;
    let not_a_string = || "name of variable must be a string".to_owned();
    let invalid = |name: &str| format!("invalid name of variable {name}");
    let reserved =
        |name: &str| format!("variable \"{name}\" is reserved and can not be added as custom variable");
    let mut cases = vec![
        (json!(5), not_a_string()),
        (json!(true), not_a_string()),
        (json!([]), not_a_string()),
        (json!({}), not_a_string()),
        (json!("plan\u{0}"), not_a_string()),
        (json!(""), "name of variable can not be empty".to_owned()),
        (json!("unheardOf"), "Variable unheardOf not found in list. Try to add it first".to_owned()),
        (json!("pLAN"), "Variable pLAN not found in list. Try to add it first".to_owned()),
    ];
    for name in ["Plan", "plan1", "new_plan", "plan ", " plan", "1", "plän", "p-lan", "contact "] {
        cases.push((json!(name), invalid(name)));
    }
    let others = ["contact", "externalId", "id", "createdAt", "updatedAt", "sourceName"];
    for name in KEYS.into_iter().chain(others) {
        for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            cases.push((json!(name), reserved(&name)));
        }
    }
    let entries: Vec<_> = cases.iter().map(|(name, _)| json!({ "name": name, "value": "x" })).collect();
    let texts = server.refused_contact(&list, json!({ "contact": "a", "variables": entries })).await;
    let expected: Vec<_> = cases.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_variable_takes_real_dates() {
    let server = Server::start().await;
    let list = server.list().await;
    for (value, shown) in [
        (json!("2023-02-29"), "2023-02-29"),
        (json!("01.02.2023"), "01.02.2023"),
        (json!("2023-01-01 10:00"), "2023-01-01 10:00"),
        (json!(20230101), "20230101"),
        (json!(true), "true"),
    ] {
        let variables = json!([{ "name": "since", "value": value }]);
        let texts = server.refused_contact(&list, json!({ "contact": "a", "variables": variables })).await;
        assert_eq!(
            texts,
            [format!("Variable since type is date, but value is not valid date. Value {shown}")]
        );
    }
    let variables = json!([{ "name": "since", "value": "2024-02-29" }]);
    server.upsert(&list, json!({ "contact": "a", "variables": variables })).await;
    assert_eq!(values(&server, &list, "a").await, [json!(null), json!(null), json!("2024-02-29")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_added_later_is_known_at_once_and_null_in_older_contacts() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "a" })).await;
    let variables = json!([{ "name": "later", "value": "x" }]);
    let contact = json!({ "contact": "b", "variables": variables });
    let texts = server.refused_contact(&list, contact.clone()).await;
    assert_eq!(texts, ["Variable later not found in list. Try to add it first"]);
    let add = json!({ "contactListId": list, "variables": [{ "name": "later", "type": "ENUM_STRING" }] });
    server.ok("/v3/contact-list/variables/add", &add).await;
    assert_eq!(server.upsert(&list, contact).await["action"], "created");
    let shown = |contact: &Value| contact["variables"][3].clone();
    assert_eq!(shown(&server.contact(&list, "userId", "a").await), json!({ "name": "later", "value": null }));
    assert_eq!(shown(&server.contact(&list, "userId", "b").await), json!({ "name": "later", "value": "x" }));
    server.stop().await;
}
