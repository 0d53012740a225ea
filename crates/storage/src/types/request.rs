//! Accepted batches and what became of them.

use std::borrow::Cow;

use super::delivery::DeliveryStatus;
use domain::apply::outcome::{Action, Failure, Note, Tally};
use domain::clock::Timestamp;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::id::ObjectId;
use domain::journal::{BatchKind, ListNo};

/// What waits to be applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Accepted batches that are not applied yet.
    pub batches: u64,
    /// The bytes of their items.
    pub bytes: u64,
}

/// Since when things are kept that are kept for a time; what is older is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Requests, by when they were processed, and what only their results need.
    pub requests: Timestamp,
    /// Histories of contacts.
    pub history: Timestamp,
    /// `Idempotency-Key`s, by when they were used.
    pub keys: Timestamp,
    /// Sessions and links of the console, by when they ended.
    pub ended: Timestamp,
}

/// What one call of [`apply_next`](crate::Applier::apply_next) did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Batches that are applied now and were not before; 0 where none waits.
    pub batches: usize,
    /// Their requests, in the order in which they were applied.
    pub requests: Vec<ObjectId>,
    /// How many of them are to be reported to a webhook.
    pub webhooks: usize,
    /// When the first of them was accepted.
    pub oldest: Option<Timestamp>,
    /// What their items came to.
    pub tally: Tally,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It waits.
    Queued,
    /// It is being applied.
    Processing,
    /// It is applied, and has results.
    Processed,
}

/// What must be known of a request to undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undoable {
    /// What it asked for.
    pub kind: BatchKind,
    /// The list that it changed.
    pub list: ListNo,
    /// That list's public id.
    pub list_id: ObjectId,
    /// Whether what it changed is kept, or will be: it may wait still.
    pub has_history: bool,
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: ObjectId,
    /// The id of the list that it changes.
    pub list: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// How far it has come.
    pub state: RequestState,
    /// Where its status goes.
    pub webhook: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was processed, or accepted where it is not yet.
    pub updated_at: Timestamp,
    /// Per item, in order; empty until it is processed.
    pub results: Vec<ItemResult>,
    /// How its webhook fares; `None` where it has none.
    pub delivery: Option<DeliveryStatus>,
}

/// How many items of a request came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that were applied.
    pub success: usize,
    /// Those that were not.
    pub errors: usize,
}

/// A request without what became of each item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSummary {
    /// Its id.
    pub id: ObjectId,
    /// The id of the list that it changes.
    pub list: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// How far it has come.
    pub state: RequestState,
    /// Where its status goes.
    pub webhook: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was processed, or accepted where it is not yet.
    pub updated_at: Timestamp,
    /// What its items came to; `None` until it is processed.
    pub counts: Option<Counts>,
    /// How its webhook fares; `None` where it has none.
    pub delivery: Option<DeliveryStatus>,
    /// The sender: the public part of a token, `user:` or `job:` and an id. Empty where an earlier version has not
    /// stored it.
    pub token: String,
}

/// Which requests are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// In this state.
    pub state: Option<RequestState>,
    /// Of one of these lists.
    pub lists: Option<Vec<ListNo>>,
    /// Accepted then or later.
    pub from: Option<Timestamp>,
    /// Accepted before that.
    pub to: Option<Timestamp>,
    /// From this sender.
    pub token: Option<String>,
    /// Of these kinds.
    pub kinds: Option<Vec<BatchKind>>,
    /// Only with an item that failed.
    pub with_errors: bool,
    /// Only with a webhook that was given up.
    pub webhook_failed: bool,
    /// Without those of imports and bulk changes.
    pub no_jobs: bool,
    /// Counting those that are processed ends there: of very many it takes long.
    pub count_to: Option<u64>,
}

/// What became of an item, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemResult {
    /// It was applied.
    Done {
        /// What it did.
        action: Action,
        /// The contact's public id; `None` where a dry run would make it.
        id: Option<ObjectId>,
        /// The contact's identifiers after the item, or those with which it was removed; all `None` once the person
        /// was erased.
        identifiers: Identifiers<Option<String>>,
        /// Where a request was undone: what became of each field.
        undone: Option<UndoneFields>,
        /// What is to be said of flags.
        notes: Vec<Note>,
    },
    /// It was not.
    Failed {
        /// Why.
        failure: Failure,
        /// The identifiers that it asked for.
        asked: Identifiers<Option<String>>,
        /// The one of them that another contact has, where that is why. Results of the first version do not say it.
        taken: Option<TakenBy>,
    },
}

/// An identifier and the contact that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBy {
    /// Which identifier.
    pub kind: IdentifierKind,
    /// The contact's public id; `None` where an item of the same dry run would make it.
    pub id: Option<ObjectId>,
}

impl ItemResult {
    /// A failure of an item that asked for nobody.
    pub fn failed(failure: Failure) -> Self {
        Self::Failed { failure, asked: Identifiers::default(), taken: None }
    }
}

impl TakenBy {
    /// Why an item failed, in words; `taken` is why it did, as far as that is known.
    pub fn text(failure: Failure, taken: Option<&Self>) -> Cow<'static, str> {
        let Some(Self { kind, id }) = taken else { return Cow::Borrowed(failure.text()) };
        let field = kind.field().name();
        let who = match failure {
            Failure::ContactExists => "A contact",
            _ => "Another contact",
        };
        Cow::Owned(match id {
            Some(id) => format!("{who} of the list has this {field} already: contact {id}"),
            None => format!("{who} of the list has this {field} already: one that the request would create"),
        })
    }
}

/// What became of the fields of a contact when a request was undone, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoneFields {
    /// Those that were put back.
    pub restored: Vec<String>,
    /// Those that were not, and why.
    pub kept: Vec<(String, Failure)>,
}

/// What became of a batch that was to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk.
    Kept,
    /// Its `Idempotency-Key` was used before: nothing of it was kept.
    Known(Remembered),
}

/// A request that was accepted with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The fingerprint of its method and body, see [`domain::journal::Once`].
    pub fingerprint: [u8; 32],
    /// Its id.
    pub request: ObjectId,
    /// The `warnings` of its answer, as JSON.
    pub warnings: String,
}
