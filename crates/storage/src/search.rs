//! What a store promises about the search index.

use async_trait::async_trait;

use super::{Error, Lookup, SearchState, SearchWrite};
use domain::journal::{AccountNo, ContactNo, ListNo};

/// The index by which contacts are searched. It follows the contacts: see [`loops::indexer`].
#[async_trait]
pub trait SearchIndex: Send + Sync + 'static {
    /// Whether this process is the one that writes the index. Another that had this and lives has it still.
    async fn claim_search(&self) -> Result<bool, Error>;

    /// All lists, with their accounts, by number.
    async fn all_lists(&self) -> Result<Vec<(AccountNo, ListNo)>, Error>;

    /// The state of each list that the index knows, also of those that were removed.
    async fn search_states(&self) -> Result<Vec<(ListNo, SearchState)>, Error>;

    /// The state of one list.
    async fn search_state(&self, list: ListNo) -> Result<Option<SearchState>, Error>;

    /// Stores a step, in one transaction. Whether it was stored: it is not if the stored state is not the one before it.
    async fn write_search(&self, write: SearchWrite) -> Result<bool, Error>;

    /// Deletes a part of the index of a list. Whether there is more; at the end the state is deleted too.
    async fn forget_search(&self, list: ListNo) -> Result<bool, Error>;

    /// A bounded step of removing what erased people have left in the files of the index. Whether there is more to do.
    async fn tidy_search(&self) -> Result<bool, Error>;

    /// Deletes all states: the index is built again. It is searched as it is meanwhile.
    async fn reset_search(&self) -> Result<(), Error>;

    /// Numbers of contacts of a list behind a number, in their order, at most `limit`. The index may be older than the
    /// contacts: the caller compares.
    async fn search(
        &self,
        list: ListNo,
        lookup: Lookup,
        after: ContactNo,
        limit: u32,
    ) -> Result<Vec<ContactNo>, Error>;
}
