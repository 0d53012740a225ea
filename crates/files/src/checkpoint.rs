//! The records of a running import: beside its file, and in the history of imports.

use async_trait::async_trait;

use super::Result;
use super::failures::Failures;
use super::import::Progress;
use super::requests::{ImportedRequest, Requests};
use super::state::{Point, State};

/// The history of imports, which outlives the import.
#[async_trait]
pub trait History: Send + Sync {
    /// Stores requests since the last call, and how far the import is.
    ///
    /// # Errors
    /// They cannot be stored: the import stops, and continues later.
    async fn record(&self, requests: &[ImportedRequest], progress: &Progress) -> Result<()>;
}

/// The records of a running import.
#[derive(Default)]
pub struct Checkpoint {
    /// The point that was reached; a dry run has none.
    pub state: Option<State>,
    /// The rows that were not imported.
    pub failures: Option<Failures>,
    /// The requests that were sent.
    pub requests: Option<Requests>,
    /// The history of imports.
    pub history: Option<Box<dyn History>>,
    /// Requests that the history does not have yet.
    fresh: Vec<ImportedRequest>,
}

impl Checkpoint {
    /// With a file for the failed rows, and nothing else.
    pub fn of_failures(failures: Option<Failures>) -> Self {
        Self { failures, ..Self::default() }
    }

    /// All of them.
    pub fn new(
        state: State,
        failures: Failures,
        requests: Option<Requests>,
        history: Option<Box<dyn History>>,
    ) -> Self {
        let (state, failures) = (Some(state), Some(failures));
        Self { state, failures, requests, history, fresh: Vec::new() }
    }

    /// Notes requests that are done.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn add(&mut self, requests: Vec<ImportedRequest>) -> Result<()> {
        if let Some(file) = &mut self.requests {
            file.add(&requests)?;
        }
        if self.history.is_some() {
            self.fresh.extend(requests);
        }
        Ok(())
    }

    /// Writes down that a point was reached. All that it speaks of is stored before: what is sent again after a crash may
    /// be written down twice, and nothing is missing.
    ///
    /// # Errors
    /// That cannot be stored.
    pub async fn checkpoint(&mut self, point: Point, progress: &Progress) -> Result<()> {
        let moved = self.state.as_ref().is_some_and(|state| state.point != point);
        if let Some(history) = self.history.as_ref().filter(|_| moved || !self.fresh.is_empty()) {
            history.record(&self.fresh, progress).await?;
            self.fresh.clear();
        }
        if let Some(failures) = &mut self.failures {
            failures.sync()?;
        }
        if let Some(requests) = &mut self.requests {
            requests.sync()?;
        }
        match &mut self.state {
            Some(state) => state.reach(point),
            None => Ok(()),
        }
    }
}
