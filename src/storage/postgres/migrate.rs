//! The schema: numbered migrations, each applied once, whoever starts first.

use tokio_postgres::Client;

use super::session::{Session, error, get};
use crate::storage::Error;

/// All migrations; each one's number is its place, from 1.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/postgres/V1__store.sql"),
    include_str!("../../../migrations/postgres/V2__logins.sql"),
    include_str!("../../../migrations/postgres/V3__activity.sql"),
    include_str!("../../../migrations/postgres/V4__due.sql"),
];

/// Held while the schema changes, in the transaction that changes it: several nodes may start at once.
const LOCK: i64 = 0x726f_6c6c_626f_6f6b;

/// Brings the schema to the present version, and gives a new store its id and key.
///
/// # Errors
/// Where a later version of Rollbook has written it, or the database cannot be written.
pub async fn migrate(client: &mut Client) -> Result<(), Error> {
    let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Most starts find nothing to do, and need no more rights than to look.
    let known = version(client).await?;
    if known > newest {
        return Err(later());
    }
    if known == newest {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(error)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(error)?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY)")
        .await
        .map_err(error)?;
    let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[]);
    let known: i64 = row.await.map_err(error)?.get(0);
    if known > newest {
        return Err(later());
    }
    for (number, migration) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > known) {
        transaction.batch_execute(migration).await.map_err(error)?;
        transaction.execute("INSERT INTO schema_version VALUES ($1)", &[&number]).await.map_err(error)?;
    }
    if known == 0 {
        for name in ["store_id", "hash_key"] {
            let bytes = crate::secret::random::<16>().to_vec();
            let insert = "INSERT INTO setting (name, bytes) VALUES ($1, $2)";
            transaction.execute(insert, &[&name, &bytes]).await.map_err(error)?;
        }
        // Rows that are locked: by whoever changes the catalogue, claims deliveries or prunes.
        let insert =
            "INSERT INTO setting (name, number) VALUES ('catalogue_version', 0), ('claims', 0), ('prune', 0)";
        transaction.execute(insert, &[]).await.map_err(error)?;
    }
    transaction.commit().await.map_err(error)
}

fn later() -> Error {
    Error::Damaged("the database was written by a later version of Rollbook; use that one".to_owned())
}

/// Whether the database has seen every migration of this version.
pub fn has_schema(session: &Session) -> Result<bool, Error> {
    let row = session.query_opt("SELECT coalesce(max(version), 0) FROM schema_version", &[])?;
    let version: i64 = row.map_or(Ok(0), |row| get(&row, 0))?;
    Ok(version >= i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))
}

/// The version of the schema, 0 where there is none.
async fn version(client: &Client) -> Result<i64, Error> {
    let there = client.query_typed_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await;
    if !there.map_err(error)?.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client.query_typed_one("SELECT coalesce(max(version), 0) FROM schema_version", &[]).await;
    row.map(|row| row.get(0)).map_err(error)
}
