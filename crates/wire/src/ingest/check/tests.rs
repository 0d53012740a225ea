#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use domain::contact::field::{Key, Kind};
use domain::contact::record::Reader;
use domain::journal::{AccountNo, ListNo};
use domain::json::read_members;
use storage::{ListAbout, Variable, VariableKind};

fn list() -> List {
    let variable = |number, name: &str, kind| Variable { number, name: name.to_owned(), kind };
    let variables = vec![variable(0, "plan", VariableKind::String), variable(1, "since", VariableKind::Date)];
    List::new(ListNo(1), ObjectId::from_bytes([0; 12]), AccountNo(1), ListAbout::default(), variables)
}

/// The entries of the patch of a contact that is right.
fn patch(text: &str, source: Option<u64>) -> Vec<(Key, Vec<u8>)> {
    let members = read_members(text, &KEYS).unwrap();
    let mut checked = CheckedContact::check(&members, 0, (BatchKind::Upsert, None), Some(&list()));
    assert_eq!(checked.problems, [], "{text}");
    let mut bytes = Vec::new();
    if source.is_some() {
        checked.patch.set_source(source);
    }
    checked.patch.put(false, &mut bytes);
    let mut reader = Reader::new(&bytes);
    std::iter::from_fn(|| reader.entry().unwrap()).map(|entry| (entry.key, entry.value.to_vec())).collect()
}

/// What is wrong with a contact: the field and the code, in the order in which it is told.
fn wrong(contact: &Json) -> Vec<(String, Cow<'static, str>)> {
    let text = contact.to_string();
    let members = read_members(&text, &KEYS).unwrap();
    let checked = CheckedContact::check(&members, 4, (BatchKind::Upsert, None), Some(&list()));
    assert!(checked.problems.iter().all(|problem| problem.position == Some(4)));
    checked.problems.into_iter().map(|problem| (problem.field.unwrap_or_default(), problem.code)).collect()
}

#[test]
fn every_field_is_kept_in_its_canonical_form() {
    let long = "ü".repeat(255);
    let cases: &[(Field, Json, &[u8])] = &[
        (Field::UserId, json!(" a b "), b"a b"),
        (Field::Email, json!("User@Example.com"), b"User@Example.com"),
        (Field::PhoneNumber, json!("+15555555"), b"+15555555"),
        (Field::Name, json!(long), long.as_bytes()),
        (Field::Active, json!(true), &[1]),
        (Field::Active, json!(false), &[]),
        (Field::ViberSubscribe, json!(true), &[1]),
        (Field::ContactBirthday, json!("1990-01-05"), &[0x07, 0xc6, 1, 5]),
        (Field::ContactLanguage, json!("EN"), b"en"),
        (Field::ContactGender, json!(2), &[2]),
        (Field::ContactGender, json!("9"), &[9]),
        (Field::ContactGender, json!(0), &[]),
        (Field::ContactTimezone, json!("Europe/Kiev"), b"Europe/Kiev"),
        (Field::ContactScore, json!(-2), &[0xfe, 255, 255, 255, 255, 255, 255, 255]),
        (Field::ContactScore, json!("100"), &[100, 0, 0, 0, 0, 0, 0, 0]),
        (Field::ContactScore, json!(100.0), &[100, 0, 0, 0, 0, 0, 0, 0]),
        (Field::ContactScore, json!(0), &[0; 8]),
        (Field::FacebookLink, json!("facebook.com/wooxy.com"), b"facebook.com/wooxy.com"),
        (Field::Cac, json!({ "value": "1.5", "currency": "EUR" }), &[1, 0xf0, 0x49, 0x02]),
    ];
    for (field, value, stored) in cases {
        let contact = json!({ "contact": "a", field.name(): value }).to_string();
        assert_eq!(patch(&contact, None), [(field.key(), stored.to_vec())], "{contact}");
    }
}

