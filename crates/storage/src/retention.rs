//! Deleting what is stored for a time only.

use std::time::Duration;

use async_trait::async_trait;

use super::{Error, RetentionPolicy};
use crate::Reckoning;
use domain::clock::Timestamp;

/// Deletes what is stored for a time only.
#[async_trait]
pub trait Retention: Send + Sync + 'static {
    /// Moves the reckoning of time that has passed on, see [`Reckoning::next`]: `seen` is the one that this process was
    /// given last, `elapsed` ago.
    async fn reckon(
        &self,
        seen: Option<Reckoning>,
        elapsed: Duration,
        system: Timestamp,
    ) -> Result<Reckoning, Error>;

    /// Forgets a chunk of what was kept for a time only. Returns how many rows went; call again while it is not 0.
    async fn prune(&self, keep: RetentionPolicy) -> Result<usize, Error>;
}
