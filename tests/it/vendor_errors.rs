//! Every text of the page's "Method Errors", byte for byte, and what stands around it.

use std::fmt::Write as _;

use domain::token::FreshToken;
use hyper::Method;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Answer, Server, Setup};

const UPDATE: &str = "/v3/contacts/update";

/// A refusal and how it was reached.
struct Case {
    name: &'static str,
    answer: Answer,
}

/// Bodies that are wrong at the top; `LIST` stands for the list's id.
fn wrong_tops() -> Vec<(&'static str, Value)> {
    let contacts = || json!([{ "contact": "myUserId" }]);
    vec![
        ("a list id that is no string", json!({ "contactListId": 7, "contacts": contacts() })),
        ("no list id", json!({ "contacts": contacts() })),
        (
            "a list that is not there",
            json!({ "contactListId": "5d915c22d132d5f45a4e38b8", "contacts": contacts() }),
        ),
        (
            "a webhook URI that is none",
            json!({ "contactListId": "LIST", "webHookUri": "YOUR_WEBHOOK_URL", "contacts": contacts() }),
        ),
        (
            "an upsert that is no boolean",
            json!({ "contactListId": "LIST", "upsert": "yes", "contacts": contacts() }),
        ),
        ("no contacts", json!({ "contactListId": "LIST" })),
        ("an empty array of contacts", json!({ "contactListId": "LIST", "contacts": [] })),
    ]
}

/// Contacts that are wrong in one field; the rest of the body is right.
fn wrong_contacts() -> Vec<(&'static str, Value)> {
    let long = "x".repeat(256);
    let of = |field: &str, value: Value| json!({ "contact": "myUserId", field: value });
    let variable = |name: &str, value: &str| json!({ "contact": "myUserId", "variables": [{ "name": name, "value": value }] });
    vec![
        ("no contact", json!({ "name": "John Doe" })),
        ("a contact that is empty", json!({ "contact": "" })),
        ("name", of("name", json!(1))),
        ("email: no address", of("email", json!("user@"))),
        ("email: no string", of("email", json!(1))),
        ("phoneNumber: no string", of("phoneNumber", json!(15555555))),
        ("phoneNumber: no number", of("phoneNumber", json!("15555555"))),
        ("userId", of("userId", json!(["myUserId"]))),
        ("active", of("active", json!("true"))),
        ("emailSubscribe", of("emailSubscribe", json!(1))),
        ("smsSubscribe", of("smsSubscribe", json!(0))),
        ("desktopWebPushSubscribe", of("desktopWebPushSubscribe", json!(""))),
        ("mobileWebPushSubscribe", of("mobileWebPushSubscribe", json!({}))),
        ("telegramSubscribe", of("telegramSubscribe", json!([]))),
        ("viberSubscribe", of("viberSubscribe", json!("no"))),
        ("firstName: no string", of("firstName", json!(false))),
        ("firstName: too long", of("firstName", json!(long))),
        ("lastName: no string", of("lastName", json!({}))),
        ("lastName: too long", of("lastName", json!(long))),
        ("contactBirthday", of("contactBirthday", json!("1990-02-30"))),
        ("contactLanguage", of("contactLanguage", json!("english"))),
        ("contactGender", of("contactGender", json!(3))),
        ("contactTimezone", of("contactTimezone", json!("Europe/Nowhere"))),
        ("contactScore", of("contactScore", json!("many"))),
        ("avatarLink", of("avatarLink", json!("ftp://img.example.com/g.jpg"))),
        ("facebookLink", of("facebookLink", json!("javascript:alert(1)"))),
        ("instagramLink", of("instagramLink", json!("instagram"))),
        ("linkedInLink", of("linkedInLink", json!(7))),
        ("twitterLink", of("twitterLink", json!("mailto:user@example.com"))),
        ("tiktokLink", of("tiktokLink", json!("tiktok.com/a b"))),
        ("variables", of("variables", json!({ "plan": "gold" }))),
        ("a variable's name: no string", of("variables", json!([{ "name": 1, "value": "x" }]))),
        ("a variable's name: empty", variable("", "x")),
        ("a variable's name: reserved", variable("firstName", "x")),
        ("a variable's name: not lowerCamelCase", variable("new_variable1", "x")),
        ("a variable that is not in the list", variable("unheardOf", "x")),
        ("a date variable that is no date", variable("since", "yesterday")),
        ("sourceId: no string", of("sourceId", json!(5))),
        ("sourceId: not there", of("sourceId", json!("5efc8503efeef96ca3151931"))),
        ("customerSourceId: no string", of("customerSourceId", json!(5))),
        ("customerSourceId: not alphanumeric", of("customerSourceId", json!("my source"))),
        ("customerSourceId: not there", of("customerSourceId", json!("mySourceId"))),
        ("cac: no object", of("cac", json!("2.05 USD"))),
        ("cac.value", of("cac", json!({ "value": "-2.05", "currency": "USD" }))),
        ("cac.currency", of("cac", json!({ "value": "2.05", "currency": "GBP" }))),
        (
            "no identifier left",
            json!({ "contact": "myUserId", "email": "", "phoneNumber": "", "userId": "" }),
        ),
    ]
}

