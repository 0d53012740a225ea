//! What a store promises: a dozen whole transactions, not rows.
//!
//! No transaction leaks out: each method is one, and is done or not done when it returns.

pub mod sqlite;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::apply::outcome::{Action, Failure};
use crate::clock::Timestamp;
use crate::contact::amount::Cac;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::id::ObjectId;
use crate::journal::{AccountNo, Batch, BatchKind, ListNo};
use crate::token::SecretHash;

/// Why a transaction was not done. The text is for the log, and names no person and no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store could not be reached or written: the disk is full, the file is locked, the server is gone.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// What is stored does not read.
    #[error("store damaged: {0}")]
    Damaged(String),
}

/// Why batches were not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of them was kept.
    #[error("not kept: {0}")]
    NotKept(Error),
    /// It cannot be known whether they were kept.
    #[error("outcome unknown: {0}")]
    Unknown(Error),
}

/// What waits to be applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Accepted batches that are not applied yet.
    pub batches: u64,
    /// The bytes of their items.
    pub bytes: u64,
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

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
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
    /// Per item, in order; empty until it is processed.
    pub results: Vec<ItemResult>,
    /// How its webhook fares; `None` where it has none.
    pub delivery: Option<DeliveryStatus>,
}

/// What became of an item, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemResult {
    /// It was applied.
    Done {
        /// What it did.
        action: Action,
        /// The contact's public id.
        id: ObjectId,
        /// The contact's identifiers after the item; all `None` once the person was erased.
        identifiers: Identifiers<Option<String>>,
    },
    /// It was not.
    Failed {
        /// Why.
        failure: Failure,
        /// The identifiers that it asked for.
        asked: Identifiers<Option<String>>,
    },
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

/// A contact with what is needed to show it.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its stored form, see [`crate::contact::document`].
    pub document: Vec<u8>,
    /// Its source, where it has one that is still there.
    pub source: Option<Source>,
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
    /// Its variables, in the order in which they were added.
    pub variables: Vec<Variable>,
    by_name: HashMap<String, usize>,
}

impl List {
    /// A list with its variables.
    pub fn new(no: ListNo, id: ObjectId, account: AccountNo, variables: Vec<Variable>) -> Self {
        let by_name = variables.iter().enumerate().map(|(index, v)| (v.name.clone(), index)).collect();
        Self { no, id, account, variables, by_name }
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
}

/// How a source is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// By its public id.
    Id(ObjectId),
    /// By the caller's own id.
    Customer(String),
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
}

/// Why a row could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Something with that name is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// What it belongs to is not there.
    #[error("what it belongs to is gone")]
    Gone,
    /// There would be too many.
    #[error("at most {0} are allowed")]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The secrets that sign an account's webhooks: the present one first.
pub type WebhookSecrets = Vec<String>;

/// A store. See each method for what holds when it returns.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    // --- The path of a batch

    /// Makes batches durable, in their order, all or none.
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<(), AppendError>;

    /// Applies the next batches, at most `max`, in one transaction with the position that is reached.
    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error>;

    /// What waits; kept in memory, so it costs nothing.
    fn backlog(&self) -> Backlog;

    /// Forgets requests that were processed before that time, and what only their results need.
    /// Returns how many; call again while it is not 0.
    async fn prune(&self, processed_before: Timestamp) -> Result<usize, Error>;

    // --- Webhooks out

    /// Webhooks that are due, each given to one caller only until it is finished or the process ends.
    /// At most `per_receiver` of one receiver are out at a time.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error>;

    /// Writes down what attempts came to, and gives the deliveries back.
    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error>;

    /// When the next delivery is due that could be claimed: of receivers that have fewer than `per_receiver` out.
    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error>;

    /// The secrets that sign an account's webhooks at `now`.
    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error>;

    // --- Reads

    /// The requests of an account with these ids, those that are unknown left out. From the moment that
    /// `append` has returned there is no gap in which one is not found.
    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;

    /// The first contact of the list that bears one of the identifiers, in the order given.
    async fn find_contact(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Contact>, Error>;

    // --- Who may send, and what lists there are

    /// A number that changes with every change of what follows, whoever made it.
    async fn catalogue_version(&self) -> Result<u64, Error>;

    /// The token with that public part.
    async fn find_access(&self, key: String) -> Result<Option<Access>, Error>;

    /// The list with that id.
    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error>;

    /// The account's source with that name.
    async fn find_source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error>;

    /// Makes an account with a user and a token.
    async fn add_account(&self, account: NewAccount, now: Timestamp) -> Result<(), Error>;

    /// All accounts.
    async fn accounts(&self) -> Result<Vec<Account>, Error>;

    /// Enables or disables an account; whether it is there.
    async fn set_account_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error>;

    /// Removes an account with its lists and sources at once. Its contacts follow as pruning gets to them; the
    /// results of its requests, which nobody can ask for any more, go when their time is up.
    /// Whether it was there.
    async fn remove_account(&self, id: ObjectId) -> Result<bool, Error>;

    /// The secret that signs an account's webhooks; `None` where there is no such account.
    async fn webhook_secret(&self, id: ObjectId) -> Result<Option<String>, Error>;

    /// Puts a new webhook secret in place; the old one signs too until `previous_until`. Whether the account is there.
    async fn set_webhook_secret(
        &self,
        id: ObjectId,
        secret: String,
        previous_until: Timestamp,
    ) -> Result<bool, Error>;

    /// Enables or disables a user; whether it is there.
    async fn set_user_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error>;

    /// Makes a token of a user; whether the user is there.
    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<bool, Error>;

    /// The tokens of an account, or all.
    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error>;

    /// Revokes a token; whether it is there.
    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error>;

    /// Makes a list; an account's first is its default.
    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        name: String,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Adds variables to a list, all or none; `max` is how many it may have then.
    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Makes a source.
    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError>;
}

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
