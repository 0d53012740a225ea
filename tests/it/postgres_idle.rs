//! What servers ask PostgreSQL while nothing happens, and that they notice changes by others all the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::PATIENCE;
use crate::harness::own_postgres::{Options, OwnPostgres};
use crate::process::{Process, Store, wait_within};

/// Heartbeats of a server, one each 1.5 s, between which nothing else may be asked. The longest interval at which a loop
/// looked for changes by other servers was 5 s.
const BEATS: i64 = 5;

/// Statements of the database `contacts`: heartbeats, and others. Left out are those that begin and end transactions, and
/// the greeting that a server sends to itself with each heartbeat.
const ASKED: &str = "SELECT (query LIKE 'INSERT INTO node%')::int || ' ' || calls || ' ' || query \
                     FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'contacts') \
                     AND query !~ '^(BEGIN|COMMIT|SELECT .SELECT number FROM setting|NOTIFY rollbook, .hello )'";

/// Waits until `servers` have asked nothing but heartbeats for a while. Retention asks once a minute: then the count
/// begins again.
fn is_idle(database: &OwnPostgres, servers: i64) {
    let patience = PATIENCE * 6;
    wait_within(patience, "nothing but heartbeats", || {
        database.sql("postgres", "SELECT pg_stat_statements_reset()");
        let asked = wait_within(patience, "heartbeats", || {
            std::thread::sleep(Duration::from_millis(300));
            let asked = database.sql("postgres", ASKED);
            let of_beat = |line: &str| line.strip_prefix("1 ")?.split(' ').next()?.parse::<i64>().ok();
            let beats: i64 = asked.lines().filter_map(of_beat).sum();
            let others = asked.lines().any(|line| !line.starts_with("1 "));
            (others || beats >= BEATS * servers).then_some(asked)
        });
        asked.lines().all(|line| line.starts_with("1 ")).then_some(())
    });
}

/// What a long poll returns.
fn follow(server: &Process, token: &str, list: &str, after: &Value) -> Value {
    let body = json!({ "contactListId": list, "after": after, "waitSeconds": 20 });
    server.ok("/v3/contacts/changes", token, &body)
}

#[test]
fn an_idle_server_asks_nothing_and_notices_the_changes_of_others() {
    let settings = "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track_utility = on";
    let database = OwnPostgres::start(&Options { settings, ..Options::default() });
    database.sql("postgres", "CREATE EXTENSION pg_stat_statements");
    let store = Store::at(database.address().into());
    let account = store.account("Shop");
    let server = store.serve();
    let list = server.list(&account.token);
    let upsert = |server: &Process, contact: &str| {
        let id = server.upsert(&account.token, &list, json!([{ "contact": contact }]));
        server.processed(&account.token, &id);
    };
    upsert(&server, "first");
    is_idle(&database, 1);

    let other = store.serve();
    is_idle(&database, 2);
    // What the one applies wakes a follower of the other, and a key that a command revokes ends at both.
    let start = follow(&server, &account.token, &list, &json!("start"))["next"].clone();
    let key = store.ok(&["token", "create", "--user", &account.user]).trim().to_owned();
    database.sql("postgres", "SELECT pg_stat_statements_reset()");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| follow(&other, &key, &list, &start));
        wait_within(PATIENCE, "the follower", || {
            let asked = database.sql(
                "postgres",
                "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%history_floor%'",
            );
            (asked.trim() != "0").then_some(())
        });
        upsert(&server, "second");
        let changes = waits.join().expect("an answer");
        assert_eq!(changes["changes"].as_array().map(Vec::len), Some(1), "{changes}");
    });
    store.ok(&["token", "revoke", &key]);
    for server in [&server, &other] {
        wait_within(PATIENCE, "the key to end", || {
            let body = json!({ "contactListId": list });
            (server.post("/v3/contacts/find", &key, &body).status == 401).then_some(())
        });
    }
}
