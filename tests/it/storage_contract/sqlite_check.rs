//! `rollbook check`: a store that is damaged in each way is told so, and mended where it can be.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use domain::clock::SystemClock;
use domain::contact::field::Field::{Email, EmailSubscribe, FirstName, UserId};
use domain::journal::{Batch, BatchKind};
use rusqlite::Connection;
use sqlite::check::{check, repair};
use storage::VariableKind;
use storage::rows::check::Finding;

use super::sqlite_files::{number, sql};
use super::{Desk, Sqlite};

/// Contacts 1, 2 and 4 of list 1, and 3 that was removed; results with a failure; two batches that wait.
pub async fn fill(desk: &Desk) {
    let variables = vec![("plan".to_owned(), VariableKind::String)];
    desk.storage().add_variables(desk.list, variables, 10, desk.now).await.expect("a variable");
    desk.update(&[("a", &[(Email, "u@x.com"), (FirstName, "Jo")]), ("b", &[]), ("c", &[])]).await;
    desk.update(&[("a", &[(Email, "v@x.com")]), ("b", &[(UserId, "a")])]).await;
    let removal = Batch { kind: BatchKind::Remove, ..desk.batch(&[("c", &[])]) };
    desk.append(removal).await;
    desk.apply_all().await;
    desk.append(desk.reported("https://one.example:443", &[("d", &[])])).await;
    desk.apply_all().await;
    for name in ["x", "y"] {
        desk.append(desk.batch(&[(name, &[])])).await;
    }
}

async fn closed() -> (Desk, Sqlite) {
    let files = Sqlite::new();
    let mut desk = Desk::new(Box::new(files.clone())).await;
    fill(&desk).await;
    desk.close();
    (desk, files)
}

fn sentences(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.sentence.as_str()).collect()
}

fn found(files: &Sqlite) -> Vec<String> {
    let report = check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
    sentences(&report.findings).into_iter().map(str::to_owned).collect()
}

fn bytes(files: &Sqlite) -> [Vec<u8>; 2] {
    [files.store(), files.intake()].map(|file| std::fs::read(file).expect("the file"))
}

#[tokio::test]
async fn a_store_that_is_well_is_told_so_also_while_it_is_served() {
    let (mut desk, files) = closed().await;
    for _ in 0..2 {
        let report = check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
        assert_eq!(report.findings, []);
        assert_eq!((report.contacts, report.requests, report.batches), (3, 4, 2));
        desk.reopen();
    }
    desk.apply_all().await;
    let report = check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
    assert_eq!((report.findings.len(), report.contacts, report.batches), (0, 5, 0));
    let refused = repair(&files.store(), &SystemClock, &mut |_| {}).expect_err("it is served").to_string();
    assert!(refused.contains("is served by another process already"), "{refused}");
}

/// A contact that was turned on, off and on again by three batches.
pub async fn choose(desk: &Desk) {
    for value in ["\u{1}", "", "\u{1}"] {
        desk.update(&[("a", &[(EmailSubscribe, value)])]).await;
    }
}

/// What is done to the ledger of [`choose`], and how many records do not follow the one before then.
pub const LEDGER: [&str; 3] = [
    "DELETE FROM consent WHERE position = (SELECT min(position) FROM consent)",
    "DELETE FROM consent WHERE position = (SELECT max(position) FROM consent)",
    "UPDATE consent SET records = (SELECT c.records FROM consent c WHERE c.position = \
     (SELECT min(position) FROM consent)) WHERE position = (SELECT max(position) FROM consent)",
];

#[tokio::test]
async fn a_consent_ledger_with_a_record_that_is_gone_or_another_is_told() {
    for damage in LEDGER {
        let files = Sqlite::new();
        let mut desk = Desk::new(Box::new(files.clone())).await;
        choose(&desk).await;
        desk.close();
        assert_eq!(found(&files), [""; 0]);
        sql(&files.store(), damage);
        let told = found(&files);
        assert_eq!(told.len(), 1, "{damage}: {told:?}");
        assert!(
            told[0].starts_with("consent records that do not follow the one before: "),
            "{damage}: {told:?}"
        );
    }
}