#[test]
fn an_empty_text_clears_and_null_says_nothing() {
    let clearable = Field::ALL.into_iter().filter(|field| field.kind() != Some(Kind::Flag));
    for field in clearable {
        for empty in ["", " ", "\t\n"] {
            let contact = json!({ "contact": "a", field.name(): empty }).to_string();
            assert_eq!(patch(&contact, None), [(field.key(), Vec::new())], "{contact}");
        }
    }
    for field in Field::ALL {
        let contact = json!({ "contact": "a", field.name(): null }).to_string();
        assert_eq!(patch(&contact, None), [], "{contact}");
    }
    assert_eq!(patch(r#"{"contact": "a", "customerSourceId": " "}"#, None), [(Field::Source.key(), vec![])]);
}

#[test]
fn a_flag_is_no_text_and_no_number() {
    for value in [json!(""), json!("true"), json!(1), json!([])] {
        let told = wrong(&json!({ "contact": "a", "active": value }));
        assert_eq!(told, [("active".to_owned(), "NOT_A_BOOLEAN".into())], "{value}");
    }
}

#[test]
fn user_id_wins_over_its_old_name() {
    let key = Field::UserId.key();
    assert_eq!(patch(r#"{"contact": "a", "externalId": "b"}"#, None), [(key, b"b".to_vec())]);
    for text in [
        r#"{"contact": "a", "userId": "c", "externalId": "b"}"#,
        r#"{"externalId": 7, "userId": "c", "contact": "a"}"#,
        r#"{"contact": "a", " userId ": "x", "userId\t": "c"}"#,
    ] {
        assert_eq!(patch(text, None), [(key, b"c".to_vec())], "{text}");
    }
    assert_eq!(patch(r#"{"contact": "a", "userId": null, "externalId": "b"}"#, None), [(key, b"b".to_vec())]);
}

#[test]
fn the_source_that_was_found_is_kept_by_its_number() {
    let text = r#"{"contact": "a", "sourceId": "x", "customerSourceId": "not looked at!", "cac": ""}"#;
    let expected = [(Field::Source.key(), 300_u64.to_le_bytes().to_vec()), (Field::Cac.key(), vec![])];
    assert_eq!(patch(text, Some(300)), expected);
    let members = read_members(text, &KEYS).unwrap();
    let named = CheckedContact::check(&members, 0, (BatchKind::Upsert, None), None).source.unwrap();
    assert_eq!((named.field, named.text.as_str()), ("sourceId", "x"));
    assert_eq!(named.reference(), None, "no source can have that id");
}

#[test]
fn the_later_of_two_entries_for_one_variable_wins() {
    let text = r#"{"contact": "a", "variables": [
        {"name": "since", "value": "2020-02-29"}, {"name": "plan", "value": "x"},
        {"name": "plan", "value": "y"}, {"name": "since", "value": null}, {"name": "plan", "value": 1.50}
    ], "firstName": "Jo"}"#;
    let expected = [
        (Field::FirstName.key(), b"Jo".to_vec()),
        (Key::of_variable(0), b"1.50".to_vec()),
        (Key::of_variable(1), Vec::new()),
    ];
    assert_eq!(patch(text, None), expected);
}

#[test]
fn everything_wrong_is_told_once_and_in_the_order_of_the_page() {
    let told = wrong(&json!({
        "cac": { "value": true, "currency": "GBP" }, "customerSourceId": "a-b", "variables": [{}, { "name": "x" }],
        "tiktokLink": "ftp://x.com", "contactScore": 1.5, "contactTimezone": "europe/kiev", "contactGender": 3,
        "contactLanguage": "xx", "contactBirthday": "2021-02-29", "lastName": 1, "active": "no",
        "userId": "a\u{7}", "phoneNumber": "15555555", "email": "nobody", "name": "x".repeat(256), "contact": " ",
    }));
    let expected = [
        ("contact", "INVALID_CONTACT"),
        ("name", "TOO_LONG"),
        ("email", "INVALID_EMAIL"),
        ("phoneNumber", "INVALID_PHONE_NUMBER"),
        ("userId", "NOT_A_STRING"),
        ("active", "NOT_A_BOOLEAN"),
        ("lastName", "NOT_A_STRING"),
        ("contactBirthday", "INVALID_BIRTHDAY"),
        ("contactLanguage", "INVALID_LANGUAGE"),
        ("contactGender", "INVALID_GENDER"),
        ("contactTimezone", "INVALID_TIMEZONE"),
        ("contactScore", "INVALID_SCORE"),
        ("tiktokLink", "INVALID_URL"),
        ("variables", "INVALID_VARIABLES"),
        ("variables", "INVALID_VARIABLES"),
        ("customerSourceId", "INVALID_CUSTOMER_SOURCE_ID"),
        ("cac.value", "INVALID_CAC_VALUE"),
        ("cac.currency", "INVALID_CAC_CURRENCY"),
    ];
    assert_eq!(told, expected.map(|(field, code)| (field.to_owned(), code.into())));
}

#[test]
fn a_contact_cannot_be_told_to_give_up_every_identifier() {
    let all = json!({ "contact": "a", "email": "", "phoneNumber": " ", "externalId": "" });
    assert_eq!(wrong(&all), [(String::new(), "IDENTIFIER_REQUIRED".into())]);
    assert_eq!(wrong(&json!({ "contact": "a", "email": "", "phoneNumber": "" })), []);
}

#[test]
fn what_contact_is_follows_from_its_form() {
    let long = "a".repeat(256);
    for (contact, kind, doubtful) in [
        ("user@example.com", IdentifierKind::Email, false),
        ("+15555555", IdentifierKind::PhoneNumber, false),
        ("15555555", IdentifierKind::UserId, false),
        ("user@example", IdentifierKind::UserId, true),
        ("+1 201 555 0123", IdentifierKind::UserId, true),
    ] {
        let text = json!({ "contact": contact }).to_string();
        let members = read_members(&text, &KEYS).unwrap();
        let checked = CheckedContact::check(&members, 0, (BatchKind::Upsert, None), None);
        assert_eq!((checked.patch.kind(), checked.patch.contact()), (kind, contact));
        assert_eq!(checked.warnings.len(), usize::from(doubtful));
    }
    for contact in [json!(long), json!("a\nb"), json!(""), json!("a\0"), json!(7), json!({})] {
        assert_eq!(wrong(&json!({ "contact": contact })), [("contact".to_owned(), "INVALID_CONTACT".into())]);
    }
    assert_eq!(wrong(&json!({ "contact": null })), [("contact".to_owned(), "REQUIRED".into())]);
}

proptest! {
    /// Readers rely on it: keys rise, whatever the order of the request.
    #[test]
    fn a_patch_is_in_the_order_of_its_keys(
        members in prop::sample::subsequence((0..9).collect::<Vec<usize>>(), 0..=9).prop_shuffle(),
        source in prop::option::of(any::<u64>()),
    ) {
        let values = [
            (r#""email": "u@x.com""#, 1), (r#""userId": "a""#, 1), (r#""cac": {"value": 1, "currency": "USD"}"#, 1),
            (r#""firstName": """#, 1), (r#""variables": [{"name": "since", "value": ""}, {"name": "plan", "value": "x"}]"#, 2),
            (r#""contactScore": 7"#, 1), (r#""phoneNumber": "+1234567""#, 1), (r#""active": false"#, 1),
            (r#""tiktokLink": "x.com""#, 1),
        ];
        let mut text = String::from(r#"{"contact": "a""#);
        for member in &members {
            text.push_str(", ");
            text.push_str(values[*member].0);
        }
        text.push('}');
        let entries = patch(&text, source);
        prop_assert!(entries.is_sorted_by(|(one, _), (next, _)| one < next), "{}", text);
        let expected: usize = members.iter().map(|member| values[*member].1).sum();
        prop_assert_eq!(entries.len(), expected + usize::from(source.is_some()));
    }
}
