//! What every command has around it: rights, counts, traces, and a panic that does not spread.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;

use super::{Caller, Operation, Refusal, Result, Services};
use domain::id::ObjectId;

impl Services {
    /// Runs a use case with a request id of its own.
    ///
    /// # Errors
    /// Those of [`Services::run_as`].
    pub(super) async fn run<T>(
        &self,
        operation: &'static Operation,
        caller: &Caller,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let request = if caller.is_user() { self.ids.next(self.clock.now()) } else { NO_REQUEST };
        self.run_as(operation, caller, request, work).await
    }

    /// Runs a use case. The calls of users are counted, traced and logged here; those of tokens are where they are
    /// answered.
    ///
    /// # Errors
    /// The caller's rights do not allow it, or the use case fails.
    pub(super) async fn run_as<T>(
        &self,
        operation: &'static Operation,
        caller: &Caller,
        request: ObjectId,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        caller.permit(operation).map_err(Refusal::Forbidden)?;
        if !caller.is_user() {
            return work.await;
        }
        let start = Instant::now();
        // What a use case leaves half done lies in the store, whose transactions end with their connection.
        let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Refusal::Panicked));
        let status = outcome.as_ref().map_or_else(Refusal::status, |_| 200);
        if let Err(refusal) = &outcome {
            refusal.count(&self.metrics);
            if status >= 500 {
                let error = refusal.store_error().map(ToString::to_string);
                tracing::error!(%request, operation = operation.path, error, "app: operation failed");
            }
        }
        self.metrics.answered(operation.path, status, start.elapsed());
        self.spans.answered(request, operation.path, status, start);
        tracing::debug!(%request, operation = operation.path, status, "app: operation ended");
        outcome
    }
}

/// The id of a call that is traced elsewhere.
const NO_REQUEST: ObjectId = ObjectId::from_bytes([0; 12]);
