//! The promises of `trait Storage`, asked of every backend.
//!
//! A second backend is one line in [`on_every_backend`] and a [`Backend`] of its own.

mod activity;
mod addresses;
mod api_activity;
mod attempts;
mod batches;
mod catalogue;
mod changes;
mod changes_stories;
mod contact_pages;
mod copy;
mod copy_refusals;
mod damage;
mod deliveries;
mod exact;
mod histories;
mod jobs;
mod lists;
mod logins;
mod merged;
mod person;
mod postgres_callers;
mod postgres_check;
mod postgres_citus;
mod postgres_dead_rows;
mod postgres_due;
mod postgres_faults;
mod postgres_nodes;
mod postgres_path;
mod postgres_pooler;
mod postgres_processes;
mod postgres_retries;
mod postgres_statements;
mod postgres_tls;
mod prune;
mod raw;
mod request_list;
mod roles;
mod saved_queries;
mod search;
mod segments;
mod sqlite_check;
mod sqlite_crash;
mod sqlite_damage;
mod sqlite_erase;
mod sqlite_files;
mod sqlite_pages;
mod sqlite_seal;
mod sqlite_space;
mod sqlite_turns;
mod suppressions;
mod turns;
mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::email;
use domain::contact::field::Field;
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::put_entry;
use domain::id::{Ids, ObjectId};
use domain::journal::{AccountNo, Batch, BatchKind, ItemsWriter, ListNo, WebHook};
use domain::token::FreshToken;
use postgres::PostgresStore;
use sqlite::{Settings, SqliteStore};
use storage::Role;
use storage::{
    Applied, Attempt, Delivery, DeliveryEnd, DeliveryState, Error, ItemResult, NewAccount, NewList, NewToken,
    Request, Response, RetentionPolicy, Scope, Storage,
};

use crate::harness::postgres::Database;
use crate::harness::{Directory, LEASE, PATIENCE};

/// A store that outlives those who open it.
pub trait Backend: Send + Sync {
    /// Opens it as the process that serves it, or as a command beside that.
    fn open(&self, role: Role) -> Box<dyn Storage>;

    /// Whether one who reads much delays others, and so must read in chunks.
    fn readers_wait_for_each_other(&self) -> bool {
        true
    }
}

/// Two files in a directory that goes with the last who knows of it.
#[derive(Clone)]
pub struct Sqlite(Arc<Directory>);

impl Sqlite {
    pub fn new() -> Self {
        Self(Arc::new(Directory::new()))
    }

    pub fn store(&self) -> PathBuf {
        self.0.path("rollbook.db")
    }

    pub fn intake(&self) -> PathBuf {
        self.0.path("rollbook.db.intake")
    }

    pub fn try_open(&self, role: Role) -> Result<SqliteStore, Error> {
        SqliteStore::open(&self.store(), role, &Settings::default())
    }
}

impl Backend for Sqlite {
    /// A child that another test has forked holds the lock with this process's files until it is its own program.
    fn open(&self, role: Role) -> Box<dyn Storage> {
        let start = Instant::now();
        loop {
            match self.try_open(role) {
                Err(error)
                    if error.to_string().contains("by another process") && start.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                opened => return Box::new(opened.expect("a store")),
            }
        }
    }
}

/// A database of PostgreSQL that goes with the last who knows of it.
#[derive(Clone)]
pub struct Postgres(Arc<Database>);

impl Postgres {
    pub fn new() -> Self {
        Self(Arc::new(Database::new()))
    }

    pub fn address(&self) -> String {
        self.0.address()
    }

    pub fn name(&self) -> &str {
        self.0.name()
    }
}

impl Backend for Postgres {
    fn open(&self, role: Role) -> Box<dyn Storage> {
        let settings = postgres::Settings { lease: LEASE, ..postgres::Settings::default() };
        let address = self.0.address();
        let store = PostgresStore::open(&address, role, &settings);
        let wait = || tokio::runtime::Handle::current().block_on(store);
        Box::new(tokio::task::block_in_place(wait).expect("a store"))
    }

    fn readers_wait_for_each_other(&self) -> bool {
        false
    }
}

/// Makes a test of each function, for each backend.
macro_rules! on_every_backend {
    ($($test:ident),+ $(,)?) => {
        $crate::storage_contract::on_every_backend!(in sqlite: $crate::storage_contract::Sqlite::new(), $($test),+);
        $crate::storage_contract::on_every_backend!(in postgres: $crate::storage_contract::Postgres::new(), $($test),+);

        /// Each of them, one after the other, on backends of somebody else's making.
        pub async fn each(backend: &dyn Fn() -> Box<dyn $crate::storage_contract::Backend>) {
            $( Box::pin($test($crate::storage_contract::Desk::new(backend()).await)).await; )+
        }
    };
    (in $name:ident: $backend:expr, $($test:ident),+) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::storage_contract::Desk::new(Box::new($backend)).await).await;
                }
            )+
        }
    };
}
use on_every_backend;

/// An item: whom it is about, and fields that are kept as text.
type Item<'a> = (&'a str, &'a [(Field, &'a str)]);

/// An open store with an account and a list in it, and a clock that stands unless it is moved.
pub struct Desk {
    pub backend: Box<dyn Backend>,
    storage: Option<Box<dyn Storage>>,
    pub ids: Ids,
    pub now: Timestamp,
    pub account: Owner,
    pub list: ListNo,
    pub list_id: ObjectId,
}

/// An account and what it was made with.
pub struct Owner {
    pub id: ObjectId,
    pub no: AccountNo,
    pub user: ObjectId,
    pub key: String,
}

