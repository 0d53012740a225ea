//! The changes of contacts in their order: what those rely on who follow them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::field::Field::{self, Email, FirstName, Name};
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, ItemsWriter, ListNo};
use storage::{
    Change, ChangeCursor, ChangePage, ChangeQuery, ChangesError, ChangesFrom, Detail, Mark, NewList,
    RetentionPolicy,
};

use super::{Desk, Sqlite, add_account, on_every_backend};

on_every_backend! {
    changes_are_read_in_their_order_with_old_and_new_values,
    pages_of_any_size_hold_the_same_changes,
    an_erased_contact_leaves_its_number_alone,
    a_cursor_over_all_lists_comes_to_lists_that_are_made_later,
    a_filter_leaves_out_updates_of_other_fields,
    contacts_are_read_as_they_are_now_and_in_pages_that_fit,
    a_cursor_expires_when_changes_behind_it_are_deleted,
    a_cursor_of_another_store_scope_or_past_is_refused,
}

pub fn query(desk: &Desk, from: ChangesFrom) -> ChangeQuery {
    let scope = Some(desk.list);
    ChangeQuery { scope, from, detail: Detail::Fields, ..ChangeQuery::new(desk.account.no, vec![desk.list]) }
}

pub async fn read(desk: &Desk, query: ChangeQuery) -> Result<ChangePage, ChangesError> {
    desk.storage().read_changes(query).await
}

pub async fn all(desk: &Desk) -> ChangePage {
    read(desk, query(desk, ChangesFrom::Start)).await.expect("changes")
}

pub async fn now(desk: &Desk) -> ChangeCursor {
    read(desk, query(desk, ChangesFrom::Now)).await.expect("a cursor").next
}

/// `number action userId email: field from > to, …`
pub fn in_words(change: &Change) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let value = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let fields: Vec<_> = change
        .fields
        .iter()
        .map(|field| format!("{} {} > {}", field.key.name(|_| None), value(&field.old), value(&field.new)))
        .collect();
    let (user_id, email) = (text(&change.identifiers.user_id), text(&change.identifiers.email));
    format!("{} {} {user_id} {email}: {}", change.number.0, change.action.name(), fields.join(", "))
}

pub fn words(page: &ChangePage) -> Vec<String> {
    page.changes.iter().map(in_words).collect()
}

/// A batch of that kind about contacts with these user ids.
async fn about(desk: &Desk, kind: BatchKind, user_ids: &[&str]) -> ObjectId {
    let mut items = ItemsWriter::default();
    user_ids.iter().for_each(|user_id| items.add(IdentifierKind::UserId, user_id, &[]));
    let batch = Batch { kind, items: items.finish(), ..desk.batch(&[]) };
    let batch = match kind {
        BatchKind::Erase => Batch { list: ListNo::NONE, list_id: desk.account.id, ..batch },
        _ => batch,
    };
    let request = desk.append(batch).await;
    desk.apply_all().await;
    request
}

async fn undo(desk: &Desk, request: ObjectId) {
    let mut items = ItemsWriter::default();
    items.add(IdentifierKind::UserId, &request.to_string(), &[]);
    desk.append(Batch { kind: BatchKind::Undo, items: items.finish(), ..desk.batch(&[]) }).await;
    desk.apply_all().await;
}

/// A story in which each action happens, and what is read of it.
pub async fn story(desk: &Desk) -> Vec<&'static str> {
    desk.update(&[("a", &[(Email, "a@x.com"), (Name, "A")]), ("b", &[])]).await;
    desk.update(&[("a", &[(Email, "a@x.com"), (Name, "A")])]).await;
    desk.update(&[("a", &[(Email, "v@x.com"), (Name, "")]), ("a", &[(FirstName, "Jo")])]).await;
    let removal = about(desk, BatchKind::Remove, &["a"]).await;
    undo(desk, removal).await;
    vec![
        "1 created a a@x.com: userId  > a, email  > a@x.com, name  > A",
        "2 created b -: userId  > b",
        "1 updated a v@x.com: email a@x.com > v@x.com, name A > ",
        "1 updated a v@x.com: firstName  > Jo",
        "1 removed a v@x.com: userId a > , email v@x.com > , firstName Jo > ",
        "1 created a v@x.com: userId  > a, email  > v@x.com, firstName  > Jo",
    ]
}

