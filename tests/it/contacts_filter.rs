//! `filter` and `count` of contacts/find: on random contacts and random filters the server says what a page of plain code
//! says, which knows contacts only as they are shown.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::Server;

const PATH: &str = "/v3/contacts/find";

/// What stands in a field of a contact, as text; a variable, or a member of it.
fn text(contact: &Value, field: &str) -> Option<String> {
    let value = match field.split_once('.') {
        Some(("variables", name)) => {
            let variables = contact["variables"].as_array().expect("variables");
            variables.iter().find(|one| one["name"] == name).map_or(&Value::Null, |one| &one["value"])
        }
        Some((object, member)) => &contact[object][member],
        None => &contact[field],
    };
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A text and a value by which it is compared: numbers as numbers, days and times as texts of the same length.
fn compare(text: &str, value: &Value) -> Option<std::cmp::Ordering> {
    match value {
        Value::Number(number) => text.parse::<f64>().ok()?.partial_cmp(&number.as_f64()?),
        Value::String(day) => {
            let is_time = text.len() >= 10 && text.as_bytes()[4] == b'-';
            let length = text.len().min(day.len());
            // A day has all its times in it; a stored day is its first moment.
            let stored = if text.len() < day.len() { format!("{text} 00:00:00") } else { text.to_owned() };
            is_time.then(|| stored[..length.max(day.len())].cmp(day))
        }
        _ => None,
    }
}

fn same(field: &str, text: &str, value: &Value) -> bool {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match field {
        "email" => text.to_lowercase() == value.to_lowercase(),
        "createdAt" | "updatedAt" => text.starts_with(&value),
        "contactScore" => text.parse::<f64>().ok() == value.parse().ok(),
        _ => text == value,
    }
}

/// The filter, by the contact as it is shown.
fn matches(filter: &Value, contact: &Value) -> bool {
    if let Some(all) = filter["all"].as_array() {
        return all.iter().all(|one| matches(one, contact));
    }
    if let Some(any) = filter["any"].as_array() {
        return any.iter().any(|one| matches(one, contact));
    }
    let (field, value) = (filter["field"].as_str().expect("a field"), &filter["value"]);
    if field == "suppressed" {
        return contact.get("suppressed").is_some() == value.as_bool().expect("a flag");
    }
    let text = text(contact, field);
    let is = |value: &Value| text.as_deref().is_some_and(|text| same(field, text, value));
    let ordered = |value: &Value| text.as_deref().and_then(|text| compare(text, value));
    let folded = || {
        (text.clone().unwrap_or_default().to_lowercase(), value.as_str().unwrap_or_default().to_lowercase())
    };
    match filter["op"].as_str().expect("an operator") {
        "is" => is(value),
        "isNot" => !is(value),
        "in" => value.as_array().expect("values").iter().any(is),
        "empty" => text.is_none_or(|text| field == "contactGender" && text == "0"),
        "notEmpty" => text.is_some_and(|text| field != "contactGender" || text != "0"),
        "contains" => text.is_some() && folded().0.contains(&folded().1),
        "beginsWith" => text.is_some() && folded().0.starts_with(&folded().1),
        "before" => ordered(value).is_some_and(std::cmp::Ordering::is_lt),
        "after" => ordered(value).is_some_and(std::cmp::Ordering::is_gt),
        "between" => {
            let (from, to) = (&value[0], &value[1]);
            (from.is_null() || ordered(from).is_some_and(std::cmp::Ordering::is_ge))
                && (to.is_null() || ordered(to).is_some_and(std::cmp::Ordering::is_le))
        }
        // All that the contacts hold of times is of now, or of days long past or far ahead.
        "inLast" => text.is_some_and(|text| text.len() == 19),
        other => panic!("{other}"),
    }
}

const NAMES: [&str; 5] = ["Jürgen", "jürgen müller", "JÜRGEN", "Ann", "anna İpek"];
const DAYS: [&str; 4] = ["1990-01-01", "1990-01-02", "2000-12-31", "2990-06-01"];
const PLANS: [&str; 7] = ["pro", "Pro", "free", "10", "9.5", "-3", "2000-12-31"];

fn word(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::select(words).prop_map(|word| json!(word)).boxed()
}

fn contact(number: usize, source: String) -> impl Strategy<Value = Value> {
    let name = prop::option::of(word(&NAMES));
    let plan = prop::option::of(word(&PLANS));
    let day = prop::option::of(word(&DAYS));
    let (score, gender) =
        (prop::option::of(-3_i64..12), prop::option::of(prop::sample::select(vec![0, 1, 2, 9])));
    (name, plan, day, score, gender, any::<(bool, bool, bool)>()).prop_map(
        move |(name, plan, day, score, gender, (active, sms, has_source))| {
            json!({
                "contact": format!("u{number}"), "email": format!("User{}@Example.com", number % 40 + 100 * (number / 40)),
                "name": name, "contactBirthday": day, "contactScore": score, "contactGender": gender,
                "active": active, "smsSubscribe": sms, "sourceId": has_source.then(|| source.clone()),
                "variables": [{ "name": "plan", "value": plan.unwrap_or(json!("")) }],
            })
        },
    )
}

fn leaf(
    field: &'static str,
    ops: &'static [&'static str],
    value: BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    let many = prop::collection::vec(value.clone(), 1..4);
    (proptest::sample::select(ops), value, many)
        .prop_map(move |(op, value, many)| match op {
            "empty" | "notEmpty" => json!({ "field": field, "op": op }),
            "in" => json!({ "field": field, "op": op, "value": many }),
            "between" => {
                let to = many.get(1).cloned().unwrap_or_default();
                json!({ "field": field, "op": op, "value": [value, to] })
            }
            "inLast" => json!({ "field": field, "op": op, "value": 30 }),
            _ => json!({ "field": field, "op": op, "value": value }),
        })
        .boxed()
}

