//! The program itself: its commands, and a server in a process of its own that can be killed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::postgres::cluster;
use crate::harness::{Directory, PATIENCE, StoreKind};
use crate::wire::{Reply, Wire};

/// The program, with none of its settings in the environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollbook"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROLLBOOK_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Sets it at its end: those who go on until it is set end also where the test has failed meanwhile.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks again and again, until there is something or the time is up.
pub fn wait_within<T>(time: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(start.elapsed() < time, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same, with the patience that all tests have.
pub fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, ask)
}

/// What a command has printed, and how it ended.
#[derive(Debug)]
pub struct Printed {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Printed {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} must run: {error}"));
    Printed {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A store that commands and servers share.
pub struct Store {
    pub database: PathBuf,
    logs: AtomicU32,
    pub directory: Directory,
}

/// An account, as `account create --json` shows it.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub user: String,
    pub token: String,
    pub webhook_secret: String,
}

impl Store {
    pub fn new() -> Self {
        Self::of(StoreKind::under_test())
    }

    /// One in files, for a test that looks into them.
    pub fn in_files() -> Self {
        Self::of(StoreKind::Sqlite)
    }

    /// One in a database, for a test of several servers.
    pub fn in_postgres() -> Self {
        Self::of(StoreKind::Postgres)
    }

    fn of(kind: StoreKind) -> Self {
        let directory = Directory::new();
        Self { database: directory.store(kind), logs: AtomicU32::new(0), directory }
    }

    /// The same, its files elsewhere.
    pub fn at(database: PathBuf) -> Self {
        Self { database, ..Self::new() }
    }

    /// The file that holds the journal.
    pub fn intake(&self) -> PathBuf {
        PathBuf::from(format!("{}.intake", self.database.display()))
    }

    /// Runs statements in its database, and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        cluster().sql(self.database_name(), statements)
    }

    /// Whether statements in its database come to their end.
    pub fn try_sql(&self, statements: &str) -> bool {
        cluster().psql(self.database_name(), statements).status.success()
    }

    fn database_name(&self) -> &str {
        self.database.to_str().and_then(|address| address.rsplit('/').next()).expect("a database")
    }

