//! Each field of a contact: what is refused, and with which text (contract, section 3).

use serde_json::{Value, json};

use crate::harness::{FLAGS, Server};

/// A field, a text, and values that are refused with it.
type Case = (&'static str, String, Vec<Value>);

fn no_texts() -> Vec<Value> {
    vec![
        json!(0),
        json!(1.5),
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!(["a"]),
        json!("a\u{0}b"),
    ]
}

fn text_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["name", "firstName", "lastName"] {
        cases.push((field, format!("Argument {field} must be a string"), no_texts()));
        let text = format!("Argument {field} must be a string with max length within 255 characters");
        cases.push((field, text, vec![json!("x".repeat(256)), json!("\u{1F600}".repeat(256))]));
    }
    for field in ["email", "phoneNumber", "userId", "sourceId", "customerSourceId"] {
        cases.push((field, format!("Argument {field} must be a string"), no_texts()));
    }
    let text = "Argument userId must be a string".to_owned();
    cases.push(("userId", text, vec![json!("x".repeat(256)), json!("a\nb"), json!("a\u{85}b")]));
    for field in FLAGS {
        let values = vec![json!(0), json!(1), json!("true"), json!(""), json!(" "), json!([]), json!({})];
        cases.push((field, format!("Argument {field} can be true or false"), values));
    }
    let text =
        "Argument customerSourceId must be an alphanumeric string with max length within 40 characters";
    let values = vec![json!("a b"), json!("ä"), json!("a-b"), json!("x".repeat(41)), json!("a a")];
    cases.push(("customerSourceId", text.to_owned(), values));
    cases
}

fn form_cases() -> Vec<Case> {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).chain(no_texts()).collect::<Vec<_>>();
    let mut cases = vec![
        (
            "contactBirthday",
            "Argument birthday must be a YYYY-MM-DD date".to_owned(),
            texts(&[
                "1990-02-29",
                "1990-1-1",
                "01-01-1990",
                "19900101",
                "1990-13-01",
                "0000-00-00",
                "1990-01 -01",
                "1990-01-01T00:00:00Z",
            ]),
        ),
        (
            "contactLanguage",
            "Argument language must be a valid ISO language".to_owned(),
            texts(&["eng", "e", "xx", "en-US", "en_US", "english", "e n"]),
        ),
        (
            "contactTimezone",
            "Argument timezone must be a valid timezone string".to_owned(),
            texts(&["europe/tallinn", "Europe", "Mars/Base", "+15", "+14:01", "+2", "02:00", "z", "+02:60"]),
        ),
        (
            "contactGender",
            "Unknown gender value".to_owned(),
            vec![
                json!(3),
                json!(-1),
                json!(1.5),
                json!("3"),
                json!("x"),
                json!("males"),
                json!(true),
                json!([]),
                json!({}),
                json!("m\u{0}"),
            ],
        ),
        (
            "contactScore",
            "Argument score must have a numeric value".to_owned(),
            vec![
                json!(1.5),
                json!("1.5"),
                json!("many"),
                json!("1 000"),
                json!("0x10"),
                json!(true),
                json!([]),
                json!({}),
                json!(9_223_372_036_854_775_808_u64),
                json!("9223372036854775808"),
                json!(1e300),
                json!("-9223372036854775809"),
                json!("1\u{0}"),
            ],
        ),
    ];
    for field in ["avatarLink", "facebookLink", "instagramLink", "linkedInLink", "twitterLink", "tiktokLink"]
    {
        let long = format!("https://example.com/{}", "a".repeat(2_029));
        let links = texts(&[
            "wooxy",
            "localhost",
            "ftp://example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "mailto:user@example.com",
            "//example.com/x",
            "http://",
            "https:///x",
            "example.com/a b",
            "file:///etc/passwd",
            "javascript://example.com/%0Aalert(1)",
            &long,
        ]);
        cases.push((field, format!("Argument {field} must be a valid URL"), links));
    }
    cases
}

