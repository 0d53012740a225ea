//! One-time links.

use tokio_postgres::Row;

use super::{accounts, change, logins, users};
use crate::session::{Session, Values, get};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{
    Error, FirstAccount, LinkError, LinkFor, MAX_FIRST_LINKS, NewLogin, NewSession, TextHash, UserRole,
};

/// Adds a link, and forgets those that have ended and those that it replaces.
pub fn add(
    session: &Session,
    hash: &TextHash,
    user: Option<ObjectId>,
    expires_at: Timestamp,
) -> Result<bool, Error> {
    // Links are made and used one after the other.
    change(session)?;
    match user {
        Some(user) => add_for(session, hash, user, expires_at),
        None if logins::any(session)? => Ok(false),
        None => add_first(session, hash, expires_at).map(|()| true),
    }
}

fn add_for(session: &Session, hash: &TextHash, user: ObjectId, expires_at: Timestamp) -> Result<bool, Error> {
    let select = "SELECT u.no FROM account_user u JOIN account a ON a.no = u.account \
                  WHERE u.id = $1 AND u.enabled AND a.enabled";
    let Some(row) = session.query_opt(select, &[&user.to_bytes().as_slice()])? else { return Ok(false) };
    let user: i64 = get(&row, 0)?;
    // Whoever had the password before is out from here on, and not only once the link is used.
    logins::end(session, "SELECT $1::bigint", &[&user])?;
    let insert = "INSERT INTO link (hash, user_no, expires_at) VALUES ($1, $2, $3)";
    session.execute(insert, &[&hash.as_slice(), &user, &expires_at.millis()]).map(|_| true)
}

fn add_first(session: &Session, hash: &TextHash, expires_at: Timestamp) -> Result<(), Error> {
    let kept = i64::try_from(MAX_FIRST_LINKS).unwrap_or(i64::MAX) - 1;
    let beyond = "SELECT hash FROM link WHERE user_no IS NULL ORDER BY expires_at DESC OFFSET $1";
    let rows = session.query(beyond, &[&kept])?;
    let beyond = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<&[u8]>, _>>()?;
    session.execute("DELETE FROM link WHERE hash = ANY($1)", &[&beyond])?;
    let insert = "INSERT INTO link (hash, expires_at) VALUES ($1, $2)";
    session.execute(insert, &[&hash.as_slice(), &expires_at.millis()]).map(drop)
}

/// What a link is for.
pub fn find(session: &Session, hash: &TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error> {
    match target(session, hash, now)? {
        None => Ok(None),
        Some(None) => Ok((!logins::any(session)?).then_some(LinkFor::FirstAccount)),
        Some(Some(user)) => {
            let select = "SELECT u.id, u.name, u.address, u.enabled, u.role, a.name FROM account_user u \
                          JOIN account a ON a.no = u.account WHERE u.no = $1 AND u.enabled AND a.enabled";
            let read = |row: Row| Ok(LinkFor::User { user: users::read(&row, 0)?, account: get(&row, 5)? });
            session.query_opt(select, &[&user])?.map(read).transpose()
        }
    }
}

/// The number of the user that a link is for, if it is for one.
fn target(session: &Session, hash: &TextHash, now: Timestamp) -> Result<Option<Option<i64>>, Error> {
    let select = "SELECT user_no FROM link WHERE hash = $1 AND expires_at > $2";
    let row = session.query_opt(select, &[&hash.as_slice(), &now.millis()])?;
    row.map(|row| get(&row, 0)).transpose()
}

/// Uses a link.
pub fn use_once(
    store: &Session,
    hash: &TextHash,
    account: &FirstAccount,
    login: &NewLogin,
    session: &NewSession,
    now: Timestamp,
) -> Result<(), LinkError> {
    change(store)?;
    if find(store, hash, now)?.is_none() {
        return Err(LinkError::Gone);
    }
    let user = match target(store, hash, now)?.flatten() {
        Some(user) => user,
        None => {
            let no = accounts::insert(store, account.id, &account.name, &account.webhook_secret, now)?;
            users::insert(store, no, account.user, &login.name, UserRole::Owner, now)?;
            let select = "SELECT no FROM account_user WHERE id = $1";
            let row = store.query_opt(select, &[&account.user.to_bytes().as_slice()])?;
            row.map_or(Err(LinkError::Gone), |row| Ok(get(&row, 0)?))?
        }
    };
    // One who has an address keeps it, and the name with it: the link then sets the password alone.
    let taken = "SELECT FROM account_user WHERE address = $1 AND no <> $2 \
                 AND (SELECT address FROM account_user WHERE no = $2) IS NULL";
    if store.query_opt(taken, &[&login.address, &user])?.is_some() {
        return Err(LinkError::Taken);
    }
    let update = "UPDATE account_user SET name = CASE WHEN address IS NULL THEN $2 ELSE name END, \
                  address = coalesce(address, $3), password = $4 WHERE no = $1";
    let values: Values<'_> = &[&user, &login.name, &login.address, &login.password];
    store.execute(update, values)?;
    store.execute("DELETE FROM link WHERE user_no IS NULL", &[])?;
    logins::end(store, "SELECT $1::bigint", &[&user])?;
    logins::insert_session(store, user, session, now)?;
    Ok(())
}
