//! What the disk has changed is told, and stops nobody else.

use std::path::Path;

use domain::clock::SystemClock;
use domain::contact::field::Field::{Email, FirstName, LastName, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::journal::ContactNo;
use rusqlite::{Connection, params};
use sqlite::check::check;
use storage::{Delivery, DeliveryEnd, DeliveryState, Error, RequestState, Way};

use super::sqlite_files::{number, sql};
use super::{Desk, Sqlite, keep_since};

async fn open() -> (Desk, Sqlite) {
    let files = Sqlite::new();
    (Desk::new(Box::new(files.clone())).await, files)
}

/// Flips a bit in the middle of a stored value.
fn flip(file: &Path, table: &str, column: &str, row: i64) {
    let connection = Connection::open(file).expect("the file");
    let select = format!("SELECT {column} FROM {table} WHERE rowid = ?1");
    let mut bytes: Vec<u8> = connection.query_row(&select, [row], |row| row.get(0)).expect("the row");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    let update = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2");
    connection.execute(&update, params![bytes, row]).expect("changed");
}

#[tokio::test]
async fn a_damaged_batch_is_told_so_and_those_behind_it_are_applied() {
    let (desk, files) = open().await;
    let mut requests = Vec::new();
    for name in ["a", "b", "c", "d"] {
        requests.push(desk.append(desk.batch(&[(name, &[(FirstName, "Jo")])])).await);
    }
    flip(&files.intake(), "batch", "items", 2);
    sql(&files.intake(), "UPDATE batch SET kind = 99 WHERE position = 3");
    assert_eq!(desk.apply(10).await.batches, 4);
    let told = [&["created a -"], &["STORE_DAMAGED"], &["STORE_DAMAGED"], &["created d -"]];
    for (request, told) in requests.iter().zip(told) {
        assert_eq!(desk.told(*request).await, told);
    }
    assert_eq!(desk.storage().backlog(), storage::Backlog::default());
}

#[tokio::test]
async fn batches_that_have_lost_their_ids_leave_nothing_that_is_due_for_ever() {
    let (desk, files) = open().await;
    let receiver = "https://one.example:443";
    for name in ["a", "b", "c"] {
        desk.append(desk.reported(receiver, &[(name, &[])])).await;
    }
    sql(&files.intake(), "UPDATE batch SET request = CAST(position AS BLOB) WHERE position < 3");
    assert_eq!(desk.apply(10).await.batches, 3);
    let claimed = desk.storage().claim_deliveries(desk.now, 10, 10).await.expect("a claim");
    let done = |delivery: &Delivery| {
        desk.attempt(delivery, Some(DeliveryEnd::Delivered), DeliveryState::Delivered, desk.now)
    };
    desk.storage().finish_deliveries(claimed.iter().map(done).collect()).await.expect("written down");
    assert_eq!(desk.storage().next_delivery_at(10).await.expect("a look"), None, "of {claimed:?}");
}

#[tokio::test]
async fn a_damaged_contact_stops_no_other() {
    let (mut desk, files) = open().await;
    let made = desk.update(&[("a", &[(Email, "u@x.com")]), ("b", &[])]).await;
    let other = desk.update(&[("b", &[(FirstName, "Jo")])]).await;
    // The first byte says the form, and none is called 0xff.
    sql(&files.store(), "UPDATE contact SET document = x'ff' WHERE instr(document, CAST('u@x.com' AS BLOB))");
    for _ in 0..2 {
        let found = desk.storage().find_requests(desk.account.no, vec![made, other]).await.expect("both");
        assert!(found.iter().all(|request| request.state == RequestState::Processed));
        assert_eq!(desk.told(made).await, ["created - -", "created b -"]);
        assert_eq!(desk.told(other).await, ["updated b -"]);
        assert_eq!(desk.field("b", FirstName).await.as_deref(), Some("Jo"));
        desk.reopen();
    }
    let find = desk
        .storage()
        .find_contact(desk.account.no, desk.list, vec![(IdentifierKind::UserId, "a".to_owned())])
        .await;
    assert!(matches!(find, Err(Error::Damaged(_))), "there is somebody, but who?");
    // What is about it says so, and makes nobody in its place; what is not goes on.
    let told = desk
        .update(&[
            ("b", &[(FirstName, "Al")]),
            ("a", &[(FirstName, "Jo")]),
            ("c", &[(Email, "U@x.com")]),
            ("d", &[]),
        ])
        .await;
    assert_eq!(desk.told(told).await, ["updated b -", "STORE_DAMAGED", "STORE_DAMAGED", "created d -"]);
    assert_eq!(desk.field("b", FirstName).await.as_deref(), Some("Al"));
    assert_eq!(desk.storage().damaged_contacts(), [(desk.list, ContactNo(1))]);
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
    assert_eq!(number(&files.store(), "SELECT count(*) FROM contact"), 0);
}

#[tokio::test]
async fn a_contact_that_is_damaged_behind_its_identifiers_takes_no_change() {
    let (desk, files) = open().await;
    desk.update(&[("a", &[(FirstName, "Al"), (LastName, "Jo")]), ("b", &[])]).await;
    sql(
        &files.store(),
        "UPDATE contact SET document = CAST(substr(document, 1, length(document) - 1) AS BLOB) \
         WHERE instr(document, CAST('Jo' AS BLOB))",
    );
    let request = desk.update(&[("a", &[(LastName, "X")]), ("b", &[(LastName, "X")])]).await;
    assert_eq!(desk.told(request).await, ["STORE_DAMAGED", "updated b -"]);
}

/// Flips each bit of a stored contact in turn. With a checksum none goes unnoticed, wherever the contact is looked at.
#[tokio::test]
async fn every_flipped_bit_of_a_contact_is_noticed() {
    let (mut desk, files) = open().await;
    desk.update(&[("a", &[(Email, "u@x.com"), (FirstName, "Jo")]), ("b", &[])]).await;
    desk.close();
    let id = (desk.list.0 << 40) + 1;
    let connection = Connection::open(files.store()).expect("the file");
    let select = "SELECT document FROM contact WHERE id = ?1";
    let whole: Vec<u8> = connection.query_row(select, [id], |row| row.get(0)).expect("the contact");
    assert_eq!(whole[5..].windows(7).filter(|bytes| *bytes == b"u@x.com").count(), 1);
    let put = |bytes: &[u8]| {
        let update = "UPDATE contact SET document = ?2 WHERE id = ?1";
        connection.execute(update, params![id, bytes]).expect("changed");
    };
    desk.reopen();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        put(&flipped);
        let whom = vec![(IdentifierKind::Email, "u@x.com".to_owned())];
        let found = desk.storage().find_contact(desk.account.no, desk.list, whom).await;
        assert!(matches!(found, Err(Error::Damaged(_))), "bit {bit}: {found:?}");
        let page = desk
            .storage()
            .page_contacts(desk.account.no, desk.list, Way::Up(ContactNo(0)), 10)
            .await
            .expect("a page");
        assert_eq!((page.rows.len(), page.damaged, page.more), (1, vec![ContactNo(1)], false), "bit {bit}");
        if bit % 97 == 0 {
            let told =
                desk.update(&[("a", &[(LastName, "X")]), ("b", &[(LastName, &bit.to_string())])]).await;
            assert_eq!(desk.told(told).await, ["STORE_DAMAGED", "updated b -"], "bit {bit}");
            let report = check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
            let sentences: Vec<_> = report.findings.iter().map(|finding| finding.sentence.as_str()).collect();
            assert_eq!(
                sentences,
                ["contacts that the disk has damaged, and that take no change: 1 (contact 1 of list 1)"],
                "bit {bit}"
            );
        }
    }
    put(&whole);
    assert_eq!(desk.field("a", FirstName).await.as_deref(), Some("Jo"));
    // What has no checksum yet is read, and gets one when it is changed.
    put(&whole[5..]);
    assert_eq!(desk.field("a", FirstName).await.as_deref(), Some("Jo"));
    desk.update(&[("a", &[(LastName, "X")])]).await;
    let stored: Vec<u8> = connection.query_row(select, [id], |row| row.get(0)).expect("the contact");
    assert_eq!(stored[0], whole[0]);
    assert_eq!(desk.field("a", LastName).await.as_deref(), Some("X"));
}

