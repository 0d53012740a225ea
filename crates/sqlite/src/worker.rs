//! Threads that own connections: SQLite blocks, and the server's threads must not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use super::turns::{Hands, Taken};
use storage::Error;

/// A job of any kind, given its state or the reason why it has none. It gives back how its caller is answered, once it is
/// known whether all is well. What jobs go through is compiled once, and not for each of 150 kinds.
pub type Job<S> = Box<dyn FnOnce(Result<&mut S, Error>) -> Answer + Send>;

/// Answers the caller: with what the job came to, or with that error.
pub type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Jobs that may wait for a thread; a caller beyond that waits before it hands its job over.
const QUEUE: usize = 256;

/// Those who take jobs from one bounded queue, each with a state of its own.
pub enum Workers<S> {
    /// One or more threads.
    Threads(Threads<S>),
    /// Tasks of the caller's runtime, one after another.
    Taken(Taken<S>),
}

impl<S: Send + 'static> Workers<S> {
    /// Starts a thread for each state; without threads, the first state serves all. Once the disk has failed one of
    /// those who share `failure`, none works any more.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(
        name: &'static str,
        states: Vec<S>,
        failure: &Failure,
        hands: &Hands,
    ) -> Result<Self, Error> {
        match hands {
            Hands::Threads => Threads::start(name, states, failure).map(Self::Threads),
            Hands::Turns(turns) => {
                let state = states.into_iter().next();
                let state = state.ok_or_else(|| Error::Unavailable(format!("nothing for {name}")))?;
                Ok(Self::Taken(Taken::new(name, state, failure.clone(), Arc::clone(turns))))
            }
        }
    }

    /// Runs `job` on one of them. It runs to its end even where the caller stops waiting for it.
    ///
    /// # Errors
    /// What the job fails with; [`Error::Failed`] where it panicked.
    pub async fn call<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let failure = match self {
            Self::Threads(threads) => threads.failure.clone(),
            Self::Taken(taken) => taken.failure.clone(),
        };
        let job: Job<S> = Box::new(move |state| {
            let outcome = state.and_then(|state| run(job, state, &failure));
            Box::new(move |done| {
                // A caller that has gone away wants no answer.
                let _ = answer.send(done.and(outcome));
            })
        });
        match self {
            Self::Threads(threads) => threads.take(job).await?,
            Self::Taken(taken) => taken.take(job),
        }
        result.await.map_err(|_| gone())?
    }
}

/// One or more threads, each with a state of its own, that take jobs from one bounded queue.
pub struct Threads<S> {
    jobs: Option<mpsc::Sender<Job<S>>>,
    threads: Vec<JoinHandle<S>>,
    failure: Failure,
}

impl<S: Send + 'static> Threads<S> {
    fn start(name: &str, states: Vec<S>, failure: &Failure) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel::<Job<S>>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::with_capacity(states.len());
        for mut state in states {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                loop {
                    // Holding the lock while waiting is the point: one idle thread waits, the others wait for it.
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                    let Some(job) = job else { break };
                    job(Ok(&mut state))(Ok(()));
                }
                state
            });
            threads.push(thread.map_err(|error| Error::Unavailable(error.to_string()))?);
        }
        Ok(Self { jobs: Some(jobs), threads, failure: failure.clone() })
    }

    async fn take(&self, job: Job<S>) -> Result<(), Error> {
        self.jobs.as_ref().ok_or_else(gone)?.send(job).await.map_err(|_| gone())
    }
}

impl<S> Drop for Threads<S> {
    /// Waits for the jobs that were handed over, so that connections are closed in order.
    fn drop(&mut self) {
        self.jobs = None;
        let threads = self.threads.drain(..);
        // Threads end by themselves once the queue is closed; a panic in one was reported already.
        let states: Vec<_> = threads.filter_map(|thread| thread.join().ok()).collect();
        // One after another: of two connections that are closed at once, neither is the last, and the log stays.
        states.into_iter().for_each(drop);
    }
}

/// Runs a job, whatever it does, unless the disk has failed.
fn run<S, T>(
    job: impl FnOnce(&mut S) -> Result<T, Error>,
    state: &mut S,
    failure: &Failure,
) -> Result<T, Error> {
    let mut outcome = Err(Error::Failed("a transaction panicked".to_owned()));
    let mut job = Some(job);
    caught(&mut || {
        outcome = failure.check().and_then(|()| job.take().map_or_else(|| Err(gone()), |job| job(state)));
    });
    // Before anybody is answered: what the disk has not taken is not done, whatever the job makes of it.
    if let Err(error) = &outcome {
        failure.note(error);
    }
    failure.check().and(outcome)
}

/// Does some work, which may panic.
fn caught(work: &mut dyn FnMut()) {
    // The panic is in the log by then, and the outcome says so to the caller.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// What a caller is told whose job nobody does.
pub fn gone() -> Error {
    Error::Unavailable("the thread of the store has stopped".to_owned())
}
