//! What a store promises to those who follow the changes of contacts.

use async_trait::async_trait;

use super::{ChangeCursor, ChangePage, ChangeQuery, ChangesError, Error};
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// The changes of contacts, in the order in which they were applied.
///
/// The changes of one list have one order, and every reader sees them in it: who goes on from `next` gets each change
/// once and leaves none out, also while other nodes apply batches of the same list. Between two lists there is no order.
#[async_trait]
pub trait ChangeReader: Send + Sync + 'static {
    /// The changes that follow a cursor, all of one moment. Those that are not there yet are not waited for.
    async fn read_changes(&self, query: ChangeQuery) -> Result<ChangePage, ChangesError>;

    /// The lists of an account, by number.
    async fn account_lists(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error>;

    /// The position of the last change of each list, 0 for none. A number that has changed says that there is more to
    /// read.
    async fn last_changes(&self, lists: Vec<ListNo>) -> Result<Vec<u64>, Error>;

    /// The cursor behind the last change of these lists.
    async fn change_cursor(
        &self,
        account: AccountNo,
        scope: Option<ListNo>,
        lists: Vec<ListNo>,
    ) -> Result<ChangeCursor, Error> {
        let query = ChangeQuery { scope, ..ChangeQuery::new(account, lists) };
        match self.read_changes(query).await {
            Ok(page) => Ok(page.next),
            Err(ChangesError::Store(error)) => Err(error),
            // Without a cursor there is none to refuse.
            Err(ChangesError::Expired | ChangesError::Unknown) => {
                Err(Error::Failed("the present cursor was refused".to_owned()))
            }
        }
    }
}
