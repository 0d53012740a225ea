//! The bare engine: the same contacts and patches, in the same groups, written straight into SQLite or PostgreSQL. It
//! has the schema, the settings and the durability of the store, its stored forms and its index; it has no HTTP, no
//! JSON, no journal, no results, no history, and asks nobody whether an identifier is taken. It works in the order of
//! arrival.
//!
//! What it applies was encoded before by the server's own intake, into a journal that it reads between the stretches
//! that are measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::catalogue::{AccessScope, Catalogue};
use app::feed::Followers;
use app::retention::RetentionClock;
use app::suppressions::SuppressionExpiry;
use app::unsubscribe::Links;
use app::webhook::address::AddressPolicy;
use app::webhook::send::Sender;
use app::writer::Writer;
use app::{Caller, Commands, Queries, Services};
use bench::bodies::{Body, Random, VARIABLES};
use bench::load::Work;
use bench::target::{Share, Target};
use domain::clock::{Clock, SystemClock};
use domain::contact::document::Document;
use domain::contact::field::Key;
use domain::id::Ids;
use domain::journal::{AccountNo, ListNo};
use domain::token::FreshToken;
use observe::spans::Spans;
use rusqlite::{Connection, params};
use sqlite::{Settings, SqliteStore};
use storage::Role;
use storage::{Backlog, NewAccount, NewList, NewSource, NewToken, Scope, SourceRef, Storage, VariableKind};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use wire::ingest::{self, BodyKind, Context};

use crate::Result;
use crate::engine::Engine;

const NAME: &str = "bare";

pub struct Bare {
    runtime: Runtime,
    commands: Commands,
    queries: Queries,
    caller: Caller,
    target: Target,
    list: ListNo,
    journal: Connection,
    /// What is measured.
    pub engine: Box<dyn Engine>,
    position: u64,
}

/// What a stretch cost.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub contacts: u64,
    pub wall: Duration,
    /// See [`Engine::cpu`].
    pub cpu: Duration,
}

impl Cost {
    pub fn per_second(&self) -> f64 {
        self.contacts as f64 / self.wall.as_secs_f64()
    }

    pub fn micros_per_contact(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.contacts as f64
    }
}

impl Bare {
    /// A store of its own in that directory, with one empty list; the engine is told where it is.
    pub fn create(
        directory: &Path,
        contacts: u32,
        engine: impl FnOnce(&Path) -> Result<Box<dyn Engine>>,
    ) -> Result<Self> {
        std::fs::create_dir(directory)?;
        let database = directory.join("bare.db");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let store = SqliteStore::open(&database, Role::Server, &Settings::DEFAULT)?;
        let storage: Arc<dyn Storage> = Arc::new(store);
        let unbounded = Backlog { batches: u64::MAX, bytes: u64::MAX };
        let (writer, commits) =
            Writer::new(storage.clone(), unbounded, Arc::new(Notify::new()), Default::default());
        runtime.spawn(commits);
        let ids = Ids::from_system();
        let (account, list, target) = runtime.block_on(prepare(storage.as_ref(), &ids, contacts))?;
        let journal =
            sqlite::connect(&journal_of(&database), &Settings { cache_kib: 2_048, checkpoint_pages: 1_000 })?;
        let engine = engine(&database)?;
        let scope = AccessScope { account, lists: None };
        let caller = Caller::token("bare".to_owned(), "bare".to_owned(), scope, false, "bare".to_owned());
        let storage_key = storage.link_key();
        let services = Arc::new(Services {
            catalogue: Catalogue::new(Arc::clone(&storage)),
            storage,
            writer,
            metrics: Arc::default(),
            spans: Spans::default(),
            applied: Arc::default(),
            followers: Followers::default(),
            links: Links::new(storage_key, None),
            transport: Arc::new(Sender::new(AddressPolicy::new(Vec::new()), &[])),
            suppression_expiry: SuppressionExpiry::default(),
            clock: Arc::new(SystemClock),
            retention: RetentionClock::default(),
            ids: Arc::new(ids),
            attempt_ids: Arc::new(Ids::from_system()),
            search: Arc::default(),
        });
        let (commands, queries) = (Commands::new(Arc::clone(&services)), Queries::new(services));
        Ok(Self { runtime, commands, queries, caller, target, list, journal, engine, position: 0 })
    }

    /// Creates all contacts, in transactions of so many batches.
    pub fn insert(&mut self, batch: u32, groups: &[u32]) -> Result<Cost> {
        let mut body = Body::default();
        let mut first = 0;
        self.encode_and_apply(groups, move |target| {
            let last = target.per_list().min(first + batch);
            let some = first < last;
            if some {
                body.fill(target, 0, first..last)?;
            }
            first = last;
            Ok(some.then(|| std::mem::take(&mut body)))
        })
    }

