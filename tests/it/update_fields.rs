//! Each field of a contact: the forms that are taken, and how contact/get shows them (contract, section 3).

use serde_json::{Value, json};

use crate::harness::{FLAGS, Server};

/// A field, what is sent, and what is shown.
type Case = (&'static str, Value, Value);

fn text_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["name", "firstName", "lastName"] {
        for text in ["John", " John ", "Jöhn \u{1F600}", "a\tb\nc", "<b>&amp;\"'\\", "\u{feff}x"] {
            cases.push((field, json!(text), json!(text)));
        }
        // Characters are counted, not bytes.
        cases.push((field, json!("\u{1F600}".repeat(255)), json!("\u{1F600}".repeat(255))));
        cases.push((field, json!(""), json!(null)));
        cases.push((field, json!(" \t\u{a0}"), json!(null)));
    }
    cases
}

fn flag_cases() -> Vec<Case> {
    FLAGS.into_iter().flat_map(|field| [true, false].map(|flag| (field, json!(flag), json!(flag)))).collect()
}

fn date_and_language_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for date in ["1990-01-01", "2000-02-29", "2024-12-31", "0001-01-01", "9999-12-31"] {
        cases.push(("contactBirthday", json!(date), json!(date)));
    }
    for (sent, shown) in [("en", "en"), ("EN", "en"), ("eT", "et"), ("zu", "zu")] {
        cases.push(("contactLanguage", json!(sent), json!(shown)));
    }
    for field in ["contactBirthday", "contactLanguage", "contactTimezone"] {
        cases.push((field, json!(""), json!(null)));
        cases.push((field, json!(" "), json!(null)));
    }
    for zone in ["Europe/Tallinn", "Europe/Kiev", "UTC", "Z", "+02", "-0330", "+05:45", "+14:00", "-14:00"] {
        cases.push(("contactTimezone", json!(zone), json!(zone)));
    }
    cases
}

fn number_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (code, forms) in [
        (
            "0",
            vec![
                json!(0),
                json!("0"),
                json!(""),
                json!(" "),
                json!("unknown"),
                json!("UNDEFINED"),
                json!("Empty"),
            ],
        ),
        ("1", vec![json!(1), json!("1"), json!("m"), json!("M"), json!("male"), json!("Male")]),
        ("2", vec![json!(2), json!("2"), json!("f"), json!("F"), json!("female"), json!("FEMALE")]),
        (
            "9",
            vec![
                json!(9),
                json!("9"),
                json!("n/a"),
                json!("N/A"),
                json!("not applicable"),
                json!("na"),
                json!("NA"),
            ],
        ),
    ] {
        cases.extend(forms.into_iter().map(|form| ("contactGender", form, json!(code))));
    }
    for (sent, shown) in [
        (json!(100), json!("100")),
        (json!("100"), json!("100")),
        (json!(100.0), json!("100")),
        (json!("100.0"), json!("100")),
        (json!(0), json!("0")),
        (json!(-7), json!("-7")),
        (json!("-7"), json!("-7")),
        (json!(i64::MAX), json!("9223372036854775807")),
        (json!(i64::MIN), json!("-9223372036854775808")),
        (json!("9223372036854775807"), json!("9223372036854775807")),
        (json!(""), json!(null)),
        (json!(" "), json!(null)),
    ] {
        cases.push(("contactScore", sent, shown));
    }
    cases
}

fn link_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["avatarLink", "facebookLink", "instagramLink", "linkedInLink", "twitterLink", "tiktokLink"]
    {
        for link in [
            "facebook.com/wooxy.com",
            "https://example.com/a?b=c#d",
            "HTTP://Example.com",
            "http://localhost:8080/x",
        ] {
            cases.push((field, json!(link), json!(link)));
        }
        let longest = format!("https://example.com/{}", "a".repeat(2_028));
        cases.push((field, json!(longest), json!(longest)));
        cases.push((field, json!(""), json!(null)));
        cases.push((field, json!("  "), json!(null)));
    }
    cases
}