    /// A command on this store.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).env("ROLLBOOK_DATABASE", &self.database);
        // With a database, the files of jobs would lie where the tests run, one test's beside the other's.
        if self.database.starts_with("postgres:") {
            command.env("ROLLBOOK_FILES", self.directory.path("files"));
        }
        command
    }

    /// Runs a command on this store.
    pub fn run(&self, arguments: &[&str]) -> Printed {
        run(&mut self.command(arguments))
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let printed = self.run(arguments);
        assert_eq!(printed.code, Some(0), "{arguments:?}: {}", printed.err);
        printed.out
    }

    /// Makes an account.
    pub fn account(&self, name: &str) -> Account {
        let printed = self.ok(&["account", "create", name, "--json"]);
        let object: Value = serde_json::from_str(&printed).expect("one JSON object");
        let text = |key: &str| object[key].as_str().expect("a text").to_owned();
        Account {
            id: text("accountId"),
            user: text("userId"),
            token: text("accessToken"),
            webhook_secret: text("webhookSecret"),
        }
    }

    /// Starts a server, and returns when it listens.
    pub fn serve(&self) -> Process {
        self.serve_with(|_| {})
    }

    /// Starts a server with settings of its own.
    pub fn serve_with(&self, set: impl FnOnce(&mut Command)) -> Process {
        let mut process = self.spawn(set);
        process.wait_until_it_listens();
        process
    }

    /// Starts a server, and does not wait for it.
    pub fn spawn(&self, set: impl FnOnce(&mut Command)) -> Process {
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        let log = self.directory.path(&format!("server-{number}.log"));
        let file = File::create(&log).expect("a file for the log");
        let mut command = self.command(&["serve"]);
        command.env("ROLLBOOK_LISTEN", "127.0.0.1:0").stdout(Stdio::null()).stderr(file);
        set(&mut command);
        let child = command.spawn().expect("the program starts");
        Process { child, log, address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

/// A server in a process of its own; it is killed when this is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Where it listens, once that is known.
    pub address: SocketAddr,
}

impl Process {
    /// Waits until it listens, or has ended without.
    pub fn listens(&mut self) -> bool {
        wait_for("the server to listen or to end", || {
            let ended = !self.is_running();
            let address = self.logged_address();
            (ended || address.is_some()).then_some(address)
        })
        .inspect(|address| self.address = *address)
        .is_some()
    }

    fn logged_address(&self) -> Option<SocketAddr> {
        let log = self.log();
        // In the text form of the log, and in the JSON form.
        let (_, rest) = log.split_once("address=").or_else(|| log.split_once("\"address\":\""))?;
        rest.split([' ', '"', '\n']).next()?.parse().ok()
    }

    fn wait_until_it_listens(&mut self) {
        self.address = wait_for("the server to listen", || {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the server has ended with {status}: {}", self.log());
            }
            self.logged_address()
        });
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.kill_now();
    }

    fn kill_now(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().expect("a child that was waited for once");
    }

    /// The most memory that it has taken so far.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = read(Path::new(&format!("/proc/{}/status", self.child.id())));
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many sockets it has open.
    pub fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("its descriptors");
        // One may be closed before it is looked at.
        let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Sends it a signal, by its id.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the server to end", || self.child.try_wait().expect("a child"))
    }

    pub fn connect(&self) -> Wire {
        Wire::open(self.address).expect("the server listens")
    }

    /// Posts JSON over a connection of its own.
    pub fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.connect().post(path, token, body).expect("an answer")
    }

    /// Posts JSON that must be answered with 200, and returns the answer.
    pub fn ok(&self, path: &str, token: &str, body: &Value) -> Value {
        let reply = self.post(path, token, body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// Makes a list with the string variables `newVariableName` and `lastBatch`.
    pub fn list(&self, token: &str) -> String {
        let list = self.ok("/v3/contact-list/create", token, &json!({ "contactListName": "Customers" }));
        let id = list["contactListId"].as_str().expect("an id").to_owned();
        let variables = json!({ "contactListId": id, "variables": [
            { "name": "newVariableName", "type": "ENUM_STRING" },
            { "name": "lastBatch", "type": "ENUM_STRING" },
        ] });
        self.ok("/v3/contact-list/variables/add", token, &variables);
        id
    }

    /// Sends contacts/update with `upsert`, which must be accepted, and returns the request's id.
    pub fn upsert(&self, token: &str, list: &str, contacts: Value) -> String {
        let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        let answer = self.ok("/v3/contacts/update", token, &body);
        answer["requestId"].as_str().expect("an id").to_owned()
    }

    /// Waits until a request is processed, and returns its object.
    pub fn processed(&self, token: &str, id: &str) -> Value {
        wait_for("the request to be processed", || {
            let found = self.ok("/v3/request/find", token, &json!({ "ids": [id] }));
            let request = found["requests"][id].clone();
            assert!(request.is_object(), "request/find knows every accepted request: {found}");
            (request["status"] == "processed").then_some(request)
        })
    }

    /// The contact with that userId, null where there is none.
    pub fn contact(&self, token: &str, list: &str, user_id: &str) -> Value {
        let body = json!({ "contactListId": list, "userId": user_id });
        self.ok("/v3/contact/get", token, &body)["contact"].clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// Sends a child a signal: KILL, TERM.
pub fn signal(child: &Child, name: &str) {
    let arguments = ["-c", "kill -s \"$1\" \"$2\"", "sh", name, &child.id().to_string()];
    let kill = run(Command::new("sh").args(arguments));
    assert_eq!(kill.code, Some(0), "{}", kill.err);
}

/// A file that a process is writing.
pub fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("the file is there")).into_owned()
}
