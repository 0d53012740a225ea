//! The bare engine: the same contacts and patches, in the same groups, written straight into SQLite. It has the
//! schema, the pragmas and the durability of the store, its stored forms and its index; it has no HTTP, no JSON, no
//! journal, no results, no history, and asks nobody whether an identifier is taken. It works in the order of arrival.
//!
//! What it applies was encoded before by the server's own intake, into a journal that it reads between the stretches
//! that are measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollbook::bench::bodies::{Body, Random, VARIABLES};
use rollbook::bench::disk::Disk;
use rollbook::bench::target::{Share, Target};
use rollbook::catalogue::{Catalogue, Viewer};
use rollbook::clock::{Clock, SystemClock, Timestamp};
use rollbook::contact::document::{self, Document, Header};
use rollbook::contact::field::Key;
use rollbook::contact::identifier::{HashKey, IdentifierKind};
use rollbook::contact::record;
use rollbook::id::Ids;
use rollbook::intake::accept::Sender;
use rollbook::intake::contacts::{self, Method};
use rollbook::intake::writer::Writer;
use rollbook::journal::{self, AccountNo, Item, ListNo};
use rollbook::storage::Role;
use rollbook::storage::sqlite::{self, Settings, SqliteStore};
use rollbook::storage::{Backlog, NewAccount, NewSource, NewToken, Scope, SourceRef, Storage, VariableKind};
use rollbook::token::FreshToken;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::Result;

/// Bits of a row id that are the contact's number; see `migrations/sqlite/store`.
const NUMBER_BITS: u32 = 40;
const NAME: &str = "bare";

pub struct Bare {
    runtime: Runtime,
    catalogue: Catalogue,
    writer: Writer,
    account: AccountNo,
    ids: Ids,
    target: Target,
    list: ListNo,
    database: PathBuf,
    journal: Connection,
    engine: Engine,
    position: u64,
}

/// What a stretch cost.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub contacts: u64,
    pub wall: Duration,
    /// Of the one thread that works.
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
    /// A store of its own in that directory, with one empty list.
    pub fn create(directory: &Path, contacts: u32) -> Result<Self> {
        std::fs::create_dir(directory)?;
        let database = directory.join("bare.db");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let store = SqliteStore::open(&database, Role::Server, &Settings::DEFAULT)?;
        let storage: Arc<dyn Storage> = Arc::new(store);
        let unbounded = Backlog { batches: u64::MAX, bytes: u64::MAX };
        let (writer, commits) =
            Writer::new(Arc::clone(&storage), unbounded, Arc::new(Notify::new()), Default::default());
        runtime.spawn(commits);
        let ids = Ids::from_system();
        let (account, list, target) = runtime.block_on(prepare(storage.as_ref(), &ids, contacts))?;
        let journal =
            sqlite::connect(&journal_of(&database), &Settings { cache_kib: 2_048, checkpoint_pages: 1_000 })?;
        let engine = Engine::open(&database)?;
        let catalogue = Catalogue::new(storage);
        Ok(Self {
            runtime,
            catalogue,
            writer,
            account,
            ids,
            target,
            list,
            database,
            journal,
            engine,
            position: 0,
        })
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
            body.change(target, &mut random, Share { number: 0, of: 1 }, batch, false)?;
            Ok(Some(body))
        })
    }

    /// What it takes on disk; the journal is not its own.
    pub fn disk(&self) -> Result<Disk> {
        let mut disk = Disk::settled(&self.database, self.target.contacts())?;
        disk.total = disk.main;
        disk.bytes_per_contact = disk.main as f64 / f64::from(self.target.contacts());
        Ok(disk)
    }

    fn encode_and_apply(
        &mut self,
        groups: &[u32],
        mut next: impl FnMut(&Target) -> Result<Option<Body>>,
    ) -> Result<Cost> {
        while let Some(body) = next(&self.target)? {
            let sender = Sender {
                viewer: Viewer { account: self.account, lists: None },
                token: "bare".to_owned(),
                request: self.ids.next(SystemClock.now()),
                now: SystemClock.now(),
                key: None,
            };
            let kept = contacts::accept(&self.catalogue, &self.writer, sender, Method::Update, &body.bytes);
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
            let (begun, cpu) = (Instant::now(), thread_cpu()?);
            cost.contacts += self.engine.apply(self.list, &group)?;
            cost.cpu += thread_cpu()? - cpu;
            cost.wall += begun.elapsed();
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
            let count: u32 =
                self.engine
                    .store
                    .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            if count != expected {
                wrong.push(format!("the bare engine has {count} rows in {table}, not {expected}"));
            }
        }
        let mut random = Random::new(11);
        for _ in 0..200 {
            let n = random.below(contacts);
            let shop = rollbook::bench::bodies::expected_variables(n, self.target.stamp(n))[1].clone();
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
    storage.add_list(account, list, NAME.to_owned(), now).await?;
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

/// CPU of this thread.
fn thread_cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanos))
}

