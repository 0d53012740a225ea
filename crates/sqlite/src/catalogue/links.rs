//! One-time links.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::super::error;
use super::{accounts, change, logins, users};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{
    Error, FirstAccount, LinkError, LinkFor, MAX_FIRST_LINKS, NewLogin, NewSession, TextHash, UserRole,
};

/// Adds a link, and forgets those that it replaces.
pub fn add(
    intake: &mut Connection,
    hash: &TextHash,
    user: Option<ObjectId>,
    expires_at: Timestamp,
) -> Result<bool, Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let added = match user {
        Some(user) => add_for(&transaction, hash, user, expires_at).map_err(error)?,
        None if logins::any(&transaction)? => false,
        None => {
            add_first(&transaction, hash, expires_at).map_err(error)?;
            true
        }
    };
    transaction.commit().map_err(error)?;
    Ok(added)
}

fn add_for(
    transaction: &Transaction<'_>,
    hash: &TextHash,
    user: ObjectId,
    expires_at: Timestamp,
) -> rusqlite::Result<bool> {
    let select = "SELECT u.no FROM user u JOIN account a ON a.no = u.account \
                  WHERE u.id = ?1 AND u.enabled AND a.enabled";
    let user: Option<i64> = transaction.query_row(select, [user.to_bytes()], |row| row.get(0)).optional()?;
    let Some(user) = user else { return Ok(false) };
    // Whoever had the password before is out from here on, and not only once the link is used.
    logins::end(transaction, "SELECT ?1", &[&user])?;
    transaction.execute("INSERT INTO link VALUES (?1, ?2, ?3)", params![hash, user, expires_at.millis()])?;
    Ok(true)
}

fn add_first(transaction: &Transaction<'_>, hash: &TextHash, expires_at: Timestamp) -> rusqlite::Result<()> {
    let kept = i64::try_from(MAX_FIRST_LINKS).unwrap_or(i64::MAX) - 1;
    transaction.execute(
        "DELETE FROM link WHERE hash IN (SELECT hash FROM link WHERE user IS NULL \
         ORDER BY expires_at DESC LIMIT -1 OFFSET ?1)",
        [kept],
    )?;
    let insert = "INSERT INTO link VALUES (?1, NULL, ?2)";
    transaction.execute(insert, params![hash, expires_at.millis()]).map(drop)
}

/// What a link is for.
pub fn find(intake: &Connection, hash: &TextHash, now: Timestamp) -> Result<Option<LinkFor>, Error> {
    let read = |row: &Row<'_>| {
        let Some(account) = row.get(5)? else { return Ok(None) };
        Ok(Some(LinkFor::User { user: users::read(row)?, account }))
    };
    match target(intake, hash, now).map_err(error)? {
        None => Ok(None),
        Some(None) => Ok((!logins::any(intake)?).then_some(LinkFor::FirstAccount)),
        Some(Some(user)) => intake
            .prepare_cached(
                "SELECT u.id, u.name, u.address, u.enabled, u.role, a.name FROM user u \
                 JOIN account a ON a.no = u.account WHERE u.no = ?1 AND u.enabled AND a.enabled",
            )
            .and_then(|mut select| select.query_row([user], read).optional())
            .map(Option::flatten)
            .map_err(error),
    }
}

/// The number of the user that a link is for, if it is for one.
fn target(intake: &Connection, hash: &TextHash, now: Timestamp) -> rusqlite::Result<Option<Option<i64>>> {
    let select = "SELECT user FROM link WHERE hash = ?1 AND expires_at > ?2";
    intake.query_row(select, params![hash, now.millis()], |row| row.get(0)).optional()
}

/// Uses a link.
pub fn use_once(
    intake: &mut Connection,
    hash: &TextHash,
    account: &FirstAccount,
    login: &NewLogin,
    session: &NewSession,
    now: Timestamp,
) -> Result<(), LinkError> {
    change(intake, |transaction| {
        if find(transaction, hash, now)?.is_none() {
            return Err(LinkError::Gone);
        }
        let user = match target(transaction, hash, now).map_err(error)?.flatten() {
            Some(user) => user,
            None => {
                accounts::insert(transaction, account.id, &account.name, &account.webhook_secret, now)
                    .map_err(error)?;
                let no = transaction.last_insert_rowid();
                users::insert(transaction, no, account.user, &login.name, UserRole::Owner, now)
                    .map_err(error)?;
                transaction.last_insert_rowid()
            }
        };
        // One who has an address keeps it, and the name with it: the link then sets the password alone.
        let taken = "SELECT 1 FROM user WHERE address = ?1 AND no <> ?2 \
                     AND (SELECT address FROM user WHERE no = ?2) IS NULL";
        let taken = transaction
            .prepare_cached(taken)
            .and_then(|mut select| select.exists(params![login.address, user]));
        if taken.map_err(error)? {
            return Err(LinkError::Taken);
        }
        let update = "UPDATE user SET name = iif(address IS NULL, ?2, name), address = coalesce(address, ?3), \
                      password = ?4 WHERE no = ?1";
        let values = params![user, login.name, login.address, login.password];
        transaction.execute(update, values).map_err(error)?;
        transaction.execute("DELETE FROM link WHERE user IS NULL", []).map_err(error)?;
        logins::end(transaction, "SELECT ?1", &[&user]).map_err(error)?;
        logins::insert_session(transaction, user, session, now).map_err(error)?;
        Ok(())
    })
}
