//! The group-commit writer: all who wait share one commit, and are answered after it. Where the store has several
//! queues, each commits by itself: one that is held delays no other.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use domain::id::ObjectId;
use domain::journal::{Batch, ListNo};
use observe::metrics::{Metrics, Work};
use observe::spans::Spans;
use storage::{AppendError, Appended, Backlog, Journal, NotAccepted};

/// Batches of one commit: enough that the commit costs each of them little, few enough that it stays short.
const GROUP: usize = 64;

/// How long a list that another transaction holds is tried: a client waits longer than that for no answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

type Waiter = (Arc<Batch>, Answer);

/// Hands batches to the tasks that commit them: one for each queue of the store in which something waits.
#[derive(Clone)]
pub struct Writer {
    max_backlog: Backlog,
    queues: Arc<Queues>,
}

impl Writer {
    /// A writer, and what ends when the last writer is gone and all are answered. `appended` is told after every
    /// commit.
    pub fn new(
        storage: Arc<dyn Journal>,
        max_backlog: Backlog,
        appended: Arc<Notify>,
        (metrics, spans): (Arc<Metrics>, Spans),
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (alive, mut ended) = mpsc::channel(1);
        let slots = Semaphore::new(storage.max_appends());
        let committing = Committing { storage, metrics, spans, appended, slots };
        let queues = Arc::new(Queues { committing, open: Mutex::default(), _alive: alive });
        (Self { max_backlog, queues }, async move {
            ended.recv().await;
        })
    }

    /// Makes a batch durable.
    ///
    /// # Errors
    /// See [`NotAccepted`].
    pub async fn append(&self, batch: Batch) -> Result<Appended, NotAccepted> {
        let storage = &self.queues.committing.storage;
        let (all, own) = (storage.backlog(), storage.backlog_of(batch.account));
        let has_room = |all: u64, own: u64, max: u64| all < max && own <= max - all;
        // An account gets no more than is left free: one alone half of it, of two a third each.
        if !has_room(all.batches, own.batches, self.max_backlog.batches)
            || !has_room(all.bytes, own.bytes, self.max_backlog.bytes)
        {
            return Err(NotAccepted::Backlog);
        }
        // Held until the answer is there, so that a queue has one task at a time.
        let waiters = self.queues.waiters(storage.queue_of(&batch));
        let (answer, outcome) = oneshot::channel();
        // A task ends only after all who wait for it, so neither can fail while this one does; if it died, whether
        // the batch was kept is not known.
        waiters.send((Arc::new(batch), answer)).await.map_err(|_| NotAccepted::NotKept)?;
        outcome.await.unwrap_or(Err(NotAccepted::Unknown))
    }
}

/// The queues in which something waits. Each holds a group, and callers that wait hold their own batch.
struct Queues {
    committing: Committing,
    open: Mutex<HashMap<ListNo, mpsc::WeakSender<Waiter>>>,
    /// Dropped with the last writer and the last task.
    _alive: mpsc::Sender<Infallible>,
}

impl Queues {
    /// Where batches of a queue go; their task is started if none runs.
    fn waiters(self: &Arc<Self>, queue: ListNo) -> mpsc::Sender<Waiter> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiters) = open.get(&queue).and_then(mpsc::WeakSender::upgrade) {
            return waiters;
        }
        let (waiters, waiting) = mpsc::channel(GROUP);
        open.insert(queue, waiters.downgrade());
        tokio::spawn(Arc::clone(self).run(queue, waiting));
        waiters
    }

    /// Commits until nothing waits in the queue.
    async fn run(self: Arc<Self>, queue: ListNo, mut waiting: mpsc::Receiver<Waiter>) {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            self.committing.commit(group.drain(..).unzip()).await;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&queue).is_some_and(|waiters| waiters.upgrade().is_none()) {
            open.remove(&queue);
        }
    }
}

/// What the tasks that commit work with.
struct Committing {
    storage: Arc<dyn Journal>,
    metrics: Arc<Metrics>,
    spans: Spans,
    appended: Arc<Notify>,
    /// Commits at a time.
    slots: Semaphore,
}

type Answer = oneshot::Sender<Result<Appended, NotAccepted>>;

impl Committing {
    /// Commits a group, and answers each of it.
    async fn commit(&self, (batches, answers): (Vec<Arc<Batch>>, Vec<Answer>)) {
        let (count, start) = (batches.len(), Instant::now());
        let outcomes = self.append(batches.clone()).await;
        for ((batch, outcome), answer) in batches.into_iter().zip(outcomes).zip(answers) {
            let request = batch.request;
            let outcome = match outcome {
                // One batch that the store cannot take must not be the end of the others.
                Err(NotAccepted::NotKept) if count > 1 && start.elapsed() < PATIENCE => {
                    let alone = self.append(vec![batch]).await;
                    alone.into_iter().next().unwrap_or(Err(NotAccepted::Unknown))
                }
                outcome => outcome,
            };
            self.tell(request, count, outcome.as_ref().map(|_| ()).map_err(|refused| *refused), start);
            // A caller that has gone away wants no answer.
            let _ = answer.send(outcome);
        }
        self.appended.notify_one();
    }

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

    /// What became of each batch. If another transaction holds the list, others commit meanwhile.
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Vec<Result<Appended, NotAccepted>> {
        let (count, start) = (batches.len(), Instant::now());
        loop {
            let error = match self.append_once(batches.clone()).await {
                Ok(appended) => return appended.into_iter().map(Ok).collect(),
                Err(error) => error,
            };
            match error {
                AppendError::Held(_) if start.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                AppendError::Apart(outcomes) => {
                    self.metrics.store_error(Work::Append);
                    let refused = |outcome: Result<_, _>| outcome.map_err(|error| refusal(1, &error));
                    return outcomes.into_iter().map(refused).collect();
                }
                error => {
                    self.metrics.store_error(Work::Append);
                    return vec![Err(refusal(count, &error)); count];
                }
            }
        }
    }

    async fn append_once(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
        // It is never closed.
        let _slot = self.slots.acquire().await;
        let (storage, start) = (Arc::clone(&self.storage), Instant::now());
        // A task of its own: a panic in the store must not be the end of accepting.
        let appended = tokio::spawn(async move { storage.append(batches).await }).await;
        self.metrics.committed(start.elapsed());
        appended
            .unwrap_or_else(|panic| Err(AppendError::Unknown(storage::Error::Unavailable(panic.to_string()))))
    }
}

fn refusal(count: usize, error: &AppendError) -> NotAccepted {
    tracing::error!(count, %error, "journal: storing batches failed");
    match error {
        AppendError::NotKept(_) | AppendError::Held(_) => NotAccepted::NotKept,
        AppendError::Unknown(_) | AppendError::Apart(_) => NotAccepted::Unknown,
    }
}
