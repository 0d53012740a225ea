//! Which errors a refused batch tells, in which order, and how many (contract, section 2).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const UPDATE: &str = "/v3/contacts/update";

/// A contact that is wrong in every field, the fields not in the order of the page.
fn all_wrong() -> Value {
    json!({
        "cac": { "currency": "GBP", "value": 0 }, "customerSourceId": "?", "sourceId": 1,
        "variables": [{ "name": "since", "value": "never" }, 5, { "name": "unheardOf", "value": "x" }],
        "tiktokLink": 1, "twitterLink": 1, "linkedInLink": 1, "instagramLink": 1, "facebookLink": 1,
        "avatarLink": 1, "contactScore": 1.5, "contactTimezone": 1, "contactGender": 5, "contactLanguage": 1,
        "contactBirthday": 1, "lastName": 1, "firstName": 1, "viberSubscribe": 1, "telegramSubscribe": 1,
        "mobileWebPushSubscribe": 1, "desktopWebPushSubscribe": 1, "smsSubscribe": 1, "emailSubscribe": 1,
        "active": 1, "userId": 1, "phoneNumber": 1, "email": 1, "name": 1, "contact": 1,
    })
}

/// What that is told, in the order of the page's Parameters.
const ALL_WRONG: [(&str, &str); 31] = [
    ("contact", "Argument contact must be a non-empty string filled with valid email, phoneNumber or userId"),
    ("name", "Argument name must be a string"),
    ("email", "Argument email must be a string"),
    ("phoneNumber", "Argument phoneNumber must be a string"),
    ("userId", "Argument userId must be a string"),
    ("active", "Argument active can be true or false"),
    ("emailSubscribe", "Argument emailSubscribe can be true or false"),
    ("smsSubscribe", "Argument smsSubscribe can be true or false"),
    ("desktopWebPushSubscribe", "Argument desktopWebPushSubscribe can be true or false"),
    ("mobileWebPushSubscribe", "Argument mobileWebPushSubscribe can be true or false"),
    ("telegramSubscribe", "Argument telegramSubscribe can be true or false"),
    ("viberSubscribe", "Argument viberSubscribe can be true or false"),
    ("firstName", "Argument firstName must be a string"),
    ("lastName", "Argument lastName must be a string"),
    ("contactBirthday", "Argument birthday must be a YYYY-MM-DD date"),
    ("contactLanguage", "Argument language must be a valid ISO language"),
    ("contactGender", "Unknown gender value"),
    ("contactTimezone", "Argument timezone must be a valid timezone string"),
    ("contactScore", "Argument score must have a numeric value"),
    ("avatarLink", "Argument avatarLink must be a valid URL"),
    ("facebookLink", "Argument facebookLink must be a valid URL"),
    ("instagramLink", "Argument instagramLink must be a valid URL"),
    ("linkedInLink", "Argument linkedInLink must be a valid URL"),
    ("twitterLink", "Argument twitterLink must be a valid URL"),
    ("tiktokLink", "Argument tiktokLink must be a valid URL"),
    ("variables", "Variable since type is date, but value is not valid date. Value never"),
    ("variables", "Argument variables must be an array of arrays with \"name\" and \"value\" fields"),
    ("variables", "Variable unheardOf not found in list. Try to add it first"),
    ("sourceId", "Argument sourceId must be a string"),
    ("cac.value", "CAC value must be a positive float"),
    ("cac.currency", "CAC currency GBP not allowed. USD, EUR are"),
];

/// Each entry of `errors` as position, field and text, taken from `details`, which must say the same as `errors`.
fn told(answer: &Answer) -> Vec<(Option<u64>, Option<String>, String)> {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let body = answer.json();
    let details = body["details"].as_array().expect("details");
    let messages: Vec<_> = details.iter().map(|detail| detail["message"].as_str().unwrap()).collect();
    assert_eq!(answer.errors(), messages);
    let told = details.iter().zip(&messages).map(|(detail, message)| {
        assert_eq!(detail.as_object().unwrap().len(), 4, "{detail}");
        assert!(detail["code"].as_str().is_some_and(|code| !code.is_empty()), "{detail}");
        (detail["position"].as_u64(), detail["field"].as_str().map(str::to_owned), (*message).to_owned())
    });
    told.collect()
}

