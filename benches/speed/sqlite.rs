//! The bare engine on SQLite: one connection, as the thread that applies has it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::disk::Disk;
use domain::clock::{Clock, SystemClock, Timestamp};
use domain::contact::document;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{self, Item, ListNo};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sqlite::{Settings, measure};

use crate::Result;
use crate::engine::{Engine, Forms, thread_cpu};

/// Bits of a row id that are the contact's number; see `crates/sqlite/migrations/store`.
const NUMBER_BITS: u32 = 40;

pub struct Sqlite {
    store: Connection,
    key: HashKey,
    database: PathBuf,
    /// The server's.
    beside: PathBuf,
}

impl Sqlite {
    /// Writes to the store `database`, in transactions like those of the server's store `beside`.
    pub fn open(database: &Path, beside: PathBuf) -> Result<Self> {
        let store = sqlite::connect(database, &Settings::DEFAULT)?;
        let key =
            store.query_row("SELECT value FROM setting WHERE name = 'hash_key'", [], |row| row.get(0))?;
        Ok(Self { store, key: HashKey::from_bytes(key), database: database.to_owned(), beside })
    }
}

impl Engine for Sqlite {
    fn apply(&mut self, list: ListNo, batches: &[(u64, Vec<u8>)]) -> Result<u64> {
        let now = SystemClock.now();
        let transaction = self.store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next = "SELECT next FROM list WHERE list = ?1";
        let before: i64 = transaction.query_row(next, [list.0], |row| row.get(0)).optional()?.unwrap_or(1);
        let mut group =
            Group { store: &transaction, key: self.key, list, now, next: before, forms: Forms::default() };
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

    fn cpu(&self) -> Result<Duration> {
        thread_cpu()
    }

    /// The journal is not its own.
    fn bytes(&self, contacts: u32) -> Result<u64> {
        Ok(Disk::settled(&self.database, contacts)?.main)
    }

    fn count(&self, table: &str) -> Result<i64> {
        Ok(self.store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
    }

    fn document_of(&self, list: ListNo, user_id: &str) -> Result<Vec<u8>> {
        let hash = self.key.hash(list.0.unsigned_abs(), IdentifierKind::UserId, user_id);
        let text =
            "SELECT document FROM contact WHERE id = (SELECT number FROM identifier WHERE hash = ?1) | ?2";
        let list = list.0 << NUMBER_BITS;
        Ok(self.store.query_row(text, [hash.cast_signed(), list], |row| row.get(0))?)
    }

    fn server_transactions(&self, after: u64) -> Result<(u64, Vec<u32>)> {
        Ok(measure::transactions(&self.beside, after)?)
    }
}

/// A transaction.
struct Group<'a> {
    store: &'a Connection,
    key: HashKey,
    list: ListNo,
    now: Timestamp,
    next: i64,
    forms: Forms,
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
        let document = self.forms.made(position, item, self.now)?;
        let number = self.next;
        self.next += 1;
        let id = self.list.0 << NUMBER_BITS | number;
        self.store.prepare_cached("INSERT INTO contact VALUES (?1, ?2)")?.execute(params![id, document])?;
        let identifiers = document::identifiers(&self.forms.record)?;
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
        let mut select = self.store.prepare_cached("SELECT document FROM contact WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        let row = rows.next()?.ok_or("an index entry without its contact")?;
        let document = self.forms.changed(position, row.get_ref(0)?.as_blob()?, item, self.now)?;
        let mut update = self.store.prepare_cached("UPDATE contact SET document = ?2 WHERE id = ?1")?;
        update.execute(params![id, document])?;
        Ok(())
    }
}
