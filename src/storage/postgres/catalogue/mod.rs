//! Who may send, what lists there are, their variables, and sources: small tables.

pub mod accounts;
pub mod links;
pub mod lists;
pub mod logins;
pub mod sources;
pub mod tokens;
pub mod users;
pub mod variables;

use super::session::{Session, get_number};
use crate::storage::Error;

/// The number that [`change`] raises.
pub fn version(session: &Session) -> Result<u64, Error> {
    let row = session.query_opt("SELECT number FROM setting WHERE name = 'catalogue_version'", &[])?;
    row.map_or(Ok(0), |row| get_number(&row, 0))
}

/// Says that a change of the catalogue begins. Every process notices it, and changes are made one after the other:
/// the row is locked until the commit.
pub fn change(session: &Session) -> Result<(), Error> {
    let raise = "UPDATE setting SET number = number + 1 WHERE name = 'catalogue_version'";
    session.execute(raise, &[]).map(drop)
}
