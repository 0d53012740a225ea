use super::*;
use crate::console::contact::posted::{WAS, errors};
use crate::console::{Detail, Fields};
use crate::id::ObjectId;
use crate::intake::problem::{self, Problem};
use crate::journal::{AccountNo, ListNo};
use crate::storage::{ListAbout, Variable};

fn list() -> List {
    let variable = |number, name: &str, kind| Variable { number, name: name.to_owned(), kind };
    let variables = vec![variable(0, "city", VariableKind::String), variable(1, "since", VariableKind::Date)];
    let id = ObjectId::from_bytes([7; 12]);
    List::new(ListNo(1), id, AccountNo(1), ListAbout::default(), variables)
}

fn posted(fields: &[(&str, &str)]) -> Posted {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    Posted::read(&Fields::read(query.finish().as_bytes()), &list())
}

#[test]
fn only_what_was_changed_is_sent() {
    let posted = posted(&[
        ("name", "Ann"),
        ("was.name", "Ann"),
        ("email", "new@example.com"),
        ("was.email", "old@example.com"),
        ("was.active", "true"),
        ("smsSubscribe", "true"),
        ("was.smsSubscribe", "true"),
        ("variables.city", "Tartu"),
        ("was.variables.city", ""),
    ]);
    assert_eq!(
        Value::Object(posted.item()),
        json!({
            "active": false,
            "email": "new@example.com",
            "variables": [{ "name": "city", "value": "Tartu" }],
        })
    );
}

#[test]
fn a_form_that_was_shown_and_sent_changes_nothing() {
    let shown = blank(&list());
    let mut fields =
        vec![("variables.city".to_owned(), "two\r\nlines"), ("was.variables.city".to_owned(), "two\nlines")];
    for (name, value) in shown.iter().filter(|(name, _)| *name != "variables.city") {
        fields.push((format!("{WAS}{name}"), value));
        if value != "false" {
            fields.push((name.clone(), value));
        }
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(posted(&fields).changed(), [] as [&str; 0]);
}

#[test]
fn what_others_changed_is_told_where_it_would_be_overwritten() {
    let posted = posted(&[("name", "Ann"), ("was.name", ""), ("lastName", "Lee"), ("was.lastName", "Lee")]);
    let mut stored = posted.was.clone();
    assert_eq!(posted.conflicts(&stored), BTreeMap::new());
    stored.insert("lastName".to_owned(), "Li".to_owned());
    assert_eq!(posted.conflicts(&stored), BTreeMap::new(), "the form does not touch it");
    stored.insert("name".to_owned(), "Anna".to_owned());
    assert_eq!(posted.conflicts(&stored), BTreeMap::from([("name".to_owned(), "Anna".to_owned())]));
    stored.insert("name".to_owned(), "Ann".to_owned());
    assert_eq!(posted.conflicts(&stored), BTreeMap::new(), "they want the same");
}

#[test]
fn a_cost_is_sent_whole_or_cleared() {
    let cost = |value, currency, was_value, was_currency| {
        let fields = [
            ("cac.value", value),
            ("cac.currency", currency),
            ("was.cac.value", was_value),
            ("was.cac.currency", was_currency),
        ];
        posted(&fields).item().remove("cac")
    };
    assert_eq!(cost("2", "EUR", "2", "EUR"), None);
    assert_eq!(cost("3", "EUR", "2", "EUR"), Some(json!({ "value": "3", "currency": "EUR" })));
    assert_eq!(cost("2", "USD", "2", "EUR"), Some(json!({ "value": "2", "currency": "USD" })));
    assert_eq!(cost("", "EUR", "2", "EUR"), Some(json!("")));
    assert_eq!(cost("", "EUR", "", ""), Some(json!({ "value": false, "currency": "EUR" })), "and is refused");
}

#[test]
fn errors_stand_at_their_fields() {
    let posted = posted(&[
        ("email", "nobody"),
        ("variables.city", "x"),
        ("variables.since", "soon"),
        ("cac.currency", "EUR"),
    ]);
    let problems = [
        problem::email("nobody").at(0),
        problem::variable_not_a_date("since", "soon").at(0),
        problem::cac_value().at(0),
        problem::no_identifier(0),
    ]
    .map(|Problem { field, code, message, .. }| Detail {
        position: Some(0),
        field,
        code: code.into_owned(),
        message,
    });
    let (at_fields, at_top) = errors(&problems, &posted);
    let at: Vec<_> = at_fields.keys().map(String::as_str).collect();
    assert_eq!(at, ["cac.value", "email", "variables.since"]);
    assert_eq!(at_top, ["email, phoneNumber or externalId/userId must be filled at contact position 0"]);
    let groups = groups(&list(), &[], &posted, &at_fields);
    let email = &groups[0].fields[0];
    assert_eq!(email.error.as_deref(), Some("invalid RFC2822 email nobody at email field"));
    assert_eq!((email.value.as_str(), email.was.as_str()), ("nobody", ""));
}
