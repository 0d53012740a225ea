//! Batches of contacts.

mod also_in;
pub mod patch;
pub mod read;
pub mod search;

use self::patch::ContactItems;
use super::accept::{Accepted, Draft, Submission};
use super::{Caller, Commands, Operation, Reach, Result};
use domain::journal::{BatchKind, ItemsWriter, WebHook};
use storage::List;

/// Changes contacts, or makes them.
pub static UPDATE: Operation = Operation::batch("/v3/contacts/update", Reach::List);
/// Makes contacts.
pub static ADD: Operation = Operation::batch("/v3/contacts/add", Reach::List);
/// Removes contacts.
pub static REMOVE: Operation = Operation::batch("/v3/contacts/remove", Reach::List);

/// The most contacts of one batch.
pub const MAX_CONTACTS: usize = 100;

/// Contacts to change or to make.
#[derive(Debug)]
pub struct ContactBatch<'a> {
    /// Their list.
    pub list: &'a List,
    /// The method.
    pub kind: BatchKind,
    /// The contacts.
    pub items: ContactItems,
    /// Where the result is sent.
    pub webhook: Option<WebHook>,
    /// Whether erased persons may be brought back.
    pub restore_erased: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

/// Contacts to remove.
#[derive(Debug)]
pub struct Removal<'a> {
    /// Their list.
    pub list: &'a List,
    /// One identifier for each.
    pub items: ItemsWriter,
    /// Where the result is sent.
    pub webhook: Option<WebHook>,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl Commands {
    /// Changes contacts, or makes them.
    ///
    /// # Errors
    /// The caller may not, the key was used for another batch, or the batch could not be made durable.
    pub async fn change_contacts(
        &self,
        caller: &Caller,
        submission: Submission,
        batch: ContactBatch<'_>,
    ) -> Result<Accepted> {
        let operation = if batch.kind == BatchKind::Add { &ADD } else { &UPDATE };
        let ContactBatch { list, kind, items, webhook, restore_erased, dry_run } = batch;
        let list = (list.no, list.id);
        let draft = Draft { kind, list, webhook, restore_erased, items: items.finish() };
        self.submit(operation, caller, submission, draft, dry_run).await
    }

    /// Removes contacts.
    ///
    /// # Errors
    /// The caller may not, the key was used for another batch, or the batch could not be made durable.
    pub async fn remove_contacts(
        &self,
        caller: &Caller,
        submission: Submission,
        removal: Removal<'_>,
    ) -> Result<Accepted> {
        let Removal { list, items, webhook, dry_run } = removal;
        let list = (list.no, list.id);
        let draft =
            Draft { kind: BatchKind::Remove, list, webhook, restore_erased: false, items: items.finish() };
        self.submit(&REMOVE, caller, submission, draft, dry_run).await
    }

    /// Submits a batch, or tries it out.
    ///
    /// # Errors
    /// The caller may not, the key was used for another batch, or the batch could not be made durable.
    pub(crate) async fn submit(
        &self,
        operation: &'static Operation,
        caller: &Caller,
        submission: Submission,
        draft: Draft,
        dry_run: bool,
    ) -> Result<Accepted> {
        let request = submission.request;
        let work = async {
            if dry_run {
                self.dry_run(caller, submission, draft).await
            } else {
                self.accept(caller, submission, draft).await
            }
        };
        self.0.run_as(operation, caller, request, work).await
    }
}
