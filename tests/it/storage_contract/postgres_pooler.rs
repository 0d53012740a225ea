//! PgBouncer in transaction mode: each transaction is on whatever connection is free, and none remembers anything.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::postgres_callers::Callers;
use crate::harness::Directory;
use crate::harness::own_postgres::give_to_postgres;
use crate::harness::postgres::{Database, as_postgres, cluster};
use crate::process::{Store, wait_for};

/// A PgBouncer before the tests' PostgreSQL, with fewer connections than its clients.
struct Pooler {
    child: Child,
    directory: Directory,
}

/// Connections to each database.
const CONNECTIONS: u32 = 3;

impl Pooler {
    fn start() -> Self {
        let directory = Directory::new();
        let place = directory.path("pooler");
        std::fs::create_dir(&place).expect("a directory");
        give_to_postgres(&place);
        let settings = format!(
            "[databases]\n* = host={} user=rollbook\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\n\
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
        let host = self.directory.path("pooler").to_str().expect("a path").replace('/', "%2F");
        PathBuf::from(format!("postgres://rollbook@{host}:6432/{}?pooler=transaction", database.name()))
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
    let (pooler, database) = (Pooler::start(), Database::new());
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
