//! A list's contacts, some at a time.

use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::journal::{Batch, BatchKind, ContactNo, ListNo};
use storage::{NewList, Way};

use super::{Desk, on_every_backend};

on_every_backend! {
    pages_follow_each_other_and_keep_to_their_list,
    pages_go_down_as_well_as_up,
    a_page_of_large_contacts_is_shorter,
    lists_count_their_contacts,
}

/// The userIds and numbers of a page, and whether there are more.
async fn page(
    desk: &Desk,
    list: ListNo,
    after: ContactNo,
    limit: u32,
) -> (Vec<String>, Vec<ContactNo>, bool) {
    let page =
        desk.storage().page_contacts(desk.account.no, list, Way::Up(after), limit).await.expect("a page");
    let names = page.rows.iter().map(|(_, contact)| {
        let document = Document::read(&contact.document).expect("a contact");
        document.text(Field::UserId).expect("a text").expect("a userId").to_owned()
    });
    (names.collect(), page.rows.iter().map(|(number, _)| *number).collect(), page.more)
}

async fn pages_follow_each_other_and_keep_to_their_list(mut desk: Desk) {
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    let other = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    for name in ["a", "b", "c", "d"] {
        desk.append(desk.batch(&[(name, &[])])).await;
        desk.append(Batch { list: other, list_id: id, ..desk.batch(&[(name, &[(Field::Name, "x")])]) }).await;
    }
    desk.apply_all().await;
    desk.reopen();
    for list in [desk.list, other] {
        let (names, numbers, more) = page(&desk, list, ContactNo(0), 3).await;
        assert_eq!((names, more), (["a", "b", "c"].map(str::to_owned).to_vec(), true));
        assert!(numbers.is_sorted());
        let rest = page(&desk, list, numbers[2], 3).await;
        assert_eq!((rest.0, rest.2), (vec!["d".to_owned()], false));
        let exact = page(&desk, list, numbers[1], 2).await;
        assert_eq!((exact.0, exact.2), (["c", "d"].map(str::to_owned).to_vec(), false));
        assert_eq!(page(&desk, list, rest.1[0], 3).await, (vec![], vec![], false));
    }
}

async fn pages_go_down_as_well_as_up(mut desk: Desk) {
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    let other = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    for name in ["a", "b", "c", "d"] {
        desk.append(desk.batch(&[(name, &[])])).await;
        desk.append(Batch { list: other, list_id: id, ..desk.batch(&[(name, &[])]) }).await;
    }
    desk.apply_all().await;
    desk.reopen();
    let remove = desk.batch(&[("c", &[])]);
    desk.append(Batch { kind: BatchKind::Remove, ..remove }).await;
    desk.apply_all().await;
    let down = async |list, before, limit| {
        let page =
            desk.storage().page_contacts(desk.account.no, list, Way::Down(ContactNo(before)), limit).await;
        let page = page.expect("a page");
        (page.rows.iter().map(|(number, _)| number.0).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(down(other, u64::MAX, 3).await, (vec![4, 3, 2], true));
    assert_eq!(down(other, 2, 3).await, (vec![1], false));
    assert_eq!(down(other, 1, 3).await, (vec![], false));
    assert_eq!(down(desk.list, u64::MAX, 10).await, (vec![4, 2, 1], false));
    assert_eq!(down(desk.list, 4, 2).await, (vec![2, 1], false));
}

async fn lists_count_their_contacts(desk: Desk) {
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Empty"), desk.now).await.expect("a list");
    let empty = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    desk.update(&[("a", &[]), ("b", &[]), ("c", &[])]).await;
    let remove = desk.batch(&[("c", &[])]);
    desk.append(Batch { kind: BatchKind::Remove, ..remove }).await;
    desk.apply_all().await;
    let counts = desk.storage().count_contacts(vec![desk.list, empty, ListNo(77)]).await.expect("a look");
    assert_eq!(counts.get(&desk.list), Some(&2));
    assert_eq!(counts.get(&empty).copied().unwrap_or_default(), 0);
    assert_eq!(counts.get(&ListNo(77)), None);
    assert_eq!(desk.storage().count_all_contacts(desk.account.no).await.expect("a look"), 2);
    let other = super::add_account(desk.storage(), &desk.ids, desk.now).await;
    assert_eq!(desk.storage().count_all_contacts(other.no).await.expect("a look"), 0);
}

async fn a_page_of_large_contacts_is_shorter(desk: Desk) {
    let large = "x".repeat(6 << 20);
    for name in ["a", "b", "c"] {
        desk.update(&[(name, &[(Field::LastName, &large)])]).await;
    }
    let (mut seen, mut after) = (Vec::new(), ContactNo(0));
    loop {
        let (names, numbers, more) = page(&desk, desk.list, after, 100).await;
        // However large, one is there.
        assert!(!names.is_empty() && (names.len() < 3), "{names:?}");
        seen.extend(names);
        after = *numbers.last().expect("a number");
        if !more {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "c"]);
}
