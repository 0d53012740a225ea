//! Requests and their results.

use async_trait::async_trait;

use super::{Error, Page, Request, RequestFilter, RequestState, RequestSummary, Undoable, Window};
use domain::id::ObjectId;
use domain::journal::AccountNo;

/// Reads requests and their results.
#[async_trait]
pub trait RequestReader: Send + Sync + 'static {
    /// The requests of an account with these ids, those that are unknown left out. From the moment that
    /// `append` has returned there is no gap in which one is not found.
    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;

    /// The same without the identifiers of contacts in the results: no contact is read for it.
    async fn find_outcomes(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;

    /// A request of an account, for as long as it waits, its results are kept or its history is.
    async fn find_undoable(&self, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error>;

    /// Where a request of the account stands, and its list; `None` where there is no such request. As for
    /// `find_requests`, there is no gap.
    async fn request_state(
        &self,
        account: AccountNo,
        id: ObjectId,
    ) -> Result<Option<(RequestState, ObjectId)>, Error>;

    /// The account's requests that fit, the newest first. Each is found once, also while it is being processed.
    async fn list_requests(
        &self,
        account: AccountNo,
        filter: RequestFilter,
        window: Window,
    ) -> Result<Page<RequestSummary>, Error>;
}
