//! The server as a process: started on a throw-away store, looked at through /proc, killed when dropped.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Result;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// The program to measure and the store it works on.
pub struct Installation {
    pub program: PathBuf,
    pub database: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub user_id: String,
    pub access_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    access_token: String,
}

impl Installation {
    pub fn create_account(&self) -> Result<Account> {
        self.command(&["account", "create", "Speed"])
    }

    /// One more token of the same user: each has its own bound on requests in flight.
    pub fn create_token(&self, user_id: &str) -> Result<String> {
        let token: Token = self.command(&["token", "create", "--user", user_id])?;
        Ok(token.access_token)
    }

    fn command<T: DeserializeOwned>(&self, words: &[&str]) -> Result<T> {
        let output = Command::new(&self.program)
            .args(words)
            .arg("--database")
            .arg(&self.database)
            .arg("--json")
            .output()?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}: {error}", words.join(" "), output.status).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

pub struct Server {
    child: Child,
    ticks_per_second: f64,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(installation: &Installation, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        // The port is free again for as long as it takes the server to start.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(&installation.program)
            .args(["serve", "--listen", &address.to_string(), "--database"])
            .arg(&installation.database)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { child, ticks_per_second: ticks_per_second()?, address };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server stopped at once: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(format!("no server at {} after {READY_WITHIN:?}", self.address).into());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Seconds of CPU, user and system, that the server has used. Writing back by the kernel's own threads is not in it.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(&self.child.id().to_string(), self.ticks_per_second)
    }

    /// The same of the benchmark itself.
    pub fn client_cpu_seconds(&self) -> Result<f64> {
        cpu_seconds("self", self.ticks_per_second)
    }

    /// Resident memory in bytes.
    pub fn rss(&self) -> Result<u64> {
        self.status_bytes("VmRSS:")
    }

    /// The most that was ever resident, in bytes.
    pub fn peak_rss(&self) -> Result<u64> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, key: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or_else(|| format!("no {key} in /proc/PID/status"))?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever happened, no server is left behind; one that has gone already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ticks_per_second() -> Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn cpu_seconds(process: &str, ticks_per_second: f64) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold blanks; utime and stime are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/PID/stat is not as expected")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<f64>);
    let (user, system) = (times.next().ok_or("no utime")??, times.next().ok_or("no stime")??);
    Ok((user + system) / ticks_per_second)
}