/// Sends every case to a contact of its own which had nothing, and to one which had something in that field.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_shown_whatever_stood_there() {
    let server = Server::start().await;
    let list = server.list().await;
    let full = json!({ "name": "Old", "firstName": "Old", "lastName": "Old", "active": true,
        "emailSubscribe": true, "smsSubscribe": false, "desktopWebPushSubscribe": true,
        "mobileWebPushSubscribe": false, "telegramSubscribe": true, "viberSubscribe": false,
        "contactBirthday": "1980-05-05", "contactLanguage": "fi", "contactTimezone": "Asia/Tokyo",
        "contactGender": 9, "contactScore": 12345, "avatarLink": "old.example.com", "facebookLink": "old.example.com",
        "instagramLink": "old.example.com", "linkedInLink": "old.example.com", "twitterLink": "old.example.com",
        "tiktokLink": "old.example.com" });
    let cases =
        [text_cases(), flag_cases(), date_and_language_cases(), number_cases(), link_cases()].concat();
    for (index, (field, sent, shown)) in cases.into_iter().enumerate() {
        let (bare, mut old) = (format!("bare{index}"), full.clone());
        let filled = format!("full{index}");
        old["contact"] = json!(filled);
        let request = json!([old, { "contact": filled, field: sent }, { "contact": bare, field: sent }]);
        let request = server.update(&list, true, request).await;
        assert_eq!(request["results"]["errors"], json!([]), "{field} {sent}");
        let before = server.contact(&list, "userId", &filled).await;
        assert_eq!(before[field], shown, "{field} {sent}");
        assert_eq!(server.contact(&list, "userId", &bare).await[field], shown, "{field} {sent}");
        // The same again changes nothing, and the other fields stand as they did.
        let again = server.upsert(&list, json!({ "contact": filled, field: sent })).await;
        assert_eq!(again["action"], "unchanged", "{field} {sent}");
        for (other, value) in full.as_object().unwrap().iter().filter(|(other, _)| *other != field) {
            let shown = match other.as_str() {
                "contactGender" | "contactScore" => json!(value.to_string()),
                _ => value.clone(),
            };
            assert_eq!(before[other], shown, "{other} after {field} {sent}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_has_the_page_s_defaults() {
    let server = Server::start().await;
    let list = server.list().await;
    server.upsert(&list, json!({ "contact": "user@example.com" })).await;
    let mut contact = server.contact(&list, "email", "user@example.com").await;
    assert_eq!(contact["createdAt"], contact["updatedAt"]);
    (contact["createdAt"], contact["updatedAt"]) = (json!("<time>"), json!("<time>"));
    let expected = json!({
        "name": null, "email": "user@example.com", "phoneNumber": null, "userId": null, "active": false,
        "emailSubscribe": false, "smsSubscribe": false, "desktopWebPushSubscribe": false,
        "mobileWebPushSubscribe": false, "telegramSubscribe": false, "viberSubscribe": false,
        "createdAt": "<time>", "updatedAt": "<time>", "avatarLink": null, "contactBirthday": null,
        "contactLanguage": null, "firstName": null, "lastName": null, "contactGender": "0",
        "contactTimezone": null, "facebookLink": null, "instagramLink": null, "linkedInLink": null,
        "twitterLink": null, "tiktokLink": null, "contactScore": null, "sourceName": null, "sourceId": null,
        "customerSourceId": null, "variables": [
            { "name": "newVariableName", "value": null }, { "name": "plan", "value": null },
            { "name": "since", "value": null }], "cac": null,
    });
    assert_eq!(contact, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_taken_as_given() {
    let server = Server::start().await;
    let list = server.list().await;
    let long_user = "\u{1F600}".repeat(255);
    for (field, text) in [
        ("email", "user@example.com"),
        ("email", "First.Last+tag@Sub.Example.COM"),
        ("email", "\"john doe\"@example.com"),
        ("email", "\"a\\\"b@c\"@example.com"),
        ("email", "user@[192.0.2.1]"),
        ("email", "user@[IPv6:2001:db8::1]"),
        ("email", "jürgen@bücher.example"),
        ("email", "o'brien!#$%&*/=?^_`{|}~-@example.com"),
        ("phoneNumber", "+10"),
        ("phoneNumber", "+15555555"),
        ("phoneNumber", "+123456789012345"),
        ("userId", "my user Id"),
        ("userId", "+15555556x"),
        ("userId", &long_user),
    ] {
        let result = server.upsert(&list, json!({ "contact": text, field: text })).await;
        assert_eq!(result["action"], "created", "{field} {text}: {result}");
        assert_eq!(server.contact(&list, field, text).await[field], text);
    }
    server.stop().await;
}
