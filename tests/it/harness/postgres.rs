//! A PostgreSQL of the tests' own: a cluster in memory, on a socket, with a database for each test. Each is some 300
//! files that are made and removed: on a disk that takes longer than many a test.
//!
//! It ends with the test process, however that ends: a shell holds the cluster and reads from a pipe that the process
//! keeps open. A machine without PostgreSQL fails the tests.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

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
    /// Its standard input is what keeps the cluster alive.
    _shell: Child,
}

/// What the thread is asked that makes databases and drops them.
enum Job {
    Make(String, mpsc::Sender<()>),
    Drop(String),
}

pub fn binaries() -> PathBuf {
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
        let directory = super::in_memory().join(format!("rollbook-pg-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the cluster");
        super::own_postgres::give_to_postgres(&directory);
        let mut shell = as_postgres("sh");
        shell.args(["-c", SCRIPT]);
        shell.env("BIN", binaries()).env("DIR", &directory).current_dir("/").stdin(Stdio::piped());
        let shell = shell.spawn().expect("a shell");
        let (jobs, queue) = mpsc::channel();
        let url = address(&directory, "postgres");
        std::thread::spawn(move || work(&url, &queue));
        Self { directory, jobs, _shell: shell }
    }

    /// Where its socket is.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// The address of a database.
    pub fn address(&self, name: &str) -> String {
        address(&self.directory, name)
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
        let client = connect(url).await;
        while let Ok(job) = queue.recv() {
            match job {
                Job::Make(name, done) => {
                    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
                    let _ = done.send(());
                }
                Job::Drop(name) => {
                    // The test is over, whatever becomes of this.
                    let _ = client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                }
            }
        }
    });
}

async fn connect(url: &str) -> Client {
    let start = Instant::now();
    loop {
        match tokio_postgres::connect(url, NoTls).await {
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
