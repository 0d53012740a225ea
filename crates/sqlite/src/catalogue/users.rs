//! Users of an account, their roles, and whether they are enabled.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::error;
use super::{change, change_of, logins};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::changed::Changed;
use storage::{Error, OwnerCheck, User, UserChange, UserRole};

/// The users of an account.
pub fn all(intake: &Connection, account: AccountNo) -> Result<Vec<User>, Error> {
    of_account(intake, account.0).map_err(error)
}

/// The users of the account with that number, the oldest first.
pub fn of_account(intake: &Connection, account: i64) -> rusqlite::Result<Vec<User>> {
    intake
        .prepare_cached("SELECT id, name, address, enabled, role FROM user WHERE account = ?1 ORDER BY no")?
        .query_map([account], read)?
        .collect()
}

/// Reads `id, name, address, enabled, role`.
pub fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: ObjectId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        address: row.get(2)?,
        enabled: row.get(3)?,
        role: read_role(row, 4)?,
    })
}

/// Reads a role from its column.
pub fn read_role(row: &Row<'_>, column: usize) -> rusqlite::Result<UserRole> {
    let role: String = row.get(column)?;
    role.parse().map_err(|no_role| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::<storage::NoRole>::new(no_role))
    })
}

/// Inserts the row of a user of the account with that number.
pub fn insert(
    transaction: &Transaction<'_>,
    account: i64,
    user: ObjectId,
    name: &str,
    role: UserRole,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let insert = "INSERT INTO user (id, account, name, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.execute(insert, params![user.to_bytes(), account, name, role.name(), now.millis()])
}

/// Adds a user.
pub fn add(
    intake: &mut Connection,
    account: ObjectId,
    (user, name, role): (ObjectId, &str, UserRole),
    max: usize,
    now: Timestamp,
) -> Result<bool, Error> {
    change(intake, |transaction| {
        let room = "SELECT a.no FROM account a WHERE a.id = ?1 \
                    AND (SELECT count(*) FROM user u WHERE u.account = a.no) < ?2";
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let account: Option<i64> = transaction
            .query_row(room, params![account.to_bytes(), max], |row| row.get(0))
            .optional()
            .map_err(error)?;
        let Some(account) = account else { return Ok(false) };
        insert(transaction, account, user, name, role, now).map(|_| true).map_err(error)
    })
}

/// Gives a user another name.
pub fn rename(intake: &mut Connection, user: ObjectId, name: &str) -> Result<bool, Error> {
    change_of(intake, Changed::User(user), |transaction| {
        let update = "UPDATE user SET name = ?2 WHERE id = ?1";
        transaction.execute(update, params![user.to_bytes(), name]).map(|rows| rows > 0).map_err(error)
    })
}

/// Sets the language of a user's pages.
pub fn set_language(intake: &mut Connection, user: ObjectId, language: Option<&str>) -> Result<bool, Error> {
    change_of(intake, Changed::User(user), |transaction| {
        let update = "UPDATE user SET language = ?2 WHERE id = ?1";
        transaction.execute(update, params![user.to_bytes(), language]).map(|rows| rows > 0).map_err(error)
    })
}

/// Whether the account can do without the user; `None` if there is no such user.
fn check_owner(transaction: &Transaction<'_>, user: ObjectId) -> rusqlite::Result<Option<OwnerCheck>> {
    let select = "SELECT u.enabled AND u.role = 'owner', u.password IS NOT NULL, count(o.no), count(o.password) \
                  FROM user u LEFT JOIN user o ON o.account = u.account AND o.no <> u.no AND o.enabled \
                  AND o.role = 'owner' WHERE u.id = ?1 GROUP BY u.no";
    let read = |row: &Row<'_>| {
        Ok(OwnerCheck {
            is_owner: row.get(0)?,
            can_sign_in: row.get(1)?,
            others: row.get(2)?,
            others_who_sign_in: row.get(3)?,
        })
    };
    transaction.query_row(select, [user.to_bytes()], read).optional()
}

/// Gives a user a role.
pub fn set_role(intake: &mut Connection, user: ObjectId, role: UserRole) -> Result<UserChange, Error> {
    change_of(intake, Changed::User(user), |transaction| {
        let Some(check) = check_owner(transaction, user).map_err(error)? else {
            return Ok(UserChange::NoUser);
        };
        if role != UserRole::Owner && check.is_last() {
            return Ok(UserChange::LastOwner);
        }
        let update = "UPDATE user SET role = ?2 WHERE id = ?1";
        transaction.execute(update, params![user.to_bytes(), role.name()]).map_err(error)?;
        Ok(UserChange::Done)
    })
}

/// Enables a user.
pub fn enable(intake: &mut Connection, user: ObjectId) -> Result<bool, Error> {
    change_of(intake, Changed::User(user), |transaction| {
        let update = "UPDATE user SET enabled = 1 WHERE id = ?1";
        transaction.execute(update, [user.to_bytes()]).map(|rows| rows > 0).map_err(error)
    })
}

/// Disables a user: its sessions and links end, and its keys are handed to `keys_to`.
pub fn disable(
    intake: &mut Connection,
    user: ObjectId,
    keys_to: Option<ObjectId>,
) -> Result<UserChange, Error> {
    change_of(intake, Changed::User(user), |transaction| {
        let Some(check) = check_owner(transaction, user).map_err(error)? else {
            return Ok(UserChange::NoUser);
        };
        if check.is_last_to_sign_in() {
            return Ok(UserChange::LastOwner);
        }
        if let Some(heir) = keys_to
            && !hand_over_keys(transaction, user, heir).map_err(error)?
        {
            return Ok(UserChange::NoUser);
        }
        let user = user.to_bytes();
        logins::end(transaction, "SELECT no FROM user WHERE id = ?1", &[&user]).map_err(error)?;
        transaction.execute("UPDATE user SET enabled = 0 WHERE id = ?1", [user]).map_err(error)?;
        Ok(UserChange::Done)
    })
}

/// Hands the keys of a user that are not revoked to another enabled user of the account; whether there is that user.
fn hand_over_keys(transaction: &Transaction<'_>, user: ObjectId, heir: ObjectId) -> rusqlite::Result<bool> {
    let select = "SELECT o.no FROM user u JOIN user o ON o.account = u.account AND o.no <> u.no \
                  WHERE u.id = ?1 AND o.id = ?2 AND o.enabled";
    let heir: Option<i64> = transaction
        .query_row(select, params![user.to_bytes(), heir.to_bytes()], |row| row.get(0))
        .optional()?;
    let Some(heir) = heir else { return Ok(false) };
    let update = "UPDATE token SET user = ?2 \
                  WHERE user = (SELECT no FROM user WHERE id = ?1) AND revoked_at IS NULL";
    transaction.execute(update, params![user.to_bytes(), heir]).map(|_| true)
}
