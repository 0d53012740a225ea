//! A PostgreSQL of the tests' own: a cluster in memory, on a socket, with a database for each test. Each is some 300
//! files that are made and removed: on a disk that takes longer than many a test.
//!
//! It ends with the test process, however that ends: a shell holds the cluster and reads from a pipe that the process
//! keeps open. A machine without PostgreSQL fails the tests.
//!
//! `ROLLBOOK_TEST_POSTGRES` names the programs of another version than the newest that is installed.
//! `ROLLBOOK_TEST_CITUS` names a database on the coordinator of a Citus, with its workers added: then each test's
//! database is there, distributed, and the same tests run on it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use postgres::citus;
use tokio_postgres::{Client, Config, NoTls};

use super::PATIENCE;

/// What the shell does: it starts the server, waits until nobody holds the pipe, and takes all away.
const SCRIPT: &str = r#"
trap "" INT TERM HUP
"$BIN/initdb" --no-sync --auth=trust --username=rollbook --encoding=UTF8 --locale=C --pgdata="$DIR/data" >"$DIR/log" 2>&1
"$BIN/postgres" -D "$DIR/data" -k "$DIR" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c wal_level=minimal -c max_wal_senders=0 -c jit=off -c shared_buffers=128MB >>"$DIR/log" 2>&1 &
read _
kill -QUIT $!
wait
rm -rf "$DIR"
"#;

/// The cluster of this test process.
pub struct Cluster {
    directory: PathBuf,
    jobs: mpsc::Sender<Job>,
    /// Its standard input is what keeps the cluster alive; none for a Citus, which is not ours.
    _shell: Option<Child>,
}

/// The database that `ROLLBOOK_TEST_CITUS` names.
fn citus_address() -> Option<&'static str> {
    static ADDRESS: OnceLock<Option<String>> = OnceLock::new();
    ADDRESS.get_or_init(|| std::env::var("ROLLBOOK_TEST_CITUS").ok()).as_deref()
}

/// What the thread is asked that makes databases and drops them.
enum Job {
    Make(String, mpsc::Sender<()>),
    Drop(String),
}

pub fn binaries() -> PathBuf {
    if let Some(directory) = std::env::var_os("ROLLBOOK_TEST_POSTGRES") {
        return directory.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect("PostgreSQL is installed: ./test does that")
}

pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

/// A program that does not run as root.
pub fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program).current_dir("/");
    command
}

impl Cluster {
    fn start() -> Self {
        let (jobs, queue) = mpsc::channel();
        if let Some(citus) = citus_address() {
            std::thread::spawn(move || work(citus, &queue));
            return Self { directory: PathBuf::new(), jobs, _shell: None };
        }
        let directory = super::in_memory().join(format!("rollbook-pg-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the cluster");
        super::own_postgres::give_to_postgres(&directory);
        let mut shell = as_postgres("sh");
        shell.args(["-c", SCRIPT]);
        shell.env("BIN", binaries()).env("DIR", &directory).current_dir("/").stdin(Stdio::piped());
        let shell = shell.spawn().expect("a shell");
        let url = address(&directory, "postgres");
        std::thread::spawn(move || work(&url, &queue));
        Self { directory, jobs, _shell: Some(shell) }
    }

    /// Where its socket is.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// The address of a database.
    pub fn address(&self, name: &str) -> String {
        match citus_address() {
            Some(citus) => format!("{}/{name}", citus.rsplit_once('/').expect("the name of a database").0),
            None => address(&self.directory, name),
        }
    }

    /// Runs statements in a database, to the end or to the first that fails.
    pub fn psql(&self, name: &str, statements: &str) -> Output {
        let mut psql = Command::new("psql");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.address(name),
            "-c",
            statements,
        ]);
        psql.output().expect("psql")
    }

    /// The same, all of which succeed; what they print.
    pub fn sql(&self, name: &str, statements: &str) -> String {
        super::own_postgres::done(statements, &self.psql(name, statements))
    }
}

pub fn address(directory: &std::path::Path, name: &str) -> String {
    let host = directory.to_str().expect("a path in UTF-8").replace('/', "%2F");
    format!("postgres://rollbook@{host}/{name}")
}

/// The cluster, started when the first test asks for it.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

fn work(url: &str, queue: &mpsc::Receiver<Job>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config: Config = url.parse().expect("an address");
        let mut nodes = vec![(config.clone(), connect(&config).await)];
        let is_citus = citus_address().is_some();
        if is_citus {
            let others = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 AND isactive";
            for row in nodes[0].1.query(others, &[]).await.expect("the nodes of the Citus") {
                let worker = at(&config, row.get(0), row.get(1));
                nodes.push((worker.clone(), connect(&worker).await));
            }
        }
        while let Ok(job) = queue.recv() {
            match job {
                Job::Make(name, done) => {
                    for (config, client) in &nodes {
                        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
                        if is_citus {
                            let client = connect(config.clone().dbname(&name)).await;
                            client.batch_execute("CREATE EXTENSION citus").await.expect("the extension");
                        }
                    }
                    if is_citus {
                        join_and_distribute(&nodes, &name).await;
                    }
                    let _ = done.send(());
                }
                Job::Drop(name) => {
                    for (_, client) in &nodes {
                        // The test is over, whatever becomes of this.
                        let _ = client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                    }
                }
            }
        }
    });
}

/// The same database elsewhere.
fn at(config: &Config, host: &str, port: i32) -> Config {
    let mut worker = Config::new();
    worker.host(host).port(u16::try_from(port).expect("a port"));
    worker.user(config.get_user().expect("a user")).dbname(config.get_dbname().expect("a database"));
    if let Some(password) = config.get_password() {
        worker.password(password);
    }
    worker
}

/// Makes a Citus of the databases with that name, with the present schema in it.
async fn join_and_distribute(nodes: &[(Config, Client)], name: &str) {
    let (coordinator, workers) = nodes.split_first().expect("a coordinator");
    let client = connect(coordinator.0.clone().dbname(name)).await;
    let place = |config: &Config| {
        let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else { panic!("a socket") };
        format!("('{host}', {})", config.get_ports().first().copied().unwrap_or(5432))
    };
    let join = |function: &str, node: &(Config, Client)| format!("SELECT {function}{}", place(&node.0));
    client.batch_execute(&join("citus_set_coordinator_host", coordinator)).await.expect("a coordinator");
    for worker in workers {
        client.batch_execute(&join("citus_add_node", worker)).await.expect("a worker");
    }
    citus::distribute(&cluster().address(name)).await.expect("the schema, distributed");
}

async fn connect(config: &Config) -> Client {
    let start = Instant::now();
    loop {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => assert!(start.elapsed() < PATIENCE, "the cluster does not start: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A database that goes with the test.
pub struct Database {
    name: String,
}

impl Database {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (done, made) = mpsc::channel();
        cluster().jobs.send(Job::Make(name.clone(), done)).expect("the thread of the databases");
        made.recv().expect("a database");
        Self { name }
    }

    pub fn address(&self) -> String {
        cluster().address(&self.name)
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = cluster().jobs.send(Job::Drop(self.name.clone()));
    }
}
