//! The embedded store: two SQLite files, one thread that writes each, a few that read.
//!
//! `PATH.intake` takes small commits (accepting a batch, making a list), `PATH` takes large ones (applying).
//! Neither waits for the other. What must be true across the two, so that a crash between them does no harm:
//! the applied position is written with the contacts; journal rows go only after that commit; positions never
//! repeat; both files carry one store id.

mod activity;
mod address_form;
mod api_activity;
mod append;
mod apply;
pub mod archive;
mod attempts;
mod backlog;
pub mod backup;
mod catalogue;
mod changes;
pub mod check;
mod compact;
mod contact_reader;
mod contacts;
mod deliveries;
mod dump;
mod erase;
mod export;
mod failure;
mod files;
mod idempotency;
mod identity;
mod jobs;
mod log;
mod logins;
mod marks;
pub mod measure;
mod open;
mod prune;
mod purge;
mod readers;
mod request_list;
mod requests;
pub mod restore;
mod rows;
mod schema;
mod search;
mod segments;
mod shared;
mod snapshot;
mod store;
mod suppressions;
mod turns;
mod webhooks;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::dump::{Dump, Table};
pub use self::open::{connect, exists};
use self::shared::{Pair, Shared, error, is_not_synced, lock, signed, unsigned};
pub use self::store::{Settings, SqliteStore};
pub use self::turns::{Hands, Turns};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, Batch, ContactNo, ListNo};
use storage::Reckoning;
use storage::rows::dry_run;
use storage::{
    AddError, AppendError, Appended, Applied, Applier, Attempt, Backlog, Catalogue, CatalogueChanges,
    Delivery, Error, Health, ItemResult, Journal, List, ListChange, ListFilter, ListOwner, NewList,
    NewSource, OptOut, Outbox, Page, Remembered, Renamed, Request, RequestFilter, RequestReader,
    RequestState, RequestSummary, Retention, RetentionPolicy, Signals, Source, SourceChange, SourceFilter,
    SourceRef, Space, Undoable, VariableKind, WebhookSecrets, Window,
};

#[async_trait]
impl Journal for SqliteStore {
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
        append::append(self, batches).await
    }

    async fn find_once(
        &self,
        account: AccountNo,
        list: ListNo,
        key: String,
        since: Timestamp,
    ) -> Result<Option<Remembered>, Error> {
        self.gate.call(move |intake| idempotency::find(intake, account, list, &key, since)).await
    }

    fn backlog(&self) -> Backlog {
        backlog::counted(&self.shared).backlog()
    }

    fn backlog_of(&self, account: AccountNo) -> Backlog {
        backlog::counted(&self.shared).backlog_of(account)
    }

    async fn oldest_waiting(&self) -> Result<Option<Timestamp>, Error> {
        self.read(|pair, _| append::oldest_waiting(pair)).await
    }
}

#[async_trait]
impl Applier for SqliteStore {
    async fn dry_run(&self, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error> {
        self.view(move |view| dry_run::dry_run(view, batch, now)).await
    }

    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error> {
        let apply = self.write(move |pair, shared| apply::apply_next(pair, shared, max, now));
        // What the transactions before have applied is forgotten while this one runs.
        let (done, forgotten) = tokio::join!(apply, append::forget_applied(self));
        if let Err(error) = forgotten {
            // They are applied all the same; the next transaction or pruning forgets them.
            tracing::warn!(%error, "journal: deleting applied batches failed");
        }
        done
    }

    fn damaged_contacts(&self) -> Vec<(ListNo, ContactNo)> {
        self.shared.damage.found()
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error> {
        self.read(move |pair, shared| deliveries::claim(&pair.store, shared, now, max, per_receiver)).await
    }

    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error> {
        self.write(move |pair, shared| deliveries::finish(&mut pair.store, shared, &attempts)).await
    }

    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error> {
        self.read(move |pair, shared| deliveries::next_at(&pair.store, shared, per_receiver)).await
    }

    async fn resend(
        &self,
        account: Option<AccountNo>,
        request: ObjectId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.write(move |pair, _| deliveries::resend(&pair.store, account, request, now)).await
    }

    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error> {
        self.read(move |pair, _| catalogue::accounts::webhook_secrets(&pair.intake, account, now)).await
    }
}

#[async_trait]
impl RequestReader for SqliteStore {
    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        self.read(move |pair, shared| requests::find(pair, shared, account, &ids, true)).await
    }

    async fn find_outcomes(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        self.read(move |pair, shared| requests::find(pair, shared, account, &ids, false)).await
    }

    async fn find_undoable(&self, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
        self.read(move |pair, _| requests::find_undoable(pair, account, id)).await
    }

    async fn request_state(
        &self,
        account: AccountNo,
        id: ObjectId,
    ) -> Result<Option<(RequestState, ObjectId)>, Error> {
        self.read(move |pair, shared| request_list::state(pair, shared, account, id)).await
    }

    async fn list_requests(
        &self,
        account: AccountNo,
        filter: RequestFilter,
        window: Window,
    ) -> Result<Page<RequestSummary>, Error> {
        self.read(move |pair, shared| request_list::page(pair, shared, account, &filter, window)).await
    }
}

#[async_trait]
impl Catalogue for SqliteStore {
    async fn catalogue_changes(&self, since: u64) -> Result<CatalogueChanges, Error> {
        self.gate.call(move |intake| catalogue::changes(intake, since)).await
    }

    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error> {
        self.gate.call(move |intake| catalogue::lists::find(intake, id)).await
    }

