//! The schema: numbered migrations, each applied once, whoever starts first.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::address_form;
use super::session::{Session, error, get};
use storage::Error;

/// All migrations; each one's number is its place, from 1.
const MIGRATIONS: [&str; 23] = [
    include_str!("../migrations/V1__store.sql"),
    include_str!("../migrations/V2__logins.sql"),
    include_str!("../migrations/V3__activity.sql"),
    include_str!("../migrations/V4__due.sql"),
    include_str!("../migrations/V5__generation.sql"),
    include_str!("../migrations/V6__user_roles.sql"),
    include_str!("../migrations/V7__forms.sql"),
    include_str!("../migrations/V8__changes.sql"),
    include_str!("../migrations/V9__jobs.sql"),
    include_str!("../migrations/V10__suppressions.sql"),
    include_str!("../migrations/V11__opt_out.sql"),
    include_str!("../migrations/V12__consent.sql"),
    include_str!("../migrations/V13__feed.sql"),
    include_str!("../migrations/V14__delivery_attempts.sql"),
    include_str!("../migrations/V15__api_activity.sql"),
    include_str!("../migrations/V16__webhooks.sql"),
    include_str!("../migrations/V17__suppression_serial.sql"),
    include_str!("../migrations/V18__search.sql"),
    include_str!("../migrations/V19__queue_keys.sql"),
    include_str!("../migrations/V20__saved_queries.sql"),
    include_str!("../migrations/V21__segments.sql"),
    include_str!("../migrations/V22__user_language.sql"),
    include_str!("../migrations/V23__merged_into.sql"),
];

/// Held while the schema changes, in the transaction that changes it: several nodes may start at once.
const LOCK: i64 = 0x726f_6c6c_626f_6f6b;

/// For how long a migration waits for the lock of a table: all who serve wait behind it meanwhile.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// How often a migration is begun that could not get its locks.
const TRIES: u32 = 30;

const PAUSE: Duration = Duration::from_millis(500);

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
    let mut tries = 1;
    loop {
        match grow(client, newest).await {
            Err(failure) if tries < TRIES && is_held_up(&failure) => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => return Err(error(failure)),
            Ok(known) if known > newest => return Err(later()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Whether somebody had a lock that was needed, or needed one that was held: those that serve take the locks of tables
/// in another order than a migration does.
fn is_held_up(failure: &tokio_postgres::Error) -> bool {
    [Some(&SqlState::LOCK_NOT_AVAILABLE), Some(&SqlState::T_R_DEADLOCK_DETECTED)].contains(&failure.code())
}

/// Runs what is missing, in one transaction. Returns the version that was found: nothing is done to a later one.
async fn grow(client: &mut Client, newest: i64) -> Result<i64, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute(LOCK_TIMEOUT).await?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY)")
        .await?;
    let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM schema_version", &[]);
    let known: i64 = row.await?.get(0);
    if known >= newest {
        return Ok(known);
    }
    for (number, migration) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > known) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO schema_version VALUES ($1)", &[&number]).await?;
    }
    if known == 0 {
        for name in ["store_id", "hash_key"] {
            let bytes = domain::secret::random::<16>().to_vec();
            let insert = "INSERT INTO setting (name, bytes) VALUES ($1, $2)";
            transaction.execute(insert, &[&name, &bytes]).await?;
        }
        // Rows that are locked: by whoever changes the catalogue, claims deliveries or prunes.
        let insert =
            "INSERT INTO setting (name, number) VALUES ('catalogue_version', 0), ('claims', 0), ('prune', 0)";
        transaction.execute(insert, &[]).await?;
        // There is nothing to bring to the present form.
        let done = "INSERT INTO setting (name, number) VALUES ($1, $2)";
        transaction.execute(done, &[&address_form::LIST, &address_form::DONE]).await?;
    }
    transaction.commit().await?;
    Ok(known)
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
