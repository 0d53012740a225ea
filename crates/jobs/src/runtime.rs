//! What jobs run with.

use std::sync::Arc;

use super::JobService;
use app::{Commands, Limits, Queries, Services};

/// The use cases, what they work with, and the service of jobs.
pub struct JobRuntime {
    /// What use cases work with.
    pub services: Arc<Services>,
    /// The use cases that change something.
    pub commands: Commands,
    /// The use cases that read.
    pub queries: Queries,
    /// Imports and changes of many contacts.
    pub jobs: Arc<JobService>,
    /// The bounds.
    pub limits: Limits,
}

impl std::ops::Deref for JobRuntime {
    type Target = Services;

    /// For what is no use case yet.
    fn deref(&self) -> &Services {
        &self.services
    }
}
