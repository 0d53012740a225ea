//! A database into which a store is being copied: see [`stores::copy`].
//!
//! A row of the table `setting` says of which store a copy was begun, and is taken away when it is whole: until then
//! nobody serves the database. Rows are committed with how many there are, so that a copy goes on behind them.

use bytes::BytesMut;
use deadpool_postgres::Object;
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::address::Address;
use super::migrate;
use super::session::error;
use super::store::{connection, pool};
use storage::Error;
use storage::transfer::{Checksum, Columns, StoreSettings, Value};

/// Tables that a copy does not fill: those of the schema, of nodes that run, settings, which are set one by one, and the
/// search index, which a server builds from the contacts.
const OWN: &[&str] =
    &["schema_version", "setting", "node", "catalogue_change", "search_feed", "search_entry"];

/// Held while it is looked whether a copy may begin.
const LOCK: i64 = 0x726f_6c6c_636f_7079;

/// The database, on one connection.
pub struct Target {
    client: Object,
    tables: Vec<Columns>,
}

impl Target {
    /// Opens the database at an address, to fill these tables, and makes the schema or brings it up to date.
    ///
    /// # Errors
    /// Where it cannot be reached, was written by a later version, or has a table or column that is not copied.
    pub async fn open(url: &str, tables: Vec<Columns>) -> Result<Self, Error> {
        let mut client = connection(&pool(&Address::read(url)?, 1)?).await?;
        migrate::migrate(&mut client).await?;
        let target = Self { client, tables };
        target.check_tables().await?;
        Ok(target)
    }

    /// A table or column that was added and is not filled would be empty without a word.
    async fn check_tables(&self) -> Result<(), Error> {
        let select = "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                      WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = \
                      (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('schema_version'))";
        for row in self.client.query_typed(select, &[]).await.map_err(error)? {
            let (table, column): (&str, &str) = (row.get(0), row.get(1));
            let copied = self.tables.iter().find(|copied| copied.name == table);
            if !OWN.contains(&table) && !copied.is_some_and(|copied| copied.has(column)) {
                let text = format!("a copy does not know the column {column} of the table {table}");
                return Err(Error::Unavailable(text));
            }
        }
        Ok(())
    }

    /// Begins a copy of the store with that fingerprint, or goes on with it.
    ///
    /// # Errors
    /// Where the database holds anything else, or a server runs on it.
    pub async fn begin(&mut self, fingerprint: &[u8]) -> Result<(), Error> {
        let transaction = self.client.transaction().await.map_err(error)?;
        // Two copies that begin at once: the second finds what the first has written.
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(error)?;
        let live = "SELECT FROM node WHERE heard_at > now() - interval '10 seconds'";
        if transaction.query_opt(live, &[]).await.map_err(error)?.is_some() {
            return Err(Error::Unavailable(
                "a server runs on the target database, or has just ended".to_owned(),
            ));
        }
        let begun = transaction.query_opt("SELECT bytes FROM setting WHERE name = 'copy'", &[]).await;
        match begun.map_err(error)?.map(|row| row.get::<_, Vec<u8>>(0)) {
            Some(begun) if begun == fingerprint => return Ok(()),
            Some(_) => {
                let text = "the target database holds the beginning of a copy of another store, or of this one before \
                            it was changed: empty it, and copy again";
                return Err(Error::Unavailable(text.to_owned()));
            }
            None => {}
        }
        // A server that ran on the empty database has left a link that would make the first account of it: that is no
        // store, and must not stay beside the accounts that are copied.
        transaction.execute("DELETE FROM link WHERE user_no IS NULL", &[]).await.map_err(error)?;
        for table in &self.tables {
            let any = format!("SELECT FROM {} LIMIT 1", table.name);
            if transaction.query_opt(&any, &[]).await.map_err(error)?.is_some() {
                return Err(Error::Unavailable(
                    "the target database is not empty: it has a store".to_owned(),
                ));
            }
        }
        let insert = "INSERT INTO setting (name, bytes) VALUES ('copy', $1)";
        transaction.execute(insert, &[&fingerprint]).await.map_err(error)?;
        transaction.commit().await.map_err(error)
    }

    /// How many rows of a table are there.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn copied(&self, table: &Columns) -> Result<u64, Error> {
        let select = "SELECT number FROM setting WHERE name = $1";
        let found = self.client.query_typed(select, &[(&copied(table), Type::TEXT)]).await.map_err(error)?;
        Ok(found.first().map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
    }

