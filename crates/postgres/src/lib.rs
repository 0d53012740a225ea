//! The store on PostgreSQL: many nodes on one database.
//!
//! Statements are about sets of rows, never about one contact. What a batch needs is on one list, and so on one shard
//! where the database has several: no transaction on the path of a batch touches a second one.
//!
//! - Accepting takes the lock of the list's row in `queue`, and holds it until the commit.
//! - Applying takes the lock of the list's row in `progress`, and holds it until the commit. Neither waits for the other.
//! - Changes of the catalogue are made one after the other.
//! - What may be tried again is tried again, a few times: after a deadlock, a lost connection, a restart.

mod activity;
pub mod address;
mod address_form;
mod api_activity;
mod append;
mod apply;
mod attempts;
mod catalogue;
mod changes;
pub mod check;
pub mod citus;
mod claim;
mod contact_reader;
mod deliveries;
mod due;
mod erase;
mod idempotency;
mod identity;
mod idle;
mod in_one;
mod jobs;
mod logins;
mod mentions;
mod migrate;
mod node;
mod prune;
mod purge;
mod queue;
mod requests;
mod rows;
mod search;
mod segments;
mod session;
mod shared;
mod signals;
mod store;
mod suppressions;
mod target;
mod tls;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::append::queue_of;
use self::signals::Notice;
pub use self::store::{PostgresStore, Settings};
pub use self::target::Target;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, Batch, ContactNo, ListNo};
use storage::Reckoning;
use storage::rows::dry_run;
use storage::{
    AddError, AppendError, Appended, Applied, Applier, Attempt, Backlog, Catalogue, CatalogueChanges,
    Delivery, Error, Health, ItemResult, Journal, List, ListChange, ListFilter, ListOwner, NewList,
    NewSource, OptOut, Outbox, Page, Remembered, Renamed, Request, RequestFilter, RequestReader,
    RequestState, RequestSummary, Retention, RetentionPolicy, Source, SourceChange, SourceFilter, SourceRef,
    Undoable, VariableKind, WebhookSecrets, Window,
};

#[async_trait]
impl Journal for PostgresStore {
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
        append::append(self, batches).await
    }

    fn queue_of(&self, batch: &Batch) -> ListNo {
        queue_of(batch.account, batch.list)
    }

    fn max_appends(&self) -> usize {
        self.shared.appends
    }

    async fn find_once(
        &self,
        account: AccountNo,
        list: ListNo,
        key: String,
        since: Timestamp,
    ) -> Result<Option<Remembered>, Error> {
        let queue = queue_of(account, list);
        self.read(move |session, _| idempotency::find(session, queue, account, &key, since)).await
    }

    fn backlog(&self) -> Backlog {
        self.shared.journal().backlog
    }

    fn backlog_of(&self, account: AccountNo) -> Backlog {
        self.shared.journal().backlogs.get(&account).copied().unwrap_or_default()
    }

    async fn oldest_waiting(&self) -> Result<Option<Timestamp>, Error> {
        self.read(|session, _| apply::oldest_waiting(session)).await
    }
}

#[async_trait]
impl Applier for PostgresStore {
    async fn dry_run(&self, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error> {
        self.view(move |view| dry_run::dry_run(view, batch.clone(), now)).await
    }

    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error> {
        let applied = apply::apply_next(self, max, now).await?;
        if applied.batches > 0 {
            self.shared.signals.tell(Notice::Applied);
        }
        if applied.webhooks > 0 {
            self.shared.deliveries.changed();
            self.shared.signals.tell(Notice::Deliveries);
        }
        Ok(applied)
    }

    fn appliers(&self) -> usize {
        self.shared.appliers
    }

    fn damaged_contacts(&self) -> Vec<(ListNo, ContactNo)> {
        self.shared.damage.found()
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error> {
        let known = self.shared.deliveries.next(self.shared.longest());
        if known.is_some_and(|next| next.is_none_or(|next| next > now)) {
            return Ok(Vec::new());
        }
        self.shared.deliveries.changed();
        self.write(move |session, shared| claim::claim(session, shared, now, max, per_receiver)).await
    }

    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error> {
        let logged =
            self.write(move |session, shared| deliveries::finish(session, shared, &attempts)).await?;
        self.shared.deliveries.changed();
        if let Err(error) = self.trim(logged).await {
            // The outcomes are stored; the oldest attempts go the next time.
            tracing::warn!(%error, "webhooks: deleting old attempts failed");
        }
        Ok(())
    }

    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error> {
        if let Some(next) = self.shared.deliveries.next(self.shared.longest()) {
            return Ok(next);
        }
        let changes = self.shared.deliveries.changes();
        let (next, none) = self.read(move |session, _| deliveries::next_at(session, per_receiver)).await?;
        if none || next.is_some() {
            self.shared.deliveries.found(changes, next);
        }
        Ok(next)
    }

    async fn resend(
        &self,
        account: Option<AccountNo>,
        request: ObjectId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let sent = self.write(move |session, _| deliveries::resend(session, account, request, now)).await?;
        self.shared.deliveries.changed();
        Ok(sent)
    }

    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error> {
        self.read(move |session, _| catalogue::accounts::webhook_secrets(session, account, now)).await
    }
}

#[async_trait]
impl RequestReader for PostgresStore {
    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        self.read(move |session, shared| requests::find(session, shared, account, &ids, true)).await
    }

    async fn find_outcomes(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        self.read(move |session, shared| requests::find(session, shared, account, &ids, false)).await
    }

    async fn find_undoable(&self, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
        self.read(move |session, _| requests::find_undoable(session, account, id)).await
    }

    async fn request_state(
        &self,
        account: AccountNo,
        id: ObjectId,
    ) -> Result<Option<(RequestState, ObjectId)>, Error> {
        self.read(move |session, shared| requests::state(session, shared, account, id)).await
    }

    async fn list_requests(
        &self,
        account: AccountNo,
        filter: RequestFilter,
        window: Window,
    ) -> Result<Page<RequestSummary>, Error> {
        self.read(move |session, shared| requests::page(session, shared, account, &filter, window)).await
    }
}

#[async_trait]
impl Catalogue for PostgresStore {
    async fn catalogue_changes(&self, since: u64) -> Result<CatalogueChanges, Error> {
        self.read(move |session, _| catalogue::changes(session, since)).await
    }

    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error> {
        self.read(move |session, _| catalogue::lists::find(session, id)).await
    }

