//! Users of an account, their roles, and whether they are enabled.

use tokio_postgres::Row;

use super::{change, change_of, logins};
use crate::session::{Session, Values, get, get_id};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::changed::Changed;
use storage::{Error, NoRole, OwnerCheck, User, UserChange, UserRole};

/// The users of an account, the oldest first.
pub fn all(store: &Session, account: AccountNo) -> Result<Vec<User>, Error> {
    let select = "SELECT id, name, address, enabled, role FROM account_user WHERE account = $1 ORDER BY no";
    store.query(select, &[&account.0])?.iter().map(|row| read(row, 0)).collect()
}

/// Reads `id, name, address, enabled, role`, of which the first column is given.
pub fn read(row: &Row, first: usize) -> Result<User, Error> {
    Ok(User {
        id: get_id(row, first)?,
        name: get(row, first + 1)?,
        address: get(row, first + 2)?,
        enabled: get(row, first + 3)?,
        role: read_role(row, first + 4)?,
    })
}

/// Reads a role from its column.
pub fn read_role(row: &Row, column: usize) -> Result<UserRole, Error> {
    let role: &str = get(row, column)?;
    role.parse().map_err(|no_role: NoRole| Error::Damaged(no_role.to_string()))
}

/// Inserts the row of a user of the account with that number.
pub fn insert(
    store: &Session,
    account: i64,
    user: ObjectId,
    name: &str,
    role: UserRole,
    now: Timestamp,
) -> Result<(), Error> {
    let insert = "INSERT INTO account_user (id, account, name, role, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values: Values<'_> = &[&user.to_bytes().to_vec(), &account, &name, &role.name(), &now.millis()];
    store.execute(insert, values).map(drop)
}

/// Adds a user.
pub fn add(
    store: &Session,
    account: ObjectId,
    (user, name, role): (ObjectId, &str, UserRole),
    max: usize,
    now: Timestamp,
) -> Result<bool, Error> {
    change(store)?;
    let room = "SELECT a.no FROM account a WHERE a.id = $1 \
                AND (SELECT count(*) FROM account_user u WHERE u.account = a.no) < $2";
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let Some(row) = store.query_opt(room, &[&account.to_bytes().as_slice(), &max])? else {
        return Ok(false);
    };
    insert(store, get(&row, 0)?, user, name, role, now).map(|()| true)
}

/// Gives a user another name.
pub fn rename(store: &Session, user: ObjectId, name: &str) -> Result<bool, Error> {
    change_of(store, Changed::User(user))?;
    let update = "UPDATE account_user SET name = $2 WHERE id = $1";
    store.execute(update, &[&user.to_bytes().as_slice(), &name]).map(|rows| rows > 0)
}

/// Sets the language of a user's pages.
pub fn set_language(store: &Session, user: ObjectId, language: Option<&str>) -> Result<bool, Error> {
    change_of(store, Changed::User(user))?;
    let update = "UPDATE account_user SET language = $2 WHERE id = $1";
    store.execute(update, &[&user.to_bytes().as_slice(), &language]).map(|rows| rows > 0)
}

/// Whether the account can do without the user; `None` if there is no such user. [`change`] was called before: two
/// owners who disable each other do it one after the other.
fn check_owner(store: &Session, user: ObjectId) -> Result<Option<OwnerCheck>, Error> {
    let select = "SELECT u.enabled AND u.role = 'owner', u.password IS NOT NULL, count(o.no), count(o.password) \
                  FROM account_user u LEFT JOIN account_user o ON o.account = u.account AND o.no <> u.no \
                  AND o.enabled AND o.role = 'owner' WHERE u.id = $1 GROUP BY u.no, u.enabled, u.role, u.password";
    let read = |row: Row| {
        Ok(OwnerCheck {
            is_owner: get(&row, 0)?,
            can_sign_in: get(&row, 1)?,
            others: get(&row, 2)?,
            others_who_sign_in: get(&row, 3)?,
        })
    };
    store.query_opt(select, &[&user.to_bytes().as_slice()])?.map(read).transpose()
}

/// Gives a user a role.
pub fn set_role(store: &Session, user: ObjectId, role: UserRole) -> Result<UserChange, Error> {
    change_of(store, Changed::User(user))?;
    let Some(check) = check_owner(store, user)? else { return Ok(UserChange::NoUser) };
    if role != UserRole::Owner && check.is_last() {
        return Ok(UserChange::LastOwner);
    }
    let update = "UPDATE account_user SET role = $2 WHERE id = $1";
    store.execute(update, &[&user.to_bytes().as_slice(), &role.name()])?;
    Ok(UserChange::Done)
}

/// Enables a user.
pub fn enable(store: &Session, user: ObjectId) -> Result<bool, Error> {
    change_of(store, Changed::User(user))?;
    let update = "UPDATE account_user SET enabled = true WHERE id = $1";
    store.execute(update, &[&user.to_bytes().as_slice()]).map(|rows| rows > 0)
}

/// Disables a user: its sessions and links end, and its keys are handed to `keys_to`.
pub fn disable(store: &Session, user: ObjectId, keys_to: Option<ObjectId>) -> Result<UserChange, Error> {
    change_of(store, Changed::User(user))?;
    let Some(check) = check_owner(store, user)? else { return Ok(UserChange::NoUser) };
    if check.is_last_to_sign_in() {
        return Ok(UserChange::LastOwner);
    }
    if let Some(heir) = keys_to
        && !hand_over_keys(store, user, heir)?
    {
        return Ok(UserChange::NoUser);
    }
    let user = user.to_bytes();
    logins::end(store, "SELECT no FROM account_user WHERE id = $1", &[&user.as_slice()])?;
    store.execute("UPDATE account_user SET enabled = false WHERE id = $1", &[&user.as_slice()])?;
    Ok(UserChange::Done)
}

/// Hands the keys of a user that are not revoked to another enabled user of the account; whether there is that user.
fn hand_over_keys(store: &Session, user: ObjectId, heir: ObjectId) -> Result<bool, Error> {
    let select = "SELECT u.no, o.no FROM account_user u JOIN account_user o ON o.account = u.account AND o.no <> u.no \
                  WHERE u.id = $1 AND o.id = $2 AND o.enabled";
    let values: Values<'_> = &[&user.to_bytes().to_vec(), &heir.to_bytes().to_vec()];
    let Some(row) = store.query_opt(select, values)? else { return Ok(false) };
    let (user, heir): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
    let update = "UPDATE token SET user_no = $2 WHERE user_no = $1 AND revoked_at IS NULL";
    store.execute(update, &[&user, &heir]).map(|_| true)
}
