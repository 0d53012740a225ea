use super::*;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{ListAbout, Variable, VariableKind};

fn list() -> List {
    let plan = Variable { number: 3, name: "plan".to_owned(), kind: VariableKind::String };
    List::new(ListNo(1), ObjectId::from_bytes([7; 12]), AccountNo(1), ListAbout::default(), vec![plan])
}

fn filter_of(query: &str) -> Value {
    let address = address_of(query, &list()).unwrap_or_default();
    let filter =
        parse(address.as_bytes()).find(|(key, _)| key == "filter").map(|(_, value)| value.into_owned());
    filter.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn a_form_becomes_an_address_without_what_is_empty() {
    assert_eq!(address_of("q=Jo&active=true", &list()), None);
    let empty = "q=Jo&active=&match=all&group=all&field=&op=is&value=&group=all&field=&op=is&value=";
    assert_eq!(address_of(empty, &list()).as_deref(), Some("q=Jo"));
    let one = "match=all&group=all&field=variables.plan&op=is&value=+pro+&field=&op=is&value=";
    assert_eq!(filter_of(one), json!({ "field": "variables.plan", "op": "is", "value": "pro" }));
}

#[test]
fn rows_and_groups_read_as_they_were_sent() {
    let query = "match=any&group=all&field=contactScore&op=between&value=1,&field=active&op=is&value=Yes\
                 &group=any&field=updatedAt&op=inLast&value=30&field=name&op=empty&value=x&field=&op=is&value=\
                 &group=all&field=segment:5d9155bad132d5f45a4e38b1&op=is&value=&group=all&field=&op=is&value=";
    let filter = json!({ "any": [
        { "all": [
            { "field": "contactScore", "op": "between", "value": [1, null] },
            { "field": "active", "op": "is", "value": true },
        ] },
        { "any": [{ "field": "updatedAt", "op": "inLast", "value": 30 }, { "field": "name", "op": "empty" }] },
        { "segment": "5d9155bad132d5f45a4e38b1" },
    ] });
    assert_eq!(filter_of(query), filter);
    let shown = Builder::of(Some(&filter.to_string()));
    assert_eq!((shown.any, shown.count(), shown.groups.len()), (true, 5, 4));
    assert_eq!(shown.to_json(&list()), Some(filter));
    // One row stays free in each group.
    assert!(shown.groups.iter().all(|group| group.rows.last() == Some(&Row::default())));
}

#[test]
fn a_value_that_does_not_read_stays_a_text_and_a_deep_filter_is_shown_as_it_is() {
    let wrong = "match=all&group=all&field=contactScore&op=after&value=many";
    assert_eq!(filter_of(wrong), json!({ "field": "contactScore", "op": "after", "value": "many" }));
    let deep = json!({ "all": [{ "any": [{ "all": [{ "field": "name", "op": "empty" }] }] }] }).to_string();
    let shown = Builder::of(Some(&deep));
    assert_eq!((shown.other, shown.groups.len()), (Some(deep), 0));
}
