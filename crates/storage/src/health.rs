//! The state of the store itself.

use async_trait::async_trait;

use super::{Error, Space};

/// The state of the store itself.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    /// Returns once the disk has failed the store, and the process that serves it must end: nothing is committed from
    /// then on. Never, where that is somebody else's to notice.
    async fn failed(&self) -> Error {
        std::future::pending().await
    }

    /// The room that the store has; `None` if it is not on a disk of this machine, or that does not say.
    fn space(&self) -> Option<Space> {
        None
    }

    /// Whether the store has every table and column that this version works with. What a later version has added does
    /// no harm: nodes are upgraded one after another. A store that has no schema is always right.
    async fn has_schema(&self) -> Result<bool, Error> {
        Ok(true)
    }
}
