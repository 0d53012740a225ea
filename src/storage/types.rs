//! What goes into a store and comes out of it.

use std::collections::{HashMap, HashSet};

use crate::apply::outcome::{Action, Failure};
use crate::clock::Timestamp;
use crate::contact::amount::Cac;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::history::{ChangeKind, FieldChange};
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ContactNo, ListNo};
use crate::token::SecretHash;

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
pub struct Keep {
    /// Requests, by when they were processed, and what only their results need.
    pub requests: Timestamp,
    /// Histories of contacts.
    pub history: Timestamp,
    /// `Idempotency-Key`s, by when they were used.
    pub keys: Timestamp,
}

/// What one call of [`Storage::apply_next`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Batches that are applied now and were not before; 0 where none waits.
    pub batches: usize,
    /// How many of them are to be reported to a webhook.
    pub webhooks: usize,
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
    },
    /// It was not.
    Failed {
        /// Why.
        failure: Failure,
        /// The identifiers that it asked for.
        asked: Identifiers<Option<String>>,
    },
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
    /// The fingerprint of its method and body, see [`crate::journal::Once`].
    pub fingerprint: [u8; 32],
    /// Its id.
    pub request: ObjectId,
    /// The `warnings` of its answer, as JSON.
    pub warnings: String,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, or sent again.
    Pending,
    /// A receiver has answered 2xx.
    Delivered,
    /// Given up.
    Failed,
}

/// How a webhook fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
}

/// A webhook that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The journal position of its request.
    pub position: u64,
    /// The request.
    pub request: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// Where it goes.
    pub uri: String,
    /// `scheme://host:port` of that.
    pub receiver: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery's position.
    pub position: u64,
    /// Whether anything was tried: what the store itself has kept from being sent is no attempt.
    pub made: bool,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When to try again, where it is pending.
    pub next_at: Timestamp,
}

/// A part of a contact's history.
#[derive(Clone, Debug)]
pub struct History {
    /// The contact's number in its list.
    pub number: ContactNo,
    /// Its changes, the newest first.
    pub changes: Vec<ContactChange>,
    /// How many there are in all; of very many only so many are counted as can be looked at.
    pub total: u64,
    /// The sources that the changes name, by number, as far as they are still there.
    pub sources: HashMap<u64, Source>,
}

/// One change of a contact.
#[derive(Clone, Debug)]
pub struct ContactChange {
    /// When it was applied.
    pub at: Timestamp,
    /// What was done.
    pub kind: ChangeKind,
    /// By which request.
    pub request: ObjectId,
    /// What that asked for.
    pub asked: BatchKind,
    /// The public part of the token that sent it.
    pub token: String,
    /// The fields that it changed, with their stored values.
    pub fields: Vec<FieldChange>,
}

/// What is kept about a person, but for the requests that mention them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The contacts that bear one of the identifiers, or bore it once.
    pub contacts: Vec<PersonContact>,
    /// Whether a keyed hash says that such a person was erased.
    pub erased: bool,
}

/// A contact of a person.
#[derive(Clone, Debug)]
pub struct PersonContact {
    /// The list's number.
    pub list: ListNo,
    /// The list's public id.
    pub list_id: ObjectId,
    /// The contact; `None` for one that was removed.
    pub contact: Option<Contact>,
    /// Its history, as far as it is kept and told.
    pub history: History,
}

/// Whom requests may mention.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The identifiers.
    pub identifiers: Vec<(IdentifierKind, String)>,
    /// The contacts.
    pub contacts: HashSet<(ListNo, ContactNo)>,
}

/// Requests that mention a person: a chunk of them.
#[derive(Clone, Debug)]
pub struct Mentions {
    /// Those of the chunk.
    pub found: Vec<Mention>,
    /// Where the next chunk begins; `None` at the end.
    pub next: Option<u64>,
}

/// A request that mentions a person.
#[derive(Clone, Debug)]
pub struct Mention {
    /// Its id.
    pub request: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// The list's public id.
    pub list_id: ObjectId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Whether it is applied.
    pub processed: bool,
    /// The places of the items that do.
    pub positions: Vec<usize>,
}

/// A contact with what is needed to show it.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its stored form, see [`crate::contact::document`].
    pub document: Vec<u8>,
    /// Its source, where it has one that is still there.
    pub source: Option<Source>,
    /// What its source costs, or cost when it was removed.
    pub source_cac: Option<Cac>,
}