/// The refusals of tokens, all five.
async fn wrong_tokens(server: &Server) -> Vec<Case> {
    let unknown = FreshToken::generate().text;
    let wrong = format!("{}{}", &server.token[..20], &unknown[20..]);
    let disabled = server.bearer("Disabled").await;
    server.storage.disable_user(disabled.user, None).await.expect("a user");
    let gone = server.bearer("Gone").await;
    assert!(server.storage.remove_account(gone.account).await.expect("an account"));
    let (disabled_user, gone_user) = (disabled.user.to_string(), gone.user.to_string());
    let mut cases = Vec::new();
    for (name, token, shown) in [
        ("a token of another form", "YOUR_API_KEY", vec![]),
        ("a token that is unknown", &unknown, vec![(&unknown[..8], "rb_#####")]),
        ("a token with a wrong secret", &wrong, vec![(&wrong[3..19], "<key>"), (&wrong[..8], "rb_#####")]),
        ("a user who is disabled", &disabled.token, vec![(disabled_user.as_str(), "<user>")]),
        ("an account that is gone", &gone.token, vec![(gone_user.as_str(), "<user>")]),
    ] {
        let mut answer = server.post_as(token, UPDATE, &json!({})).await;
        let mut text = answer.text();
        for (random, name) in shown {
            assert!(text.contains(random), "{random} in {text}");
            text = text.replace(random, name);
        }
        answer.body = text.into();
        cases.push(Case { name, answer });
    }
    cases
}

/// The refusals that need a store that fails.
async fn faults(server: &Server, switch: &Switch, list: &str) -> Vec<Case> {
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "myUserId" }] });
    let mut cases = Vec::new();
    for (name, fault) in [
        ("a store that cannot commit", Fault::AppendNotKept),
        ("a store of whose commit nobody knows", Fault::AppendUnknown),
        ("a store that cannot be read", Fault::Read),
        ("a store that is damaged", Fault::Damaged),
        ("a panic", Fault::Panic),
    ] {
        // What was read before is in the cache: another list is not.
        let other = server.ok("/v3/contact-list/create", &json!({ "contactListName": "Others" })).await;
        let mut body = body.clone();
        if matches!(fault, Fault::Read | Fault::Damaged | Fault::Panic) {
            body["contactListId"] = other["contactListId"].clone();
        }
        switch.set(fault);
        let answer = server.post(UPDATE, &body).await;
        switch.set(Fault::None);
        let retry_after = answer.headers.get("retry-after").map(|value| value.to_str().expect("text"));
        // Beside an unknown outcome a time would invite the same batch a second time.
        let expected = answer.status == 503 && fault != Fault::AppendUnknown;
        assert_eq!(retry_after.is_some(), expected, "{name}: {retry_after:?}");
        cases.push(Case { name, answer });
    }
    cases
}

