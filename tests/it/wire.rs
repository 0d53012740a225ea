//! HTTP/1.1 by hand over a blocking socket: for tests that must send half a request, go on writing after a
//! refusal, or know whether a request had left when the server was killed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::harness::PATIENCE;

/// A connection of a client.
pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
}

/// What bytes go over: a socket, or TLS over one.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::over(socket(address)?))
    }

    /// Over a connection that is there.
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the next answer.
    pub fn read(&mut self) -> io::Result<Reply> {
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length = reply.header("content-length").and_then(|length| length.parse().ok());
        reply.body = vec![0; length.ok_or_else(|| io::Error::other("an answer without a length"))?];
        self.stream.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Whether the server has ended the connection; waits for that, or for bytes that nobody asked for.
    pub fn is_at_end(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Posts a whole body and reads the answer.
    pub fn post(&mut self, path: &str, token: &str, body: &Value) -> io::Result<Reply> {
        let body = body.to_string();
        self.write(format!("{}{body}", head(path, token, body.len())).as_bytes())?;
        self.read()
    }

    /// Posts a body, and sends only half of it; [`Self::finish`] sends the rest.
    ///
    /// When this returns the server has counted the request: it said `100 Continue`, and so it wants the body.
    pub fn begin(address: SocketAddr, path: &str, token: &str, body: &str) -> io::Result<Self> {
        let mut wire = Self::open(address)?;
        let head = head(path, token, body.len()).replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
        wire.write(head.as_bytes())?;
        let (status, blank) = (wire.line()?, wire.line()?);
        if (status.as_str(), blank.as_str()) != ("HTTP/1.1 100 Continue", "") {
            return Err(io::Error::other(format!("the server does not want the body: {status}")));
        }
        wire.write(&body.as_bytes()[..body.len() / 2])?;
        Ok(wire)
    }

    /// Sends what [`Self::begin`] has left out, and reads the answer.
    pub fn finish(&mut self, body: &str) -> io::Result<Reply> {
        self.write(&body.as_bytes()[body.len() / 2..])?;
        self.read()
    }
}

/// A socket that waits no longer than a test does.
pub fn socket(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("every answer is JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The head of a POST.
pub fn head(path: &str, token: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: rollbook.example.com\r\nAccess-Token: {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}
