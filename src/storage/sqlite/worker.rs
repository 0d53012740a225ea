//! Threads that own connections: SQLite blocks, and the server's threads must not.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use crate::storage::Error;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Jobs that may wait for a thread; a caller beyond that waits before it hands its job over.
const QUEUE: usize = 256;

/// One or more threads, each with a state of its own, that take jobs from one bounded queue.
pub struct Workers<S> {
    jobs: Option<mpsc::Sender<Job<S>>>,
    threads: Vec<JoinHandle<S>>,
    failure: Failure,
}

impl<S: Send + 'static> Workers<S> {
    /// Starts a thread for each state. Once the disk has failed one of those who share `failure`, none works any more.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(name: &str, states: Vec<S>, failure: &Failure) -> Result<Self, Error> {
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
                    job(&mut state);
                }
                state
            });
            threads.push(thread.map_err(|error| Error::Unavailable(error.to_string()))?);
        }
        Ok(Self { jobs: Some(jobs), threads, failure: failure.clone() })
    }

    /// Runs `job` on one of the threads. It runs to its end even where the caller stops waiting for it.
    ///
    /// # Errors
    /// What the job fails with; [`Error::Unavailable`] where it panicked.
    pub async fn call<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    {
        let gone = || Error::Unavailable("the thread of the store has stopped".to_owned());
        let (answer, result) = oneshot::channel();
        let failure = self.failure.clone();
        let job: Job<S> = Box::new(move |state| {
            let run = || failure.check().and_then(|()| job(state));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
                .unwrap_or_else(|_| Err(Error::Unavailable("a transaction panicked".to_owned())));
            // Before anybody is answered: what the disk has not taken is not done, whatever the job makes of it.
            if let Err(error) = &outcome {
                failure.note(error);
            }
            let outcome = failure.check().and(outcome);
            // A caller that has gone away wants no answer.
            let _ = answer.send(outcome);
        });
        self.jobs.as_ref().ok_or_else(gone)?.send(job).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

impl<S> Drop for Workers<S> {
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