    /// Changes random contacts, in transactions of so many batches.
    pub fn update(&mut self, batch: u32, groups: &[u32]) -> Result<Cost> {
        let mut random = Random::new(self.target.take_stamps(1).start);
        let mut left: u32 = groups.iter().sum();
        self.encode_and_apply(groups, move |target| {
            let Some(rest) = left.checked_sub(1) else { return Ok(None) };
            left = rest;
            let mut body = Body::default();
            body.change(target, &mut random, Share { number: 0, of: 1 }, batch, Work::Update)?;
            Ok(Some(body))
        })
    }

    /// What it takes on disk, by contact.
    pub fn bytes_per_contact(&self) -> Result<f64> {
        let contacts = self.target.contacts();
        Ok(self.engine.bytes(contacts)? as f64 / f64::from(contacts))
    }

    fn encode_and_apply(
        &mut self,
        groups: &[u32],
        mut next: impl FnMut(&Target) -> Result<Option<Body>>,
    ) -> Result<Cost> {
        while let Some(body) = next(&self.target)? {
            let submission = self.commands.submission();
            let (commands, queries, caller) = (&self.commands, &self.queries, &self.caller);
            let context = Context { commands, queries, caller, submission };
            let kept = ingest::accept(context, BodyKind::Update, &body.bytes);
            self.runtime.block_on(kept).map_err(|refusal| format!("the bare engine's body: {refusal:?}"))?;
            self.target.remember(&body.changes);
        }
        let mut cost = Cost::default();
        // What the groups leave over, should they not be all, is one more.
        for batches in groups.iter().copied().chain([u32::MAX]) {
            let group = self.read(batches)?;
            if group.is_empty() {
                break;
            }
            let cpu = self.engine.cpu()?;
            let begun = Instant::now();
            cost.contacts += self.engine.apply(self.list, &group)?;
            cost.wall += begun.elapsed();
            cost.cpu += self.engine.cpu()? - cpu;
            self.position = group.last().map_or(self.position, |(position, _)| *position);
        }
        Ok(cost)
    }

    fn read(&self, batches: u32) -> Result<Vec<(u64, Vec<u8>)>> {
        let text = "SELECT position, items FROM batch WHERE position > ?1 ORDER BY position LIMIT ?2";
        let mut select = self.journal.prepare_cached(text)?;
        let after = self.position.cast_signed();
        let rows = select.query_map(params![after, batches], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What is wrong with what it has written.
    pub fn check(&self) -> Result<Vec<String>> {
        let (mut wrong, contacts) = (Vec::new(), self.target.contacts());
        for (table, expected) in [("contact", contacts), ("identifier", contacts * 3)] {
            let count = self.engine.count(table)?;
            if count != i64::from(expected) {
                wrong.push(format!("the bare engine has {count} rows in {table}, not {expected}"));
            }
        }
        let mut random = Random::new(11);
        for _ in 0..200 {
            let n = random.below(contacts);
            let shop = bench::bodies::expected_variables(n, self.target.stamp(n))[1].clone();
            let document = self.engine.document_of(self.list, &format!("user-{n}"))?;
            let read = Document::read(&document).and_then(|read| read.get(Key::of_variable(1)));
            if read.ok().flatten() != Some(shop.as_bytes()) {
                wrong.push(format!("the bare engine's user-{n} is not as it was changed last"));
            }
        }
        Ok(wrong)
    }
}

fn journal_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".intake");
    PathBuf::from(name)
}

async fn prepare(storage: &dyn Storage, ids: &Ids, contacts: u32) -> Result<(AccountNo, ListNo, Target)> {
    let now = SystemClock.now();
    let token = FreshToken::generate();
    let key = token.key.clone();
    let new = NewToken {
        key: token.key,
        secret_hash: token.secret_hash,
        name: NAME.to_owned(),
        expires_at: None,
        scope: Scope::default(),
    };
    let (account, user) = (ids.next(now), ids.next(now));
    let webhook_secret = String::new();
    let account = NewAccount { id: account, name: NAME.to_owned(), user, webhook_secret, token: new };
    storage.add_account(account, now).await?;
    let account = storage.find_access(key).await?.and_then(|access| access.account).ok_or("no account")?.no;
    let list = ids.next(now);
    storage.add_list(account, list, NewList::named(NAME), now).await?;
    let no = storage.find_list(list).await?.ok_or("no list")?.no;
    let variables = VARIABLES.map(|name| (name.to_owned(), VariableKind::String)).to_vec();
    storage.add_variables(no, variables, VARIABLES.len(), now).await?;
    let source = ids.next(now);
    let new = NewSource { name: NAME.to_owned(), customer_source_id: Some(NAME.to_owned()), cac: None };
    storage.add_source(account, source, new, now).await?;
    let known = storage.find_source(account, SourceRef::Id(source)).await?;
    known.ok_or("no source")?;
    Ok((account, no, Target::new(vec![list.to_string()], (&source.to_string(), NAME), contacts)))
}