/// One connection, as the thread that applies has it.
struct Engine {
    store: Connection,
    key: HashKey,
}

impl Engine {
    fn open(database: &Path) -> Result<Self> {
        let store = sqlite::connect(database, &Settings::DEFAULT)?;
        let key =
            store.query_row("SELECT value FROM setting WHERE name = 'hash_key'", [], |row| row.get(0))?;
        Ok(Self { store, key: HashKey::from_bytes(key) })
    }

    /// Applies batches in one transaction; how many contacts they had.
    fn apply(&mut self, list: ListNo, batches: &[(u64, Vec<u8>)]) -> Result<u64> {
        let now = SystemClock.now();
        let transaction = self.store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next = "SELECT next FROM list WHERE list = ?1";
        let before: i64 = transaction.query_row(next, [list.0], |row| row.get(0)).optional()?.unwrap_or(1);
        let mut group = Group {
            store: &transaction,
            key: self.key,
            list,
            now,
            next: before,
            scratch: Scratch::default(),
        };
        let mut contacts = 0;
        for (position, items) in batches {
            for item in journal::read_items(items)? {
                group.item(*position, &item)?;
                contacts += 1;
            }
        }
        let next = group.next;
        transaction.execute(
            "INSERT INTO list VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET next = excluded.next, contacts = contacts + excluded.contacts",
            [list.0, next, next - before],
        )?;
        let last = batches.last().map_or(0, |(position, _)| position.cast_signed());
        transaction.execute("UPDATE setting SET value = ?1 WHERE name = 'applied'", [last])?;
        transaction.commit()?;
        Ok(contacts)
    }

    fn document_of(&self, list: ListNo, user_id: &str) -> Result<Vec<u8>> {
        let hash = self.key.hash(list.0.unsigned_abs(), IdentifierKind::UserId, user_id);
        let text =
            "SELECT document FROM contact WHERE id = (SELECT number FROM identifier WHERE hash = ?1) | ?2";
        let list = list.0 << NUMBER_BITS;
        Ok(self.store.query_row(text, [hash.cast_signed(), list], |row| row.get(0))?)
    }
}

#[derive(Default)]
struct Scratch {
    record: Vec<u8>,
    undo: Vec<u8>,
    document: Vec<u8>,
}

/// A transaction.
struct Group<'a> {
    store: &'a Connection,
    key: HashKey,
    list: ListNo,
    now: Timestamp,
    next: i64,
    scratch: Scratch,
}

impl Group<'_> {
    fn hash(&self, kind: IdentifierKind, text: &str) -> i64 {
        self.key.hash(self.list.0.unsigned_abs(), kind, text).cast_signed()
    }

    fn item(&mut self, position: u64, item: &Item<'_>) -> Result<()> {
        let mut select = self.store.prepare_cached("SELECT number FROM identifier WHERE hash = ?1")?;
        let number = select.query_row([self.hash(item.kind, item.contact)], |row| row.get(0)).optional()?;
        match number {
            Some(number) => self.update(position, number, item),
            None => self.insert(position, item),
        }
    }

    fn insert(&mut self, position: u64, item: &Item<'_>) -> Result<()> {
        let Scratch { record, undo, document } = &mut self.scratch;
        for buffer in [&mut *record, undo, document] {
            buffer.clear();
        }
        record::merge(&[], item.patch, record, undo)?;
        let (created_at, updated_at) = (self.now, self.now);
        Header { created_at, updated_at, renamed_at: 0, changed_at: position }.put(document);
        document.extend_from_slice(record);
        let number = self.next;
        self.next += 1;
        let id = self.list.0 << NUMBER_BITS | number;
        self.store
            .prepare_cached("INSERT INTO contact VALUES (?1, ?2)")?
            .execute(params![id, self.scratch.document])?;
        let identifiers = document::identifiers(&self.scratch.record)?;
        let mut insert = self.store.prepare_cached("INSERT INTO identifier VALUES (?1, ?2)")?;
        for kind in IdentifierKind::ALL {
            if let Some(text) = identifiers.get(kind) {
                insert.execute([self.hash(kind, text), number])?;
            }
        }
        Ok(())
    }

    fn update(&mut self, position: u64, number: i64, item: &Item<'_>) -> Result<()> {
        let id = self.list.0 << NUMBER_BITS | number;
        let Scratch { undo, document, .. } = &mut self.scratch;
        undo.clear();
        document.clear();
        let mut select = self.store.prepare_cached("SELECT document FROM contact WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        let row = rows.next()?.ok_or("an index entry without its contact")?;
        let old = Document::read(row.get_ref(0)?.as_blob()?)?;
        Header { updated_at: self.now, changed_at: position, ..old.header }.put(document);
        record::merge(old.record, item.patch, document, undo)?;
        drop(rows);
        let mut update = self.store.prepare_cached("UPDATE contact SET document = ?2 WHERE id = ?1")?;
        update.execute(params![id, self.scratch.document])?;
        Ok(())
    }
}
