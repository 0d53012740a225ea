//! Erasing in files that the disk has damaged, and cleaning them while more people are erased.

use std::path::Path;

use domain::contact::field::Field::{Email, FirstName, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::journal::{Batch, BatchKind};

use super::sqlite_files::{number, sql};
use super::{Desk, Sqlite, add_account, keep_since};

async fn open() -> (Desk, Sqlite) {
    let files = Sqlite::new();
    (Desk::new(Box::new(files.clone())).await, files)
}

fn holds(file: &Path, text: &str) -> bool {
    let bytes = std::fs::read(file).expect("the file");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Nothing is erased, nothing is noted, and what may be erased still may.
async fn assert_untouched(desk: &Desk, files: &Sqlite, identifier: &str) {
    let before = number(&files.store(), "SELECT count(*) FROM contact");
    assert_eq!(desk.erase(IdentifierKind::UserId, identifier).await, ["STORE_DAMAGED"]);
    assert_eq!(number(&files.store(), "SELECT count(*) FROM contact"), before);
    assert_eq!(number(&files.store(), "SELECT count(*) FROM erased"), 0);
    assert_eq!(number(&files.store(), "SELECT count(*) FROM scrub"), 0);
    assert_eq!(desk.erase(IdentifierKind::UserId, "other").await, ["erased - -"]);
    assert_eq!(desk.field("other", UserId).await, None);
}

#[tokio::test]
async fn a_contact_that_does_not_read_is_not_claimed_to_be_erased() {
    let (desk, files) = open().await;
    desk.update(&[("a", &[(Email, "u@x.com")]), ("other", &[])]).await;
    sql(&files.store(), "UPDATE contact SET document = x'ff' WHERE instr(document, CAST('u@x.com' AS BLOB))");
    assert_untouched(&desk, &files, "a").await;
}

#[tokio::test]
async fn nor_where_another_bears_its_identifier_by_now() {
    let (desk, files) = open().await;
    desk.update(&[("a", &[(Email, "u@x.com")]), ("other", &[])]).await;
    sql(&files.store(), "UPDATE contact SET document = x'ff' WHERE instr(document, CAST('u@x.com' AS BLOB))");
    // As the first version has made one, which took the identifiers of a damaged contact for free.
    let aside = "CREATE TABLE aside AS SELECT * FROM identifier WHERE number = 1; \
                 DELETE FROM identifier WHERE number = 1";
    sql(&files.store(), aside);
    let again = desk.update(&[("a", &[])]).await;
    assert_eq!(desk.told(again).await, ["created a -"]);
    sql(&files.store(), "INSERT INTO identifier SELECT * FROM aside; DROP TABLE aside");
    assert_untouched(&desk, &files, "a").await;
    assert!(desk.field("a", UserId).await.is_some());
}

#[tokio::test]
async fn an_erase_that_finds_damage_late_is_taken_back_as_a_whole() {
    let (desk, files) = open().await;
    desk.update(&[("a", &[(Email, "u@x.com")]), ("b", &[(Email, "v@x.com")]), ("other", &[])]).await;
    // The person's former address was handed on, to a contact that does not read any more: nobody is deleted.
    desk.update(&[("a", &[(Email, "w@x.com")]), ("b", &[(Email, "u@x.com")])]).await;
    sql(&files.store(), "UPDATE contact SET document = x'ff' WHERE instr(document, CAST('u@x.com' AS BLOB))");
    assert_untouched(&desk, &files, "a").await;
    assert_eq!(desk.field("a", Email).await.as_deref(), Some("w@x.com"));
}

#[tokio::test]
async fn a_history_that_does_not_read_is_not_claimed_to_be_erased() {
    let (desk, files) = open().await;
    desk.update(&[("other", &[])]).await;
    desk.update(&[("a", &[(FirstName, "Jo")])]).await;
    desk.update(&[("a", &[(FirstName, "Al")])]).await;
    sql(&files.store(), "UPDATE history SET changes = x'ff' WHERE position = 2");
    assert_untouched(&desk, &files, "a").await;
}

#[tokio::test]
async fn a_contact_that_is_damaged_behind_its_identifiers_is_erased_where_it_has_no_checksum() {
    let (desk, files) = open().await;
    desk.update(&[("a", &[(FirstName, "Augusta")]), ("b", &[])]).await;
    let cut = |from: u8| {
        format!(
            "UPDATE contact SET document = CAST(substr(document, {from}, length(document) - {from}) AS BLOB) \
             WHERE instr(document, CAST('August' AS BLOB))"
        )
    };
    sql(&files.store(), &cut(1));
    // Its other identifiers may be anybody's: they would lead to the wrong person.
    assert_eq!(desk.erase(IdentifierKind::UserId, "a").await, ["STORE_DAMAGED"]);
    sql(&files.store(), &cut(6));
    assert_eq!(desk.erase(IdentifierKind::UserId, "a").await, ["erased - -"]);
    assert_eq!(number(&files.store(), "SELECT count(*) FROM contact"), 1);
    assert_eq!(number(&files.store(), "SELECT contacts FROM list"), 1);
}

#[tokio::test]
async fn files_are_written_anew_where_somebody_was_erased_and_only_there() {
    let (desk, files) = open().await;
    let names: Vec<_> = (0..3_000).map(|number| format!("distinct-{number:04}-person")).collect();
    for names in names.chunks(100) {
        let items: Vec<_> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        desk.append(desk.batch(&items)).await;
    }
    desk.apply_all().await;
    let prune = async || while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {};
    let removal: Vec<_> = names[..2_000].iter().map(|name| (name.as_str(), &[][..])).collect();
    for items in removal.chunks(100) {
        desk.append(Batch { kind: BatchKind::Remove, ..desk.batch(items) }).await;
    }
    desk.apply_all().await;
    prune().await;
    let free = |file: &Path| number(file, "PRAGMA freelist_count");
    assert!(free(&files.store()) > 0 || free(&files.intake()) > 0, "without an erase free pages stay");
    let erased = &names[2_500];
    assert!(holds(&files.store(), erased));
    assert_eq!(desk.erase(IdentifierKind::UserId, erased).await, ["erased - -"]);
    prune().await;
    assert_eq!((free(&files.store()), free(&files.intake())), (0, 0));
    assert_eq!(number(&files.store(), "SELECT count(*) FROM scrub"), 0);
    for suffix in ["", "-wal", ".intake", ".intake-wal"] {
        let name = format!("{}{suffix}", files.store().display());
        assert!(!holds(Path::new(&name), erased), "{suffix}");
    }
    assert!(holds(&files.store(), &names[2_501]));
}

#[tokio::test]
async fn hashes_go_with_their_account_and_those_of_others_stay() {
    let (mut desk, files) = open().await;
    assert_eq!(desk.erase(IdentifierKind::UserId, "a").await, [""; 0]);
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let first = std::mem::replace(&mut desk.account, other);
    desk.erase(IdentifierKind::UserId, "a").await;
    desk.erase(IdentifierKind::UserId, "b").await;
    let prune = async || while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {};
    prune().await;
    assert_eq!(number(&files.store(), "SELECT count(*) FROM erased"), 3);
    assert!(desk.storage().remove_account(first.id).await.expect("removed"));
    prune().await;
    assert_eq!(number(&files.store(), "SELECT count(*) FROM erased"), 2);
    assert!(desk.person(vec![(IdentifierKind::UserId, "a".to_owned())]).await.erased);
    assert!(desk.storage().remove_account(desk.account.id).await.expect("removed"));
    prune().await;
    assert_eq!(number(&files.store(), "SELECT count(*) FROM erased"), 0);
}
