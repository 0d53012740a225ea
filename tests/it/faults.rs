//! A store that fails, panics or holds back on demand, and is otherwise the real one.

mod account_webhooks;
mod api_activity;
mod changes;
mod fault;
mod jobs;
mod logins;
mod suppressions;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rollbook::clock::Timestamp;
use rollbook::contact::identifier::IdentifierKind;
use rollbook::id::ObjectId;
use rollbook::journal::{AccountNo, Batch, ContactNo, ListNo};
use rollbook::retention::Reckoning;
use rollbook::storage::{
    Access, Account, Activities, ActivityWindow, AddError, AppendError, Appended, Applied, Attempt, Backlog,
    CatalogueChanges, Consents, Contact, ContactPage, Delivery, Error, History, ItemResult, Keep, List,
    ListChange, ListFilter, ListOwner, Mentions, NewAccount, NewList, NewSource, NewToken, OptOut, Page,
    Person, Remembered, Renamed, Request, RequestFilter, RequestState, RequestSummary, Source, SourceChange,
    SourceFilter, SourceRef, Storage, Subject, Token, TokenError, Undoable, VariableKind, WebhookSecrets,
    Window,
};

pub use self::fault::{Fault, Switch};
use self::fault::{Faulty, broken};

#[async_trait]
impl Storage for Faulty {
    async fn append(&self, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
        match self.switch.get() {
            Fault::AppendNotKept | Fault::Away => Err(AppendError::NotKept(broken())),
            Fault::AppendUnknown => Err(AppendError::Unknown(broken())),
            fault => {
                self.silent().await;
                if fault == Fault::ApplyWaits {
                    // What was being applied when that began must not see what is accepted from now on.
                    drop(self.applying.write().await);
                }
                self.store.append(batches).await
            }
        }
    }

    async fn apply_next(&self, max: usize, now: Timestamp) -> Result<Applied, Error> {
        let _applying = self.applying.read().await;
        let max = if self.switch.get() == Fault::ApplyWaits { 0 } else { max };
        self.store.apply_next(max, now).await
    }

    fn appliers(&self) -> usize {
        self.store.appliers()
    }

    fn damaged_contacts(&self) -> Vec<(ListNo, ContactNo)> {
        self.store.damaged_contacts()
    }

    fn backlog(&self) -> Backlog {
        self.store.backlog()
    }

    fn backlog_of(&self, account: AccountNo) -> Backlog {
        self.store.backlog_of(account)
    }

    async fn oldest_waiting(&self) -> Result<Option<Timestamp>, Error> {
        self.read()?;
        self.store.oldest_waiting().await
    }

    async fn has_schema(&self) -> Result<bool, Error> {
        self.read()?;
        self.store.has_schema().await
    }

    async fn reckon(
        &self,
        seen: Option<Reckoning>,
        elapsed: Duration,
        system: Timestamp,
    ) -> Result<Reckoning, Error> {
        self.store.reckon(seen, elapsed, system).await
    }

    async fn prune(&self, keep: Keep) -> Result<usize, Error> {
        self.store.prune(keep).await
    }

    async fn find_once(
        &self,
        account: AccountNo,
        list: ListNo,
        key: String,
        since: Timestamp,
    ) -> Result<Option<Remembered>, Error> {
        self.read()?;
        self.store.find_once(account, list, key, since).await
    }

