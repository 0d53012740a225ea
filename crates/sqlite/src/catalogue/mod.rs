//! Who may send, what lists there are, their variables, and sources: small tables of the intake file.

pub mod accounts;
pub mod jobs;
pub mod links;
pub mod lists;
pub mod logins;
pub mod saved_queries;
pub mod sources;
pub mod tokens;
pub mod users;
pub mod variables;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::{error, open, signed, unsigned};
use domain::journal::AccountNo;
use storage::rows::changed::{self, Changed, REMEMBERED};
use storage::{CatalogueChanges, Error};

/// The version that [`change`] raises, and whose the changes after `since` are.
pub fn changes(intake: &Connection, since: u64) -> Result<CatalogueChanges, Error> {
    let version = open::setting(intake, "catalogue_version")?.map_or(0, unsigned);
    if version == since {
        return Ok(CatalogueChanges { version, accounts: Some(Vec::new()) });
    }
    let accounts = intake
        .prepare_cached(
            "SELECT account FROM catalogue_change WHERE version > ?1 AND version <= ?2 ORDER BY version",
        )
        .and_then(|mut select| {
            let rows = select.query_map([signed(since), signed(version)], |row| row.get(0).map(AccountNo))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(error)?;
    Ok(changed::since(since, version, accounts))
}

/// Runs a change that may concern any account, in a transaction that also raises the version, so that every process
/// notices it.
fn change<T, E: From<Error>>(
    intake: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    run(intake, None, job)
}

/// Runs a change of one account, in the same way.
fn change_of<T, E: From<Error>>(
    intake: &mut Connection,
    changed: Changed<'_>,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    run(intake, Some(changed), job)
}

fn run<T, E: From<Error>>(
    intake: &mut Connection,
    changed: Option<Changed<'_>>,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    // Looked for before the change: what is removed has no account any more.
    let account = changed.map(|changed| account_of(&transaction, changed)).transpose().map_err(error)?;
    let result = job(&transaction)?;
    raise(&transaction, account.flatten()).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(result)
}

fn account_of(transaction: &Transaction<'_>, changed: Changed<'_>) -> rusqlite::Result<Option<i64>> {
    let one = |select: &str, value: &dyn rusqlite::ToSql| {
        transaction.prepare_cached(select)?.query_row([value], |row| row.get(0)).optional()
    };
    match changed {
        Changed::Account(account) => Ok(Some(account.0)),
        Changed::List(list) => one("SELECT account FROM list WHERE no = ?1", &list.0),
        Changed::User(user) => one("SELECT account FROM user WHERE id = ?1", &user.to_bytes()),
        Changed::Token(key) => {
            one("SELECT u.account FROM token t JOIN user u ON u.no = t.user WHERE t.key = ?1", &key)
        }
    }
}

fn raise(transaction: &Transaction<'_>, account: Option<i64>) -> rusqlite::Result<()> {
    let raise = "INSERT INTO setting VALUES ('catalogue_version', 1) \
                 ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value";
    let version: i64 = transaction.query_row(raise, [], |row| row.get(0))?;
    if let Some(account) = account {
        let insert = "INSERT OR REPLACE INTO catalogue_change VALUES (?1, ?2)";
        transaction.execute(insert, [version, account])?;
    }
    let forget = "DELETE FROM catalogue_change WHERE version <= ?1";
    transaction.execute(forget, [version - REMEMBERED]).map(drop)
}