    async fn list_owner(&self, list: ListNo) -> Result<Option<ListOwner>, Error> {
        self.read(move |session, _| catalogue::lists::owner(session, list)).await
    }

    async fn find_lists(
        &self,
        account: AccountNo,
        filter: ListFilter,
        window: Window,
    ) -> Result<Page<List>, Error> {
        self.read(move |session, _| catalogue::lists::page(session, account, &filter, window)).await
    }

    async fn find_sources(
        &self,
        account: AccountNo,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error> {
        self.read(move |session, _| catalogue::sources::page(session, account, &filter, window)).await
    }

    async fn find_source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error> {
        self.read(move |session, _| catalogue::sources::find(session, account, &source)).await
    }

    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        list: NewList,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change(move |session| catalogue::lists::add(session, account, id, &list, now)).await
    }

    async fn update_list(&self, list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error> {
        self.change(move |session| catalogue::lists::update(session, list, &change, now)).await
    }

    async fn opt_out(&self, id: ObjectId) -> Result<Option<OptOut>, Error> {
        self.read(move |session, _| catalogue::accounts::opt_out(session, id)).await
    }

    async fn set_opt_out(&self, id: ObjectId, opt_out: OptOut) -> Result<bool, Error> {
        self.change(move |session| catalogue::accounts::set_opt_out(session, id, opt_out)).await
    }

    async fn remove_list(&self, list: ListNo, name: String) -> Result<bool, Error> {
        self.change(move |session| catalogue::lists::remove(session, list, &name)).await
    }

    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change(move |session| catalogue::variables::add(session, list, &variables, max, now)).await
    }

    async fn remove_variables(
        &self,
        list: ListNo,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        self.change(move |session| catalogue::variables::remove(session, list, &names, now)).await
    }

    async fn rename_variable(
        &self,
        list: ListNo,
        name: String,
        new_name: String,
        now: Timestamp,
    ) -> Result<Renamed, Error> {
        self.change(move |session| catalogue::variables::rename(session, list, &name, &new_name, now)).await
    }

    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change(move |session| catalogue::sources::add(session, account, id, &source, now)).await
    }

    async fn update_source(
        &self,
        account: AccountNo,
        no: u64,
        change: SourceChange,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change(move |session| catalogue::sources::update(session, account, no, &change, now)).await
    }

    async fn remove_sources(&self, account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error> {
        self.change(move |session| catalogue::sources::remove(session, account, &sources)).await
    }
}

#[async_trait]
impl Retention for PostgresStore {
    async fn reckon(
        &self,
        seen: Option<Reckoning>,
        elapsed: Duration,
        system: Timestamp,
    ) -> Result<Reckoning, Error> {
        self.write(move |session, _| prune::reckon(session, seen, elapsed, system)).await
    }

    async fn prune(&self, keep: RetentionPolicy) -> Result<usize, Error> {
        let pruned = self.write(move |session, shared| prune::prune(session, shared, keep)).await?;
        if pruned.traces.is_some() {
            *self.shared.traces() = pruned.traces;
        }
        // Retention also notes deliveries that an earlier version has made due.
        if pruned.rows > 0 {
            self.shared.deliveries.changed();
        }
        Ok(usize::try_from(pruned.rows).unwrap_or(usize::MAX))
    }
}

#[async_trait]
impl Health for PostgresStore {
    async fn has_schema(&self) -> Result<bool, Error> {
        self.read(|session, _| migrate::has_schema(session)).await
    }
}
