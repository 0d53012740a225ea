//! The two files of the embedded store: what is opened, what is refused and in which words.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::contact::field::Field::{Email, UserId};
use rusqlite::Connection;
use storage::Role;

use super::{Desk, Sqlite, keep_since};

/// Runs statements on one of the files, behind the store's back.
pub fn sql(file: &Path, statements: &str) {
    let connection = Connection::open(file).expect("the file");
    connection.execute_batch(statements).expect(statements);
}

/// The number that a query finds.
pub fn number(file: &Path, query: &str) -> i64 {
    let connection = Connection::open(file).expect("the file");
    connection.query_row(query, [], |row| row.get(0)).expect(query)
}

/// A store with one contact in it, closed.
pub async fn closed() -> (Desk, Sqlite) {
    let files = Sqlite::new();
    let mut desk = Desk::new(Box::new(files.clone())).await;
    desk.update(&[("a", &[])]).await;
    desk.close();
    (desk, files)
}

#[track_caller]
fn assert_refused(files: &Sqlite, words: &str) {
    for role in [Role::Server, Role::Command] {
        let error = files.try_open(role).err().expect("it is refused").to_string();
        assert!(error.contains(words), "{error}");
        assert!(error.contains(&*files.store().to_string_lossy()), "it says which file: {error}");
    }
}

#[tokio::test]
async fn a_store_from_the_future_is_refused() {
    for half in [Sqlite::store, Sqlite::intake] {
        let (_, files) = closed().await;
        let history = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                       VALUES (999, 'future', '2030-01-01T00:00:00Z', '0')";
        sql(&half(&files), history);
        assert_refused(&files, "was written by a later version of Rollbook; use that one");
    }
}

#[tokio::test]
async fn half_a_store_is_refused_and_not_made_anew() {
    for half in [Sqlite::store, Sqlite::intake] {
        let (_, files) = closed().await;
        let aside = files.0.path("aside");
        fs::rename(half(&files), &aside).expect("moved");
        assert_refused(&files, "is missing");
        fs::rename(&aside, half(&files)).expect("moved back");
        files.try_open(Role::Server).expect("both are there again");
    }
}

#[tokio::test]
async fn halves_of_two_stores_are_refused() {
    let ((_, one), (_, other)) = (closed().await, closed().await);
    fs::copy(other.intake(), one.intake()).expect("copied");
    assert_refused(&one, "are halves of different stores");
}

#[tokio::test]
async fn a_crash_while_the_store_was_made_is_healed() {
    // The intake file came first; then the other was made, empty; then it was given its tables.
    let ends: [fn(&Sqlite); 4] = [
        |files| fs::remove_file(files.store()).expect("removed"),
        |files| fs::write(files.store(), "").expect("emptied"),
        |files| sql(&files.store(), "DELETE FROM setting"),
        |files| {
            fs::remove_file(files.store()).expect("removed");
            fs::write(files.intake(), "").expect("emptied");
        },
    ];
    for end in ends {
        let files = Sqlite::new();
        drop(files.try_open(Role::Server).expect("a store"));
        sql(&files.intake(), "DELETE FROM setting WHERE name = 'has_store'");
        end(&files);
        let mut desk = Desk::new(Box::new(files)).await;
        desk.update(&[("a", &[])]).await;
        desk.reopen();
        assert_eq!(desk.field("a", UserId).await.as_deref(), Some("a"));
    }
}

#[tokio::test]
async fn one_process_serves_a_store_and_commands_come_beside_it() {
    let files = Sqlite::new();
    let server = files.try_open(Role::Server).expect("a store");
    let second = files.try_open(Role::Server).err().expect("it is refused").to_string();
    assert!(second.contains("is served by another process already"), "{second}");
    drop(files.try_open(Role::Command).expect("a command"));
    drop(server);
    files.try_open(Role::Server).expect("the first is gone");
}

#[tokio::test]
async fn only_the_owner_reads_the_files() {
    let (_, files) = closed().await;
    for file in [files.store(), files.intake()] {
        let mode = fs::metadata(file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let files = Sqlite::new();
    let text = "These are the minutes of the board, and no database at all. ".repeat(40);
    for file in [files.store(), files.intake()] {
        fs::write(&file, &text).expect("written");
    }
    files.try_open(Role::Server).err().expect("it is refused");
    assert_eq!(fs::read_to_string(files.store()).expect("the file"), text);
    assert_eq!(fs::read_to_string(files.intake()).expect("the file"), text);
}

#[tokio::test]
async fn positions_go_on_when_the_journal_has_run_empty() {
    let (mut desk, files) = closed().await;
    desk.reopen();
    for _ in 0..3 {
        desk.update(&[("a", &[])]).await;
    }
    desk.close();
    sql(&files.intake(), "DELETE FROM batch");
    desk.reopen();
    let request = desk.update(&[("b", &[])]).await;
    assert_eq!(desk.told(request).await, ["created b -"]);
    assert_eq!(number(&files.store(), "SELECT max(position) FROM request"), 5);
}

/// The numbers that it gives out next, of lists and sources too, are borne by others' contacts already.
#[tokio::test]
async fn a_journal_that_is_older_than_its_store_is_refused() {
    let forgotten = "DELETE FROM batch; DELETE FROM sqlite_sequence WHERE name = 'batch'";
    let older = "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'batch'";
    for statements in [forgotten, older] {
        let (mut desk, files) = closed().await;
        desk.reopen();
        desk.update(&[("a", &[])]).await;
        desk.close();
        sql(&files.intake(), statements);
        assert_refused(&files, "restore both from one backup");
    }
}

/// What was applied and forgotten after the copy was made would be lost without a word.
#[tokio::test]
async fn a_copy_of_the_contacts_that_is_older_than_the_journal_is_refused() {
    let (mut desk, files) = closed().await;
    let older = std::fs::read(files.store()).expect("a copy");
    desk.reopen();
    desk.update(&[("a", &[])]).await;
    desk.close();
    std::fs::write(files.store(), older).expect("put back");
    assert_refused(&files, "restore both from one backup");
}

/// A file that was cut to nothing is no new store.
#[tokio::test]
async fn a_store_that_has_lost_its_contents_is_refused() {
    let (mut desk, files) = closed().await;
    desk.close();
    std::fs::write(files.store(), "").expect("cut");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", files.store().display()));
    }
    assert_refused(&files, "has lost its contents");
}

#[tokio::test]
async fn what_is_no_longer_needed_leaves_the_files() {
    let (mut desk, files) = closed().await;
    desk.reopen();
    desk.update(&[("a", &[(Email, "u@x.com")])]).await;
    desk.update(&[("a", &[(UserId, "b")])]).await;
    assert_eq!(number(&files.intake(), "SELECT count(*) FROM batch"), 0);
    assert_eq!(number(&files.store(), "SELECT count(*) FROM former_identifiers"), 2);
    let later = desk.now.after(std::time::Duration::from_secs(1));
    while desk.storage().prune(keep_since(later)).await.expect("pruned") > 0 {}
    for table in ["former_identifiers", "request", "delivery"] {
        assert_eq!(number(&files.store(), &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    while desk.storage().prune(keep_since(later)).await.expect("pruned") > 0 {}
    for table in ["contact", "identifier", "list"] {
        assert_eq!(number(&files.store(), &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}
