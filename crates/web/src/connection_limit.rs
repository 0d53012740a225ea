//! At most `max_connections` sockets are open at a time. Each holds a slot from before it is read until it is closed,
//! whatever it does: connections beyond the limit wait in the listen queue of the system.
//!
//! When no slot is free, a connection that is in no admitted request gives way. An admitted request is one with a valid
//! access token or session, until its answer is sent: it is never closed for another connection. First come connections
//! that were never admitted, the oldest first. So strangers who reconnect close each other, and a client with a valid
//! token has the time of a whole turn of the slots to present it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::auth_throttle::household;
use observe::metrics::Connections;

/// One slot in so many is for connections that were not admitted yet. Beyond that they close each other, and no idle
/// connections of admitted clients.
const NEWCOMERS: usize = 8;

/// One slot in so many is what unadmitted connections of one address take from others. Beyond that they close each
/// other.
const SHARE: usize = 4;

/// How long a new connection waits for the one that gives way before it chooses another.
const CLOSING: Duration = Duration::from_millis(50);

/// For how long an answer that has ended may lie unread before its connection counts as idle.
const UNREAD: Duration = Duration::from_secs(30);

/// How often the log says how many connections gave way.
const LOG: Duration = Duration::from_secs(1);

/// The limit, and what holds its slots.
#[derive(Debug)]
pub struct ConnectionLimit {
    max: usize,
    free: Arc<Semaphore>,
    open: Mutex<Vec<Weak<Slot>>>,
    metrics: Connections,
    unlogged: Arc<AtomicU64>,
}

impl ConnectionLimit {
    /// At most `max` connections, counted in `metrics`.
    pub fn new(max: usize, metrics: Connections) -> Self {
        let free = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        Self { max, free, open: Mutex::default(), metrics, unlogged: Arc::default() }
    }

    /// Waits for a slot for a connection of `client`, and closes another if none is free.
    pub async fn acquire(&self, client: IpAddr) -> Arc<Slot> {
        let network = household(client.to_canonical());
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            self.make_room(network);
            // A handler that does not look at its socket keeps it for a while: then another gives way too.
            if let Ok(Ok(permit)) = timeout(CLOSING, Arc::clone(&self.free).acquire_owned()).await {
                break permit;
            }
        };
        self.metrics.open.inc();
        let (opened, metrics) = (Instant::now(), self.metrics.clone());
        let slot = Arc::new(Slot { network, opened, state: Mutex::default(), metrics, _permit: permit });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are closed are forgotten now and then, so that this costs no walk each time.
        if open.len() > 2 * self.max {
            open.retain(|slot| slot.strong_count() > 0);
        }
        open.push(Arc::downgrade(&slot));
        slot
    }

    /// Closes the connection that gives way to one of `network`, if there is one.
    fn make_room(&self, network: IpAddr) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = open.iter().filter_map(Weak::upgrade).filter_map(|slot| {
            let (known, since) = slot.gives_way()?;
            Some((since, known, slot))
        });
        let candidates: Vec<_> = candidates.collect();
        drop(open);
        let oldest = |fits: &dyn Fn(bool, IpAddr) -> bool| {
            let of = candidates.iter().filter(|(_, known, slot)| fits(*known, slot.network));
            (of.clone().count(), of.min_by_key(|(since, ..)| *since))
        };
        let (own, oldest_own) = oldest(&|known, of| !known && of == network);
        let (newcomers, newcomer) = oldest(&|known, _| !known);
        let (_, idle) = oldest(&|known, _| known);
        let newcomer = if own * SHARE >= self.max { oldest_own } else { newcomer };
        let chosen = if newcomers * NEWCOMERS < self.max { idle.or(newcomer) } else { newcomer.or(idle) };
        if let Some((.., slot)) = chosen {
            slot.close();
            self.count();
        }
    }

    /// Counts a connection that gave way. However many there are, the log has a line a second.
    fn count(&self) {
        self.metrics.closed.inc();
        if self.unlogged.fetch_add(1, Ordering::Relaxed) == 0 {
            let (max, unlogged) = (self.max, Arc::clone(&self.unlogged));
            tokio::spawn(async move {
                sleep(LOG).await;
                let closed = unlogged.swap(0, Ordering::Relaxed);
                tracing::warn!(max, closed, "http: connection limit reached, connections closed");
            });
        }
    }
}

/// What is known of one connection. It is given back when this is dropped.
#[derive(Debug)]
pub struct Slot {
    network: IpAddr,
    opened: Instant,
    state: Mutex<State>,
    metrics: Connections,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct State {
    /// Requests whose answers have not ended.
    requests: usize,
    /// The admitted ones among them.
    admitted: usize,
    /// When the last admitted one began or ended.
    known: Option<Instant>,
    /// Whether parts of an answer that has ended may not be written yet.
    unsent: bool,
    closing: bool,
    waker: Option<Waker>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was ever admitted, and since when it is in no admitted request; `None` while it is in one.
    fn gives_way(&self) -> Option<(bool, Instant)> {
        let state = self.lock();
        let Some(last) = state.known else { return (!state.closing).then_some((false, self.opened)) };
        let busy = state.closing || state.admitted > 0 || (state.unsent && last.elapsed() < UNREAD);
        (!busy).then_some((true, last))
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Whether the connection must be closed because another gets its slot; wakes the task when that happens.
    pub fn is_closing(&self, context: &Context<'_>) -> bool {
        let mut state = self.lock();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        state.closing
    }

    /// A request begins.
    pub fn begin(&self) {
        let mut state = self.lock();
        state.requests += 1;
        state.unsent = true;
    }

    /// A request that has begun has a valid token or session.
    pub fn admit(&self) {
        let mut state = self.lock();
        state.admitted += 1;
        state.known = Some(Instant::now());
    }

    /// The answer of a request has ended, though it may not be sent.
    pub fn end(&self, admitted: bool) {
        let mut state = self.lock();
        state.requests -= 1;
        if admitted {
            state.admitted -= 1;
            state.known = Some(Instant::now());
        }
    }

    /// All that was written is sent.
    pub fn sent(&self) {
        let mut state = self.lock();
        state.unsent &= state.requests > 0;
    }

    /// Whether no request is in progress, and all answers are sent.
    pub fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.requests == 0 && !state.unsent
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.metrics.open.dec();
    }
}

#[cfg(test)]
#[path = "connection_limit/tests.rs"]
mod tests;
