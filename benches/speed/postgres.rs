//! The bare engine on PostgreSQL: tables of the same form in a schema of its own, beside the server's in one
//! database. Three statements for each batch, as whoever writes a batch at a time would send them: who bears what, their
//! contacts, and all that is new.

use std::collections::HashMap;
use std::time::Duration;

use bench::process::Process;
use domain::clock::{Clock, SystemClock, Timestamp};
use domain::contact::document;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{self, Item, ListNo};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement, Transaction};

use crate::Result;
use crate::engine::{Engine, Forms, thread_cpu};

/// The server's tables are there by now.
const SCHEMA: &str = "
    DROP SCHEMA IF EXISTS bare CASCADE;
    CREATE SCHEMA bare;
    CREATE TABLE bare.contact (LIKE public.contact INCLUDING ALL) WITH (fillfactor = 80);
    CREATE TABLE bare.identifier (LIKE public.identifier INCLUDING ALL);
    CREATE TABLE bare.progress (LIKE public.progress INCLUDING ALL);
    INSERT INTO bare.progress VALUES (1);
";
/// Of one batch. What changes the index comes after what reads it.
const STATEMENTS: [&str; 5] = [
    "SELECT hash, number FROM bare.identifier WHERE list = $1 AND hash = ANY ($2::bigint[])",
    "SELECT number, document FROM bare.contact WHERE list = $1 AND number = ANY ($2::bigint[])",
    "INSERT INTO bare.contact SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])",
    "INSERT INTO bare.identifier SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])",
    "UPDATE bare.contact c SET document = u.document FROM unnest($2::bigint[], $3::bytea[]) \
     AS u (number, document) WHERE c.list = $1 AND c.number = u.number",
];
const BY_INDEX: &str = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
                        SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
/// Its only list.
const LIST: i64 = 1;

pub struct Postgres {
    runtime: Runtime,
    client: Client,
    statements: Vec<Statement>,
    key: HashKey,
    next: i64,
    forms: Forms,
    own: Process,
}

impl Postgres {
    /// Writes to the database that the server uses.
    pub fn open(url: &str) -> Result<Self> {
        // Of this thread, so that its CPU is the engine's.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (client, statements) = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(SCHEMA).await?;
            let mut statements = Vec::new();
            for text in STATEMENTS {
                statements.push(client.prepare(text).await?);
            }
            Ok::<_, tokio_postgres::Error>((client, statements))
        })?;
        let key = HashKey::from_bytes([7; 16]);
        let own = Process::own()?;
        Ok(Self { runtime, client, statements, key, next: 1, forms: Forms::default(), own })
    }

    fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(
        &self,
        text: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<T> {
        Ok(self.runtime.block_on(self.client.query_one(text, values))?.try_get(0)?)
    }
}

impl Engine for Postgres {
    fn apply(&mut self, _: ListNo, batches: &[(u64, Vec<u8>)]) -> Result<u64> {
        let Self { runtime, client, statements, key, next, forms, .. } = self;
        let now = SystemClock.now();
        runtime.block_on(async {
            let transaction = client.transaction().await?;
            let before = *next;
            // As the server: found by the index, whatever the database believes of tables that grow.
            transaction.batch_execute(BY_INDEX).await?;
            let mut group = Group { transaction: &transaction, statements, key: *key, next, forms, now };
            let mut contacts = 0;
            for (position, items) in batches {
                let items = journal::read_items(items)?;
                group.batch(*position, &items).await?;
                contacts += items.len() as u64;
            }
            let update = "UPDATE bare.progress SET next = $2, contacts = contacts + $3 WHERE list = $1";
            transaction.execute(update, &[&LIST, &*next, &(*next - before)]).await?;
            transaction.commit().await?;
            Ok(contacts)
        })
    }

    fn cpu(&self) -> Result<Duration> {
        Ok(thread_cpu()? + Duration::from_secs_f64(self.own.cpu_seconds_of_all("postgres")?))
    }

