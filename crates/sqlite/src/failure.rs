//! A disk that has failed, or files that were moved away.
//!
//! After a sync that failed the system may take its own copy of a page for what is on disk: whatever is committed or
//! read from then on may not be there tomorrow. So nothing is, and the process ends. Whoever opens the store after it
//! has what the disk has kept, and the log that was not emptied.

use std::sync::Arc;

use tokio::sync::watch;

use storage::Error;

/// Whether that has happened, known to all threads of a store.
#[derive(Clone)]
pub struct Failure(Arc<watch::Sender<Option<Error>>>);

impl Failure {
    /// It has not.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Takes note of an error, if it is one of those.
    pub fn note(&self, error: &Error) {
        if matches!(error, Error::NotSynced(_) | Error::Moved(_)) {
            // The first is the one to be told.
            self.0.send_if_modified(|failure| {
                let first = failure.is_none();
                failure.get_or_insert_with(|| error.clone());
                first
            });
        }
    }

    /// The error, once there was one.
    pub fn check(&self) -> Result<(), Error> {
        self.0.borrow().clone().map_or(Ok(()), Err)
    }

    /// Waits until there is one.
    pub async fn wait(&self) -> Error {
        let mut seen = self.0.subscribe();
        // The sender lives in `self`, so waiting for it cannot fail.
        match seen.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(error)) => error,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
