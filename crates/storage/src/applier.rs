//! Applying batches.

use async_trait::async_trait;

use super::{Applied, Error, ItemResult};
use domain::clock::Timestamp;
use domain::journal::{Batch, ContactNo, ListNo};

/// Applies accepted batches to contacts.
#[async_trait]
pub trait Applier: Send + Sync + 'static {
    /// What a batch would do to the contacts as they are now. Nothing is kept.
    async fn dry_run(&self, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error>;

    /// Applies the next batches, at most `max`, in one transaction with how far that has come. The batches of a list,
    /// and those that are about an account and all its lists, are applied in the order in which they were accepted;
    /// accounts take turns. With a `max` of 0 it only looks what waits.
    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error>;

    /// How many may call `apply_next` side by side with a gain.
    fn appliers(&self) -> usize {
        1
    }

    /// Contacts that were found to be damaged since the store was opened, a thousand at most; kept in memory.
    fn damaged_contacts(&self) -> Vec<(ListNo, ContactNo)> {
        Vec::new()
    }
}
