//! Requests that do not parse: no handler sees them, and hyper answers them itself with a status and no body. The body
//! is added here, so that every answer is JSON.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::answer::Answered;
use super::connection_limit::Slot;
use domain::problem::{self, Problem};

/// How the answers begin that hyper gives by itself.
const BEGIN: &[u8] = b"HTTP/1.1 4";

/// For how long a client that is still writing is read after such an answer. A socket that is closed with bytes unread
/// makes the client's system drop the answer.
const LINGER: Duration = Duration::from_secs(2);

/// A connection in the clear, above TLS.
#[derive(Debug)]
pub struct Stream<S> {
    stream: S,
    slot: Arc<Slot>,
    /// What is still to be written of an answer in place of hyper's.
    answer: Option<Bytes>,
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S> Stream<S> {
    /// Around a connection.
    pub const fn new(stream: S, slot: Arc<Slot>) -> Self {
        Self { stream, slot, answer: None, linger: None }
    }
}

/// The answer to a request that does not parse: hyper's `head` with a body; `None` where that is something else.
fn answer(head: &[u8]) -> Option<Bytes> {
    let status = head.starts_with(BEGIN).then(|| head.get(9..12))??;
    let status = StatusCode::from_bytes(status).ok()?;
    let problem = match status {
        StatusCode::URI_TOO_LONG => Problem::new("URI_TOO_LONG", "Request URI is too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new("HEADERS_TOO_LARGE", "Request headers are too large or too many")
        }
        _ => problem::bad_request(),
    };
    let body = Answered::refusal(status, None, vec![problem], None).body;
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    Some([head.as_bytes(), &body].concat().into())
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// Writes an answer in place of `bytes`, where these are one that hyper gives by itself: no request is in progress,
    /// and everything before was sent, so they can be nothing else that begins so. (HTTP/2 writes frames, whose first
    /// bytes are their length.)
    fn replace(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        if self.answer.is_none() && self.slot.is_quiet() {
            self.answer = answer(bytes);
        }
        let answer = self.answer.as_mut()?;
        while answer.has_remaining() {
            match Pin::new(&mut self.stream).poll_write(context, answer) {
                Poll::Ready(Ok(written)) => answer.advance(written),
                other => return Some(other),
            }
        }
        Some(Poll::Ready(Ok(bytes.len())))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.replace(bytes, context) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bytes.first().and_then(|first| self.replace(first, context)) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.slot.sent();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if self.answer.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
        let this = &mut *self;
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut bytes = [0; 8 << 10];
        while linger.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                // It has ended.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
