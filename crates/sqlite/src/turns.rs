//! Transactions without threads: each takes its turn on the runtime of who asks, and somebody watches the turns.
//!
//! On a runtime of one thread nothing is then left to the scheduler of the machine, and whoever watches can hold a
//! transaction back, have it fail, or stop the unit of work between it and what follows. Simulations do; a server must not,
//! since a transaction blocks the runtime for as long as it takes.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::worker::Job;
use storage::Error;

/// Who carries out the transactions of a store.
#[derive(Clone, Default)]
pub enum Hands {
    /// Threads of the store's own.
    #[default]
    Threads,
    /// Tasks of the caller's runtime, before and after which somebody is asked.
    Turns(Arc<dyn Turns>),
}

/// Watches the turns. Those of one kind (`intake`, `store`, `reader`, `gate`) are taken one after another, in the order
/// in which they were asked for.
#[async_trait]
pub trait Turns: Send + Sync + 'static {
    /// Before a transaction. Where this fails, the transaction is not begun, and ends in that.
    ///
    /// # Errors
    /// At will.
    async fn before(&self, kind: &'static str) -> Result<(), Error>;

    /// After it. Where this fails, whoever asked is told so, though the transaction is done.
    ///
    /// # Errors
    /// At will.
    async fn after(&self, kind: &'static str) -> Result<(), Error>;
}

/// One state, and those who take turns with it.
pub struct Taken<S> {
    kind: &'static str,
    state: Arc<Mutex<S>>,
    pub(super) failure: Failure,
    turns: Arc<dyn Turns>,
}

impl<S: Send + 'static> Taken<S> {
    pub(super) fn new(kind: &'static str, state: S, failure: Failure, turns: Arc<dyn Turns>) -> Self {
        Self { kind, state: Arc::new(Mutex::new(state)), failure, turns }
    }

    /// Carries out a job in a task of its own: it runs to its end, as on a thread, though the caller stops waiting.
    pub(super) fn take(&self, job: Job<S>) {
        let (kind, state, turns) = (self.kind, Arc::clone(&self.state), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let mut state = state.lock().await;
            let answer = match turns.before(kind).await {
                Ok(()) => job(Ok(&mut state)),
                Err(error) => return job(Err(error))(Ok(())),
            };
            answer(turns.after(kind).await);
        });
    }
}