async fn all_cases() -> Vec<Case> {
    let switch = Switch::new();
    let server = Server::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let list = server.list().await;
    let mut cases = Vec::new();
    let headers = [("access-token", server.token.as_str())];
    for (name, body) in [("a body that is no JSON", "{"), ("a body that is no object", "[1]")] {
        cases.push(Case { name, answer: server.send(Method::POST, UPDATE, &headers, body).await });
    }
    for (name, body) in wrong_tops() {
        let body = body.to_string().replace("LIST", &list);
        cases.push(Case { name, answer: server.send(Method::POST, UPDATE, &headers, body).await });
    }
    for (name, contact) in wrong_contacts() {
        let body = json!({ "contactListId": list, "contacts": [contact] });
        cases.push(Case { name, answer: server.post(UPDATE, &body).await });
    }
    cases.extend(wrong_tokens(&server).await);
    cases.extend(faults(&server, &switch, &list).await);
    server.stop().await;
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_told_in_the_vendor_s_words() {
    let mut told = String::new();
    for case in all_cases().await {
        let status = case.answer.status.as_u16();
        writeln!(told, "{}\n  {status} {}", case.name, case.answer.normal()).expect("a text grows");
    }
    insta::assert_snapshot!(told);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_the_page_is_reached() {
    let told: Vec<_> = all_cases().await.iter().flat_map(|case| case.answer.errors()).collect();
    let page = include_str!("fixtures/vendor-errors.txt");
    assert_eq!(page.lines().count(), 56);
    let missed: Vec<_> = page.lines().filter(|line| !told.iter().any(|text| fits(line, text))).collect();
    assert!(missed.is_empty(), "no case reaches {missed:#?}");
}

/// Whether a text is that of a line of the page, its placeholders filled in.
fn fits(line: &str, text: &str) -> bool {
    let literals = literals(&protocol(line));
    let [first, middle @ .., last] = literals.as_slice() else { return literals == [text] };
    let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
    else {
        return false;
    };
    middle.iter().all(|literal| match rest.split_once(literal.as_str()) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// A line of the page without its typography: straight quotes, no backslashes (contract, introduction), nor the
/// quotes around it. In one line a backslash and a blank have changed places.
fn protocol(line: &str) -> String {
    let straight = line.replace("\\ “", "” ").replace(['“', '”'], "\"").replace('\\', "");
    let inside = straight.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
    inside.expect("a text in quotes").to_owned()
}

/// What stands between the placeholders `{name}` and `$name`.
fn literals(template: &str) -> Vec<String> {
    let mut literals = vec![String::new()];
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' => while characters.next_if(|c| *c != '}').is_some() {},
            '$' => while characters.next_if(|c| c.is_ascii_alphabetic()).is_some() {},
            _ => {
                literals.last_mut().expect("one at least").push(character);
                continue;
            }
        }
        characters.next_if_eq(&'}');
        literals.push(String::new());
    }
    literals
}

#[test]
fn a_line_of_the_page_becomes_the_text_on_the_wire() {
    for (line, text) in [
        ("“Unknown gender value”", "Unknown gender value"),
        (
            "“Argument variables must be an array of arrays with \\”name\\” and \\”value\\ “fields”",
            "Argument variables must be an array of arrays with \"name\" and \"value\" fields",
        ),
        ("“{phoneNumber} is not a number”", "1 is not a number"),
        ("“at contact position {i}”", "at contact position 7"),
        ("“failed for key\\/secret $key\\/$accessToken”", "failed for key/secret abc/rb_…"),
    ] {
        assert!(fits(line, text), "{line} {text}");
        assert!(!fits(line, &format!("x{}", &text[1..])) || line.starts_with("“{"), "{line}");
    }
    assert!(!fits("“Unknown gender value”", "Unknown gender value "));
    assert!(!fits("“List {id} gone!”", "List 7 gone"));
}
