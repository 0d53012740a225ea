//! What a store promises about saved filters.

use async_trait::async_trait;

use super::{AddError, Error, SavedChange, SavedKind, SavedQuery};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Segments of lists, and views of the console. They go with their list.
#[async_trait]
pub trait SavedQueries: Send + Sync + 'static {
    /// Those of a list and a kind, by name.
    async fn saved_queries(&self, list: ListNo, kind: SavedKind) -> Result<Vec<SavedQuery>, Error>;

    /// Those of all lists of an account, each with the id of its list.
    async fn all_saved_queries(&self, account: AccountNo) -> Result<Vec<(ObjectId, SavedQuery)>, Error>;

    /// Adds one; `max` is how many of its kind the list may have then.
    async fn add_saved_query(&self, list: ListNo, query: SavedQuery, max: usize) -> Result<(), AddError>;

    /// Changes one. [`AddError::Gone`] where it is not there.
    async fn update_saved_query(
        &self,
        list: ListNo,
        kind: SavedKind,
        id: ObjectId,
        change: SavedChange,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Removes one; whether it was there.
    async fn remove_saved_query(&self, list: ListNo, kind: SavedKind, id: ObjectId) -> Result<bool, Error>;
}