/// What a token may do in its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Whether it may only look.
    pub read_only: bool,
    /// The lists that it is limited to, also those that are gone; `None` where it is not limited.
    pub lists: Option<Vec<ObjectId>>,
}

/// A token, its user and its account, as the gate needs them.
#[derive(Clone, Debug)]
pub struct Access {
    /// The hash of its secret part.
    pub secret_hash: SecretHash,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
    /// The user.
    pub user: ObjectId,
    /// Whether the user may do anything.
    pub user_enabled: bool,
    /// The account; `None` once it is gone.
    pub account: Option<AccessAccount>,
}

/// An account, as the gate needs it.
#[derive(Clone, Debug)]
pub struct AccessAccount {
    /// Its number.
    pub no: AccountNo,
    /// Its name.
    pub name: String,
    /// Whether its users may do anything.
    pub enabled: bool,
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    /// Its number.
    pub no: ListNo,
    /// Its public id.
    pub id: ObjectId,
    /// Whose it is.
    pub account: AccountNo,
    /// What people are told of it.
    pub about: ListAbout,
    /// Its variables, in the order in which they were added.
    pub variables: Vec<Variable>,
    by_name: HashMap<String, usize>,
}

/// What people are told of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListAbout {
    /// Its name; several may have the same.
    pub name: String,
    /// Whether it is its account's default.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or its variables last changed.
    pub updated_at: Timestamp,
}

impl List {
    /// A list with its variables.
    pub fn new(
        no: ListNo,
        id: ObjectId,
        account: AccountNo,
        about: ListAbout,
        variables: Vec<Variable>,
    ) -> Self {
        let by_name = variables.iter().enumerate().map(|(index, v)| (v.name.clone(), index)).collect();
        Self { no, id, account, about, variables, by_name }
    }

    /// The variable with that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.by_name.get(name).map(|index| &self.variables[*index])
    }
}

/// A variable of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its number in the list; never given twice.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: VariableKind,
}

/// What a variable's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// Any text.
    String,
    /// A date.
    Date,
}

/// A source of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number.
    pub no: u64,
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// The caller's own id of it.
    pub customer_source_id: Option<String>,
    /// What a contact from it costs.
    pub cac: Option<Cac>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a source is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// By its public id.
    Id(ObjectId),
    /// By the caller's own id.
    Customer(String),
    /// By its name.
    Name(String),
}

/// Which rows of all that match are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many are left out at the beginning.
    pub offset: u64,
    /// At most so many follow.
    pub limit: u32,
}

/// Some rows of all that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Those in the window.
    pub rows: Vec<T>,
    /// How many match in all.
    pub total: u64,
}

/// Which lists are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// That with this id.
    pub id: Option<ObjectId>,
    /// Those with exactly this name.
    pub name: Option<String>,
    /// Only these; `None` for all.
    pub only: Option<Vec<ObjectId>>,
}

/// Which sources are wanted: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct SourceFilter {
    /// That with exactly this name.
    pub name: Option<String>,
    /// That with this id of the caller's own.
    pub customer_source_id: Option<String>,
}

/// What is to become of a source; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SourceChange {
    /// Its name.
    pub name: Option<String>,
    /// The caller's own id of it.
    pub customer_source_id: Option<Option<String>>,
    /// What a contact from it costs.
    pub cac: Option<Option<Cac>>,
}

/// What became of the renaming of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It has the new name.
    Done,
    /// The list has no such variable, or is gone.
    NotFound,
    /// Another variable of the list has the new name.
    Taken,
}

/// An account, for those who administer it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// Whether its users may do anything.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its users, and whether each is enabled.
    pub users: Vec<(ObjectId, String, bool)>,
}

/// An account that is to be made, with its first user.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its public id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// The first user's public id.
    pub user: ObjectId,
    /// Its webhook secret, `whsec_…`.
    pub webhook_secret: String,
    /// The user's first token.
    pub token: NewToken,
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its public part.
    pub key: String,
    /// The hash of its secret part.
    pub secret_hash: SecretHash,
    /// What it is for.
    pub name: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
}

/// A token, for those who administer it.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its public part.
    pub key: String,
    /// What it is for.
    pub name: String,
    /// Its user.
    pub user: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// What it may do.
    pub scope: Scope,
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;

/// A source that is to be made.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// Its name, unique in the account.
    pub name: String,
    /// The caller's own id of it, unique in the account.
    pub customer_source_id: Option<String>,
    /// What a contact from it costs.
    pub cac: Option<Cac>,
}
