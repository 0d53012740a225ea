//! A throw-away server: the program itself as a process of its own, on a store in a temporary directory.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Result;
use super::client::Client;
use super::process::Process;
use super::target::{CONNECTIONS_PER_TOKEN, Place};

const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(2);

/// The server, its account and its directory; all of it is gone when this is dropped.
pub struct OwnServer {
    program: PathBuf,
    /// A path, or the address of a database.
    database: OsString,
    /// Whether it is a path.
    embedded: bool,
    address: SocketAddr,
    tokens: Vec<String>,
    child: Mutex<Child>,
    /// How long it took until it answered, with nothing in its store.
    pub started_in: Duration,
    /// Resident memory when it had answered for the first time, in bytes.
    pub idle_rss: u64,
    scratch: Scratch,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    user_id: String,
    access_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    access_token: String,
}

impl OwnServer {
    /// Starts `program serve` with tokens for that many connections, on a new store in a new directory inside `parent`,
    /// or on the database at an address, where it makes an account that stays.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(
        program: &Path,
        parent: Option<&Path>,
        database: Option<&str>,
        connections: u32,
    ) -> Result<Self> {
        let scratch = Scratch::create(parent)?;
        let embedded = database.is_none();
        let database =
            database.map_or_else(|| scratch.path.join("store/rollbook.db").into_os_string(), OsString::from);
        let command = |words: &[&str]| command(program, &database, words);
        let account: Account = answer(command(&["account", "create", "Bench"]))?;
        let mut tokens = vec![account.access_token];
        while (tokens.len() as u32) < connections.div_ceil(CONNECTIONS_PER_TOKEN) {
            let token: Token = answer(command(&["token", "create", "--user", &account.user_id]))?;
            tokens.push(token.access_token);
        }
        // The port is free again for as long as it takes the server to start.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let begun = Instant::now();
        let child = Mutex::new(serve(program, &database, address, &scratch.log())?);
        let mut server = Self {
            program: program.to_owned(),
            database,
            embedded,
            address,
            tokens,
            child,
            started_in: Duration::ZERO,
            idle_rss: 0,
            scratch,
        };
        server.wait_until_it_answers().map_err(|error| server.with_last_words(error))?;
        server.started_in = begun.elapsed();
        let process = Process::new(server.child().id())?;
        server.idle_rss = process.rss()?;
        Ok(server)
    }

    /// Where it is.
    ///
    /// # Errors
    /// Where its process cannot be looked at.
    pub fn place(&self) -> Result<Place> {
        Ok(Place {
            addresses: vec![self.address],
            tokens: self.tokens.clone(),
            process: Some(Process::new(self.child().id())?),
            database: self.embedded.then(|| PathBuf::from(&self.database)),
        })
    }

    /// A directory of the run, beside the store's.
    pub fn directory(&self) -> &Path {
        &self.scratch.path
    }

    /// Stops it as its operator would, and starts it again on the same store. How long each took.
    ///
    /// # Errors
    /// Where it does not stop, or does not start.
    pub fn restart(&self) -> Result<(Duration, Duration)> {
        let begun = Instant::now();
        let pid = self.child().id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        while self.child().try_wait()?.is_none() {
            if begun.elapsed() > STOPPED_WITHIN {
                return Err(format!("the server did not stop within {STOPPED_WITHIN:?}").into());
            }
            sleep(POLL);
        }
        let stopped = begun.elapsed();
        let begun = Instant::now();
        *self.child() = serve(&self.program, &self.database, self.address, &self.scratch.log())?;
        self.wait_until_it_answers()?;
        Ok((stopped, begun.elapsed()))
    }

    /// Kills it, and removes its directory.
    pub fn end(&self) {
        let mut child = self.child();
        // Whatever happened, no server is left behind; one that has gone already is no error.
        let _ = child.kill();
        let _ = child.wait();
        self.scratch.remove();
    }

    /// The error, with what the server had to say last.
    pub fn with_last_words(&self, error: impl std::fmt::Display) -> String {
        let log = fs::read_to_string(self.scratch.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        format!("{error}\nthe server's last words:\n{last}")
    }

    fn wait_until_it_answers(&self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let token = self.tokens.first().map_or("", String::as_str);
            if let Ok(mut client) = Client::connect(self.address, token) {
                return client.post("/v3/account/info", b"{}").map(drop);
            }
            if let Some(status) = self.child().try_wait()? {
                return Err(format!("the server stopped at once: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(format!("no server at {} after {READY_WITHIN:?}", self.address).into());
            }
            sleep(POLL);
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn command(program: &Path, database: &OsStr, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).arg("--database").arg(database).stdin(Stdio::null());
    command
}

fn answer<T: DeserializeOwned>(mut command: Command) -> Result<T> {
    let output = command.arg("--json").output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{:?}: {}: {error}", command.get_program(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn serve(program: &Path, database: &OsStr, address: SocketAddr, log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    // The load generator receives webhooks on this machine.
    let words = ["serve", "--listen", &address.to_string(), "--webhook-allow", "127.0.0.1/32"];
    let mut serve = command(program, database, &words);
    Ok(serve.stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// A new directory of our own.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn create(parent: Option<&Path>) -> Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let path = parent.join(format!("rollbook-bench-{}", std::process::id()));
        // It must be a new one: what is in it is removed at the end.
        let made = fs::create_dir_all(&parent)
            .and_then(|()| fs::create_dir(&path))
            .and_then(|()| fs::create_dir(path.join("store")));
        made.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path })
    }

    fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    fn remove(&self) {
        match fs::remove_dir_all(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => eprintln!("rollbook: {} is left behind: {error}", self.path.display()),
        }
    }
}