fn expected(position: u64) -> Vec<(Option<u64>, Option<String>, String)> {
    let text = |text: &str| text.to_owned();
    ALL_WRONG.iter().map(|(field, message)| (Some(position), Some(text(field)), text(message))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_told_in_the_order_of_the_page() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [all_wrong(), { "contact": "a" }, all_wrong()] });
    let answer = server.post(UPDATE, &body).await;
    assert_eq!(told(&answer), [expected(0), expected(2)].concat());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_comes_first_in_the_order_of_the_page() {
    let server = Server::start().await;
    let list = server.list().await;
    let gone = "5d915c22d132d5f45a4e38b8";
    let [web_hook, upsert] =
        ["Argument webHookUri must be a valid URI", "Argument upsert must be a true or false"];
    let wrong = |list: Value, contacts: Value| json!({ "contacts": contacts, "upsert": 1, "webHookUri": 1, "contactListId": list });
    let one = json!([{ "contact": "a", "active": 1 }]);
    let active = "Argument active can be true or false";
    for (body, texts) in [
        (
            wrong(json!(1), json!([])),
            [
                "Argument contactListId must be a non-empty string",
                web_hook,
                upsert,
                "add at least one valid contact to contacts field",
            ],
        ),
        (
            wrong(json!(null), json!(null)),
            ["Argument contactListId required", web_hook, upsert, "Argument contacts required"],
        ),
        (
            wrong(json!(gone), one.clone()),
            [&format!("List with id {gone} not found!"), web_hook, upsert, active],
        ),
    ] {
        assert_eq!(server.refused(UPDATE, &body).await, texts);
    }
    assert_eq!(server.refused(UPDATE, &wrong(json!(list), one)).await, [web_hook, upsert, active]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_with_a_position_in_them_come_last_within_their_contact() {
    let server = Server::start().await;
    let list = server.list().await;
    let wrong = json!({ "contact": "a", "sourceId": "nowhere", "email": "", "phoneNumber": "", "userId": "",
        "cac": 5, "active": 1 });
    let body = json!({ "contactListId": list, "contacts": [wrong, wrong] });
    let texts = |position: usize| {
        [
            "Argument active can be true or false".to_owned(),
            "Argument CAC must be an array with value and currency fields".to_owned(),
            format!("email, phoneNumber or externalId/userId must be filled at contact position {position}"),
            format!("sourceId nowhere not found in your account at contact position {position}"),
        ]
    };
    assert_eq!(server.refused(UPDATE, &body).await, [texts(0), texts(1)].concat());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_gives_one_error() {
    let server = Server::start().await;
    let list = server.list().await;
    for (field, value, texts) in [
        ("firstName", json!("\u{0}".repeat(300)), vec!["Argument firstName must be a string"]),
        ("email", json!(" @ @ "), vec!["invalid RFC2822 email  @ @  at email field"]),
        ("cac", json!({ "value": 0 }), vec!["Argument CAC must be an array with value and currency fields"]),
        (
            "cac",
            json!({ "value": true, "currency": true }),
            vec!["CAC value must be a positive float", "CAC currency true not allowed. USD, EUR are"],
        ),
        (
            "variables",
            json!([{ "name": "id1", "value": {} }]),
            vec!["Argument variables must be an array of arrays with \"name\" and \"value\" fields"],
        ),
        (
            "variables",
            json!([{ "name": 5, "value": [] }]),
            vec!["Argument variables must be an array of arrays with \"name\" and \"value\" fields"],
        ),
    ] {
        let contact = json!({ "contact": "a", field: value });
        assert_eq!(server.refused_contact(&list, contact.clone()).await, texts, "{contact}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_list_is_left_out_where_there_is_none() {
    let server = Server::start().await;
    let body = json!({ "contactListId": "nowhere", "contacts": [{ "contact": "a", "active": 1, "variables": [
        { "name": "unheardOf", "value": "x" }, { "name": "email", "value": "x" }, { "name": "", "value": "x" },
    ] }] });
    let texts = [
        "List with id nowhere not found!",
        "Argument active can be true or false",
        "variable \"email\" is reserved and can not be added as custom variable",
        "name of variable can not be empty",
    ];
    assert_eq!(server.refused(UPDATE, &body).await, texts);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_a_thousand_errors_are_told() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "upsert": 1, "contacts": vec![all_wrong(); 100] });
    let told = told(&server.post(UPDATE, &body).await);
    let upsert = (None, Some("upsert".to_owned()), "Argument upsert must be a true or false".to_owned());
    let mut all: Vec<_> = std::iter::once(upsert).chain((0..100).flat_map(expected)).collect();
    all.truncate(1_000);
    assert_eq!(told, all);
    let many = vec![json!(5); 5_000];
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a", "variables": many }] });
    assert_eq!(server.refused(UPDATE, &body).await.len(), 1_000);
    server.stop().await;
}
