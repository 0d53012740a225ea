//! A client that talks HTTP/2 from its first byte ("prior knowledge"), or over TLS where that was agreed on.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A connection on which many requests can be under way.
#[derive(Clone)]
pub struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Http2 {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?, address).await
    }

    /// Over a connection that is there: TLS, where that was agreed on.
    pub async fn over<S>(stream: S, address: SocketAddr) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, address })
    }

    /// Posts a body; the status and the answer.
    pub async fn post(&mut self, path: &str, token: &str, body: String) -> Result<(u16, Value)> {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("access-token", token)
            .body(Full::from(body))?;
        let (status, body) = self.send(request).await?;
        Ok((status, serde_json::from_slice(&body)?))
    }

    /// Sends a request; the status and the body.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes)> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        Ok((response.status().as_u16(), response.into_body().collect().await?.to_bytes()))
    }
}

/// One request over a connection of its own.
pub async fn post(address: SocketAddr, path: &str, token: &str, body: String) -> Result<(u16, Value)> {
    Http2::open(address).await?.post(path, token, body).await
}
