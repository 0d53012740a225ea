//! Accepted batches, until they are applied.

use std::sync::Arc;

use async_trait::async_trait;

use super::{AppendError, Appended, Backlog, Error, Remembered};
use domain::clock::Timestamp;
use domain::journal::{AccountNo, Batch, ListNo};

/// The journal of accepted batches.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Makes batches durable, in their order, those of one list all or none. One whose `Idempotency-Key` its account has
    /// used for its list before is left out; both are decided in one transaction, so of two that race one is kept.
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError>;

    /// The queue in which a batch gets its position. Batches of several queues are appended side by side.
    fn queue_of(&self, _batch: &Batch) -> ListNo {
        ListNo::NONE
    }

    /// How many may call `append` side by side.
    fn max_appends(&self) -> usize {
        1
    }

    /// What was accepted with an `Idempotency-Key` after `since`.
    async fn find_once(
        &self,
        account: AccountNo,
        list: ListNo,
        key: String,
        since: Timestamp,
    ) -> Result<Option<Remembered>, Error>;

    /// What waits; kept in memory, so it costs nothing. What other processes have appended or applied is known after
    /// the next `apply_next`.
    fn backlog(&self) -> Backlog;

    /// What waits of an account, in the same way.
    fn backlog_of(&self, account: AccountNo) -> Backlog;

    /// When the oldest batch that waits was accepted.
    async fn oldest_waiting(&self) -> Result<Option<Timestamp>, Error>;
}
