//! Lists that go, variables that go with their values, and sources that leave what they cost.

use domain::clock::Timestamp;
use domain::contact::amount::{Amount, Cac, Currency};
use domain::contact::document::Document;
use domain::contact::field::{Field, Key};
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::put_entry;
use domain::journal::{Batch, ItemsWriter, ListNo};
use storage::{
    Contact, ListChange, ListFilter, NewList, NewSource, Renamed, SourceRef, VariableKind, Window,
};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    a_removed_list_goes_with_its_contacts_and_no_other,
    a_list_is_removed_by_its_present_name_only,
    values_of_removed_variables_are_gone_after_pruning_and_all_else_is_as_it_was,
    many_contacts_are_scrubbed_in_many_calls_while_others_are_applied,
    variables_that_go_while_others_are_scrubbed_are_scrubbed_too,
    a_number_of_a_variable_is_never_given_again,
    a_source_that_goes_leaves_what_its_contacts_cost,
}

const ALL: Window = Window { offset: 0, limit: 100 };
const LONG_AGO: Timestamp = Timestamp::from_millis(0);

async fn prune(desk: &Desk) -> usize {
    let mut calls = 0;
    while desk.storage().prune(keep_since(LONG_AGO)).await.expect("pruned") > 0 {
        calls += 1;
    }
    calls
}

/// Adds string variables, and returns their numbers.
async fn add_variables(desk: &Desk, names: &[&str]) -> Vec<u32> {
    let variables = names.iter().map(|name| ((*name).to_owned(), VariableKind::String)).collect();
    desk.storage().add_variables(desk.list, variables, 500, desk.now).await.expect("added");
    let list = desk.storage().find_list(desk.list_id).await.expect("a look").expect("the list");
    names.iter().map(|name| list.variable(name).expect("it is there").number).collect()
}

async fn remove(desk: &Desk, names: &[&str]) -> Vec<String> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    desk.storage().remove_variables(desk.list, names, desk.now).await.expect("a change")
}

/// A batch that gives each of these contacts the value for each of the variables.
fn batch(desk: &Desk, contacts: &[String], variables: &[u32], value: &str) -> Batch {
    let mut items = ItemsWriter::default();
    for contact in contacts {
        let mut patch = Vec::new();
        put_entry(&mut patch, Field::Name.key(), b"Jo");
        for number in variables {
            put_entry(&mut patch, Key::of_variable(*number), value.as_bytes());
        }
        items.add(IdentifierKind::UserId, contact, &patch);
    }
    Batch { items: items.finish(), ..desk.batch(&[]) }
}

async fn contact(desk: &Desk, user_id: &str) -> Option<Contact> {
    let identifiers = vec![(IdentifierKind::UserId, user_id.to_owned())];
    let found = desk.storage().find_contact(desk.account.no, desk.list, identifiers).await.expect("a look");
    found.map(|(_, contact)| contact)
}

/// The stored values of variables of a contact, whether or not the list knows them.
async fn values(desk: &Desk, user_id: &str, numbers: &[u32]) -> Vec<Option<String>> {
    let contact = contact(desk, user_id).await.expect("the contact");
    let document = Document::read(&contact.document).expect("it reads");
    let text = |number: &u32| {
        let value = document.get(Key::of_variable(*number)).expect("it reads");
        value.map(|value| String::from_utf8(value.to_vec()).expect("a text"))
    };
    numbers.iter().map(text).collect()
}

async fn a_removed_list_goes_with_its_contacts_and_no_other(mut desk: Desk) {
    desk.update(&[("a", &[(Field::Email, "u@example.com")]), ("b", &[])]).await;
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    let other = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    desk.append(Batch { list: other, list_id: id, ..desk.batch(&[("a", &[])]) }).await;
    desk.apply_all().await;
    let waiting = desk.append(desk.batch(&[("c", &[])])).await;
    assert!(desk.storage().remove_list(desk.list, "Customers".to_owned()).await.expect("removed"));
    assert!(desk.storage().find_list(desk.list_id).await.expect("a look").is_none());
    desk.apply_all().await;
    assert_eq!(desk.told(waiting).await, ["LIST_NOT_FOUND"]);
    assert!(prune(&desk).await > 0);
    for contact in ["a", "b", "c", "u@example.com"] {
        assert_eq!(desk.field(contact, Field::UserId).await, None);
    }
    assert_eq!(desk.field_in(other, "a", Field::UserId).await.as_deref(), Some("a"));
    let left = desk.storage().find_lists(desk.account.no, ListFilter::default(), ALL).await.expect("a look");
    let left: Vec<_> = left.rows.iter().map(|list| (list.id, list.about.is_default)).collect();
    assert_eq!(left, [(id, true)]);
    desk.reopen();
    assert_eq!(prune(&desk).await, 0);
}