const TEXT: &[&str] = &["is", "isNot", "in", "empty", "notEmpty", "contains", "beginsWith"];
const ORDER: &[&str] = &["before", "after", "between"];
const EXACT: &[&str] = &["is", "isNot", "in", "empty", "notEmpty"];

fn leaves(source: String) -> BoxedStrategy<Value> {
    let number = (-4_i64..13).prop_map(|number| json!(number)).boxed();
    let day = word(&DAYS);
    let time = word(&["1990-01-01", "2020-01-01", "2999-01-01 10:00:00", "2020-01-01 00:00:00"]);
    let flag = any::<bool>().prop_map(|flag| json!(flag)).boxed();
    prop_oneof![
        leaf("name", TEXT, word(&["Jürgen", "JÜRGEN", "jü", "an", "müller", "A", "i̇p", "x"])),
        leaf("email", TEXT, word(&["user7@example.com", "USER1", "@example", "User100@Example.com"])),
        leaf("userId", TEXT, word(&["u1", "U1", "u30", "3"])),
        leaf("variables.plan", TEXT, word(&PLANS)),
        leaf("variables.plan", ORDER, number.clone()),
        leaf("variables.plan", ORDER, word(&["2000-12-31", "2000-12-30", "2001-01-01 10:00:00"])),
        leaf("contactScore", EXACT, number.clone()),
        leaf("contactScore", ORDER, number),
        leaf("contactBirthday", EXACT, day.clone()),
        leaf("contactBirthday", ORDER, day),
        leaf("contactGender", EXACT, word(&["0", "1", "2", "9"])),
        leaf("createdAt", ORDER, time.clone()),
        leaf("updatedAt", &["inLast"], time),
        leaf("active", &["is"], flag.clone()),
        leaf("smsSubscribe", &["is"], flag.clone()),
        leaf("suppressed", &["is"], flag),
        leaf(
            "sourceId",
            EXACT,
            prop_oneof![Just(json!(source)), Just(json!("000000000000000000000000"))].boxed()
        ),
    ]
    .boxed()
}

fn filter(source: String) -> impl Strategy<Value = Value> {
    leaves(source).prop_recursive(3, 12, 4, |inner| {
        let group = prop::collection::vec(inner, 1..4);
        (any::<bool>(), group)
            .prop_map(|(all, group)| if all { json!({ "all": group }) } else { json!({ "any": group }) })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn random_filters_find_what_a_plain_model_finds() {
    let server = Server::start().await;
    let list = server.list().await;
    let source = server.source(&json!({ "name": "Fair" })).await;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let mut draw =
        |strategy: BoxedStrategy<Value>| strategy.new_tree(&mut runner).expect("a value").current();
    for chunk in [0, 40, 80] {
        let contacts: Vec<_> =
            (0..40).map(|number| draw(contact(chunk + number, source.clone()).boxed())).collect();
        server.update(&list, true, json!(contacts)).await;
    }
    for number in [3, 7, 50] {
        let email = format!("User{}@Example.com", number % 40 + 100 * (number / 40));
        let record = json!({ "email": email, "rejectType": "hard" });
        server.ok("/v3/blacklist/add", &json!({ "records": [record] })).await;
    }
    let all = server.ok(PATH, &json!({ "contactListId": list, "limit": 1_000 })).await;
    let all = all["data"].as_array().expect("contacts").clone();
    assert_eq!(all.len(), 120);
    let (mut some, mut none) = (0, 0);
    for _ in 0..300 {
        let filter = draw(filter(source.clone()).boxed());
        let body = json!({ "contactListId": list, "limit": 1_000, "count": true, "filter": filter });
        let answer = server.ok(PATH, &body).await;
        let expected: Vec<_> = all.iter().filter(|contact| matches(&filter, contact)).collect();
        let ids =
            |contacts: Vec<&Value>| contacts.iter().map(|one| one["userId"].clone()).collect::<Vec<_>>();
        let found = answer["data"].as_array().expect("contacts").iter().collect();
        assert_eq!(ids(found), ids(expected.clone()), "{filter}");
        assert_eq!(answer["totalCount"], expected.len(), "{filter}");
        if expected.is_empty() { none += 1 } else { some += 1 }
    }
    assert!(some > 100 && none > 5, "{some} {none}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_unknown_keys_of_a_filter_name_their_place() {
    let server = Server::start().await;
    let list = server.list().await;
    let wrong = json!({ "contactListId": list, "count": 1, "filter": { "all": [
        { "field": "variables.city", "op": "is", "value": "pro" },
        { "field": "active", "op": "contains", "value": true },
    ] } });
    let expected = [
        "Argument count must be a true or false",
        "Argument filter.all[0].field must name a variable of the list",
        "Argument filter.all[1].op must be one of is, isNot",
    ];
    assert_eq!(server.refused(PATH, &wrong).await, expected);
    let segment = json!({ "contactListId": list, "filter": { "segment": "5d9155bad132d5f45a4e38b1" } });
    assert_eq!(server.refused(PATH, &segment).await, ["Segment 5d9155bad132d5f45a4e38b1 not found in list"]);
    let unknown = json!({ "contactListId": list, "count": true, "filter": { "any": [
        { "field": "name", "op": "empty", "colour": 1 },
    ] } });
    let answer = server.ok(PATH, &unknown).await;
    assert_eq!(answer["totalCount"], 0);
    let warning = &answer["warnings"][0]["message"];
    assert_eq!(warning, "Argument filter.any[0].colour is unknown and was ignored");
    server.stop().await;
}