    fn bytes(&self, _: u32) -> Result<u64> {
        let text =
            "SELECT pg_total_relation_size('bare.contact') + pg_total_relation_size('bare.identifier')";
        Ok(self.one::<i64>(text, &[])?.unsigned_abs())
    }

    fn count(&self, table: &str) -> Result<i64> {
        self.one(&format!("SELECT count(*) FROM bare.{table}"), &[])
    }

    fn document_of(&self, _: ListNo, user_id: &str) -> Result<Vec<u8>> {
        let hash = hash(&self.key, IdentifierKind::UserId, user_id);
        let text = "SELECT document FROM bare.contact c JOIN bare.identifier i USING (list, number) \
                    WHERE i.list = $1 AND i.hash = $2";
        self.one(text, &[&LIST, &hash])
    }

    fn server_transactions(&self, after: u64) -> Result<(u64, Vec<u32>)> {
        // All that is applied together is applied at one time.
        let text = "SELECT count(*), max(position) FROM request WHERE position > $1 \
                    GROUP BY list, processed_at ORDER BY min(position)";
        let rows = self.runtime.block_on(self.client.query(text, &[&after.cast_signed()]))?;
        let (mut last, mut groups) = (after, Vec::new());
        for row in rows {
            groups.push(u32::try_from(row.try_get::<_, i64>(0)?)?);
            last = last.max(row.try_get::<_, i64>(1)?.unsigned_abs());
        }
        Ok((last, groups))
    }
}

fn hash(key: &HashKey, kind: IdentifierKind, text: &str) -> i64 {
    key.hash(LIST.unsigned_abs(), kind, text).cast_signed()
}

/// A transaction.
struct Group<'a> {
    transaction: &'a Transaction<'a>,
    statements: &'a [Statement],
    key: HashKey,
    next: &'a mut i64,
    forms: &'a mut Forms,
    now: Timestamp,
}

/// Numbers or hashes, each with what belongs to it.
type Columns<T> = (Vec<i64>, Vec<T>);

impl Group<'_> {
    async fn batch(&mut self, position: u64, items: &[Item<'_>]) -> Result<()> {
        let [holders, documents, insert, index, update] = self.statements else {
            return Err("five statements".into());
        };
        let named: Vec<_> = items.iter().map(|item| hash(&self.key, item.kind, item.contact)).collect();
        let rows = self.transaction.query(holders, &[&LIST, &named]).await?;
        let known: HashMap<i64, i64> =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?;
        let numbers: Vec<_> = known.values().copied().collect();
        let rows = match numbers.is_empty() {
            true => Vec::new(),
            false => self.transaction.query(documents, &[&LIST, &numbers]).await?,
        };
        // As they are after the items so far: one batch may name a contact twice.
        let mut changed: HashMap<i64, Vec<u8>> =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?;
        let (mut made, mut entries): (Columns<Vec<u8>>, Columns<i64>) = Default::default();
        for (item, named) in items.iter().zip(&named) {
            match known.get(named) {
                Some(number) => {
                    let document = changed.get_mut(number).ok_or("an index entry without its contact")?;
                    *document = self.forms.changed(position, document, item, self.now)?.to_vec();
                }
                None => {
                    let number = *self.next;
                    *self.next += 1;
                    made.1.push(self.forms.made(position, item, self.now)?.to_vec());
                    made.0.push(number);
                    let identifiers = document::identifiers(&self.forms.record)?;
                    for kind in IdentifierKind::ALL {
                        if let Some(text) = identifiers.get(kind) {
                            entries.0.push(hash(&self.key, kind, text));
                            entries.1.push(number);
                        }
                    }
                }
            }
        }
        if !made.0.is_empty() {
            self.transaction.execute(insert, &[&LIST, &made.0, &made.1]).await?;
            self.transaction.execute(index, &[&LIST, &entries.0, &entries.1]).await?;
        }
        if !changed.is_empty() {
            let (numbers, documents): Columns<Vec<u8>> = changed.into_iter().unzip();
            self.transaction.execute(update, &[&LIST, &numbers, &documents]).await?;
        }
        Ok(())
    }
}