async fn a_list_is_removed_by_its_present_name_only(desk: Desk) {
    desk.storage().update_list(desk.list, ListChange::name("New"), desk.now).await.expect("renamed");
    assert!(!desk.storage().remove_list(desk.list, "Customers".to_owned()).await.expect("a look"));
    assert!(!desk.storage().remove_list(ListNo(999), "New".to_owned()).await.expect("a look"));
    assert!(desk.storage().find_list(desk.list_id).await.expect("a look").is_some());
    assert!(desk.storage().remove_list(desk.list, "New".to_owned()).await.expect("removed"));
    assert!(!desk.storage().update_list(desk.list, ListChange::name("x"), desk.now).await.expect("a look"));
}

async fn values_of_removed_variables_are_gone_after_pruning_and_all_else_is_as_it_was(mut desk: Desk) {
    let numbers = add_variables(&desk, &["one", "two", "three"]).await;
    desk.append(batch(&desk, &["a".to_owned()], &numbers, "x")).await;
    desk.append(batch(&desk, &["b".to_owned()], &numbers[1..2], "y")).await;
    desk.apply_all().await;
    let before = contact(&desk, "b").await.expect("b").document;
    let header = Document::read(&contact(&desk, "a").await.expect("a").document).expect("it reads").header;
    assert_eq!(remove(&desk, &["one", "nobody", "three"]).await, ["nobody"], "all or none");
    assert_eq!(prune(&desk).await, 0);
    assert_eq!(remove(&desk, &["one", "three"]).await, [""; 0]);
    // A restart in between forgets nothing.
    desk.reopen();
    assert!(prune(&desk).await > 0);
    assert_eq!(values(&desk, "a", &numbers).await, [None, Some("x".to_owned()), None]);
    let after = contact(&desk, "a").await.expect("a").document;
    let after = Document::read(&after).expect("it reads");
    assert_eq!((after.header, after.text(Field::Name)), (header, Ok(Some("Jo"))));
    assert_eq!(contact(&desk, "b").await.expect("b").document, before, "nothing of it was removed");
    assert_eq!(desk.field("a", Field::UserId).await.as_deref(), Some("a"), "it is found as before");
    assert_eq!(prune(&desk).await, 0);
}

async fn many_contacts_are_scrubbed_in_many_calls_while_others_are_applied(desk: Desk) {
    let numbers = add_variables(&desk, &["one", "two"]).await;
    let contacts: Vec<_> = (0..4_500).map(|number| format!("id{number}")).collect();
    for contacts in contacts.chunks(100) {
        desk.append(batch(&desk, contacts, &numbers, "x")).await;
    }
    desk.apply_all().await;
    // Accepted before and applied after: it must not bring the value back.
    let late = desk.append(batch(&desk, &contacts[..1], &numbers[..1], "late")).await;
    assert!(remove(&desk, &["one"]).await.is_empty());
    let mut calls = 0;
    while desk.storage().prune(keep_since(LONG_AGO)).await.expect("pruned") > 0 {
        desk.append(batch(&desk, &[format!("new{calls}")], &numbers[1..], "y")).await;
        desk.apply_all().await;
        calls += 1;
        assert!(calls < 10, "it does not run after those who make contacts");
    }
    assert!(calls > 2, "a chunk at a time: {calls}");
    assert_eq!(desk.told(late).await, ["VARIABLE_NOT_FOUND"]);
    for contact in [&contacts[0], &contacts[1_999], &contacts[2_000], &contacts[4_499]] {
        assert_eq!(values(&desk, contact, &numbers).await, [None, Some("x".to_owned())], "{contact}");
    }
    assert_eq!(values(&desk, "new0", &numbers).await, [None, Some("y".to_owned())]);
}