#[tokio::test]
async fn damaged_results_stop_no_other_request() {
    let (desk, files) = open().await;
    let (one, other) = (desk.update(&[("a", &[])]).await, desk.update(&[("b", &[])]).await);
    sql(&files.store(), "UPDATE request SET results = x'ff00' WHERE position = 1");
    let found = desk.storage().find_requests(desk.account.no, vec![one, other]).await.expect("both");
    assert_eq!(found.len(), 2);
    assert_eq!(desk.told(one).await, ["STORE_DAMAGED"]);
    assert_eq!(desk.told(other).await, ["created b -"]);
}

/// A collision of hashes cannot be made, but an index can say that there is one.
#[tokio::test]
async fn contacts_whose_hashes_collide_live_side_by_side() {
    for (one, other) in [("a", "b"), ("b", "a")] {
        let (mut desk, files) = open().await;
        desk.update(&[(one, &[]), (other, &[])]).await;
        // Whichever comes first under the hash: once it is the wrong one.
        sql(
            &files.store(),
            "INSERT OR IGNORE INTO identifier SELECT i.hash, c.id & 1099511627775 FROM identifier i, contact c",
        );
        assert_eq!(number(&files.store(), "SELECT count(*) FROM identifier"), 4);
        let told = desk
            .update(&[("a", &[(FirstName, "Jo")]), ("b", &[(FirstName, "Al")]), ("a", &[(UserId, "b")])])
            .await;
        assert_eq!(desk.told(told).await, ["updated a -", "updated b -", "IDENTIFIER_TAKEN"]);
        let told = desk.update(&[("b", &[(UserId, "c")]), ("a", &[(UserId, "b")]), ("c", &[])]).await;
        assert_eq!(desk.told(told).await, ["updated c -", "updated b -", "unchanged c -"]);
        desk.reopen();
        assert_eq!(desk.field("b", FirstName).await.as_deref(), Some("Jo"));
        assert_eq!(desk.field("c", FirstName).await.as_deref(), Some("Al"));
        assert_eq!(desk.field("a", FirstName).await, None);
    }
}
