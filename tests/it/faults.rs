//! A store that fails, panics or holds back on demand, and is otherwise the real one.

mod account_webhooks;
mod api_activity;
mod changes;
mod fault;
mod jobs;
mod logins;
mod saved_queries;
mod search;
mod segments;
mod suppressions;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::contact::identifier::IdentifierKind;
use domain::filter::Matcher;
use domain::id::ObjectId;
use domain::journal::{AccountNo, Batch, ContactNo, ListNo};
use domain::sort::{Place, Sort, Start};
use storage::Counted;
use storage::Reckoning;
use storage::{
    Access, Account, Activities, ActivityWindow, AddError, AppendError, Appended, Applied, Applier, Attempt,
    Backlog, Catalogue, CatalogueChanges, Consents, Contact, ContactPage, ContactReader, Delivery, Error,
    Health, History, Identity, ItemResult, Journal, List, ListChange, ListFilter, ListOwner, Mentions,
    NewAccount, NewList, NewSource, NewToken, OptOut, Outbox, Page, Person, Remembered, Removal, Renamed,
    Request, RequestFilter, RequestReader, RequestState, RequestSummary, Retention, RetentionPolicy, Source,
    SourceChange, SourceFilter, SourceRef, Subject, Token, TokenError, Undoable, VariableKind, Way,
    WebhookSecrets, Window,
};

pub use self::fault::{Fault, Switch};
use self::fault::{Faulty, broken};

/// Implements a port for [`Faulty`]: each method passes on to the store, behind the check that stands before it.
macro_rules! forward {
    ($port:ident: $($check:ident fn $method:ident($($name:ident: $type:ty),*) -> $result:ty;)*
     $(+ by hand: $($hand:tt)*)?) => {
        #[async_trait]
        impl $port for Faulty {
            $(async fn $method(&self, $($name: $type),*) -> $result {
                self.$check()?;
                self.store.$method($($name),*).await
            })*
            $($($hand)*)?
        }
    };
}
use forward;

forward! { Journal:
    read fn oldest_waiting() -> Result<Option<Timestamp>, Error>;
    read fn find_once(account: AccountNo, list: ListNo, key: String, since: Timestamp) -> Result<Option<Remembered>, Error>;
    + by hand:

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

    fn queue_of(&self, batch: &Batch) -> ListNo {
        self.store.queue_of(batch)
    }

    fn max_appends(&self) -> usize {
        self.store.max_appends()
    }

    fn backlog(&self) -> Backlog {
        self.store.backlog()
    }

    fn backlog_of(&self, account: AccountNo) -> Backlog {
        self.store.backlog_of(account)
    }
}

