//! Requests: how far they have come, and their results.

use std::pin::pin;
use std::time::Duration;

use super::{Caller, Operation, Queries, Reach, Result};
use domain::id::ObjectId;
use storage::{Error, List, Page, Request, RequestFilter, RequestState, RequestSummary, Window};

/// Reads requests by their ids.
pub static FIND: Operation = Operation::read("/v3/request/find", Reach::Seen);
/// Lists requests.
pub static LIST: Operation = Operation::read("/v3/request/list", Reach::Seen);

/// The longest wait for a request.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often the store is asked, since another process may apply the request.
const LOOK: Duration = Duration::from_millis(500);

/// What waiting for a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The request is processed.
    Processed,
    /// It was not within [`PATIENCE`].
    TimedOut,
    /// The account has no such request, or none that the caller may see.
    Unknown,
}

impl Queries {
    /// The requests with these ids that the caller may see.
    ///
    /// # Errors
    /// The store fails.
    pub async fn requests(&self, caller: &Caller, mut ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        ids.sort_unstable();
        ids.dedup();
        let found = self.0.storage.find_requests(caller.scope.account, ids).await?;
        self.seen(caller, found).await
    }

    /// The same without the identifiers of contacts, once one of them is processed or after that time: the states then are
    /// as of the end.
    ///
    /// # Errors
    /// The store fails.
    pub async fn outcomes_once_applied(
        &self,
        caller: &Caller,
        ids: &[ObjectId],
        longest: Duration,
    ) -> Result<Vec<Request>, Error> {
        let mut applied = pin!(self.0.applied.notified());
        // Nothing is missed between the look and the wait.
        applied.as_mut().enable();
        let found = self.outcomes(caller, ids).await?;
        if found.is_empty() || found.iter().any(|request| request.state == RequestState::Processed) {
            return Ok(found);
        }
        match tokio::time::timeout(longest, applied).await {
            Ok(()) => self.outcomes(caller, ids).await,
            Err(_) => Ok(found),
        }
    }

    /// The requests with these ids that the caller may see, without the identifiers of contacts in their results: no
    /// contact is read.
    ///
    /// # Errors
    /// The store fails.
    pub async fn outcomes(&self, caller: &Caller, ids: &[ObjectId]) -> Result<Vec<Request>, Error> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let found = self.0.storage.find_outcomes(caller.scope.account, ids).await?;
        self.seen(caller, found).await
    }

    /// Those whose lists the caller may see.
    async fn seen(&self, caller: &Caller, found: Vec<Request>) -> Result<Vec<Request>, Error> {
        let mut seen = Vec::with_capacity(found.len());
        for request in found {
            if self.0.catalogue.sees(&caller.scope, request.list).await? {
                seen.push(request);
            }
        }
        Ok(seen)
    }

    /// Requests that fit a filter, the newest first: of one list, or of all that the caller may see.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list_requests(
        &self,
        caller: &Caller,
        list: Option<&List>,
        filter: RequestFilter,
        window: Window,
    ) -> Result<Page<RequestSummary>, Error> {
        let lists = match list {
            Some(list) => Some(vec![list.no]),
            None => self.0.catalogue.limits(&caller.scope).await?,
        };
        let filter = RequestFilter { lists, ..filter };
        self.0.storage.list_requests(caller.scope.account, filter, window).await
    }

    /// Waits until a request is processed.
    ///
    /// # Errors
    /// The store fails.
    pub async fn await_request(&self, caller: &Caller, request: ObjectId) -> Result<Waited, Error> {
        let (app, scope) = (&self.0, &caller.scope);
        let mut deadline = app.clock.now().after(PATIENCE);
        loop {
            // Listened first and looked then: what is applied between the two is heard.
            let mut applied = pin!(app.applied.notified());
            applied.as_mut().enable();
            match app.storage.request_state(scope.account, request).await? {
                Some((state, list)) if app.catalogue.sees(scope, list).await? => {
                    if state == RequestState::Processed {
                        return Ok(Waited::Processed);
                    }
                }
                _ => return Ok(Waited::Unknown),
            }
            let now = app.clock.now();
            // A clock that is set back meanwhile must not make callers wait for that long.
            deadline = deadline.min(now.after(PATIENCE));
            if now >= deadline {
                return Ok(Waited::TimedOut);
            }
            tokio::select! {
                biased;
                () = applied => {}
                () = app.clock.sleep_until(now.after(LOOK).min(deadline)) => {}
            }
        }
    }
}