async fn changes_are_read_in_their_order_with_old_and_new_values(mut desk: Desk) {
    let before = now(&desk).await;
    assert_eq!(words(&all(&desk).await), [""; 0]);
    let told = story(&desk).await;
    desk.reopen();
    let page = all(&desk).await;
    assert_eq!(words(&page), told);
    assert!(!page.more);
    let first = &page.changes[0];
    assert_eq!((first.asked, &first.token, first.at), (BatchKind::Upsert, &desk.account.key, desk.now));
    assert_eq!(page.changes[1].request, first.request);
    assert_ne!(page.changes[2].request, first.request);
    let since = read(&desk, query(&desk, ChangesFrom::After(before))).await.expect("changes");
    assert_eq!(words(&since), told, "a list without changes has a cursor too");
    let rest = read(&desk, query(&desk, ChangesFrom::After(page.next.clone()))).await.expect("no changes");
    assert_eq!((words(&rest).len(), rest.more, &rest.next), (0, false, &page.next));
    assert_eq!(now(&desk).await.mark(desk.list), page.next.mark(desk.list));
    let last = desk.storage().last_changes(vec![desk.list]).await.expect("positions");
    desk.update(&[("b", &[(Name, "B")])]).await;
    assert_ne!(desk.storage().last_changes(vec![desk.list]).await.expect("positions"), last);
    let rest = read(&desk, query(&desk, ChangesFrom::After(rest.next))).await.expect("a change");
    assert_eq!(words(&rest), ["2 updated b -: name  > B"]);
}

async fn pages_of_any_size_hold_the_same_changes(desk: Desk) {
    let told = story(&desk).await;
    let erase = about(&desk, BatchKind::Erase, &["b"]).await;
    desk.update(&[("c", &[])]).await;
    let page = all(&desk).await;
    let expected: Vec<_> = words(&page);
    assert_eq!(expected.len(), told.len() + 1);
    for (limit, bytes) in [(1, usize::MAX), (2, usize::MAX), (3, usize::MAX), (100, 1), (100, 200)] {
        let (mut found, mut from, mut cursors) = (Vec::new(), ChangesFrom::Start, Vec::new());
        loop {
            let page =
                read(&desk, ChangeQuery { limit, bytes, ..query(&desk, from) }).await.expect("changes");
            assert!(page.changes.len() <= limit);
            let read_cursor = |bytes: Vec<u8>| ChangeCursor::from_bytes(&bytes).expect("a cursor");
            let last = page.cursors().last().map(read_cursor);
            assert!(last.is_none_or(|last| last.mark(desk.list) == page.next.mark(desk.list) || !page.more));
            found.extend(words(&page));
            cursors.extend(page.cursors().map(read_cursor));
            if !page.more {
                break;
            }
            let text = page.next.encode();
            from = ChangesFrom::After(ChangeCursor::decode(&text).expect("a cursor"));
        }
        assert_eq!(found, expected, "{limit} and {bytes}");
        for (index, cursor) in cursors.into_iter().enumerate() {
            let rest = read(&desk, query(&desk, ChangesFrom::After(cursor))).await.expect("changes");
            assert_eq!(words(&rest), expected[index + 1..], "behind each change is the next");
        }
    }
    assert!(page.changes.iter().any(|change| change.request == erase));
}

async fn an_erased_contact_leaves_its_number_alone(desk: Desk) {
    desk.update(&[("a", &[(Email, "a@x.com")]), ("b", &[(Email, "b@x.com")])]).await;
    // b had the address of a for a while, between others.
    desk.update(&[("a", &[(Email, "")]), ("b", &[(Email, "a@x.com")])]).await;
    desk.update(&[("b", &[(Name, "B")])]).await;
    desk.update(&[("b", &[(Email, "b@x.com")]), ("a", &[(Email, "a@x.com")])]).await;
    let middle = now(&desk).await;
    let erase = about(&desk, BatchKind::Erase, &["a"]).await;
    desk.update(&[("c", &[])]).await;
    let page = all(&desk).await;
    assert!(!format!("{page:?}").contains("a@x.com"), "{page:?}");
    let told = words(&page);
    assert_eq!(told.len(), 6, "{told:?}");
    assert_eq!(&told[4..], ["1 erased - -: ", "3 created c -: userId  > c"]);
    assert!(told[..4].iter().all(|change| change.starts_with("2 ")), "{told:?}");
    assert_eq!(page.changes[4].request, erase);
    assert_eq!((page.changes[4].asked, &page.changes[4].token), (BatchKind::Erase, &desk.account.key));
    let rest = read(&desk, query(&desk, ChangesFrom::After(middle))).await.expect("changes");
    assert_eq!(words(&rest), &told[4..]);
    let ids = ChangeQuery { detail: Detail::Ids, ..query(&desk, ChangesFrom::After(rest.first)) };
    assert!(read(&desk, ids).await.expect("changes").changes.iter().all(|change| change.fields.is_empty()));
}

