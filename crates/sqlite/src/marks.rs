//! How far the store has applied: written in the transaction that applies, and so exact after any crash.
//!
//! Accounts are applied by turns. So there is a position up to which all is applied, and for each account that is ahead
//! of it, the position up to which everything of that account is. The batches of an account are applied in the order of
//! their positions: what stands above both is still to be done, and what does not is done.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};

use super::{error, open, signed, unsigned};
use domain::journal::AccountNo;
use storage::Error;

/// How far each account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Up to here, everything is applied.
    pub applied: u64,
    /// Up to here, everything of an account is, where that is later.
    pub ahead: BTreeMap<AccountNo, u64>,
}

impl Marks {
    /// Reads them from the file with the contacts.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(store: &Connection) -> Result<Self, Error> {
        let applied = applied(store)?;
        let ahead = store
            .prepare_cached("SELECT account, position FROM ahead")
            .and_then(|mut select| {
                let read = |row: &rusqlite::Row<'_>| Ok((AccountNo(row.get(0)?), unsigned(row.get(1)?)));
                select.query_map([], read)?.collect()
            })
            .map_err(error)?;
        Ok(Self { applied, ahead })
    }

    /// Writes them. The caller's transaction applies what they tell.
    pub fn write(&self, store: &Connection) -> rusqlite::Result<()> {
        store
            .prepare_cached("UPDATE setting SET value = ?1 WHERE name = 'applied'")?
            .execute([signed(self.applied)])?;
        store.prepare_cached("DELETE FROM ahead WHERE position <= ?1")?.execute([signed(self.applied)])?;
        let mut insert = store.prepare_cached("INSERT OR REPLACE INTO ahead VALUES (?1, ?2)")?;
        for (account, position) in &self.ahead {
            insert.execute([account.0, signed(*position)])?;
        }
        Ok(())
    }

    /// The position up to which everything of an account is applied.
    pub fn of(&self, account: AccountNo) -> u64 {
        self.ahead.get(&account).map_or(self.applied, |position| self.applied.max(*position))
    }

    /// The last position that is applied, of any account.
    pub fn highest(&self) -> u64 {
        self.ahead.values().copied().fold(self.applied, u64::max)
    }
}

/// The position up to which everything is applied.
///
/// # Errors
/// Where it cannot be read.
pub fn applied(store: &Connection) -> Result<u64, Error> {
    open::setting(store, "applied")?.map(unsigned).ok_or_else(|| open::no_setting("applied"))
}

/// The position up to which everything of an account is applied.
///
/// # Errors
/// Where it cannot be read.
pub fn applied_of(store: &Connection, account: AccountNo) -> Result<u64, Error> {
    let ahead: Option<i64> = store
        .prepare_cached("SELECT position FROM ahead WHERE account = ?1")
        .and_then(|mut select| select.query_row([account.0], |row| row.get(0)).optional())
        .map_err(error)?;
    Ok(applied(store)?.max(ahead.map_or(0, unsigned)))
}
