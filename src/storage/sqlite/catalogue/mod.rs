//! Who may send, what lists there are, their variables, and sources: small tables of the intake file.

pub mod accounts;
pub mod links;
pub mod lists;
pub mod logins;
pub mod sources;
pub mod tokens;
pub mod users;
pub mod variables;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{error, open, unsigned};
use crate::storage::Error;

/// The number that [`change`] raises.
pub fn version(intake: &Connection) -> Result<u64, Error> {
    Ok(open::setting(intake, "catalogue_version")?.map_or(0, unsigned))
}

/// Runs a change in a transaction that also raises the version, so that every process notices it.
fn change<T, E: From<Error>>(
    intake: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let result = job(&transaction)?;
    let raise =
        "INSERT INTO setting VALUES ('catalogue_version', 1) ON CONFLICT DO UPDATE SET value = value + 1";
    transaction.execute(raise, []).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(result)
}