/// What is done to which file, and what is said of it.
type Damage = (fn(&Sqlite) -> PathBuf, &'static str, &'static [&'static str]);

const MENDED: [Damage; 13] = [
    (
        Sqlite::store,
        "DELETE FROM identifier WHERE number = 1",
        &["identifiers by which their contact is not found: 2"],
    ),
    (
        Sqlite::store,
        "INSERT INTO identifier VALUES (77, 1), (78, 99)",
        &["entries of the index that no contact bears: 2"],
    ),
    (
        Sqlite::store,
        "UPDATE identifier SET hash = hash + 1 WHERE number = 2",
        &[
            "identifiers by which their contact is not found: 1",
            "entries of the index that no contact bears: 1",
        ],
    ),
    (Sqlite::store, "DELETE FROM identifier", &["identifiers by which their contact is not found: 4"]),
    (Sqlite::store, "UPDATE list SET contacts = 8", &["list 1 has 3 contacts and counts 8"]),
    (Sqlite::store, "UPDATE list SET next = 2", &["list 1 would give number 2 out again"]),
    // The number of one that was removed.
    (
        Sqlite::store,
        "INSERT INTO departed (contact, position) VALUES ((1 << 40) + 9, 3)",
        &["list 1 would give number 5 out again"],
    ),
    (Sqlite::store, "DELETE FROM list", &["list 1 has 3 contacts, and no count of them"]),
    (Sqlite::store, "INSERT INTO list VALUES (9, 1, 4)", &["list 9 has no contacts and counts 4", BEYOND]),
    (
        Sqlite::store,
        "INSERT INTO delivery (position, receiver, state, attempts, next_at) VALUES (99, 'x', 0, 0, 0)",
        &["webhooks of no request: 1"],
    ),
    (
        Sqlite::store,
        "INSERT INTO departed (contact, position) VALUES ((1 << 40) + 1, 1)",
        &["contacts that are there and count as removed: 1"],
    ),
    (Sqlite::store, "UPDATE request SET failed = 0", &["requests whose failures are not counted: 1"]),
    (
        Sqlite::intake,
        "UPDATE list SET next_variable = 0",
        &["lists that would give the number of a variable out again: 1"],
    ),
];

const BEYOND: &str = "there are contacts of list 9, and lists were numbered up to 1 only";

#[tokio::test]
async fn what_can_be_mended_is_found_and_mended() {
    for (file, statement, expected) in MENDED {
        let (mut desk, files) = closed().await;
        sql(&file(&files), statement);
        assert_eq!(found(&files), expected, "{statement}");
        let repaired = repair(&files.store(), &SystemClock, &mut |_| {}).expect("mended");
        let (lasting, mended): (Vec<&str>, Vec<&str>) =
            expected.iter().copied().partition(|sentence| *sentence == BEYOND);
        assert_eq!(sentences(&repaired.mended), mended, "{statement}");
        assert_eq!(sentences(&repaired.report.findings), lasting, "{statement}");
        desk.reopen();
        desk.apply_all().await;
        assert_eq!(desk.field("a", Email).await.as_deref(), Some("v@x.com"));
        assert_eq!(desk.field("v@x.com", FirstName).await.as_deref(), Some("Jo"));
        let made = desk.update(&[("e", &[]), ("u@x.com", &[])]).await;
        assert_eq!(desk.told(made).await, ["created e -", "created - u@x.com"], "{statement}");
    }
}

/// What a backup must bring back, and that a repair leaves as it is.
const LASTING: [Damage; 8] = [
    (
        Sqlite::store,
        "UPDATE contact SET document = x'ff' WHERE id = (1 << 40) + 1",
        &["contacts that the disk has damaged, and that take no change: 1 (contact 1 of list 1)"],
    ),
    (
        Sqlite::store,
        "UPDATE contact SET document = CAST(substr(document, 1, length(document) - 1) AS BLOB) \
         WHERE id = (1 << 40) + 1",
        &["contacts that the disk has damaged, and that take no change: 1 (contact 1 of list 1)"],
    ),
    (
        Sqlite::store,
        "UPDATE request SET results = x'ff00' WHERE position = 2",
        &["the results of requests that the disk has damaged: 1"],
    ),
    (Sqlite::store, "UPDATE history SET changes = x'ff'", &["the histories that the disk has damaged: 4"]),
    (
        Sqlite::store,
        "UPDATE former_identifiers SET identifiers = x'ff'",
        &["former identifiers that the disk has damaged: 2"],
    ),
    (
        Sqlite::intake,
        "UPDATE batch SET items = x'00' WHERE position = 5",
        &["accepted batches that the disk has damaged, and that will end in STORE_DAMAGED: 1"],
    ),
    (
        Sqlite::intake,
        "UPDATE batch SET account = 7 WHERE position = 6",
        &["accepted batches that the disk has damaged, and that will end in STORE_DAMAGED: 1"],
    ),
    (Sqlite::intake, "DELETE FROM account", &["lists of no account: 1"]),
];

#[tokio::test]
async fn what_cannot_be_mended_is_said_and_left_alone() {
    for (file, statement, expected) in LASTING {
        let (_, files) = closed().await;
        sql(&file(&files), statement);
        let before = bytes(&files);
        assert_eq!(found(&files), expected, "{statement}");
        let repaired = repair(&files.store(), &SystemClock, &mut |_| {}).expect("a look");
        assert_eq!(sentences(&repaired.report.findings), expected, "{statement}");
        assert!(repaired.mended.is_empty() && bytes(&files) == before, "{statement}");
    }
}

#[tokio::test]
async fn what_is_lost_of_the_journal_is_told() {
    let (_, files) = closed().await;
    sql(&files.intake(), "DELETE FROM batch WHERE position = 5");
    let sentences = found(&files);
    assert!(sentences[0].ends_with("restore both from one backup"), "{sentences:?}");
    assert_eq!(sentences[1..], ["accepted batches that are missing from the journal: 1"]);
}

/// Beside a contact that does not read, the index is mended and keeps what it says of that contact.
#[tokio::test]
async fn what_the_index_says_of_a_damaged_contact_stays() {
    let (_, files) = closed().await;
    sql(
        &files.store(),
        "UPDATE contact SET document = x'ff' WHERE id = (1 << 40) + 1; \
         DELETE FROM identifier WHERE number = 2; INSERT INTO identifier VALUES (5, 99)",
    );
    assert_eq!(found(&files).len(), 3);
    let repaired = repair(&files.store(), &SystemClock, &mut |_| {}).expect("mended");
    assert_eq!((repaired.mended.len(), repaired.report.findings.len()), (2, 1));
    assert_eq!(number(&files.store(), "SELECT count(*) FROM identifier WHERE number = 1"), 2);
}

/// Overwrites the first page of a table or an index that holds entries.
fn smash(file: &PathBuf, object: &str) {
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    let page = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' LIMIT 1";
    let connection = Connection::open(file).expect("the file");
    let page: u64 =
        connection.query_row(page, [object], |row| row.get::<_, i64>(0)).expect("a page").unsigned_abs();
    drop(connection);
    let mut bytes = OpenOptions::new().write(true).open(file).expect("the file");
    bytes.seek(SeekFrom::Start((page - 1) * 4_096)).expect("a place");
    bytes.write_all(&[0xa5; 4_096]).expect("written");
}

#[tokio::test]
async fn pages_of_indexes_that_are_destroyed_are_made_anew() {
    for object in ["identifier", "request_account", "history_list"] {
        let (mut desk, files) = closed().await;
        smash(&files.store(), object);
        let told = found(&files);
        assert!(told[0].starts_with("SQLite says of rollbook.db: "), "{object}: {told:?}");
        let repaired = repair(&files.store(), &SystemClock, &mut |_| {}).expect("mended");
        assert_eq!(sentences(&repaired.report.findings), [""; 0], "{object}");
        assert!(!repaired.mended.is_empty());
        desk.reopen();
        desk.apply_all().await;
        assert_eq!(desk.field("v@x.com", FirstName).await.as_deref(), Some("Jo"), "{object}");
        assert_eq!(found(&files), [""; 0]);
    }
}

#[tokio::test]
async fn a_page_of_contacts_that_is_destroyed_is_told_and_nothing_is_built_on_it() {
    let (_, files) = closed().await;
    smash(&files.store(), "contact");
    let before = bytes(&files);
    let sentences = found(&files);
    assert!(sentences[0].starts_with("SQLite says of rollbook.db: "), "{sentences:?}");
    assert!(
        sentences.iter().any(|text| text.starts_with("the contacts are unreadable before their end")),
        "{sentences:?}"
    );
    let repaired = repair(&files.store(), &SystemClock, &mut |_| {}).expect("a look");
    assert!(repaired.mended.is_empty() && !repaired.report.findings.is_empty());
    assert!(bytes(&files) == before, "nothing was written");
}
