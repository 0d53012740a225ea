#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::Fields;
use crate::contact::posted::WAS;
use app::contacts::patch::ContactPatch;
use domain::contact::amount::{Amount, Currency};
use domain::contact::field::Key;
use domain::contact::record::Reader;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{ListAbout, Variable};

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

/// The stored form of what a form sets, or the names of the fields that are wrong.
fn put(posted: &Posted) -> Result<BTreeMap<Key, Vec<u8>>, Vec<String>> {
    let mut patch = ContactPatch::default();
    let wrong = posted.put(&list(), &mut patch);
    if !wrong.is_empty() {
        return Err(wrong.into_keys().collect());
    }
    let mut bytes = Vec::new();
    patch.put(false, &mut bytes);
    let mut reader = Reader::new(&bytes);
    let entries = std::iter::from_fn(|| reader.entry().unwrap());
    Ok(entries.map(|entry| (entry.key, entry.value.to_vec())).collect())
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
    let entries = [
        (Field::Active.key(), Vec::new()),
        (Field::Email.key(), b"new@example.com".to_vec()),
        (Key::of_variable(0), b"Tartu".to_vec()),
    ];
    assert_eq!(put(&posted), Ok(BTreeMap::from(entries)));
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
        put(&posted(&fields)).map(|mut entries| entries.remove(&Field::Cac.key()))
    };
    let stored = |value, currency| {
        let (value, currency) = (Amount::parse(value).unwrap(), Currency::parse(currency).unwrap());
        Ok(Some(Cac { value, currency }.to_bytes()))
    };
    assert_eq!(cost("2", "EUR", "2", "EUR"), Ok(None));
    assert_eq!(cost("3", "EUR", "2", "EUR"), stored("3", "EUR"));
    assert_eq!(cost("2", "USD", "2", "EUR"), stored("2", "USD"));
    assert_eq!(cost("", "EUR", "2", "EUR"), Ok(Some(Vec::new())));
    assert_eq!(cost("", "EUR", "", ""), Err(vec!["cac.value".to_owned()]), "an amount is missing");
}

#[test]
fn errors_stand_at_their_fields() {
    let posted = posted(&[
        ("email", "nobody"),
        ("variables.city", "x"),
        ("variables.since", "soon"),
        ("cac.currency", "EUR"),
    ]);
    let wrong = posted.put(&list(), &mut ContactPatch::default());
    let at: Vec<_> = wrong.keys().map(String::as_str).collect();
    assert_eq!(at, ["cac.value", "email", "variables.since"]);
    let at_fields = wrong.into_iter().map(|(name, problem)| (name, problem.message)).collect();
    let groups = groups(&list(), &[], &posted, &at_fields);
    let email = &groups[0].fields[0];
    assert_eq!(email.error.as_deref(), Some("invalid RFC2822 email nobody at email field"));
    assert_eq!((email.value.as_str(), email.was.as_str()), ("nobody", ""));
}

#[cfg(feature = "extra-field")]
#[test]
fn a_field_of_the_table_is_an_input_of_its_part() {
    let groups = groups(&list(), &[], &posted(&[("nickname", "Jo")]), &BTreeMap::new());
    let name = groups.iter().find(|group| group.title == "Name").unwrap();
    let input = name.fields.iter().find(|input| input.name == Field::Nickname.name()).unwrap();
    assert_eq!((input.label.as_str(), input.value.as_str()), ("Nickname", "Jo"));
    let of_table: usize = Field::ALL.iter().filter(|field| field.group().is_some()).count();
    let of_form: usize = groups[..GROUPS.len()].iter().map(|group| group.fields.len()).sum();
    assert_eq!(of_form, of_table, "each part of the table is a part of the form");
}
