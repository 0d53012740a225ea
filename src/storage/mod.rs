//! What a store promises: a dozen whole transactions, not rows.
//!
//! No transaction leaks out: each method is one, and is done or not done when it returns.

mod account_webhooks;
mod changes;
pub mod copy;
pub mod database;
mod error;
mod jobs;
mod logins;
pub mod postgres;
mod rejections;
pub mod rows;
pub mod sqlite;
mod suppressions;
mod types;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::account_webhooks::AccountWebhooks;
pub use self::changes::ChangeReader;
pub use self::error::{AddError, AppendError, Error, TokenError};
pub use self::jobs::Jobs;
pub use self::logins::{Logins, MAX_FIRST_LINKS, MAX_SESSIONS};
pub use self::rejections::ApiActivity;
pub use self::suppressions::Suppressions;
pub use self::types::*;
pub use self::webhooks::{MAX_ATTEMPTS, MAX_ENDPOINTS, Webhooks};
use crate::clock::Timestamp;
use crate::contact::identifier::IdentifierKind;
use crate::id::ObjectId;
use crate::journal::{AccountNo, Batch, ContactNo, ListNo};
use crate::retention::Reckoning;

/// The most lists of one account: numbers of lists are finite, and all accounts share them.
pub const MAX_LISTS_PER_ACCOUNT: usize = 10_000;

/// What the key of unsubscribe links is derived for. Another text would make all links invalid.
const LINK_KEY: &str = "rollbook unsubscribe links";

/// Who opens a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one process that serves it.
    Server,
    /// A command that makes small changes, whether or not it is being served.
    Command,
}

