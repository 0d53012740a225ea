//! Connections as they are accepted: each with its slot, and watched while it reads and writes.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

use super::connection_limit::{ConnectionLimit, Slot};

/// How long a client may take nothing of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

impl Address for Peer {
    type Stream = Connection;
    type Listener = Listener;
}

/// A listener that accepts no more connections than there are slots.
#[derive(Debug)]
pub struct Listener {
    /// Where they come from.
    pub socket: TcpListener,
    /// Their slots.
    pub limit: ConnectionLimit,
}

impl AddrListener<Connection, Peer> for Listener {
    async fn bind_to(_: Peer) -> io::Result<Self> {
        // Sockets are bound by the command, which says what is wrong with an address.
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn accept_stream(&self) -> io::Result<(Connection, Peer)> {
        let (stream, address) = self.socket.accept().await?;
        let slot = self.limit.acquire(address.ip()).await;
        // Answers are small and must not wait for more; a socket that refuses is only slower.
        let _ = stream.set_nodelay(true);
        Ok((Connection { stream, stuck: None, slot }, Peer(address)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.socket.local_addr().map(Peer)
    }
}

/// A connection that is closed when another got its slot, or when its client does not take what is written to it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Set while nothing can be written; when it has passed, the connection is given up.
    stuck: Option<Pin<Box<Sleep>>>,
    /// Its slot.
    pub slot: Arc<Slot>,
}

impl Connection {
    /// Ready with an error when the connection is to be closed. Also while writing: a client that reads nothing must
    /// not keep its socket.
    fn stay(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let closing = self.slot.is_closing(context);
        Poll::Ready(if closing { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) })
    }

    fn watch(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.stay(context))?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.stay(context))?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.stay(context))?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
