//! One kept-alive HTTP/1.1 connection, as thin as it can be: the client shares the cores with the server it measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::Result;

/// A server that is silent for longer has hung.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// For how long one request is sent again, as `Retry-After` says, before the run is given up.
const RETRY_FOR: Duration = Duration::from_secs(600);

/// A connection that nothing was sent on for longer is not used again: the server may be closing it.
const IDLE: Duration = Duration::from_secs(5);

/// A connection.
pub struct Client {
    address: SocketAddr,
    token: String,
    stream: BufReader<TcpStream>,
    used: Instant,
    message: Vec<u8>,
    line: String,
    body: Vec<u8>,
}

/// What the server said.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// For how long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: &'a [u8],
}

/// What became of a batch.
pub enum Sent {
    /// It is durable.
    Accepted {
        /// The request's id.
        id: String,
        /// How often the server had asked us to wait.
        retries: u64,
    },
    /// Nothing was kept of it: there is too much to do.
    Refused {
        /// 503 or 429.
        status: u16,
        /// Whether the server said when to come again.
        says_when: bool,
    },
}

const UPDATE: &str = "/v3/contacts/update";

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acceptance {
    result: bool,
    request_id: String,
    #[serde(default)]
    warnings: Vec<Value>,
}

impl Client {
    /// Opens a connection.
    ///
    /// # Errors
    /// An address without a server.
    pub fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        Ok(Self {
            address,
            token: token.to_owned(),
            stream: open(address)?,
            used: Instant::now(),
            message: Vec::new(),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends one request and waits for its answer, whatever its status.
    ///
    /// # Errors
    /// Where there is none.
    pub fn post(&mut self, path: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.message.clear();
        write!(
            self.message,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAccess-Token: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        )?;
        self.message.extend_from_slice(body);
        if self.used.elapsed() > IDLE {
            self.stream = open(self.address)?;
        }
        self.used = Instant::now();
        self.stream.get_mut().write_all(&self.message)?;
        self.read_answer()
    }

    /// A call that has to succeed.
    ///
    /// # Errors
    /// What the server says against it.
    pub fn call(&mut self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.post(path, body.to_string().as_bytes())?;
        let value: Value = serde_json::from_slice(answer.body).map_err(|_| answer.refusal(path))?;
        if answer.status != 200 || value["result"] != true {
            return Err(answer.refusal(path).into());
        }
        Ok(value)
    }

    /// Sends a body to contacts/update. With `patient`, 503 and 429 are waited out.
    ///
    /// # Errors
    /// Where it is refused for any other reason.
    pub fn update(&mut self, body: &[u8], patient: bool) -> Result<Sent> {
        let deadline = Instant::now() + RETRY_FOR;
        let mut retries = 0;
        loop {
            let answer = self.post(UPDATE, body)?;
            let status = answer.status;
            match status {
                200 => return Ok(Sent::Accepted { id: accepted_id(answer.body)?, retries }),
                429 | 503 if answer.unknown_outcome() || Instant::now() > deadline => {
                    return Err(answer.refusal(UPDATE).into());
                }
                429 | 503 if !patient => {
                    return Ok(Sent::Refused { status, says_when: answer.retry_after.is_some() });
                }
                429 | 503 => {
                    let pause = answer.retry_after.ok_or("told to wait without a Retry-After")?;
                    retries += 1;
                    std::thread::sleep(pause);
                    // An idle connection may have been closed meanwhile.
                    self.stream = open(self.address)?;
                }
                _ => return Err(answer.refusal(UPDATE).into()),
            }
        }
    }

    fn read_answer(&mut self) -> Result<Answer<'_>> {
        self.read_line()?;
        let status = self.line.split(' ').nth(1).ok_or("no status line")?.parse()?;
        let (mut length, mut retry_after, mut close) = (None, None, false);
        loop {
            self.read_line()?;
            let Some((name, value)) = self.line.split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse()?),
                "retry-after" => retry_after = Some(Duration::from_secs(value.parse()?)),
                "connection" => close = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        self.body.resize(length.ok_or("an answer without Content-Length")?, 0);
        self.stream.read_exact(&mut self.body)?;
        if close {
            self.stream = open(self.address)?;
        }
        Ok(Answer { status, retry_after, body: &self.body })
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err("the server closed the connection instead of answering".into());
        }
        self.line.truncate(self.line.trim_end().len());
        Ok(())
    }
}

impl Answer<'_> {
    /// Sent again, such a request could be kept twice: its figures would mean nothing.
    fn unknown_outcome(&self) -> bool {
        String::from_utf8_lossy(self.body).contains("OUTCOME_UNKNOWN")
    }

    /// In the server's own words where it has any.
    pub fn refusal(&self, path: &str) -> String {
        let told: Option<Refusal> = serde_json::from_slice(self.body).ok();
        let text = told.filter(|told| !told.errors.is_empty()).map_or_else(
            || String::from_utf8_lossy(self.body).chars().take(500).collect(),
            |told| told.errors.join("; "),
        );
        format!("{path} was answered {}: {text}", self.status)
    }
}

fn open(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).map_err(|error| format!("no server at {address}: {error}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    Ok(BufReader::new(stream))
}

/// A warning means that the benchmark's own bodies are not what they should be.
fn accepted_id(body: &[u8]) -> Result<String> {
    let acceptance: Acceptance = serde_json::from_slice(body)?;
    if !acceptance.result || !acceptance.warnings.is_empty() {
        return Err(format!("a 200 that is not clean: {}", String::from_utf8_lossy(body)).into());
    }
    Ok(acceptance.request_id)
}