forward! { Applier:
    read fn dry_run(batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error>;
    + by hand:

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
}

forward! { Outbox:
    pass fn claim_deliveries(now: Timestamp, max: usize, per_receiver: usize) -> Result<Vec<Delivery>, Error>;
    pass fn finish_deliveries(attempts: Vec<Attempt>) -> Result<(), Error>;
    pass fn next_delivery_at(per_receiver: usize) -> Result<Option<Timestamp>, Error>;
    change fn resend(account: Option<AccountNo>, request: ObjectId, now: Timestamp) -> Result<bool, Error>;
    read_secrets fn webhook_secrets(account: AccountNo, now: Timestamp) -> Result<WebhookSecrets, Error>;
}

forward! { RequestReader:
    read fn find_outcomes(account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;
    read fn find_requests(account: AccountNo, ids: Vec<ObjectId>) -> Result<Vec<Request>, Error>;
    read fn find_undoable(account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error>;
    read fn request_state(account: AccountNo, id: ObjectId) -> Result<Option<(RequestState, ObjectId)>, Error>;
    read fn list_requests(account: AccountNo, filter: RequestFilter, window: Window) -> Result<Page<RequestSummary>, Error>;
}

forward! { ContactReader:
    read fn find_contact(account: AccountNo, list: ListNo, identifiers: Vec<(IdentifierKind, String)>) -> Result<Option<(ContactNo, Contact)>, Error>;
    read fn find_contacts(account: AccountNo, list: ListNo, wanted: Vec<Vec<(IdentifierKind, String)>>) -> Result<Vec<Option<(ContactNo, Contact)>>, Error>;
    read fn page_contacts(account: AccountNo, list: ListNo, way: Way, limit: u32) -> Result<ContactPage, Error>;
    read fn contacts_by_number(account: AccountNo, list: ListNo, numbers: Vec<ContactNo>) -> Result<ContactPage, Error>;
    read fn count_matching(list: ListNo, after: ContactNo, until: ContactNo, matcher: Arc<Matcher>) -> Result<Counted, Error>;
    read fn first_matching(list: ListNo, range: (ContactNo, ContactNo), matcher: Arc<Matcher>, page: (Sort, Start, usize)) -> Result<(Vec<Place>, Vec<ContactNo>), Error>;
    read fn count_contacts(lists: Vec<ListNo>) -> Result<HashMap<ListNo, u64>, Error>;
    read fn count_all_contacts(account: AccountNo) -> Result<u64, Error>;
    read fn activity(account: AccountNo, window: ActivityWindow) -> Result<Activities, Error>;
    read fn contacts_of_request(list: ListNo, request: ObjectId) -> Result<Vec<ContactNo>, Error>;
    read fn find_removal(list: ListNo, contact: ContactNo) -> Result<Option<Removal>, Error>;
    read fn find_history(account: AccountNo, list: ListNo, identifiers: Vec<(IdentifierKind, String)>, window: Window) -> Result<Option<History>, Error>;
    read fn find_consents(list: ListNo, identifiers: Vec<(IdentifierKind, String)>) -> Result<Option<Consents>, Error>;
    read fn last_erase(account: AccountNo) -> Result<Option<Timestamp>, Error>;
    read fn find_person(account: AccountNo, identifiers: Vec<(IdentifierKind, String)>) -> Result<Person, Error>;
    read fn find_mentions(account: AccountNo, subject: Arc<Subject>, after: u64) -> Result<Mentions, Error>;
}

forward! { Catalogue:
    pass fn catalogue_changes(since: u64) -> Result<CatalogueChanges, Error>;
    read fn find_list(id: ObjectId) -> Result<Option<List>, Error>;
    read fn list_owner(list: ListNo) -> Result<Option<ListOwner>, Error>;
    read fn find_lists(account: AccountNo, filter: ListFilter, window: Window) -> Result<Page<List>, Error>;
    read fn find_sources(account: AccountNo, filter: SourceFilter, window: Window) -> Result<Page<Source>, Error>;
    read fn find_source(account: AccountNo, source: SourceRef) -> Result<Option<Source>, Error>;
    change fn add_list(account: AccountNo, id: ObjectId, list: NewList, now: Timestamp) -> Result<(), AddError>;
    change fn update_list(list: ListNo, change: ListChange, now: Timestamp) -> Result<bool, Error>;
    read fn opt_out(id: ObjectId) -> Result<Option<OptOut>, Error>;
    change fn set_opt_out(id: ObjectId, opt_out: OptOut) -> Result<bool, Error>;
    change fn remove_list(list: ListNo, name: String) -> Result<bool, Error>;
    change fn add_variables(list: ListNo, variables: Vec<(String, VariableKind)>, max: usize, now: Timestamp) -> Result<(), AddError>;
    change fn remove_variables(list: ListNo, names: Vec<String>, now: Timestamp) -> Result<Vec<String>, Error>;
    change fn rename_variable(list: ListNo, name: String, new_name: String, now: Timestamp) -> Result<Renamed, Error>;
    change fn add_source(account: AccountNo, id: ObjectId, source: NewSource, now: Timestamp) -> Result<(), AddError>;
    change fn update_source(account: AccountNo, no: u64, change: SourceChange, now: Timestamp) -> Result<(), AddError>;
    change fn remove_sources(account: AccountNo, sources: Vec<SourceRef>) -> Result<usize, Error>;
}

forward! { Identity:
    read fn find_access(key: String) -> Result<Option<Access>, Error>;
    pass fn add_account(account: NewAccount, now: Timestamp) -> Result<(), Error>;
    read fn accounts() -> Result<Vec<Account>, Error>;
    pass fn set_account_enabled(id: ObjectId, enabled: bool) -> Result<bool, Error>;
    pass fn remove_account(id: ObjectId) -> Result<bool, Error>;
    read fn webhook_secret(id: ObjectId) -> Result<Option<String>, Error>;
    change fn set_webhook_secret(id: ObjectId, secret: String, previous_until: Timestamp) -> Result<bool, Error>;
    change fn add_token(user: ObjectId, token: NewToken, now: Timestamp) -> Result<(), TokenError>;
    read fn tokens(account: Option<ObjectId>) -> Result<Vec<Token>, Error>;
    change fn revoke_token(key: String, now: Timestamp) -> Result<bool, Error>;
    + by hand:

    fn link_key(&self) -> [u8; 32] {
        self.store.link_key()
    }
}

forward! { Retention:
    pass fn reckon(seen: Option<Reckoning>, elapsed: Duration, system: Timestamp) -> Result<Reckoning, Error>;
    pass fn prune(keep: RetentionPolicy) -> Result<usize, Error>;
}

/// It polls.
impl storage::Signals for Faulty {}

forward! { Health:
    read fn has_schema() -> Result<bool, Error>;
}
