//! The state of handlers.

use std::sync::Arc;

use crate::flights::Flights;
use crate::guesses::Guesses;
use crate::login::Console;
use crate::rejections::Rejections;
use crate::used::Used;
use jobs::JobRuntime;

/// The state of handlers.
pub struct App {
    /// The use cases, what they work with, and jobs.
    pub server: Arc<JobRuntime>,
    /// Counts requests per token.
    pub flights: Flights,
    /// Counts wrong tokens per address.
    pub guesses: Guesses,
    /// Counts wrong unsubscribe links per address.
    pub link_guesses: Guesses,
    /// When tokens were used last.
    pub used: Used,
    /// Requests that were rejected.
    pub rejections: Rejections,
    /// What signing in needs.
    pub console: Console,
}

impl std::ops::Deref for App {
    type Target = JobRuntime;

    fn deref(&self) -> &JobRuntime {
        &self.server
    }
}
