//! Reading changes fails on demand, as all else does.

use async_trait::async_trait;
use rollbook::id::ObjectId;
use rollbook::journal::{AccountNo, ListNo};
use rollbook::storage::{ChangePage, ChangeQuery, ChangeReader, ChangesError, Error};

use super::Faulty;

#[async_trait]
impl ChangeReader for Faulty {
    async fn read_changes(&self, query: ChangeQuery) -> Result<ChangePage, ChangesError> {
        self.read()?;
        self.store.read_changes(query).await
    }

    async fn account_lists(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
        self.read()?;
        self.store.account_lists(account).await
    }

    async fn last_changes(&self, lists: Vec<ListNo>) -> Result<Vec<u64>, Error> {
        self.read()?;
        self.store.last_changes(lists).await
    }
}
