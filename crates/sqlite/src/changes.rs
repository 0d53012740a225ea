//! The changes of contacts, for those who follow them.

use async_trait::async_trait;

use super::SqliteStore;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::Rows as _;
use storage::rows::changes::{self, ChangeRows as _, Ends};
use storage::{ChangePage, ChangeQuery, ChangeReader, ChangesError, Error};

#[async_trait]
impl ChangeReader for SqliteStore {
    async fn read_changes(&self, query: ChangeQuery) -> Result<ChangePage, ChangesError> {
        // What is wrong with the cursor is no failure of the store.
        self.view(move |view| Ok(changes::read(view, &query))).await?
    }

    async fn account_lists(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
        self.view(move |view| view.lists_of(account)).await
    }

    async fn last_changes(&self, lists: Vec<ListNo>) -> Result<Vec<u64>, Error> {
        self.view(move |view| Ok(view.ends(&lists)?.iter().map(Ends::position).collect())).await
    }
}
