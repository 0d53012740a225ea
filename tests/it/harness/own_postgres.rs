//! A PostgreSQL that one test has for itself: it may be stopped, starved and reconfigured. It ends with the test
//! process, however that ends, as the one that all tests share does.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::postgres::{address, as_postgres, binaries};

/// What the shell does: it makes the cluster, waits until nobody holds the pipe, and takes all away.
const SCRIPT: &str = r#"
trap "" INT TERM HUP
"$BIN/initdb" --no-sync --auth=trust --username=rollbook --encoding=UTF8 --locale=C --wal-segsize=1 \
    --waldir="$WAL" --pgdata="$DATA" >"$DIR/log" 2>&1
printf "%s\n" "$SETTINGS" >>"$DATA/postgresql.conf"
"$BIN/pg_ctl" start -w -s -D "$DATA" -l "$DIR/log" >>"$DIR/log" 2>&1 && touch "$DIR/ready"
read _
"$BIN/pg_ctl" stop -s -m immediate -D "$DATA" >/dev/null 2>&1
rm -rf "$DIR" "$DATA" "$WAL"
"#;

/// The port that names a socket.
pub const PORT: u16 = 5432;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, and where it keeps what.
pub struct OwnPostgres {
    pub directory: PathBuf,
    data: PathBuf,
    port: u16,
    shell: Child,
}

/// What a test sets before it starts.
#[derive(Default)]
pub struct Options<'a> {
    /// Where the data are, and where the log of transactions is, if not in a directory of its own.
    pub data: Option<&'a Path>,
    pub wal: Option<&'a Path>,
    /// Where it listens on loopback too.
    pub port: Option<u16>,
    /// Lines of `postgresql.conf`.
    pub settings: &'a str,
}

impl OwnPostgres {
    pub fn start(options: &Options<'_>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("rollbook-own-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        give_to_postgres(&directory);
        let within = |place: Option<&Path>, name: &str| place.unwrap_or(&directory).join(name);
        let (data, wal) = (within(options.data, "data"), within(options.wal, "wal"));
        let mut settings = format!("unix_socket_directories = '{}'\n", directory.display());
        settings.push_str("fsync = off\nmax_connections = 100\njit = off\nshared_buffers = 32MB\n");
        settings.push_str("min_wal_size = 2MB\nmax_wal_size = 8MB\n");
        let (addresses, port) =
            (if options.port.is_some() { "127.0.0.1" } else { "" }, options.port.unwrap_or(PORT));
        writeln!(settings, "listen_addresses = '{addresses}'\nport = {port}").expect("memory");
        writeln!(settings, "{}", options.settings).expect("memory");
        let mut shell = as_postgres("sh");
        shell.args(["-c", SCRIPT]).env("BIN", binaries()).env("DIR", &directory);
        shell.env("DATA", &data).env("WAL", &wal).env("SETTINGS", settings);
        let shell = shell.stdin(Stdio::piped()).spawn().expect("a shell");
        let server = Self { directory, data, port, shell };
        let start = Instant::now();
        while !server.directory.join("ready").exists() {
            assert!(start.elapsed() < PATIENCE, "PostgreSQL does not start: {}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server.sql("postgres", "CREATE DATABASE contacts");
        server
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.directory.join("log")).unwrap_or_default()).into_owned()
    }

    /// The address of the database that is there, over the socket.
    pub fn address(&self) -> String {
        self.address_of("contacts")
    }

    /// The address of a database that the test has made.
    pub fn address_of(&self, database: &str) -> String {
        address(&self.directory, database)
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let mut control = as_postgres(binaries().join("pg_ctl"));
        control.arg("-s").arg("-w").arg("-D").arg(&self.data).arg("-l").arg(self.directory.join("log"));
        let done =
            control.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.expect("pg_ctl").success()
    }

    /// Restarts it: `fast` ends what runs, `immediate` is as if it had crashed.
    pub fn restart(&self, mode: &str) {
        assert!(self.control(&["restart", "-m", mode]), "it restarts: {}", self.log());
    }

    /// Stops it.
    pub fn stop(&self) {
        assert!(self.control(&["stop", "-m", "fast"]), "it stops: {}", self.log());
    }

    /// Starts it where it has ended by itself.
    pub fn start_where_it_is_down(&self) {
        let start = Instant::now();
        while !self.control(&["status"]) && !self.control(&["start"]) {
            assert!(start.elapsed() < PATIENCE, "PostgreSQL does not start again: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs statements in a database, and returns what they print.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        done(statements, &psql(&self.directory, self.port, database, statements))
    }
}

pub fn done(statements: &str, output: &Output) -> String {
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs statements, to the end or to the first that fails.
pub fn psql(directory: &Path, port: u16, database: &str, statements: &str) -> Output {
    let mut psql = Command::new("psql");
    psql.arg("-h").arg(directory).args(["-p", &port.to_string(), "-U", "rollbook", "-d", database]);
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statements]).output().expect("psql")
}

/// PostgreSQL does not run as root, and must own what it writes.
pub fn give_to_postgres(path: &Path) {
    if super::postgres::is_root() {
        let chown = Command::new("chown").arg("postgres:postgres").arg(path).status();
        assert!(chown.expect("chown").success());
    }
}

impl Drop for OwnPostgres {
    /// It is gone when this returns: what it was given to write in can be taken away.
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
