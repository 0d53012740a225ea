//! Which account a change of the catalogue concerns: what is cached of others stays.

use crate::CatalogueChanges;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Changes whose accounts are remembered. Servers look ten times a second.
pub const REMEMBERED: i64 = 1_000;

/// What is changed, and so whose it is.
#[derive(Clone, Copy, Debug)]
pub enum Changed<'a> {
    /// Something of an account.
    Account(AccountNo),
    /// A list or its variables.
    List(ListNo),
    /// A user.
    User(ObjectId),
    /// A token, by its public part.
    Token(&'a str),
}

/// The changes up to `version`. Each version after `since` must have its account in `accounts`: one that has not was of
/// any, was forgotten, or was made by a node of before they were noted.
pub fn since(since: u64, version: u64, accounts: Vec<AccountNo>) -> CatalogueChanges {
    let complete = version.checked_sub(since) == Some(accounts.len() as u64);
    CatalogueChanges { version, accounts: complete.then_some(accounts) }
}
