//! Undoing a request.

use super::accept::{Accepted, Draft, Submission};
use super::{Caller, Commands, Operation, Queries, Reach, Result};
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{BatchKind, ItemsWriter, ListNo, WebHook};
use domain::problem::{self, Problem};
use storage::Undoable;

/// Undoes a request.
pub static UNDO: Operation = Operation::batch("/v3/request/undo", Reach::Seen);

/// A request that the caller may see.
#[derive(Clone, Debug)]
pub struct UndoTarget {
    id: ObjectId,
    found: Undoable,
}

impl UndoTarget {
    /// The list that the request is about.
    pub const fn list(&self) -> ListNo {
        self.found.list
    }
}

impl UndoTarget {
    /// The id of that list.
    pub const fn list_id(&self) -> ObjectId {
        self.found.list_id
    }
}

impl Queries {
    /// The request with that id, if the caller may see it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn undo_target(
        &self,
        caller: &Caller,
        id: ObjectId,
    ) -> Result<Option<UndoTarget>, storage::Error> {
        let scope = &caller.scope;
        let found = self.0.storage.find_undoable(scope.account, id).await?;
        // Callers who may not see a list do not learn here what was done to it, nor what was done to all lists.
        let is_seen = |list: &ObjectId| scope.lists.as_ref().is_none_or(|lists| lists.contains(list));
        Ok(found.filter(|found| is_seen(&found.list_id)).map(|found| UndoTarget { id, found }))
    }

    /// Why a request cannot be undone, if it cannot.
    ///
    /// # Errors
    /// The store fails.
    pub async fn undo_obstacle(
        &self,
        caller: &Caller,
        target: &UndoTarget,
    ) -> Result<Option<Problem>, storage::Error> {
        let (id, list_id) = (target.id.to_string(), target.found.list_id.to_string());
        if target.found.kind == BatchKind::Erase {
            return Ok(Some(problem::not_undoable(&id)));
        }
        if self.list(caller, &list_id).await?.is_none() {
            // A caller who is limited to lists that are gone sees no requests.
            let limited = caller.scope.lists.is_some();
            return Ok(Some(if limited {
                problem::request_not_found(&id)
            } else {
                problem::list_not_found(&list_id)
            }));
        }
        Ok((!target.found.has_history).then(|| problem::history_gone(&id)))
    }
}

impl Commands {
    /// Undoes a request.
    ///
    /// # Errors
    /// The caller may not, the request cannot be undone, the key was used for another batch, or the batch could not be
    /// made durable.
    pub async fn undo(
        &self,
        caller: &Caller,
        submission: Submission,
        target: UndoTarget,
        webhook: Option<WebHook>,
    ) -> Result<Accepted> {
        let request = submission.request;
        let work =
            async { self.accept(caller, submission, self.draft(caller, &target, webhook).await?).await };
        self.0.run_as(&UNDO, caller, request, work).await
    }

    /// Returns what undoing a request would do, and stores nothing.
    ///
    /// # Errors
    /// The caller may not, the request cannot be undone, or the store fails.
    pub async fn try_undo(
        &self,
        caller: &Caller,
        submission: Submission,
        target: UndoTarget,
    ) -> Result<Accepted> {
        let request = submission.request;
        let work = async { self.dry_run(caller, submission, self.draft(caller, &target, None).await?).await };
        self.0.run_as(&UNDO, caller, request, work).await
    }

    /// The batch that undoes a request, if nothing is in its way.
    async fn draft(&self, caller: &Caller, target: &UndoTarget, webhook: Option<WebHook>) -> Result<Draft> {
        if let Some(obstacle) = Queries(self.0.clone()).undo_obstacle(caller, target).await? {
            return Err(obstacle.into());
        }
        let mut items = ItemsWriter::default();
        items.add(IdentifierKind::UserId, &target.id.to_string(), &[]);
        let list = (target.found.list, target.found.list_id);
        Ok(Draft { kind: BatchKind::Undo, list, webhook, restore_erased: false, items: items.finish() })
    }
}
