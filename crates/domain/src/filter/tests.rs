//! Filters read as they were written, and say when they may change their mind.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::clock::Timestamp;
use crate::contact::document::{Document, Header};
use crate::contact::field::{Field, Key};
use crate::contact::record::put_entry;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};
use crate::json::Raw;
use crate::list::{List, ListAbout, Variable, VariableKind};

fn list() -> List {
    let plan = Variable { number: 3, name: "plan".to_owned(), kind: VariableKind::String };
    List::new(ListNo(1), ObjectId::from_bytes([7; 12]), AccountNo(1), ListAbout::default(), vec![plan])
}

fn read(json: &Value) -> Result<Tree, Vec<String>> {
    let (text, mut problems) = (json.to_string(), Vec::new());
    let tree = Raw::parse(&text).and_then(|raw| decode(raw, Some(&list()), &mut Vec::new(), &mut problems));
    tree.ok_or_else(|| problems.into_iter().map(|problem| problem.message).collect())
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({ "field": field, "op": op, "value": value })
}

#[test]
fn a_filter_reads_as_it_was_written_and_outlives_a_renaming() {
    for filter in [
        leaf("name", "beginsWith", json!("Jü")),
        leaf("active", "is", json!(false)),
        leaf("contactScore", "between", json!([null, 1.5])),
        leaf("createdAt", "after", json!("2026-10-14 09:30:00")),
        leaf("contactBirthday", "in", json!(["1990-01-01", "1991-01-01"])),
        leaf("variables.plan", "between", json!(["2026-01-01", null])),
        leaf("variables.plan", "before", json!(7)),
        leaf("updatedAt", "inLast", json!(30)),
        json!({ "field": "userId", "op": "notEmpty" }),
        json!({ "any": [{ "segment": "5d9155bad132d5f45a4e38b1" }, { "all": [leaf("suppressed", "is", json!(true))] }] }),
    ] {
        let tree = read(&filter).expect("a filter");
        assert_eq!(tree.to_json(Some(&list())), filter);
        let stored = tree.to_json(None);
        assert_eq!(read(&stored), Ok(tree), "{stored}");
    }
    let stored = read(&leaf("variables.plan", "is", json!("pro"))).expect("a filter").to_json(None);
    assert_eq!(stored["field"], "variables.#3");
}

#[test]
fn errors_name_the_place_in_the_tree() {
    let deep = (0..=MAX_DEPTH).fold(leaf("name", "is", json!("x")), |inner, _| json!({ "all": [inner] }));
    let wide = json!({ "any": vec![json!({ "field": "name", "op": "empty" }); 60] });
    let shape = "must be an object with one of all, any, field and segment";
    for (filter, errors) in [
        (json!(7), vec![format!("Argument filter {shape}")]),
        (json!({}), vec![format!("Argument filter {shape}")]),
        (json!({ "all": [], "any": [] }), vec![format!("Argument filter {shape}")]),
        (json!({ "all": [] }), vec!["Argument filter.all must be an array of 1 to 100 filters".to_owned()]),
        (
            json!({ "all": [leaf("nme", "is", json!("x")), { "any": [leaf("name", "before", json!("x"))] }] }),
            vec![
                "Argument filter.all[0].field must name a field of a contact".to_owned(),
                "Argument filter.all[1].any[0].op must be one of is, isNot, empty, notEmpty, contains, beginsWith, in"
                    .to_owned(),
            ],
        ),
        (
            leaf("variables.city", "is", json!("x")),
            vec!["Argument filter.field must name a variable of the list".to_owned()],
        ),
        (
            leaf("contactBirthday", "after", json!("2026-01-01 10:00:00")),
            vec!["Argument filter.value must be a YYYY-MM-DD date".to_owned()],
        ),
        (
            leaf("name", "empty", json!("")),
            vec!["Argument filter.value must be left out beside empty".to_owned()],
        ),
        (
            json!({ "segment": "x", "op": "is" }),
            vec![
                "Argument filter must have op and value only beside field".to_owned(),
                "Argument filter.segment must be the id of a segment".to_owned(),
            ],
        ),
        (
            json!({ "all": [wide.clone(), wide] }),
            vec!["Argument filter must have at most 100 conditions".to_owned()],
        ),
    ] {
        assert_eq!(read(&filter), Err(errors), "{filter}");
    }
    let too_deep = read(&deep).expect_err("too deep");
    assert!(too_deep[0].ends_with("must be at most 8 groups deep"), "{too_deep:?}");
    let long = json!({ "field": "name", "op": "in", "value": vec!["x".repeat(9_000); 10] });
    assert_eq!(read(&long), Err(vec!["Argument filter must have at most 65536 bytes".to_owned()]));
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

fn document(updated_at: i64, fields: &[(Key, &[u8])]) -> Vec<u8> {
    let (created_at, updated_at) = (Timestamp::from_millis(0), Timestamp::from_millis(updated_at));
    let mut bytes = Vec::new();
    Header { created_at, updated_at, renamed_at: 0, changed_at: 0 }.put(&mut bytes);
    for (key, value) in fields {
        put_entry(&mut bytes, *key, value);
    }
    bytes
}

#[test]
fn the_next_change_of_a_contact_that_does_not_change_is_where_a_time_passes() {
    let filter =
        json!({ "any": [leaf("updatedAt", "inLast", json!(2)), leaf("variables.plan", "inLast", json!(1))] });
    let tree = read(&filter).expect("a filter");
    let ask = |now: i64, updated_at: i64, plan: &str| {
        let matcher = tree.compile(&Resolved { now: Timestamp::from_millis(now), ..Resolved::default() });
        let bytes = document(updated_at, &[(Key::of_variable(3), plan.as_bytes())]);
        let document = Document::read(&bytes).expect("a contact");
        let next = matcher.next_change(&document).expect("it reads");
        (matcher.fit(&document), next.map(Timestamp::millis))
    };
    let yes = Ok(Fit::Sure(true));
    let no = Ok(Fit::Sure(false));
    assert_eq!(ask(5 * DAY, 4 * DAY, "x"), (yes, Some(6 * DAY)));
    assert_eq!(ask(6 * DAY, 4 * DAY, "x"), (no, None));
    // 1970-01-11 is ten days after the beginning.
    assert_eq!(ask(6 * DAY, 4 * DAY, "1970-01-11"), (no, Some(10 * DAY)));
    assert_eq!(ask(10 * DAY, 4 * DAY, "1970-01-11"), (yes, Some(11 * DAY)));
}

#[test]
fn a_contact_that_does_not_read_is_an_error_and_many_fields_are_found_in_one_walk() {
    let fields: Vec<_> = Field::BY_KEY.iter().filter(|field| field.kind().is_some()).collect();
    let conditions: Vec<_> = fields
        .iter()
        .filter(|field| !matches!(Subject::Field(***field).domain(), Domain::Flag))
        .map(|field| json!({ "field": field.name(), "op": "notEmpty" }))
        .collect();
    let tree = read(&json!({ "all": conditions })).expect("a filter");
    let matcher = tree.compile(&Resolved::default());
    let entries: Vec<_> = fields.iter().map(|field| (field.key(), &b"1"[..])).collect();
    let whole = document(0, &entries);
    assert_eq!(matcher.fit(&Document::read(&whole).expect("a contact")), Ok(Fit::Sure(true)));
    let without = document(0, &entries[1..]);
    assert_eq!(matcher.fit(&Document::read(&without).expect("a contact")), Ok(Fit::Sure(false)));
    let cut = &whole[..whole.len() - 1];
    assert!(matcher.fit(&Document::read(cut).expect("a header")).is_err());
}