    /// Writes rows behind the first `there`.
    ///
    /// # Errors
    /// Where they cannot be kept; then none is.
    pub async fn write(&mut self, table: &Columns, rows: Vec<Vec<Value>>, there: u64) -> Result<(), Error> {
        let columns = table.columns;
        let transaction = self.client.transaction().await.map_err(error)?;
        let select = format!("SELECT {columns} FROM {} WHERE false", table.name);
        let select = transaction.prepare(&select).await.map_err(error)?;
        let types: Vec<_> = select.columns().iter().map(|column| column.type_().clone()).collect();
        let copy = format!("COPY {} ({columns}) FROM STDIN (FORMAT binary)", table.name);
        let writer = BinaryCopyInWriter::new(transaction.copy_in(&copy).await.map_err(error)?, &types);
        pin_mut!(writer);
        for row in &rows {
            writer.as_mut().write_raw(row.iter().map(Parameter)).await.map_err(error)?;
        }
        writer.finish().await.map_err(error)?;
        let upsert = "INSERT INTO setting (name, number) VALUES ($1, $2) \
                      ON CONFLICT (name) DO UPDATE SET number = excluded.number";
        let now = (there + rows.len() as u64).cast_signed();
        transaction.execute(upsert, &[&copied(table), &now]).await.map_err(error)?;
        transaction.commit().await.map_err(error)
    }

    /// What the rows of a table come to.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn checksum(&self, table: &Columns) -> Result<Checksum, Error> {
        let select = format!("SELECT {} FROM {}", table.columns, table.name);
        let none: [(&(dyn ToSql + Sync), Type); 0] = [];
        let rows = self.client.query_typed_raw(&select, none).await.map_err(error)?;
        pin_mut!(rows);
        let mut sum = Checksum::default();
        while let Some(row) = rows.next().await {
            let row = row.map_err(error)?;
            let value = |column| read(&row, column).map_err(error);
            let values = (0..row.len()).map(value).collect::<Result<Vec<_>, _>>()?;
            sum.add(&values);
        }
        Ok(sum)
    }

    /// Makes it a store of its own that can be served.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub async fn finish(&mut self, settings: &StoreSettings) -> Result<(), Error> {
        let transaction = self.client.transaction().await.map_err(error)?;
        let own = "UPDATE setting SET bytes = $2 WHERE name = $1";
        for (name, bytes) in [("store_id", &settings.store_id), ("hash_key", &settings.hash_key)] {
            transaction.execute(own, &[&name, bytes]).await.map_err(error)?;
        }
        let version = "UPDATE setting SET number = $1::bigint + 1 WHERE name = 'catalogue_version'";
        transaction.execute(version, &[&settings.catalogue_version]).await.map_err(error)?;
        let retention = "INSERT INTO setting (name, bytes) VALUES ('retention', $1) \
                         ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes";
        transaction.execute(retention, &[&settings.retention]).await.map_err(error)?;
        for (table, last) in &settings.numbers {
            let next = "SELECT setval(pg_get_serial_sequence($1, 'no'), $2::bigint + 1, false)";
            transaction.execute(next, &[table, last]).await.map_err(error)?;
        }
        let done = "DELETE FROM setting WHERE name = 'copy' OR name LIKE 'copied:%'";
        transaction.execute(done, &[]).await.map_err(error)?;
        transaction.commit().await.map_err(error)?;
        // What planners know of tables that were empty a moment ago.
        self.client.batch_execute("ANALYZE").await.map_err(error)
    }
}

/// The setting with how many rows of a table are there.
fn copied(table: &Columns) -> String {
    format!("copied:{}", table.name)
}

fn read(row: &tokio_postgres::Row, column: usize) -> Result<Value, tokio_postgres::Error> {
    Ok(match *row.columns()[column].type_() {
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(|yes| Value::Number(i64::from(yes))),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Bytes),
        Type::TEXT => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
        _ => row.try_get::<_, Option<i64>>(column)?.map(Value::Number),
    }
    .unwrap_or(Value::Null))
}

/// A value as the parameter of a statement.
#[derive(Debug)]
struct Parameter<'v>(&'v Value);

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        column: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Number(number) if *column == Type::BOOL => (*number != 0).to_sql(column, out),
            Value::Number(number) if *column == Type::INT8 => number.to_sql(column, out),
            Value::Text(text) if *column == Type::TEXT => text.to_sql(column, out),
            Value::Bytes(bytes) if *column == Type::BYTEA => bytes.to_sql(column, out),
            _ => Err(format!("a value does not fit a column of the type {column}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }

    to_sql_checked!();
}
