//! The process or the machine stops at any moment: between two commits, between the two files.
//!
//! A crash is a copy of the files, taken while the store is open and nothing was said to it.

use std::fs;
use std::path::Path;

use domain::contact::field::Field::{FirstName, UserId};
use domain::id::ObjectId;
use rusqlite::Connection;
use storage::{Applied, Backlog, RequestState};

use super::sqlite_files::{number, sql};
use super::{Desk, Sqlite, keep_since};

async fn open() -> (Desk, Sqlite) {
    let files = Sqlite::new();
    (Desk::new(Box::new(files.clone())).await, files)
}

/// What the disk holds at this moment, in a directory of its own.
pub(super) fn copy(files: &Sqlite) -> Sqlite {
    let copied = Sqlite::new();
    for (from, to) in [(files.store(), copied.store()), (files.intake(), copied.intake())] {
        for suffix in ["", "-wal"] {
            let with = |path: &Path| format!("{}{suffix}", path.display());
            if fs::exists(with(&from)).expect("a look") {
                fs::copy(with(&from), with(&to)).expect("copied");
            }
        }
    }
    copied
}

/// What a backup makes of one file while it is written.
fn back_up(from: &Path, to: &Path) {
    let connection = Connection::open(from).expect("the file");
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).expect("copied");
}

/// Opens another copy of the same store in place of this one.
pub(super) fn desk_on(files: Sqlite, desk: &Desk) -> Desk {
    let mut copy = Desk {
        backend: Box::new(files),
        storage: None,
        // Ids of a process of its own.
        ids: domain::id::Ids::from_system(),
        account: super::Owner { key: desk.account.key.clone(), ..desk.account },
        ..*desk
    };
    copy.reopen();
    copy
}

/// Every step of a story, interrupted after it: whoever opens what is left ends where the story ends.
#[tokio::test]
async fn a_crash_after_any_commit_loses_nothing_and_does_nothing_twice() {
    let (desk, files) = open().await;
    let mut requests: Vec<ObjectId> = Vec::new();
    for step in 0..12_u32 {
        let name = format!("{step}");
        let batch = desk.batch(&[("a", &[(FirstName, &name)]), (&format!("id{step}"), &[])]);
        requests.push(desk.append(batch).await);
        if step % 3 == 2 {
            desk.apply(2).await;
        }
        let after = desk_on(copy(&files), &desk);
        assert_eq!(after.storage().backlog(), desk.storage().backlog());
        after.apply_all().await;
        for (step, request) in requests.iter().enumerate() {
            let action = if step == 0 { "created" } else { "updated" };
            assert_eq!(after.told(*request).await, [format!("{action} a -"), format!("created id{step} -")]);
        }
        assert_eq!(after.field("a", FirstName).await, Some(name));
    }
}

#[tokio::test]
async fn a_crash_before_the_journal_forgets_applies_nothing_twice() {
    let (desk, files) = open().await;
    sql(
        &files.intake(),
        "CREATE TRIGGER crash BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    let one = desk.append(desk.reported("https://one.example:443", &[("a", &[])])).await;
    let applied = desk.apply(10).await;
    assert_eq!((applied.batches, applied.webhooks), (1, 1), "it is applied, whatever follows");
    assert_eq!(desk.apply(10).await, Applied::default());
    assert_eq!(desk.told(one).await, ["created a -"]);
    assert_eq!(desk.storage().backlog(), Backlog::default());
    let left = copy(&files);
    sql(&left.intake(), "DROP TRIGGER crash");
    let after = desk_on(left.clone(), &desk);
    assert_eq!(number(&left.intake(), "SELECT count(*) FROM batch"), 1);
    assert_eq!(after.storage().backlog(), Backlog::default());
    assert_eq!(after.apply(10).await, Applied::default());
    assert_eq!(after.told(one).await, ["created a -"]);
    let two = after.update(&[("a", &[])]).await;
    assert_eq!(after.told(two).await, ["unchanged a -"]);
    assert_eq!(number(&left.intake(), "SELECT count(*) FROM batch"), 0, "the first is forgotten with it");
}

#[tokio::test]
async fn pruning_forgets_what_a_crash_left_in_the_journal() {
    let (mut desk, files) = open().await;
    let crash = "CREATE TRIGGER crash BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'no room'); END";
    sql(&files.intake(), crash);
    desk.append(desk.batch(&[("a", &[])])).await;
    desk.apply(10).await;
    sql(&files.intake(), "DROP TRIGGER crash");
    desk.reopen();
    while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
    assert_eq!(number(&files.intake(), "SELECT count(*) FROM batch"), 0);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_all_as_it_was() {
    let (desk, files) = open().await;
    let crash = "CREATE TRIGGER crash BEFORE INSERT ON request BEGIN SELECT RAISE(ABORT, 'no room'); END";
    sql(&files.store(), crash);
    let request = desk.append(desk.batch(&[("a", &[])])).await;
    let backlog = desk.storage().backlog();
    for _ in 0..2 {
        desk.storage().apply_next(10, desk.now).await.expect_err("there is no room");
        assert_eq!(desk.storage().backlog(), backlog);
        assert_eq!(desk.find(request).await.expect("the request").state, RequestState::Queued);
        assert_eq!(desk.field("a", UserId).await, None);
    }
    sql(&files.store(), "DROP TRIGGER crash");
    desk.apply_all().await;
    assert_eq!(desk.told(request).await, ["created a -"]);
}

/// The store before the journal, and nothing forgotten in between: what was accepted in between waits in the
/// copy, and is applied there.
#[tokio::test]
async fn a_backup_of_a_running_store_holds_all_that_was_accepted_before_it() {
    let (desk, files) = open().await;
    let mut requests: Vec<ObjectId> = Vec::new();
    for step in 0..8_u32 {
        let copied = Sqlite::new();
        for half in 0..2 {
            requests.push(desk.append(desk.batch(&[(&format!("id{step}-{half}"), &[])])).await);
            match half {
                0 => back_up(&files.store(), &copied.store()),
                _ => back_up(&files.intake(), &copied.intake()),
            }
        }
        let after = desk_on(copied, &desk);
        after.apply_all().await;
        for (index, request) in requests.iter().enumerate() {
            assert_eq!(after.told(*request).await, [format!("created id{}-{} -", index / 2, index % 2)]);
        }
        desk.apply((step % 3) as usize).await;
    }
}
