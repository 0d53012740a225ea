//! Accounts.

use std::collections::HashMap;

use super::{change, users};
use crate::session::{Session, Values, get, get_id, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{Account, Error, NewAccount, OptOut, User, UserRole, WebhookSecrets};

/// Adds an account, its first user and that user's token.
pub fn add(session: &Session, account: &NewAccount, now: Timestamp) -> Result<(), Error> {
    change(session)?;
    let no = insert(session, account.id, &account.name, &account.webhook_secret, now)?;
    users::insert(session, no, account.user, &account.name, UserRole::Owner, now)?;
    super::tokens::insert(session, account.user, &account.token, now).map(drop)
}

/// Inserts the row of an account with its queue, and returns its number.
pub fn insert(
    session: &Session,
    id: ObjectId,
    name: &str,
    webhook_secret: &str,
    now: Timestamp,
) -> Result<i64, Error> {
    let insert =
        "INSERT INTO account (id, name, webhook_secret, created_at) VALUES ($1, $2, $3, $4) RETURNING no";
    let values: Values<'_> = &[&id.to_bytes().to_vec(), &name, &webhook_secret, &now.millis()];
    let no: i64 = session.query_opt(insert, values)?.map_or(Ok(0), |row| get(&row, 0))?;
    super::lists::add_queue(session, -no)?;
    Ok(no)
}

/// All accounts with their users.
pub fn all(session: &Session) -> Result<Vec<Account>, Error> {
    let mut users: HashMap<i64, Vec<User>> = HashMap::new();
    let select = "SELECT account, id, name, address, enabled, role FROM account_user ORDER BY no";
    for row in session.query(select, &[])? {
        users.entry(get(&row, 0)?).or_default().push(users::read(&row, 1)?);
    }
    let rows = session.query("SELECT no, id, name, enabled, created_at FROM account ORDER BY no", &[])?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Account {
            id: get_id(row, 1)?,
            name: get(row, 2)?,
            enabled: get(row, 3)?,
            created_at: get_time(row, 4)?,
            users: users.remove(&get(row, 0)?).unwrap_or_default(),
        })
    };
    rows.iter().map(read).collect()
}

/// Enables or disables an account; sessions of one that is disabled end, and links to it.
pub fn set_enabled(session: &Session, id: ObjectId, enabled: bool) -> Result<bool, Error> {
    change(session)?;
    if !enabled {
        let of_account = "SELECT u.no FROM account_user u JOIN account a ON a.no = u.account WHERE a.id = $1";
        super::logins::end(session, of_account, &[&id.to_bytes().as_slice()])?;
    }
    let update = "UPDATE account SET enabled = $2 WHERE id = $1";
    session.execute(update, &[&id.to_bytes().as_slice(), &enabled]).map(|rows| rows > 0)
}

/// Removes an account, its lists and sources. Users and tokens stay, to be told that it is gone, without the
/// names that people gave them.
pub fn remove(session: &Session, id: ObjectId) -> Result<bool, Error> {
    change(session)?;
    let id = id.to_bytes().to_vec();
    let Some(row) = session.query_opt("SELECT no FROM account WHERE id = $1", &[&id])? else {
        return Ok(false);
    };
    let no: i64 = get(&row, 0)?;
    super::logins::end(session, "SELECT no FROM account_user WHERE account = $1", &[&no])?;
    for statement in [
        "DELETE FROM variable WHERE list IN (SELECT no FROM list WHERE account = $1)",
        "DELETE FROM removed_variable WHERE list IN (SELECT no FROM list WHERE account = $1)",
        "DELETE FROM list WHERE account = $1",
        "DELETE FROM source WHERE account = $1",
        "DELETE FROM removed_source WHERE account = $1",
        "UPDATE token SET name = '' WHERE user_no IN (SELECT no FROM account_user WHERE account = $1)",
        "UPDATE account_user SET name = '', address = NULL, password = NULL WHERE account = $1",
        "DELETE FROM job_part WHERE account = $1",
        "DELETE FROM job WHERE account = $1",
        "DELETE FROM account WHERE no = $1",
    ] {
        session.execute(statement, &[&no])?;
    }
    Ok(true)
}

/// The present secret.
pub fn webhook_secret(session: &Session, id: ObjectId) -> Result<Option<String>, Error> {
    let select = "SELECT webhook_secret FROM account WHERE id = $1";
    session.query_opt(select, &[&id.to_bytes().as_slice()])?.map(|row| get(&row, 0)).transpose()
}

/// What the account says about flags that were set to false.
pub fn opt_out(session: &Session, id: ObjectId) -> Result<Option<OptOut>, Error> {
    let select = "SELECT opt_out FROM account WHERE id = $1";
    let found = session.query_opt(select, &[&id.to_bytes().as_slice()])?;
    Ok(found.map(|row| get(&row, 0)).transpose()?.map(OptOut::of_code))
}

/// Changes that; the lists of the account are read again.
pub fn set_opt_out(session: &Session, id: ObjectId, opt_out: OptOut) -> Result<bool, Error> {
    change(session)?;
    let update = "UPDATE account SET opt_out = $2 WHERE id = $1";
    session.execute(update, &[&id.to_bytes().as_slice(), &opt_out.code()]).map(|rows| rows > 0)
}

/// Puts a new secret in place; the present one becomes the previous one.
pub fn set_webhook_secret(
    session: &Session,
    id: ObjectId,
    secret: &str,
    previous_until: Timestamp,
) -> Result<bool, Error> {
    change(session)?;
    let update = "UPDATE account SET previous_secret = webhook_secret, previous_until = $3, webhook_secret = $2 \
                  WHERE id = $1";
    let id = id.to_bytes().to_vec();
    session.execute(update, &[&id, &secret, &previous_until.millis()]).map(|rows| rows > 0)
}

/// The secrets that sign at `now`, the present one first; none where the account is gone.
pub fn webhook_secrets(
    session: &Session,
    account: AccountNo,
    now: Timestamp,
) -> Result<WebhookSecrets, Error> {
    let select = "SELECT webhook_secret, previous_secret, previous_until FROM account WHERE no = $1";
    let Some(row) = session.query_opt(select, &[&account.0])? else { return Ok(Vec::new()) };
    let until: Option<i64> = get(&row, 2)?;
    let previous: Option<String> = get(&row, 1)?;
    let mut secrets = vec![get(&row, 0)?];
    secrets.extend(previous.filter(|_| until.is_some_and(|until| now.millis() < until)));
    Ok(secrets)
}
