//! Bodies that nobody reads to the end.
//!
//! A server that closes while the client still writes makes the client's system throw the answer away. So the
//! rest of a body is read, for a while, before the connection goes (contract, section 1).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// How much of a refused body is read.
const MAX_BYTES: usize = 16 << 20;

/// For how long.
const MAX_TIME: Duration = Duration::from_secs(2);

/// A body whose rest is read in the background when it is dropped.
pub struct Draining(Option<Body>);

impl Draining {
    /// Around a request's body.
    pub const fn new(body: Body) -> Self {
        Self(Some(body))
    }
}

impl http_body::Body for Draining {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(drain(body));
        }
    }
}

/// At most as many of these run as there are connections.
async fn drain(mut body: Body) {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > MAX_BYTES {
                break;
            }
        }
    };
    // When the time is up the connection is closed, whatever the client does.
    let _ = tokio::time::timeout(MAX_TIME, read).await;
}