    async fn list_owner(&self, list: ListNo) -> Result<Option<ListOwner>, Error> {
        self.gate.call(move |intake| catalogue::lists::owner(intake, list)).await
    }

    async fn find_lists(
        &self,
        account: AccountNo,
        filter: ListFilter,
        window: Window,
    ) -> Result<Page<List>, Error> {
        self.read(move |pair, _| catalogue::lists::page(&mut pair.intake, account, &filter, window)).await
    }

    async fn find_sources(
        &self,
        account: AccountNo,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error> {
        self.read(move |pair, _| catalogue::sources::page(&mut pair.intake, account, &filter, window)).await
    }

    async fn find_source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error> {
        self.gate.call(move |intake| catalogue::sources::find(intake, account, &source)).await
    }

    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        list: NewList,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.intake.call(move |intake| Ok(catalogue::lists::add(intake, account, id, &list, now))).await?
    }

    async fn update_list(&self, list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::lists::update(intake, list, &change, now)).await
    }

    async fn opt_out(&self, id: ObjectId) -> Result<Option<OptOut>, Error> {
        self.read(move |pair, _| catalogue::accounts::opt_out(&pair.intake, id)).await
    }

    async fn set_opt_out(&self, id: ObjectId, opt_out: OptOut) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::accounts::set_opt_out(intake, id, opt_out)).await
    }

    async fn remove_list(&self, list: ListNo, name: String) -> Result<bool, Error> {
        self.intake.call(move |intake| catalogue::lists::remove(intake, list, &name)).await
    }

    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.intake
            .call(move |intake| Ok(catalogue::variables::add(intake, list, &variables, max, now)))
            .await?
    }

    async fn remove_variables(
        &self,
        list: ListNo,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        self.intake.call(move |intake| catalogue::variables::remove(intake, list, &names, now)).await
    }

    async fn rename_variable(
        &self,
        list: ListNo,
        name: String,
        new_name: String,
        now: Timestamp,
    ) -> Result<Renamed, Error> {
        self.intake
            .call(move |intake| catalogue::variables::rename(intake, list, &name, &new_name, now))
            .await
    }

    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.intake.call(move |intake| Ok(catalogue::sources::add(intake, account, id, &source, now))).await?
    }

    async fn update_source(
        &self,
        account: AccountNo,
        no: u64,
        change: SourceChange,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.intake
            .call(move |intake| Ok(catalogue::sources::update(intake, account, no, &change, now)))
            .await?
    }

    async fn remove_sources(&self, account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error> {
        self.intake.call(move |intake| catalogue::sources::remove(intake, account, &sources)).await
    }
}

#[async_trait]
impl Retention for SqliteStore {
    async fn reckon(
        &self,
        seen: Option<Reckoning>,
        elapsed: Duration,
        system: Timestamp,
    ) -> Result<Reckoning, Error> {
        self.intake.call(move |intake| prune::reckon(intake, seen, elapsed, system)).await
    }

    async fn prune(&self, keep: RetentionPolicy) -> Result<usize, Error> {
        prune::prune(self, keep).await
    }
}

/// Files have one server. Commands beside it send no signals: it polls.
impl Signals for SqliteStore {}

#[async_trait]
impl Health for SqliteStore {
    async fn failed(&self) -> Error {
        tokio::select! {
            error = self.failure.wait() => error,
            error = self.moved() => error,
        }
    }

    fn space(&self) -> Option<Space> {
        self.room()
    }

    async fn has_schema(&self) -> Result<bool, Error> {
        self.read(|pair, _| schema::has_schema(pair)).await
    }
}
