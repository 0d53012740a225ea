//! Who may send, what lists there are, their variables, and sources: small tables.

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

use super::session::{Session, get, get_number};
use super::signals::Notice;
use domain::journal::AccountNo;
use storage::rows::changed::{self, Changed, REMEMBERED};
use storage::{CatalogueChanges, Error};

/// The version that [`change`] raises, and whose the changes after `since` are.
pub fn changes(session: &Session, since: u64) -> Result<CatalogueChanges, Error> {
    let row = session.query_opt("SELECT number FROM setting WHERE name = 'catalogue_version'", &[])?;
    let version: u64 = row.map_or(Ok(0), |row| get_number(&row, 0))?;
    if version == since {
        return Ok(CatalogueChanges { version, accounts: Some(Vec::new()) });
    }
    let select = "SELECT account FROM catalogue_change WHERE version > $1 AND version <= $2 ORDER BY version";
    let rows = session.query(select, &[&since.cast_signed(), &version.cast_signed()])?;
    let accounts = rows.iter().map(|row| get(row, 0).map(AccountNo)).collect::<Result<Vec<_>, _>>()?;
    Ok(changed::since(since, version, accounts))
}

/// Says that a change of the catalogue begins that may concern any account. Every process notices it, and changes are
/// made one after the other: the row is locked until the commit.
pub fn change(session: &Session) -> Result<(), Error> {
    raise(session).map(drop)
}

/// Says that a change of one account begins, in the same way.
pub fn change_of(session: &Session, changed: Changed<'_>) -> Result<(), Error> {
    let version = raise(session)?;
    if let Some(account) = account_of(session, changed)? {
        let insert = "INSERT INTO catalogue_change VALUES ($1, $2) \
                      ON CONFLICT (version) DO UPDATE SET account = excluded.account";
        session.execute(insert, &[&version, &account])?;
    }
    let forget = "DELETE FROM catalogue_change WHERE version <= $1";
    session.execute(forget, &[&(version - REMEMBERED)]).map(drop)
}

fn raise(session: &Session) -> Result<i64, Error> {
    Notice::Catalogue.send(session);
    let raise = "UPDATE setting SET number = number + 1 WHERE name = 'catalogue_version' RETURNING number";
    session.query_opt(raise, &[])?.map_or(Ok(0), |row| get(&row, 0))
}

fn account_of(session: &Session, changed: Changed<'_>) -> Result<Option<i64>, Error> {
    let row = match changed {
        Changed::Account(account) => return Ok(Some(account.0)),
        Changed::List(list) => session.query_opt("SELECT account FROM list WHERE no = $1", &[&list.0])?,
        Changed::User(user) => {
            let select = "SELECT account FROM account_user WHERE id = $1";
            session.query_opt(select, &[&user.to_bytes().as_slice()])?
        }
        Changed::Token(key) => {
            let select =
                "SELECT u.account FROM token t JOIN account_user u ON u.no = t.user_no WHERE t.key = $1";
            session.query_opt(select, &[&key])?
        }
    };
    row.map(|row| get(&row, 0)).transpose()
}