pub async fn add_list(desk: &Desk) -> (ListNo, ObjectId) {
    let id = desk.ids.next(desk.now);
    desk.storage()
        .add_list(desk.account.no, id, NewList::named(id.to_string()), desk.now)
        .await
        .expect("a list");
    (desk.storage().find_list(id).await.expect("a look").expect("the list").no, id)
}

async fn update_in(desk: &Desk, (list, list_id): (ListNo, ObjectId), user_id: &str, name: &str) {
    desk.append(Batch { list, list_id, ..desk.batch(&[(user_id, &[(Name, name)])]) }).await;
    desk.apply_all().await;
}

async fn a_cursor_over_all_lists_comes_to_lists_that_are_made_later(desk: Desk) {
    let (first, second) = ((desk.list, desk.list_id), add_list(&desk).await);
    let both = vec![first.0, second.0];
    let over = |lists: &[ListNo], from, limit| ChangeQuery {
        from,
        limit,
        detail: Detail::Fields,
        ..ChangeQuery::new(desk.account.no, lists.to_vec())
    };
    update_in(&desk, first, "a", "1").await;
    let start = read(&desk, over(&both, ChangesFrom::Now, 9)).await.expect("a cursor").next;
    for name in ["2", "3", "4"] {
        update_in(&desk, first, "a", name).await;
        update_in(&desk, second, "a", name).await;
    }
    let third = add_list(&desk).await;
    update_in(&desk, third, "a", "5").await;
    about(&desk, BatchKind::Erase, &["a"]).await;
    let lists = [first.0, second.0, third.0];
    let (mut cursor, mut found) = (start.clone(), Vec::new());
    loop {
        let page = read(&desk, over(&lists, ChangesFrom::After(cursor), 1)).await.expect("changes");
        found.extend(page.changes.iter().map(|change| (change.list, change.action.name())));
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    // What was changed of erased contacts is not told any more, and each list's erased contact is.
    found.sort_unstable();
    assert_eq!(found, lists.map(|list| (list, "erased")));
    update_in(&desk, second, "b", "6").await;
    let page = read(&desk, over(&lists[1..], ChangesFrom::After(cursor.clone()), 9)).await.expect("changes");
    assert_eq!(page.changes.len(), 1);
    assert_eq!(page.next.mark(first.0), None, "a list that is not visible any more is forgotten");
    let page = read(&desk, over(&lists, ChangesFrom::After(cursor), 9)).await.expect("changes");
    assert_eq!(page.changes.len(), 1);
}

async fn a_filter_leaves_out_updates_of_other_fields(desk: Desk) {
    story(&desk).await;
    let fields = |fields: &[Field]| {
        let keys: HashSet<_> = fields.iter().map(|field| field.key()).collect();
        Some(HashMap::from([(desk.list, keys)]))
    };
    let names = ChangeQuery { fields: fields(&[FirstName]), ..query(&desk, ChangesFrom::Start) };
    let page = read(&desk, names.clone()).await.expect("changes");
    let told = [
        "1 created a a@x.com: ",
        "2 created b -: ",
        "1 updated a v@x.com: firstName  > Jo",
        "1 removed a v@x.com: firstName Jo > ",
        "1 created a v@x.com: firstName  > Jo",
    ];
    assert_eq!(words(&page), told);
    let one = read(&desk, ChangeQuery { limit: 2, ..names.clone() }).await.expect("changes");
    let rest = ChangeQuery { from: ChangesFrom::After(one.next), ..names };
    assert_eq!(words(&read(&desk, rest).await.expect("changes")), told[2..]);
    let none = ChangeQuery { fields: Some(HashMap::new()), ..query(&desk, ChangesFrom::Start) };
    assert!(read(&desk, none).await.expect("changes").changes.iter().all(|c| c.action.name() != "updated"));
}

async fn contacts_are_read_as_they_are_now_and_in_pages_that_fit(desk: Desk) {
    story(&desk).await;
    about(&desk, BatchKind::Remove, &["b"]).await;
    let contacts = ChangeQuery { detail: Detail::Contact, ..query(&desk, ChangesFrom::Start) };
    let page = read(&desk, contacts.clone()).await.expect("changes");
    let name = |change: &Change| {
        let contact = change.contact.as_ref()?;
        let document = Document::read(&contact.document).expect("a contact");
        document.text(FirstName).expect("a text").map(str::to_owned)
    };
    let jo = Some("Jo".to_owned());
    let told = [jo.clone(), None, jo.clone(), jo.clone(), jo.clone(), jo, None];
    assert_eq!(page.changes.iter().map(name).collect::<Vec<_>>(), told);
    // Contacts of 100,000 bytes each, of which two fill a page.
    let long = "x".repeat(100_000);
    for index in 0..40_u32 {
        desk.update(&[(&format!("long {index}"), &[(Name, &long)])]).await;
    }
    let (mut from, mut found, mut pages) = (ChangesFrom::After(page.next), 0, 0);
    loop {
        let page =
            read(&desk, ChangeQuery { from, bytes: 200_000, ..contacts.clone() }).await.expect("changes");
        assert!(page.changes.iter().all(|change| change.contact.is_some()));
        (found, pages) = (found + page.changes.len(), pages + 1);
        if !page.more {
            break;
        }
        from = ChangesFrom::After(page.next);
    }
    assert_eq!(found, 40);
    assert!(pages > 1, "{pages}");
}

async fn prune(desk: &Desk, history: Timestamp) {
    let ever = Timestamp::from_millis(0);
    let keep = RetentionPolicy { requests: ever, history, keys: ever, ended: ever };
    while desk.storage().prune(keep).await.expect("pruned") > 0 {}
}

async fn a_cursor_expires_when_changes_behind_it_are_deleted(mut desk: Desk) {
    let beginning = now(&desk).await;
    desk.update(&[("a", &[])]).await;
    let early = now(&desk).await;
    about(&desk, BatchKind::Erase, &["a"]).await;
    let idle = now(&desk).await;
    desk.now = desk.now.after(Duration::from_secs(1));
    prune(&desk, desk.now).await;
    for cursor in [&beginning, &early] {
        let outcome = read(&desk, query(&desk, ChangesFrom::After(cursor.clone()))).await;
        assert!(matches!(outcome, Err(ChangesError::Expired)), "{outcome:?}");
    }
    let page = read(&desk, query(&desk, ChangesFrom::After(idle.clone()))).await.expect("nothing is lost");
    assert_eq!((page.changes.len(), &page.next), (0, &idle));
    assert_eq!(now(&desk).await, idle, "there is a cursor, though there are no changes");
    desk.update(&[("b", &[])]).await;
    for from in [ChangesFrom::After(idle.clone()), ChangesFrom::Start] {
        let page = read(&desk, query(&desk, from)).await.expect("changes");
        assert_eq!(words(&page), ["2 created b -: userId  > b"]);
    }
    // A list that the reader has not read, though it was there.
    let over = ChangeQuery::new(desk.account.no, Vec::new());
    let none = read(&desk, over.clone()).await.expect("a cursor").next;
    let over = ChangeQuery { lists: vec![desk.list], from: ChangesFrom::After(none), ..over };
    assert!(matches!(read(&desk, over).await, Err(ChangesError::Expired)));
    desk.reopen();
    desk.now = desk.now.after(Duration::from_secs(1));
    prune(&desk, desk.now).await;
    let outcome = read(&desk, query(&desk, ChangesFrom::After(idle))).await;
    assert!(matches!(outcome, Err(ChangesError::Expired)), "{outcome:?}");
}

async fn a_cursor_of_another_store_scope_or_past_is_refused(desk: Desk) {
    desk.update(&[("a", &[])]).await;
    let cursor = now(&desk).await;
    let mark = cursor.mark(desk.list).expect("a mark");
    let refused = async |query: ChangeQuery| {
        let outcome = read(&desk, query).await;
        assert!(matches!(outcome, Err(ChangesError::Unknown)), "{outcome:?}");
    };
    refused(ChangeQuery { scope: None, ..query(&desk, ChangesFrom::After(cursor.clone())) }).await;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    refused(ChangeQuery { account: other.no, ..query(&desk, ChangesFrom::After(cursor.clone())) }).await;
    let changed = |mark| {
        let mut cursor = cursor.clone();
        cursor.advance(mark);
        query(&desk, ChangesFrom::After(cursor))
    };
    refused(changed(Mark { position: mark.position + 1, ..mark })).await;
    refused(changed(Mark { check: mark.check ^ 1, ..mark })).await;
    desk.update(&[("a", &[(Name, "A")])]).await;
    refused(changed(Mark { check: mark.check ^ 1, ..mark })).await;
    assert_eq!(read(&desk, changed(mark)).await.expect("changes").changes.len(), 1);
    let elsewhere = Desk::new(Box::new(Sqlite::new())).await;
    let outcome = read(&elsewhere, query(&elsewhere, ChangesFrom::After(cursor))).await;
    assert!(matches!(outcome, Err(ChangesError::Unknown)), "{outcome:?}");
}
