//! `rollbook check` of a database: what is damaged in each way is told so, and mended where it can be, while it is
//! served.

use domain::contact::field::Field::FirstName;
use postgres::check::check;
use storage::rows::check::{Finding, Repaired};
use tokio_postgres::{Client, NoTls};

use super::sqlite_check::{LEDGER, choose, fill};
use super::{Desk, Postgres};

async fn filled() -> (Desk, Postgres, Client) {
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    fill(&desk).await;
    let (client, connection) =
        tokio_postgres::connect(&backend.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    (desk, backend, client)
}

async fn checked(backend: &Postgres, repair: bool) -> Repaired {
    check(&backend.address(), repair, &mut |_| {}).await.expect("a check")
}

fn sentences(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.sentence.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_well_is_told_so_while_it_is_served() {
    let (desk, backend, _client) = filled().await;
    for repair in [false, true] {
        let Repaired { report, mended } = checked(&backend, repair).await;
        assert_eq!((report.findings, mended), (vec![], vec![]));
        assert_eq!((report.contacts, report.requests, report.batches), (3, 4, 2));
    }
    desk.apply_all().await;
    let report = checked(&backend, false).await.report;
    assert_eq!((report.findings.len(), report.contacts, report.batches), (0, 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_ledger_with_a_record_that_is_gone_or_another_is_told() {
    for damage in LEDGER {
        let (desk, backend, client) = filled().await;
        choose(&desk).await;
        assert_eq!(checked(&backend, false).await.report.findings, []);
        client.batch_execute(damage).await.expect("damage");
        let report = checked(&backend, false).await.report;
        let told = sentences(&report.findings);
        let what = "list 1: consent records that do not follow the one before: ";
        assert!(told.len() == 1 && told[0].starts_with(what), "{damage}: {told:?}");
    }
}

/// What is done to the only list, number 1, and what is said of it.
type Damage = (&'static str, &'static [&'static str]);

const MENDED: [Damage; 15] = [
    (
        "DELETE FROM identifier WHERE number = 1",
        &["list 1: identifiers by which their contact is not found: 2"],
    ),
    (
        "INSERT INTO identifier VALUES (1, 77, 1), (1, 78, 99)",
        &["list 1: entries of the index that no contact bears: 2"],
    ),
    (
        "UPDATE identifier SET hash = hash + 1 WHERE number = 2",
        &[
            "list 1: identifiers by which their contact is not found: 1",
            "list 1: entries of the index that no contact bears: 1",
        ],
    ),
    (
        "INSERT INTO identifier VALUES (5, 77, 1); INSERT INTO progress VALUES (5)",
        &["list 5: entries of the index that no contact bears: 1"],
    ),
    ("DELETE FROM identifier", &["list 1: identifiers by which their contact is not found: 4"]),
    ("UPDATE progress SET contacts = 8 WHERE list = 1", &["list 1: it has 3 contacts and counts 8"]),
    ("UPDATE progress SET next = 2 WHERE list = 1", &["list 1: it would give number 2 out again"]),
    // The number of one that was removed.
    ("INSERT INTO departed VALUES (1, 9, 3)", &["list 1: it would give number 5 out again"]),
    (
        "DELETE FROM progress WHERE list = 1",
        &[
            "lists to which nothing can be applied, since they have no row in progress: 1",
            "list 1: it has 3 contacts, and no count of them",
        ],
    ),
    (
        "DELETE FROM queue WHERE list = 1",
        &["lists to which nothing can be applied, since they have no row in queue: 1"],
    ),
    ("UPDATE progress SET contacts = 4 WHERE list < 0", &["list -1: it has no contacts and counts 4"]),
    (
        "INSERT INTO delivery (list, position, receiver, state, attempts, next_at) VALUES (1, 99, 'x', 0, 0, 0)",
        &["list 1: webhooks of no request: 1"],
    ),
    ("INSERT INTO departed VALUES (1, 1, 1)", &["list 1: contacts that are there and count as removed: 1"]),
    ("UPDATE request SET failed = 0", &["list 1: requests whose failures are not counted: 1"]),
    ("UPDATE list SET next_variable = 0", &["lists that would give the number of a variable out again: 1"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_mended_is_found_and_mended() {
    for (statement, expected) in MENDED {
        let (desk, backend, client) = filled().await;
        client.batch_execute(statement).await.expect(statement);
        assert_eq!(sentences(&checked(&backend, false).await.report.findings), expected, "{statement}");
        let repaired = checked(&backend, true).await;
        assert_eq!(repaired.report.findings, [], "{statement}");
        assert_eq!(sentences(&repaired.mended), expected, "{statement}");
        // It goes on as if nothing had been.
        desk.update(&[("a", &[(FirstName, "Al")]), ("z", &[])]).await;
        let report = checked(&backend, false).await.report;
        assert_eq!((report.findings.len(), report.contacts), (0, 6), "{statement}: {:?}", report.findings);
    }
}

const TOLD: [Damage; 7] = [
    (
        "UPDATE contact SET document = substring(document FOR length(document) - 1) WHERE number = 1",
        &["list 1: contacts that the disk has damaged, and that take no change: 1 (contact 1 of list 1)"],
    ),
    (
        "UPDATE queue SET last = 2 WHERE list = 1",
        &[
            "list 1: contacts that were changed by what was never applied: 1 (contact 4 of list 1)",
            "list 1: results of what was never accepted: 2",
            "list 1: histories of what was never accepted: 2",
            "list 1: removals that were never accepted: 1",
            // Who bore them, and what results told before show.
            "list 1: former identifiers of what was never accepted: 1",
            "list 1: former identifiers of what was never accepted: 1",
        ],
    ),
    (
        "UPDATE batch SET items = 'x' WHERE position = 5",
        &["list 1: accepted batches that the disk has damaged, and that will end in STORE_DAMAGED: 1"],
    ),
    (
        "DELETE FROM batch WHERE position = 6",
        &["list 1: accepted batches that are missing from the journal: 1"],
    ),
    (
        "UPDATE request SET results = 'x' WHERE position = 1",
        &["list 1: the results of requests that the disk has damaged: 1"],
    ),
    (
        "UPDATE history SET changes = 'x' WHERE position = 1",
        &["list 1: the histories that the disk has damaged: 1"],
    ),
    ("DELETE FROM account", &["lists of no account: 1"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_but_a_backup_mends_is_told_and_left() {
    for (statement, expected) in TOLD {
        let (_desk, backend, client) = filled().await;
        client.batch_execute(statement).await.expect(statement);
        let dump = async || {
            let select = "SELECT (SELECT count(*) FROM identifier), (SELECT count(*) FROM batch), \
                          (SELECT sum(contacts) FROM progress)::text";
            let row = client.query_one(select, &[]).await.expect("counts");
            (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, String>(2))
        };
        let before = dump().await;
        for repair in [false, true] {
            let Repaired { report, mended } = checked(&backend, repair).await;
            assert_eq!(sentences(&report.findings), expected, "{statement}");
            assert_eq!(mended, [], "{statement}");
            assert!(report.findings.iter().all(|finding| finding.mend.is_none()), "{statement}");
        }
        assert_eq!(dump().await, before, "{statement}");
    }
}

/// The index is mended while contacts come and go: nothing that is done meanwhile is taken for a fault, or lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_written_is_mended_between_two_batches() {
    let (desk, backend, client) = filled().await;
    let mut number = 0;
    for _ in 0..20 {
        client.batch_execute("DELETE FROM identifier WHERE number < 3").await.expect("damage");
        let address = backend.address();
        let repairing = tokio::spawn(async move { check(&address, true, &mut |_| {}).await });
        while !repairing.is_finished() {
            number += 1;
            let name = format!("n{number}");
            desk.update(&[(&name, &[(FirstName, "Al")])]).await;
        }
        let repaired = repairing.await.expect("no panic").expect("a repair");
        assert_eq!(repaired.report.findings, []);
        assert!(!repaired.mended.is_empty());
    }
    let report = checked(&backend, false).await.report;
    assert_eq!((report.findings.len(), report.contacts), (0, 5 + number));
}
