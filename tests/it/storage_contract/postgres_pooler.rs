//! PgBouncer in transaction mode: each transaction is on whatever connection is free, and none remembers anything.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use postgres::{PostgresStore, Settings};
use storage::{Role, Signals as _, Topic};
use tokio::time::timeout;

use super::postgres_callers::Callers;
use crate::harness::own_postgres::give_to_postgres;
use crate::harness::postgres::{Database, as_postgres, cluster};
use crate::harness::{Directory, LEASE, PATIENCE};
use crate::process::{Store, wait_for};

/// A PgBouncer before the tests' PostgreSQL, with fewer connections than its clients.
struct Pooler {
    child: Child,
    directory: Directory,
}

/// Connections to each database.
const CONNECTIONS: u32 = 3;

impl Pooler {
    /// With so many connections to each database.
    fn start(connections: u32) -> Self {
        let directory = Directory::new();
        let place = directory.path("pooler");
        std::fs::create_dir(&place).expect("a directory");
        give_to_postgres(&place);
        let settings = format!(
            "[databases]\n* = host={} user=rollbook\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             max_client_conn = 200\nlogfile = {}\n",
            cluster().directory().display(),
            place.display(),
            place.join("log").display(),
        );
        let file = directory.path("pgbouncer.ini");
        std::fs::write(&file, settings).expect("a file");
        let mut pooler = as_postgres("/usr/sbin/pgbouncer");
        pooler.args(["--quiet"]).arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let child = pooler.spawn().expect("PgBouncer is installed: ./test does that");
        wait_for("the pooler to listen", || place.join(".s.PGSQL.6432").exists().then_some(()));
        Self { child, directory }
    }

    fn address(&self, database: &Database) -> PathBuf {
        PathBuf::from(format!("{}?pooler=transaction", self.undeclared(database)))
    }

    /// The address without a word about the pooler.
    fn undeclared(&self, database: &Database) -> String {
        let host = self.directory.path("pooler").to_str().expect("a path").replace('/', "%2F");
        format!("postgres://rollbook@{host}:6432/{}", database.name())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn servers_share_few_connections_through_a_pooler() {
    let (pooler, database) = (Pooler::start(CONNECTIONS), Database::new());
    let store = Store::at(pooler.address(&database));
    let token = store.account("Shop").token;
    let servers = [store.serve(), store.serve()];
    let mut callers = Callers::new(&servers[0], &token, 6, 3);
    callers.work(&[servers[0].address, servers[1].address], || std::thread::sleep(Duration::from_secs(2)));
    // As a restart of the pooler does, and of the database behind it.
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        database.name()
    );
    callers.work(&[servers[0].address, servers[1].address], || {
        for _ in 0..5 {
            cluster().sql("postgres", &cut);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    callers.work_until_kept(&servers[0]);
    callers.audit(&servers[1]);
    let connections = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name());
    let connections = cluster().sql("postgres", &connections);
    assert!(connections.trim().parse::<u32>().expect("a number") <= CONNECTIONS, "{connections}");
    for server in &servers {
        assert!(!server.log().contains("prepared statement"), "{}", server.log());
    }
}

/// The loops of such a store look this often without signals.
const POLL: Duration = Duration::from_millis(100);

async fn open(address: &str) -> PostgresStore {
    let settings = Settings { connections: 1, lease: LEASE, ..Settings::default() };
    PostgresStore::open(address, Role::Server, &settings).await.expect("a store")
}

/// One row of one column, from a connection of the test's own.
fn asked(query: &str) -> String {
    cluster().sql("postgres", query).trim().to_owned()
}

/// Returns once the node of the only server has sent so many heartbeats more. It greets itself before each.
async fn heartbeats(database: &Database, count: u32) {
    let last = || cluster().sql(database.name(), "SELECT max(heard_at) FROM node");
    for _ in 0..count {
        let before = last();
        let start = Instant::now();
        while last() == before {
            assert!(start.elapsed() < PATIENCE, "the node lives");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Returns once the node relies on signals.
async fn listens(store: &PostgresStore) {
    let start = Instant::now();
    while store.look_after(POLL) == POLL {
        assert!(start.elapsed() < PATIENCE, "signals arrive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All statements of the node then have one connection, so that PgBouncer 1.18 can pass prepared ones on.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_behind_a_pooler_that_no_setting_names_does_not_rely_on_signals() {
    let (pooler, database) = (Pooler::start(1), Database::new());
    let direct = open(&database.address()).await;
    listens(&direct).await;
    drop(direct);
    let store = open(&pooler.undeclared(&database)).await;
    heartbeats(&database, 5).await;
    assert_eq!(store.look_after(POLL), POLL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_listens_again_after_its_connection_was_cut() {
    let database = Database::new();
    let store = open(&database.address()).await;
    listens(&store).await;
    let of_node = format!(
        "FROM pg_stat_activity WHERE datname = '{}' AND (query LIKE 'INSERT INTO node%' OR query LIKE 'LISTEN%')",
        database.name()
    );
    let cut = format!(
        "SELECT string_agg(pid::text, ',') FROM (SELECT pid, pg_terminate_backend(pid) {of_node}) AS cut"
    );
    let cut = asked(&cut);
    assert_ne!(cut, "", "it had a connection");
    let start = Instant::now();
    while asked(&format!("SELECT count(*) {of_node} AND pid NOT IN ({cut})")) == "0" {
        assert!(start.elapsed() < PATIENCE, "it connects again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    heartbeats(&database, 1).await;
    listens(&store).await;
    // Signals of the loss and of the return are over; this one is of another process.
    while timeout(POLL, store.signalled(Topic::Jobs)).await.is_ok() {}
    cluster().sql(database.name(), "SELECT pg_notify('rollbook', 'jobs')");
    timeout(PATIENCE, store.signalled(Topic::Jobs)).await.expect("a signal");
}
