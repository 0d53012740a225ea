//! Beside an open snapshot no dead row can be vacuumed: what a batch costs must not depend on how many there are. It is
//! counted in pages that PostgreSQL reads, as its own log has them, and not in time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::NoTls;

use super::Desk;
use super::postgres_path::Own;
use crate::harness::own_postgres::{Options, OwnPostgres};

/// Plans of all statements, with the pages that they touched.
const SETTINGS: &str = "session_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = 0\n\
                        auto_explain.log_analyze = on\nauto_explain.log_buffers = on\nauto_explain.log_timing = off\n\
                        autovacuum = off";

/// Dead rows of each table.
const DEAD: i64 = 20_000;

/// Pages that a statement may touch for one batch of one contact: some levels of some indexes.
const PAGES: u64 = 60;

/// The pages that a plan touched: the first line that counts them is that of the whole plan.
fn pages(plan: &str) -> u64 {
    let buffers = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared "));
    let counts = buffers.unwrap_or_default().split(' ').filter_map(|word| {
        let (what, count) = word.split_once('=')?;
        ["hit", "read"].contains(&what).then(|| count.parse::<u64>().expect("a count"))
    });
    counts.sum()
}

/// The pages that each statement touched at most, and its plan, since the log had that length.
fn plans(database: &OwnPostgres, since: usize) -> BTreeMap<String, (u64, String)> {
    let log = database.log();
    let mut plans: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for plan in log[since..].split("LOG:  duration:").skip(1) {
        let Some((_, plan)) = plan.split_once("Query Text: ") else { continue };
        let (text, plan) = plan.split_once('\n').expect("a plan");
        let plan = plan.split("LOG:  ").next().unwrap_or_default();
        let (pages, most) = (pages(plan), plans.entry(text.to_owned()).or_default());
        if pages >= most.0 {
            *most = (pages, plan.to_owned());
        }
    }
    plans
}

/// Batches as clients send them one by one: more often than a plan is made for its values alone.
async fn work(desk: &Desk) {
    for round in 0..8 {
        desk.update(&[("same", &[])]).await;
        desk.update(&[(&format!("new-{}-{round}", desk.now.millis()), &[])]).await;
    }
    desk.storage().apply_next(0, desk.now).await.expect("a look");
    desk.storage().oldest_waiting().await.expect("a look");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_rows_beside_an_open_snapshot_cost_a_batch_nothing() {
    let database = Arc::new(OwnPostgres::start(&Options { settings: SETTINGS, ..Options::default() }));
    let desk = Desk::new(Box::new(Own(Arc::clone(&database)))).await;
    // Statements are prepared while the tables are as good as empty.
    work(&desk).await;
    let (mut open, connection) =
        tokio_postgres::connect(&database.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let snapshot = open.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
    let snapshot = snapshot.start().await.expect("a transaction");
    snapshot.query("SELECT count(*) FROM batch", &[]).await.expect("a snapshot");
    let list = desk.list.0;
    let dead = |table: &str, number: &str| {
        format!(
            "DO $$ DECLARE at bigint := (SELECT {number} FROM {table} WHERE list = {list}); BEGIN \
             FOR i IN 1..{DEAD} LOOP UPDATE {table} SET {number} = at + 1 WHERE list = {list} AND {number} = at; \
             at := at + 1; END LOOP; END $$;"
        )
    };
    let first = database.sql("contacts", &format!("SELECT last FROM queue WHERE list = {list}"));
    let first: i64 = first.trim().parse().expect("a position");
    database.sql("contacts", &dead("queue", "last"));
    database.sql("contacts", &dead("progress", "next"));
    desk.update(&[("same", &[])]).await;
    let batches = format!(
        "INSERT INTO batch SELECT {list}, {first} + i, int8send(i), {}, '', '', 0, 0, NULL, NULL, false, false, 0, 0, '' \
         FROM generate_series(1, {DEAD}::bigint) i; DELETE FROM batch WHERE position <= {first} + {DEAD}",
        desk.account.no.0
    );
    database.sql("contacts", &batches);
    for plain in ["queue WHERE list", "progress WHERE list", "batch WHERE list"] {
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM {plain} = {list}");
        let plan = database.sql("contacts", &explain);
        assert!(pages(&plan) > 2 * PAGES, "the dead rows are in the way: {plan}");
    }

    let since = database.log().len();
    work(&desk).await;
    let plans = plans(&database, since);
    assert!(plans.keys().any(|text| text.starts_with("UPDATE queue")), "{plans:?}");
    assert!(plans.keys().any(|text| text.contains("of_one_database")), "{plans:?}");
    for (text, (pages, plan)) in &plans {
        let scanned = ["batch", "queue", "progress", "request", "contact", "identifier"]
            .iter()
            .any(|table| plan.contains(&format!("Seq Scan on {table} ")));
        assert!(!scanned, "{text}\n{plan}");
        assert!(*pages <= PAGES, "{pages} pages: {text}\n{plan}");
    }
    snapshot.rollback().await.expect("the end");
}
