//! Transactions without threads: each takes its turn on the runtime of who asks, and somebody watches the turns.
//!
//! On a runtime of one thread nothing is then left to the scheduler of the machine, and whoever watches can hold a
//! transaction back, have it fail, or stop the world between it and what follows. Simulations do; a server must not,
//! since a transaction blocks the runtime for as long as it takes.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::worker::{gone, run};
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
    failure: Failure,
    turns: Arc<dyn Turns>,
}

impl<S: Send + 'static> Taken<S> {
    pub(super) fn new(kind: &'static str, state: S, failure: Failure, turns: Arc<dyn Turns>) -> Self {
        Self { kind, state: Arc::new(Mutex::new(state)), failure, turns }
    }

    pub(super) async fn call<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    {
        let (kind, state, turns) = (self.kind, Arc::clone(&self.state), Arc::clone(&self.turns));
        let failure = self.failure.clone();
        // A task of its own: it runs to its end, as on a thread, though the caller stops waiting.
        let turn = tokio::spawn(async move {
            let mut state = state.lock().await;
            turns.before(kind).await?;
            let outcome = run(job, &mut *state, &failure);
            turns.after(kind).await?;
            outcome
        });
        turn.await.map_err(|_| gone())?
    }
}