impl Desk {
    pub async fn new(backend: Box<dyn Backend>) -> Self {
        let storage = backend.open(Role::Server);
        let (ids, now) = (Ids::new([1; 8]), Timestamp::from_millis(1_700_000_000_000));
        let account = add_account(storage.as_ref(), &ids, now).await;
        let list_id = ids.next(now);
        storage.add_list(account.no, list_id, NewList::named("Customers"), now).await.expect("a list");
        let list = storage.find_list(list_id).await.expect("a look").expect("the list").no;
        Self { backend, storage: Some(storage), ids, now, account, list, list_id }
    }

    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_deref().expect("it is open")
    }

    /// What a restart does; nothing is said to the store before.
    pub fn reopen(&mut self) {
        self.storage = None;
        self.storage = Some(self.backend.open(Role::Server));
    }

    pub fn close(&mut self) {
        self.storage = None;
    }

    /// What an attempt at a delivery came to; `end`: `None` if nothing was tried.
    pub fn attempt(
        &self,
        delivery: &Delivery,
        end: Option<DeliveryEnd>,
        state: DeliveryState,
        next_at: Timestamp,
    ) -> Attempt {
        Attempt {
            id: self.ids.next(self.now),
            place: delivery.place,
            generation: delivery.generation,
            at: self.now,
            took: Duration::from_millis(12),
            response: end.map(Response::from),
            state,
            next_at,
        }
    }

    /// A batch that makes contacts where there are none.
    pub fn batch(&self, items: &[Item<'_>]) -> Batch {
        let mut writer = ItemsWriter::default();
        for (contact, fields) in items {
            let mut fields = fields.to_vec();
            fields.sort_unstable();
            let mut patch = Vec::new();
            for (field, value) in fields {
                put_entry(&mut patch, field.key(), value.as_bytes());
            }
            let kind = if email::is_valid(contact) { IdentifierKind::Email } else { IdentifierKind::UserId };
            writer.add(kind, contact, &patch);
        }
        Batch {
            request: self.ids.next(self.now),
            account: self.account.no,
            list: self.list,
            list_id: self.list_id,
            token: self.account.key.clone(),
            kind: BatchKind::Upsert,
            accepted_at: self.now,
            webhook: None,
            restore_erased: false,
            once: None,
            items: writer.finish(),
        }
    }

    /// The same, to be reported to a receiver.
    pub fn reported(&self, receiver: &str, items: &[Item<'_>]) -> Batch {
        let webhook = WebHook { uri: format!("{receiver}/hook"), receiver: receiver.to_owned() };
        Batch { webhook: Some(webhook), ..self.batch(items) }
    }

    /// Appends a batch that must be kept, and returns its request.
    pub async fn append(&self, batch: Batch) -> ObjectId {
        let request = batch.request;
        self.storage().append(vec![Arc::new(batch)]).await.expect("kept");
        request
    }

    /// Appends and applies a batch of these items.
    pub async fn update(&self, items: &[Item<'_>]) -> ObjectId {
        let request = self.append(self.batch(items)).await;
        self.apply_all().await;
        request
    }

    pub async fn apply(&self, max: usize) -> Applied {
        self.storage().apply_next(max, self.now).await.expect("applied")
    }

    pub async fn apply_all(&self) {
        while self.apply(100).await.batches > 0 {}
    }

    pub async fn find(&self, request: ObjectId) -> Option<Request> {
        let found = self.storage().find_requests(self.account.no, vec![request]).await.expect("a look");
        found.into_iter().next()
    }

    /// The results of a processed request: `action userId email`, or the error's code.
    pub async fn told(&self, request: ObjectId) -> Vec<String> {
        let request = self.find(request).await.expect("the request");
        request.results.iter().map(in_words).collect()
    }

    /// A field of the contact with that userId or address; `None` where there is no such contact.
    pub async fn field(&self, contact: &str, field: Field) -> Option<String> {
        self.field_in(self.list, contact, field).await
    }

    pub async fn field_in(&self, list: ListNo, contact: &str, field: Field) -> Option<String> {
        let kinds = [IdentifierKind::UserId, IdentifierKind::Email].map(|kind| (kind, contact.to_owned()));
        let found =
            self.storage().find_contact(self.account.no, list, kinds.to_vec()).await.expect("a look")?;
        let document = Document::read(&found.1.document).expect("a contact");
        Some(document.text(field).expect("a text").unwrap_or_default().to_owned())
    }
}

fn in_words(result: &ItemResult) -> String {
    match result {
        ItemResult::Failed { failure, .. } => failure.code().to_owned(),
        ItemResult::Done { action, identifiers, .. } => {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}", action.name(), text(&identifiers.user_id), text(&identifiers.email))
        }
    }
}

pub async fn add_account(storage: &dyn Storage, ids: &Ids, now: Timestamp) -> Owner {
    let (id, user, token) = (ids.next(now), ids.next(now), FreshToken::generate());
    let new = NewAccount {
        id,
        name: "Test".to_owned(),
        user,
        webhook_secret: "whsec_first".to_owned(),
        token: NewToken {
            key: token.key.clone(),
            secret_hash: token.secret_hash,
            name: "first".to_owned(),
            expires_at: None,
            scope: Scope::default(),
        },
    };
    storage.add_account(new, now).await.expect("an account");
    let access = storage.find_access(token.key.clone()).await.expect("a look").expect("the token");
    let no = access.account.expect("the account").no;
    Owner { id, no, user, key: token.key }
}

/// Requests from that time on are kept, and histories and keys for ever.
pub fn keep_since(requests: Timestamp) -> RetentionPolicy {
    let ever = Timestamp::from_millis(0);
    RetentionPolicy { requests, history: ever, keys: ever, ended: ever }
}
