#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;

use super::*;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use domain::json::read_members;
use storage::{ListAbout, Variable, VariableKind};

fn list() -> List {
    let variable = |number, name: &str, kind| Variable { number, name: name.to_owned(), kind };
    let variables = vec![variable(3, "plan", VariableKind::String), variable(7, "since", VariableKind::Date)];
    List::new(ListNo(1), ObjectId::from_bytes([0; 12]), AccountNo(1), ListAbout::default(), variables)
}

fn check_text(variables: &str, list: Option<&List>) -> Variables {
    let text = format!(r#"{{"variables": {variables}}}"#);
    let keys = Keys::of(&[FieldSpec::optional("variables", SHAPE, "")]);
    check(read_members(&text, &keys).unwrap().get(0).unwrap(), list)
}

/// What is kept of one value of the string variable, or the code of what is wrong with it.
fn value(json: &str) -> Result<String, Cow<'static, str>> {
    let mut variables = check_text(&format!(r#"[{{"name": "plan", "value": {json}}}]"#), Some(&list()));
    match variables.problems.pop() {
        Some(problem) => Err(problem.code),
        None => {
            let (key, value) = variables.values.remove(0);
            assert_eq!(key, Key::of_variable(3));
            Ok(value)
        }
    }
}

#[test]
fn a_value_is_kept_as_its_json_text() {
    for (json, kept) in [
        (r#""gold""#, "gold"),
        (r#""\u00fc""#, "ü"),
        ("\" \"", " "),
        ("1.50", "1.50"),
        ("-0", "-0"),
        ("1e400", "1e400"),
        ("true", "true"),
        ("false", "false"),
        ("null", ""),
        (r#""""#, ""),
    ] {
        assert_eq!(value(json).as_deref(), Ok(kept), "{json}");
    }
    for json in ["{}", "[]", r#""a\u0000b""#] {
        assert_eq!(value(json), Err("INVALID_VARIABLES".into()), "{json}");
    }
}

#[test]
fn a_value_has_at_most_ten_thousand_characters() {
    for character in ["a", "ü", "😀"] {
        let longest = character.repeat(10_000);
        assert_eq!(value(&format!("\"{longest}\"")), Ok(longest.clone()));
        assert_eq!(value(&format!("\"{longest}{character}\"")), Err("INVALID_VARIABLES".into()));
    }
    assert_eq!(value(&"1".repeat(10_001)), Err("INVALID_VARIABLES".into()));
}

#[test]
fn a_date_variable_takes_dates() {
    let told = |json: &str| {
        let variables = check_text(&format!(r#"[{{"name": "since", "value": {json}}}]"#), Some(&list()));
        (variables.values, variables.problems.first().map(|problem| problem.message.clone()))
    };
    let key = Key::of_variable(7);
    assert_eq!(told(r#""2024-02-29""#), (vec![(key, "2024-02-29".to_owned())], None));
    assert_eq!(told("null"), (vec![(key, String::new())], None));
    for (json, shown) in [(r#""2023-02-29""#, "2023-02-29"), ("2024", "2024"), ("\" \"", " ")] {
        let text = format!("Variable since type is date, but value is not valid date. Value {shown}");
        assert_eq!(told(json), (vec![], Some(text)));
    }
}

#[test]
fn an_entry_is_told_the_first_thing_that_is_wrong_with_it() {
    let entries = r#"[
        7, {"value": "x"}, {"name": "plan"}, {"name": null, "value": 1}, {"name": 7, "value": {}},
        {"name": 7, "value": 1}, {"name": "", "value": 1}, {"name": "CONTACT", "value": 1},
        {"name": "pl an", "value": 1}, {"name": "Plan", "value": 1}, {"name": "planned", "value": 1},
        {"name": "since", "value": 1}, {"name": "plan", "value": 1, "unit": 2}
    ]"#;
    let variables = check_text(entries, Some(&list()));
    let codes: Vec<_> = variables.problems.iter().map(|problem| &*problem.code).collect();
    let expected = [
        "INVALID_VARIABLES",
        "INVALID_VARIABLES",
        "INVALID_VARIABLES",
        "INVALID_VARIABLES",
        "INVALID_VARIABLES",
        "VARIABLE_NAME_NOT_A_STRING",
        "VARIABLE_NAME_EMPTY",
        "VARIABLE_NAME_RESERVED",
        "VARIABLE_NAME_INVALID",
        "VARIABLE_NAME_INVALID",
        "VARIABLE_NOT_FOUND",
        "VARIABLE_NOT_A_DATE",
    ];
    assert_eq!(codes, expected);
    assert_eq!(variables.values, [(Key::of_variable(3), "1".to_owned())]);
    assert_eq!(variables.unknown, ["unit"]);
}

#[test]
fn without_a_list_only_what_needs_it_is_left_out() {
    let entries =
        r#"[{"name": "planned", "value": 1}, {"name": "since", "value": 1}, {"name": "", "value": 1}]"#;
    let variables = check_text(entries, None);
    let codes: Vec<_> = variables.problems.iter().map(|problem| &*problem.code).collect();
    assert_eq!(codes, ["VARIABLE_NAME_EMPTY"]);
    assert_eq!(variables.values, []);
    assert_eq!(check_text("{}", None).problems, [problem::variables()]);
    assert_eq!(check_text("[]", None).problems, []);
}

#[test]
fn a_name_is_lower_camel_case_and_nobodys() {
    for name in ["a", "plan", "newVariableName", "ids"] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    for name in ["Plan", "plan2", "plan_b", "plän", " plan", "2plan"] {
        assert_eq!(check_name(name).unwrap_err().code, "VARIABLE_NAME_INVALID", "{name}");
    }
    for name in ["email", "EMAIL", "contactlanguage", "cac", "sourceName", "ID", "externalId", "variables"] {
        assert_eq!(check_name(name).unwrap_err().code, "VARIABLE_NAME_RESERVED", "{name}");
    }
}
