//! The group-commit writer: all who wait share one commit, and are answered after it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::id::ObjectId;
use crate::journal::Batch;
use crate::metrics::{Metrics, Work};
use crate::spans::Spans;
use crate::storage::{self, AppendError, Appended, Backlog, Journal};

/// Batches of one commit: enough that the commit costs each of them little, few enough that it stays short.
const GROUP: usize = 64;

/// Why a batch was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// Too many batches wait to be applied, of all accounts or of this one.
    Backlog,
    /// The store could not commit; nothing was kept.
    NotKept,
    /// It cannot be known whether the store has committed.
    Unknown,
}

impl NotAccepted {
    /// The words for it, in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backlog => "too many wait",
            Self::NotKept => "not kept",
            Self::Unknown => "outcome unknown",
        }
    }
}

type Waiter = (Arc<Batch>, oneshot::Sender<Result<Appended, NotAccepted>>);

/// Hands batches to the task that commits them.
#[derive(Clone)]
pub struct Writer {
    storage: Arc<dyn Journal>,
    max_backlog: Backlog,
    waiters: mpsc::Sender<Waiter>,
}

impl Writer {
    /// A writer, and the task that commits; the task ends when the last writer is gone and all are answered.
    /// `appended` is told after every commit.
    pub fn new(
        storage: Arc<dyn Journal>,
        max_backlog: Backlog,
        appended: Arc<Notify>,
        (metrics, spans): (Arc<Metrics>, Spans),
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (waiters, queue) = mpsc::channel(GROUP);
        let task = run(Committing { storage: Arc::clone(&storage), metrics, spans }, queue, appended);
        (Self { storage, max_backlog, waiters }, task)
    }

    /// Makes a batch durable.
    ///
    /// # Errors
    /// See [`NotAccepted`].
    pub async fn append(&self, batch: Batch) -> Result<Appended, NotAccepted> {
        let (all, own) = (self.storage.backlog(), self.storage.backlog_of(batch.account));
        let has_room = |all: u64, own: u64, max: u64| all < max && own <= max - all;
        // An account gets no more than is left free: one alone half of it, of two a third each.
        if !has_room(all.batches, own.batches, self.max_backlog.batches)
            || !has_room(all.bytes, own.bytes, self.max_backlog.bytes)
        {
            return Err(NotAccepted::Backlog);
        }
        let (answer, outcome) = oneshot::channel();
        // The task ends only after all writers, so neither can fail while this one is here; if it died, whether
        // the batch was kept is not known.
        self.waiters.send((Arc::new(batch), answer)).await.map_err(|_| NotAccepted::NotKept)?;
        outcome.await.unwrap_or(Err(NotAccepted::Unknown))
    }
}

/// What the task that commits works with.
struct Committing {
    storage: Arc<dyn Journal>,
    metrics: Arc<Metrics>,
    spans: Spans,
}

async fn run(committing: Committing, mut queue: mpsc::Receiver<Waiter>, appended: Arc<Notify>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let (batches, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let (count, start) = (batches.len(), Instant::now());
        let outcomes = committing.append(batches.clone()).await;
        for ((batch, outcome), answer) in batches.into_iter().zip(outcomes).zip(answers) {
            let request = batch.request;
            let outcome = match outcome {
                // One batch that the store cannot take must not be the end of the others.
                Err(NotAccepted::NotKept) if count > 1 => {
                    let alone = committing.append(vec![batch]).await;
                    alone.into_iter().next().unwrap_or(Err(NotAccepted::Unknown))
                }
                outcome => outcome,
            };
            committing.tell(request, count, outcome.as_ref().map(|_| ()).map_err(|refused| *refused), start);
            // A caller that has gone away wants no answer.
            let _ = answer.send(outcome);
        }
        appended.notify_one();
    }
}

impl Committing {
    /// Tells the log and the collector what became of a batch.
    fn tell(&self, request: ObjectId, batches: usize, outcome: Result<(), NotAccepted>, start: Instant) {
        match outcome {
            Ok(()) => tracing::debug!(%request, batches, "journal: batch on disk"),
            Err(refused) => {
                tracing::warn!(%request, outcome = refused.word(), "journal: storing a batch failed")
            }
        }
        self.spans.appended(request, batches, outcome, start);
    }

    /// What became of each batch.
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Vec<Result<Appended, NotAccepted>> {
        let (count, start) = (batches.len(), Instant::now());
        let storage = Arc::clone(&self.storage);
        // A task of its own: a panic in the store must not be the end of accepting.
        let appended = tokio::spawn(async move { storage.append(batches).await }).await;
        self.metrics.committed(start.elapsed());
        let error = match appended {
            Ok(Ok(appended)) => return appended.into_iter().map(Ok).collect(),
            Ok(Err(error)) => error,
            Err(panic) => AppendError::Unknown(storage::Error::Unavailable(panic.to_string())),
        };
        self.metrics.store_error(Work::Append);
        match error {
            AppendError::Apart(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(|error| refusal(1, &error))).collect()
            }
            error => vec![Err(refusal(count, &error)); count],
        }
    }
}

fn refusal(count: usize, error: &AppendError) -> NotAccepted {
    tracing::error!(count, %error, "journal: storing batches failed");
    match error {
        AppendError::NotKept(_) => NotAccepted::NotKept,
        AppendError::Unknown(_) | AppendError::Apart(_) => NotAccepted::Unknown,
    }
}