async fn variables_that_go_while_others_are_scrubbed_are_scrubbed_too(desk: Desk) {
    let numbers = add_variables(&desk, &["one", "two", "three"]).await;
    let contacts: Vec<_> = (0..2_500).map(|number| format!("id{number}")).collect();
    for contacts in contacts.chunks(100) {
        desk.append(batch(&desk, contacts, &numbers, "x")).await;
    }
    desk.apply_all().await;
    assert!(remove(&desk, &["one"]).await.is_empty());
    assert!(desk.storage().prune(keep_since(LONG_AGO)).await.expect("pruned") > 0);
    assert!(remove(&desk, &["two"]).await.is_empty());
    prune(&desk).await;
    for contact in &contacts {
        assert_eq!(values(&desk, contact, &numbers).await, [None, None, Some("x".to_owned())], "{contact}");
    }
}

async fn a_number_of_a_variable_is_never_given_again(desk: Desk) {
    let first = add_variables(&desk, &["one"]).await;
    desk.append(batch(&desk, &["a".to_owned()], &first, "x")).await;
    desk.apply_all().await;
    let named = async |name: &str, new_name: &str| {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        desk.storage().rename_variable(desk.list, name, new_name, desk.now).await.expect("a change")
    };
    assert_eq!(named("one", "uno").await, Renamed::Done);
    assert_eq!(named("one", "uno").await, Renamed::NotFound);
    assert!(remove(&desk, &["uno"]).await.is_empty());
    let second = add_variables(&desk, &["uno", "two"]).await;
    assert!(!second.contains(&first[0]));
    assert_eq!(named("two", "uno").await, Renamed::Taken);
    assert_eq!(values(&desk, "a", &second).await, [None, None]);
}

async fn a_source_that_goes_leaves_what_its_contacts_cost(mut desk: Desk) {
    let value = Amount::parse("2.05").expect("an amount");
    let cac = Cac { value, currency: Currency::parse("EUR").expect("a currency") };
    let (dear, free) = (desk.ids.next(desk.now), desk.ids.next(desk.now));
    for (id, cac) in [(dear, Some(cac)), (free, None)] {
        let new = NewSource { name: id.to_string(), customer_source_id: None, cac };
        desk.storage().add_source(desk.account.no, id, new, desk.now).await.expect("a source");
    }
    let mut items = ItemsWriter::default();
    for (contact, source) in [("a", dear), ("b", free)] {
        let found = desk.storage().find_source(desk.account.no, SourceRef::Id(source)).await.expect("a look");
        let mut patch = Vec::new();
        put_entry(&mut patch, Field::Source.key(), &found.expect("the source").no.to_le_bytes());
        items.add(IdentifierKind::UserId, contact, &patch);
    }
    let items = items.finish();
    desk.append(Batch { items: items.clone(), ..desk.batch(&[]) }).await;
    desk.apply_all().await;
    let late = desk.append(Batch { items, ..desk.batch(&[]) }).await;
    let refs = vec![SourceRef::Id(dear), SourceRef::Name(free.to_string()), SourceRef::Id(dear)];
    assert_eq!(desk.storage().remove_sources(desk.account.no, refs.clone()).await.expect("removed"), 2);
    assert_eq!(desk.storage().remove_sources(desk.account.no, refs).await.expect("a look"), 0);
    desk.apply_all().await;
    assert_eq!(desk.told(late).await, ["SOURCE_NOT_FOUND", "SOURCE_NOT_FOUND"]);
    desk.reopen();
    prune(&desk).await;
    for (user_id, cost) in [("a", Some(cac)), ("b", None)] {
        let contact = contact(&desk, user_id).await.expect("the contact");
        assert_eq!((contact.source, contact.source_cac), (None, cost));
    }
    // Another account has none of that.
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let identifiers = vec![(IdentifierKind::UserId, "a".to_owned())];
    let found = desk.storage().find_contact(other.no, desk.list, identifiers).await.expect("a look");
    assert_eq!(found.map(|(_, contact)| contact.source_cac), Some(None));
}