/// A store. See each method for what holds when it returns.
#[async_trait]
pub trait Storage:
    Logins + Jobs + Webhooks + AccountWebhooks + Suppressions + ChangeReader + ApiActivity
{
    // --- The path of a batch

    /// Makes batches durable, in their order, those of one list all or none. One whose `Idempotency-Key` its account has used for its
    /// list before is left out; both are decided in one transaction, so of two that race one is kept.
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError>;

    /// What was accepted with an `Idempotency-Key` after `since`.
    async fn find_once(
        &self,
        account: AccountNo,
        list: ListNo,
        key: String,
        since: Timestamp,
    ) -> Result<Option<Remembered>, Error>;

    /// What a batch would do to the contacts as they are now. Nothing is kept.
    async fn try_out(&self, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error>;

    /// Applies the next batches, at most `max`, in one transaction with how far that has come. The batches of a list,
    /// and those that are about an account and all its lists, are applied in the order in which they were accepted;
    /// accounts take turns. With a `max` of 0 it only looks what waits.
    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error>;

    /// How many may call `apply_next` side by side with a gain.
    fn appliers(&self) -> usize {
        1
    }

    /// Returns once the disk has failed the store, and the process that serves it must end: nothing is committed from
    /// then on. Never, where that is somebody else's to notice.
    async fn failed(&self) -> Error {
        std::future::pending().await
    }

    /// Contacts that were found to be damaged since the store was opened, a thousand at most; kept in memory.
    fn damaged_contacts(&self) -> Vec<(ListNo, ContactNo)> {
        Vec::new()
    }

    /// What waits; kept in memory, so it costs nothing. What other processes have appended or applied is known after
    /// the next `apply_next`.
    fn backlog(&self) -> Backlog;

    /// What waits of an account, in the same way.
    fn backlog_of(&self, account: AccountNo) -> Backlog;

    /// The room that the store has; `None` if it is not on a disk of this machine, or that does not say.
    fn space(&self) -> Option<Space> {
        None
    }

    /// When the oldest batch that waits was accepted.
    async fn oldest_waiting(&self) -> Result<Option<Timestamp>, Error>;

    /// Moves the reckoning of time that has passed on, see [`Reckoning::next`]: `seen` is the one that this process was
    /// given last, `elapsed` ago.
    async fn reckon(
        &self,
        seen: Option<Reckoning>,
        elapsed: Duration,
        system: Timestamp,
    ) -> Result<Reckoning, Error>;

    /// Forgets a chunk of what was kept for a time only. Returns how many rows went; call again while it is not 0.
    async fn prune(&self, keep: Keep) -> Result<usize, Error>;

    /// Whether the store has every table and column that this version works with. What a later version has added does
    /// no harm: nodes are upgraded one after another. A store that has no schema is always right.
    async fn has_schema(&self) -> Result<bool, Error> {
        Ok(true)
    }

    // --- Webhooks out

    /// Webhooks that are due, each given to one caller only until it is finished or the process ends.
    /// At most `per_receiver` of one receiver are out at a time.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error>;

    /// Stores the outcomes of attempts, logs them, and gives the deliveries back.
    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error>;

    /// When the next delivery is due that could be claimed: of receivers that have fewer than `per_receiver` out.
    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error>;

    /// Makes the webhook of a request due at `now`, with all its attempts before it, whatever became of it so far.
    /// Whether there is one, of the account where one is named.
    async fn resend(
        &self,
        account: Option<AccountNo>,
        request: ObjectId,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// The secrets that sign an account's webhooks at `now`.
    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error>;

    // --- Reads

    /// The requests of an account with these ids, those that are unknown left out. From the moment that
    /// `append` has returned there is no gap in which one is not found.
    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;

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

    /// The first contact of the list that bears one of the identifiers, in the order given, with its number.
    async fn find_contact(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<(ContactNo, Contact)>, Error>;

    /// The same for many contacts, all as of one moment: for each set of identifiers the contact, in order.
    async fn find_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        wanted: Vec<Vec<(IdentifierKind, String)>>,
    ) -> Result<Vec<Option<(ContactNo, Contact)>>, Error>;

    /// Contacts of a list in the order of their numbers, those behind `after`: at most `limit`, and fewer where they
    /// are large (at least one, if there is one). It costs the same wherever in the list it begins.
    async fn page_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        after: ContactNo,
        limit: u32,
    ) -> Result<ContactPage, Error>;

    /// The same the other way round: contacts with numbers below `before`, the highest first.
    async fn page_contacts_down(
        &self,
        account: AccountNo,
        list: ListNo,
        before: ContactNo,
        limit: u32,
    ) -> Result<ContactPage, Error>;

    /// How many contacts lists have; those that never had one are left out.
    async fn count_contacts(&self, lists: Vec<ListNo>) -> Result<HashMap<ListNo, u64>, Error>;

    /// How many contacts all lists of an account have together.
    async fn count_all_contacts(&self, account: AccountNo) -> Result<u64, Error>;

    /// What the account has had done, exactly: what is counted is written with what was done. It is kept as long as
    /// requests are.
    async fn activity(&self, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error>;

    /// The history of the contact that bears one of the identifiers, or did last before it was removed or changed.
    async fn find_history(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
        window: Window,
    ) -> Result<Option<History>, Error>;

    /// The consent ledger of the contact that bears one of the identifiers.
    async fn find_consents(
        &self,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Consents>, Error>;

    /// When somebody of the account was erased last: what was kept beside the store before that may be about them.
    async fn last_erase(&self, account: AccountNo) -> Result<Option<Timestamp>, Error>;

    /// The contacts of a person in all lists of the account, with their histories.
    async fn find_person(
        &self,
        account: AccountNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Person, Error>;

    /// The requests behind a journal position that mention a person: a chunk of those that are processed or wait.
    async fn find_mentions(
        &self,
        account: AccountNo,
        subject: Arc<Subject>,
        after: u64,
    ) -> Result<Mentions, Error>;

    // --- Who may send, and what lists there are

    /// The number of changes of what follows, by any process, and which accounts they concern of those after `since`.
    async fn catalogue_changes(&self, since: u64) -> Result<CatalogueChanges, Error>;

    /// The token with that public part.
    async fn find_access(&self, key: String) -> Result<Option<Access>, Error>;

    /// The list with that id.
    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error>;

    /// The list with that number and its account; `None` if one of both is gone.
    async fn list_owner(&self, list: ListNo) -> Result<Option<ListOwner>, Error>;

    /// The key that signs unsubscribe links: derived from the store's own key, and so copied with the store.
    fn link_key(&self) -> [u8; 32];

    /// The account's lists that fit, the oldest first.
    async fn find_lists(
        &self,
        account: AccountNo,
        filter: ListFilter,
        window: Window,
    ) -> Result<Page<List>, Error>;

    /// The account's sources that fit, the oldest first.
    async fn find_sources(
        &self,
        account: AccountNo,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error>;

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

    /// What the account says about flags that were set to false, where its lists say nothing; `None` where it is gone.
    async fn opt_out(&self, id: ObjectId) -> Result<Option<OptOut>, Error>;

    /// Changes that; whether the account is there.
    async fn set_opt_out(&self, id: ObjectId, opt_out: OptOut) -> Result<bool, Error>;

    /// Makes a token of a user, limited to lists that its account has.
    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError>;

    /// The tokens of an account, or all.
    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error>;

    /// Revokes a token; whether it is there.
    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error>;

    /// Makes a list; an account's first is its default.
    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        list: NewList,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Changes a list; whether it is there.
    async fn update_list(&self, list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error>;

    /// Removes a list that has that name, at once; whether there was one. Its contacts follow as pruning gets to
    /// them, and batches that wait for it end in `LIST_NOT_FOUND`. Where it was the default, the account's oldest
    /// list is next.
    async fn remove_list(&self, list: ListNo, name: String) -> Result<bool, Error>;

    /// Adds variables to a list, all or none; `max` is how many it may have then.
    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Removes variables of a list, all or none, and returns the names that it does not have. Their numbers are
    /// never given again; their values are forgotten as pruning gets to them.
    async fn remove_variables(
        &self,
        list: ListNo,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, Error>;

    /// Gives a variable another name; its values stay.
    async fn rename_variable(
        &self,
        list: ListNo,
        name: String,
        new_name: String,
        now: Timestamp,
    ) -> Result<Renamed, Error>;

    /// Makes a source.
    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Changes the account's source with that number.
    async fn update_source(
        &self,
        account: AccountNo,
        no: u64,
        change: SourceChange,
        now: Timestamp,
    ) -> Result<(), AddError>;

    /// Removes the account's sources with these names at once, and returns how many there were. Contacts from them
    /// keep what they cost; batches that wait and name one end in `SOURCE_NOT_FOUND`.
    async fn remove_sources(&self, account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error>;
}
