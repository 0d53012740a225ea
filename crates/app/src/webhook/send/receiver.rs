//! Receivers on loopback for the tests of the sender.

#![allow(clippy::unwrap_used, reason = "a test without its receiver should fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with a request: the bytes that it answers, and whether it closes after them.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) bytes: &'static str,
    pub(super) close: bool,
}

pub(super) const fn keep(bytes: &'static str) -> Answer {
    Answer { bytes, close: false }
}

pub(super) const fn close(bytes: &'static str) -> Answer {
    Answer { bytes, close: true }
}

/// A request as it came in, and the number of the connection over which it came.
pub(super) struct Received {
    pub(super) connection: usize,
    pub(super) text: String,
}

/// A receiver that answers the n-th request with the n-th answer, and all further ones with the last.
pub(super) struct Receiver {
    pub(super) port: u16,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    pub(super) async fn answering(answers: &'static [Answer]) -> Receiver {
        Receiver::start(answers, None).await
    }

    pub(super) async fn over_tls(answers: &'static [Answer], acceptor: TlsAcceptor) -> Receiver {
        Receiver::start(answers, Some(acceptor)).await
    }

    async fn start(answers: &'static [Answer], tls: Option<TlsAcceptor>) -> Receiver {
        let (sender, received) = mpsc::unbounded_channel();
        let requests = Arc::new(AtomicUsize::new(0));
        let port = behaving(move |connection, stream| {
            let (tls, sender, requests) = (tls.clone(), sender.clone(), requests.clone());
            async move {
                let next = || {
                    let n = requests.fetch_add(1, Ordering::SeqCst);
                    answers[n.min(answers.len() - 1)]
                };
                match tls {
                    None => serve(stream, connection, next, sender).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, connection, next, sender).await;
                        }
                    }
                }
            }
        })
        .await;
        Receiver { port, received }
    }

    /// The requests that have come so far.
    pub(super) fn received(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

/// Listens on a port of 127.0.0.1 and treats each connection, numbered from 0, as `behave` says.
pub(super) async fn behaving<F, Fut>(behave: F) -> u16
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(behave(connection, stream));
        }
    });
    port
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    next: impl Fn() -> Answer,
    received: mpsc::UnboundedSender<Received>,
) {
    while let Some(text) = read_request(&mut stream).await {
        received.send(Received { connection, text }).ok();
        let answer = next();
        stream.write_all(answer.bytes.as_bytes()).await.ok();
        stream.flush().await.ok();
        if answer.close {
            stream.shutdown().await.ok();
            return;
        }
    }
}

/// Reads one request, head and body; `None` when the client has gone.
pub(super) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.rsplit_once("content-length: ").unwrap().1;
            if body.len() == length.lines().next().unwrap().parse::<usize>().unwrap() {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