fn cac_cases() -> Vec<Case> {
    let shape = "Argument CAC must be an array with value and currency fields".to_owned();
    let value = "CAC value must be a positive float".to_owned();
    let of = |value: Value| json!({ "value": value, "currency": "USD" });
    let in_currency = |currency: Value| json!({ "value": 1, "currency": currency });
    let mut cases = vec![
        (
            "cac",
            shape,
            vec![
                json!({}),
                json!([]),
                json!(5),
                json!("2.05"),
                json!(true),
                json!({ "value": 1 }),
                json!({ "currency": "USD" }),
                json!({ "value": null, "currency": "USD" }),
                json!({ "value": 1, "currency": null }),
                json!([{ "value": 1, "currency": "USD" }]),
            ],
        ),
        (
            "cac",
            value,
            [
                json!(0),
                json!("0"),
                json!(-1),
                json!("-1"),
                json!(true),
                json!("x"),
                json!("NaN"),
                json!("1,5"),
                json!([]),
                json!({}),
                json!(0.000001),
                json!("0.000005"),
                json!(1e15),
                json!("1000000000000000"),
                json!("1e400"),
                json!("2.05\u{0}"),
            ]
            .map(of)
            .to_vec(),
        ),
    ];
    for (currency, shown) in [
        (json!("GBP"), "GBP"),
        (json!("usd"), "usd"),
        (json!(""), ""),
        (json!("US D "), "US D "),
        (json!(5), "5"),
        (json!(true), "true"),
    ] {
        let text = format!("CAC currency {shown} not allowed. USD, EUR are");
        cases.push(("cac", text, vec![in_currency(currency)]));
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_with_its_text() {
    let server = Server::start().await;
    let list = server.list().await;
    for (field, text, values) in [text_cases(), form_cases(), cac_cases()].concat() {
        // All of them in one request: each is told at its position.
        let contacts: Vec<_> = values.iter().map(|value| json!({ "contact": "a", field: value })).collect();
        let body = json!({ "contactListId": list, "contacts": contacts });
        let answer = server.post("/v3/contacts/update", &body).await;
        let details = answer.json()["details"].clone();
        for (position, value) in values.iter().enumerate() {
            let detail = &details[position];
            assert_eq!(
                (&detail["position"], &detail["message"]),
                (&json!(position), &json!(text)),
                "{field} {value}"
            );
        }
        assert_eq!(answer.errors().len(), values.len(), "{field}: {}", answer.text());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_numbers_that_are_none_are_shown_as_they_were_sent() {
    let server = Server::start().await;
    let list = server.list().await;
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("{}@{}.example.com", "a".repeat(64), "b.".repeat(100));
    for email in [
        "user",
        "user@",
        "@example.com",
        "user@localhost",
        "a@b@example.com",
        "user@example..com",
        ".user@example.com",
        "user@example.com.",
        "John <user@example.com>",
        "user(comment)@example.com",
        "us er@example.com",
        "user@-example.com",
        "user@exam_ple.com",
        "user @example.com",
        "user@example.com\nx",
        " user@localhost ",
        "user@[300.1.1.1]",
        &long_local,
        &long,
    ] {
        let texts = server.refused_contact(&list, json!({ "contact": "a", "email": email })).await;
        assert_eq!(texts, [format!("invalid RFC2822 email {email} at email field")]);
    }
    for number in
        ["15555555", "+", "+1", "+05555555", "+1 555", "+1234567890123456", "tel:+15555555", "+1555555a"]
    {
        let texts = server.refused_contact(&list, json!({ "contact": "a", "phoneNumber": number })).await;
        assert_eq!(texts, [format!("{number} is not a valid E.164 phone number")]);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_uri_is_absolute_http_without_credentials() {
    let server = Server::start().await;
    let list = server.list().await;
    let long = format!("https://example.com/{}", "a".repeat(2_029));
    for uri in [
        json!(""),
        json!(" "),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        json!("example.com/hook"),
        json!("/hook"),
        json!("ftp://example.com/hook"),
        json!("https://user:secret@example.com/hook"),
        json!("https://"),
        json!("https://exa mple.com/"),
        json!("https://example.com/\u{0}"),
        json!(long),
    ] {
        let body = json!({ "contactListId": list, "webHookUri": uri, "contacts": [{ "contact": "a" }] });
        let texts = server.refused("/v3/contacts/update", &body).await;
        assert_eq!(texts, ["Argument webHookUri must be a valid URI"], "{uri}");
    }
    for upsert in [json!("true"), json!(1), json!(0), json!(""), json!([]), json!({})] {
        let body = json!({ "contactListId": list, "upsert": upsert, "contacts": [{ "contact": "a" }] });
        let texts = server.refused("/v3/contacts/update", &body).await;
        assert_eq!(texts, ["Argument upsert must be a true or false"], "{upsert}");
    }
    server.stop().await;
}