    async fn try_out(&self, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error> {
        self.read()?;
        self.store.try_out(batch, now).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        max: usize,
        per_receiver: usize,
    ) -> Result<Vec<Delivery>, Error> {
        self.store.claim_deliveries(now, max, per_receiver).await
    }

    async fn finish_deliveries(&self, attempts: Vec<Attempt>) -> Result<(), Error> {
        self.store.finish_deliveries(attempts).await
    }

    async fn next_delivery_at(&self, per_receiver: usize) -> Result<Option<Timestamp>, Error> {
        self.store.next_delivery_at(per_receiver).await
    }

    async fn resend(
        &self,
        account: Option<AccountNo>,
        request: ObjectId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.resend(account, request, now).await
    }

    async fn webhook_secrets(&self, account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error> {
        self.read()?;
        self.store.webhook_secrets(account, now).await
    }

    async fn find_requests(&self, account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error> {
        self.read()?;
        self.store.find_requests(account, ids).await
    }

    async fn find_undoable(&self, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
        self.read()?;
        self.store.find_undoable(account, id).await
    }

    async fn request_state(
        &self,
        account: AccountNo,
        id: ObjectId,
    ) -> Result<Option<(RequestState, ObjectId)>, Error> {
        self.read()?;
        self.store.request_state(account, id).await
    }

    async fn list_requests(
        &self,
        account: AccountNo,
        filter: RequestFilter,
        window: Window,
    ) -> Result<Page<RequestSummary>, Error> {
        self.read()?;
        self.store.list_requests(account, filter, window).await
    }

    async fn find_contact(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<(ContactNo, Contact)>, Error> {
        self.read()?;
        self.store.find_contact(account, list, identifiers).await
    }

    async fn find_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        wanted: Vec<Vec<(IdentifierKind, String)>>,
    ) -> Result<Vec<Option<(ContactNo, Contact)>>, Error> {
        self.read()?;
        self.store.find_contacts(account, list, wanted).await
    }

    async fn page_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        after: ContactNo,
        limit: u32,
    ) -> Result<ContactPage, Error> {
        self.read()?;
        self.store.page_contacts(account, list, after, limit).await
    }

    async fn page_contacts_down(
        &self,
        account: AccountNo,
        list: ListNo,
        before: ContactNo,
        limit: u32,
    ) -> Result<ContactPage, Error> {
        self.read()?;
        self.store.page_contacts_down(account, list, before, limit).await
    }

    async fn count_contacts(&self, lists: Vec<ListNo>) -> Result<HashMap<ListNo, u64>, Error> {
        self.read()?;
        self.store.count_contacts(lists).await
    }

    async fn count_all_contacts(&self, account: AccountNo) -> Result<u64, Error> {
        self.read()?;
        self.store.count_all_contacts(account).await
    }

    async fn activity(&self, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error> {
        self.read()?;
        self.store.activity(account, window).await
    }

    async fn find_history(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
        window: Window,
    ) -> Result<Option<History>, Error> {
        self.read()?;
        self.store.find_history(account, list, identifiers, window).await
    }

    async fn find_consents(
        &self,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Consents>, Error> {
        self.read()?;
        self.store.find_consents(list, identifiers).await
    }

    async fn last_erase(&self, account: AccountNo) -> Result<Option<Timestamp>, Error> {
        self.read()?;
        self.store.last_erase(account).await
    }

    async fn find_person(
        &self,
        account: AccountNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Person, Error> {
        self.read()?;
        self.store.find_person(account, identifiers).await
    }

    async fn find_mentions(
        &self,
        account: AccountNo,
        subject: Arc<Subject>,
        after: u64,
    ) -> Result<Mentions, Error> {
        self.read()?;
        self.store.find_mentions(account, subject, after).await
    }

    async fn catalogue_changes(&self, since: u64) -> Result<CatalogueChanges, Error> {
        self.store.catalogue_changes(since).await
    }

    async fn find_access(&self, key: String) -> Result<Option<Access>, Error> {
        self.read()?;
        self.store.find_access(key).await
    }

    async fn find_list(&self, id: ObjectId) -> Result<Option<List>, Error> {
        self.read()?;
        self.store.find_list(id).await
    }

    async fn list_owner(&self, list: ListNo) -> Result<Option<ListOwner>, Error> {
        self.read()?;
        self.store.list_owner(list).await
    }

    fn link_key(&self) -> [u8; 32] {
        self.store.link_key()
    }

    async fn find_lists(
        &self,
        account: AccountNo,
        filter: ListFilter,
        window: Window,
    ) -> Result<Page<List>, Error> {
        self.read()?;
        self.store.find_lists(account, filter, window).await
    }

    async fn find_sources(
        &self,
        account: AccountNo,
        filter: SourceFilter,
        window: Window,
    ) -> Result<Page<Source>, Error> {
        self.read()?;
        self.store.find_sources(account, filter, window).await
    }

    async fn find_source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error> {
        self.read()?;
        self.store.find_source(account, source).await
    }

    async fn add_account(&self, account: NewAccount, now: Timestamp) -> Result<(), Error> {
        self.store.add_account(account, now).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.read()?;
        self.store.accounts().await
    }

    async fn set_account_enabled(&self, id: ObjectId, enabled: bool) -> Result<bool, Error> {
        self.store.set_account_enabled(id, enabled).await
    }

    async fn remove_account(&self, id: ObjectId) -> Result<bool, Error> {
        self.store.remove_account(id).await
    }

    async fn webhook_secret(&self, id: ObjectId) -> Result<Option<String>, Error> {
        self.read()?;
        self.store.webhook_secret(id).await
    }

    async fn set_webhook_secret(
        &self,
        id: ObjectId,
        secret: String,
        previous_until: Timestamp,
    ) -> Result<bool, Error> {
        self.change()?;
        self.store.set_webhook_secret(id, secret, previous_until).await
    }

    async fn add_token(&self, user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError> {
        self.change()?;
        self.store.add_token(user, token, now).await
    }

    async fn tokens(&self, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
        self.read()?;
        self.store.tokens(account).await
    }

    async fn revoke_token(&self, key: String, now: Timestamp) -> Result<bool, Error> {
        self.change()?;
        self.store.revoke_token(key, now).await
    }

    async fn add_list(
        &self,
        account: AccountNo,
        id: ObjectId,
        list: NewList,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change()?;
        self.store.add_list(account, id, list, now).await
    }

    async fn update_list(&self, list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error> {
        self.change()?;
        self.store.update_list(list, change, now).await
    }

    async fn opt_out(&self, id: ObjectId) -> Result<Option<OptOut>, Error> {
        self.read()?;
        self.store.opt_out(id).await
    }

    async fn set_opt_out(&self, id: ObjectId, opt_out: OptOut) -> Result<bool, Error> {
        self.change()?;
        self.store.set_opt_out(id, opt_out).await
    }

    async fn remove_list(&self, list: ListNo, name: String) -> Result<bool, Error> {
        self.change()?;
        self.store.remove_list(list, name).await
    }

    async fn add_variables(
        &self,
        list: ListNo,
        variables: Vec<(String, VariableKind)>,
        max: usize,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change()?;
        self.store.add_variables(list, variables, max, now).await
    }

    async fn remove_variables(
        &self,
        list: ListNo,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        self.change()?;
        self.store.remove_variables(list, names, now).await
    }

    async fn rename_variable(
        &self,
        list: ListNo,
        name: String,
        new_name: String,
        now: Timestamp,
    ) -> Result<Renamed, Error> {
        self.change()?;
        self.store.rename_variable(list, name, new_name, now).await
    }

    async fn add_source(
        &self,
        account: AccountNo,
        id: ObjectId,
        source: NewSource,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change()?;
        self.store.add_source(account, id, source, now).await
    }

    async fn update_source(
        &self,
        account: AccountNo,
        no: u64,
        change: SourceChange,
        now: Timestamp,
    ) -> Result<(), AddError> {
        self.change()?;
        self.store.update_source(account, no, change, now).await
    }

    async fn remove_sources(&self, account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error> {
        self.change()?;
        self.store.remove_sources(account, sources).await
    }
}
