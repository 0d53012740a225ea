//! All rows of a store, as the store on PostgreSQL has them: see [`stores::copy`].

mod tables;

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

pub use self::tables::Table;
use super::files::Taken;
use super::open::{self, Paths};
use super::{Settings, error};
use domain::contact::document::Document;
use domain::contact::identifier::HashKey;
use domain::contact::sealed;
use domain::journal::{ContactNo, ListNo};
use storage::Error;
use storage::rows::check::index::entries;
use storage::transfer::{Checksum, Columns, Row, StoreSettings, Value};

/// Rows that are written in one transaction, and their bytes: as many as there are until one of them is reached.
const CHUNK_ROWS: usize = 20_000;
const CHUNK_BYTES: usize = 4 << 20;

/// A store that nobody else writes while this is there.
pub struct Dump {
    connection: Connection,
    _taken: Taken,
}

impl Dump {
    /// What is copied, in this order; see [`Table`].
    pub const TABLES: &[Table] = tables::TABLES;

    /// The tables and columns of the other store that are copied.
    pub fn columns() -> Vec<Columns> {
        Self::TABLES.iter().map(|table| table.there).collect()
    }

    /// Opens the store at `path`, which must be there, and takes it from servers and commands.
    ///
    /// # Errors
    /// Where there is none, a server has it, a half is missing, or it has a table that is not known here.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::Unavailable(format!("there is no store at {}", path.display())));
        }
        let paths = Paths::new(path);
        let taken = Taken::take(&paths)?;
        let settings = Settings { cache_kib: 64 * 1_024, ..Settings::DEFAULT };
        open::prepare(&paths, &settings, true)?;
        let connection = open::connect(&paths.intake, &settings)?;
        let store =
            paths.store.to_str().ok_or_else(|| Error::Unavailable("the path is not UTF-8".to_owned()))?;
        connection.execute("ATTACH ?1 AS store", [store]).map_err(error)?;
        // The lock of writers, of both files: commands wait, and are refused after a while.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(error)?;
        let dump = Self { connection, _taken: taken };
        dump.check_tables()?;
        Ok(dump)
    }

    /// A table or column that was added and is not copied would be lost without a word.
    fn check_tables(&self) -> Result<(), Error> {
        let select = "SELECT 'main', name FROM main.sqlite_schema WHERE type = 'table' \
                      UNION ALL SELECT 'store', name FROM store.sqlite_schema WHERE type = 'table'";
        let mut select = self.connection.prepare(select).map_err(error)?;
        let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(error)?;
        for place in found {
            let (file, table): (String, String) = place.map_err(error)?;
            if tables::is_left(&file, &table) {
                continue;
            }
            let columns = "SELECT name FROM pragma_table_info(?1, ?2)";
            let mut columns = self.connection.prepare(columns).map_err(error)?;
            let columns = columns.query_map([&table, &file], |row| row.get(0)).map_err(error)?;
            for column in columns {
                let column: String = column.map_err(error)?;
                if !tables::is_read(&file, &table, &column) {
                    let text =
                        format!("a copy does not know the column {column} of the table {file}.{table}");
                    return Err(Error::Unavailable(text));
                }
            }
        }
        Ok(())
    }

    /// What a copy of another store, or of this one at another time, would not have.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn fingerprint(&self) -> Result<Vec<u8>, Error> {
        let select = "SELECT CAST((SELECT value FROM main.setting WHERE name = 'store_id') AS BLOB), \
                      (SELECT value FROM store.setting WHERE name = 'applied'), \
                      coalesce((SELECT value FROM main.setting WHERE name = 'catalogue_version'), 0), \
                      coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'batch'), 0)";
        self.connection
            .query_row(select, [], |row| {
                let mut bytes: Vec<u8> = row.get(0)?;
                for column in 1..4 {
                    bytes.extend_from_slice(&row.get::<_, i64>(column)?.to_be_bytes());
                }
                Ok(bytes)
            })
            .map_err(error)
    }

    /// What a new home of the store must know beside the rows.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn settings(&self) -> Result<StoreSettings, Error> {
        let select = "SELECT (SELECT CAST(value AS BLOB) FROM main.setting WHERE name = 'store_id'), \
                      (SELECT value FROM store.setting WHERE name = 'hash_key'), \
                      coalesce((SELECT value FROM main.setting WHERE name = 'catalogue_version'), 0), \
                      (SELECT value FROM main.setting WHERE name = 'retention')";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let (store_id, hash_key, catalogue_version, retention) =
            self.connection.query_row(select, [], read).map_err(error)?;
        let mut numbers = Vec::new();
        for (table, target) in tables::NUMBERED {
            let select = "SELECT coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = ?1), 0)";
            let last = self.connection.query_row(select, [table], |row| row.get(0)).map_err(error)?;
            numbers.push((*target, last));
        }
        Ok(StoreSettings { store_id, hash_key, catalogue_version, retention, numbers })
    }

    /// How many rows each of the tables has.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn counts(&self) -> Result<Vec<u64>, Error> {
        let count = |table: &Table| {
            self.connection.query_row(&table.count(), [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
        };
        Self::TABLES.iter().map(count).collect::<Result<_, _>>().map_err(error)
    }

    /// Shows the rows of a table behind the first `from`, in chunks, until `take` takes no more.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn chunks(
        &self,
        table: &Table,
        from: u64,
        mut take: impl FnMut(Vec<Row>) -> bool,
    ) -> Result<(), Error> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        self.rows(table, from, |row| {
            bytes += row.iter().map(Value::size).sum::<usize>();
            chunk.push(row);
            let full = chunk.len() >= CHUNK_ROWS || bytes >= CHUNK_BYTES;
            if !full {
                return Ok(true);
            }
            bytes = 0;
            Ok(take(std::mem::take(&mut chunk)))
        })?;
        if !chunk.is_empty() {
            take(chunk);
        }
        Ok(())
    }

    /// What the rows of a table come to.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn checksum(&self, table: &Table) -> Result<Checksum, Error> {
        let mut sum = Checksum::default();
        self.rows(table, 0, |row| {
            sum.add(&row);
            Ok(true)
        })?;
        Ok(sum)
    }

    fn rows(
        &self,
        table: &Table,
        from: u64,
        mut visit: impl FnMut(Row) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if !table.is_index() {
            return self.select(table, from, visit);
        }
        let key = <[u8; 16]>::try_from(self.settings()?.hash_key.as_slice());
        let key = HashKey::from_bytes(key.map_err(|_| open::no_setting("hash_key"))?);
        let mut left_out = from;
        self.select(table, 0, |contact| {
            for row in index_rows(&contact, &key)? {
                if left_out > 0 {
                    left_out -= 1;
                } else if !visit(row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn select(
        &self,
        table: &Table,
        from: u64,
        mut visit: impl FnMut(Row) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let select = format!("{} LIMIT -1 OFFSET ?1", table.select);
        let mut select = self.connection.prepare(&select).map_err(error)?;
        let columns = select.column_count();
        let mut rows = select.query(params![from.cast_signed()]).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            let value = |column| row.get_ref(column).map_err(error).and_then(read);
            if !visit((0..columns).map(value).collect::<Result<_, _>>()?)? {
                break;
            }
        }
        Ok(())
    }
}

/// The rows of the index that a contact has.
fn index_rows(contact: &[Value], key: &HashKey) -> Result<Vec<Row>, Error> {
    let [Value::Number(list), number, Value::Bytes(stored)] = contact else { return Ok(Vec::new()) };
    let document = sealed::open(stored);
    let borne = Document::read(document).and_then(|document| document.identifiers());
    borne.map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    let mut rows = Vec::new();
    // The number of the contact is that of the row.
    entries(key, (ListNo(*list), ContactNo(0)), document, |(hash, _)| {
        rows.push(vec![Value::Number(*list), Value::Number(hash), number.clone()]);
    });
    Ok(rows)
}

fn read(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| Error::Damaged(error.to_string()))?;
            Value::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(Error::Damaged("a number with a fraction".to_owned())),
    })
}
