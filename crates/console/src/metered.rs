//! A form with a file in it, read with bounds: what parses it keeps all that comes before it finds something.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

/// Bytes in which nothing is found: neither a field, nor a piece of one.
const MAX: usize = 1 << 20;

/// Bytes that are given before others have their turn; the parser takes all that it is given.
const TURN: usize = 64 << 10;

/// How much was given to the parser since it has found something.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// It has found something.
    pub fn found(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A body that fails where its parser finds nothing in it for long.
pub struct Metered {
    body: Body,
    meter: Meter,
    turn: usize,
}

impl Metered {
    /// Around a request's body.
    pub const fn new(body: Body, meter: Meter) -> Self {
        Self { body, meter, turn: 0 }
    }
}

impl http_body::Body for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.turn > TURN {
            self.turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.turn += length;
            if self.meter.0.fetch_add(length, Ordering::Relaxed) + length > MAX {
                return Poll::Ready(Some(Err(axum::Error::new("nothing was found in much"))));
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
