//! Accounts.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::super::error;
use super::{change, users};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{Account, Error, NewAccount, OptOut, UserRole, WebhookSecrets};

/// Adds an account, its first user and that user's token.
pub fn add(intake: &mut Connection, account: &NewAccount, now: Timestamp) -> Result<(), Error> {
    change(intake, |transaction| {
        insert(transaction, account.id, &account.name, &account.webhook_secret, now).map_err(error)?;
        let no = transaction.last_insert_rowid();
        users::insert(transaction, no, account.user, &account.name, UserRole::Owner, now).map_err(error)?;
        super::tokens::insert(transaction, account.user, &account.token, now).map(drop)
    })
}

/// Inserts the row of an account, whose number is the last row id then.
pub fn insert(
    transaction: &Transaction<'_>,
    id: ObjectId,
    name: &str,
    webhook_secret: &str,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let insert = "INSERT INTO account (id, name, webhook_secret, created_at) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(insert, params![id.to_bytes(), name, webhook_secret, now.millis()])
}

/// All accounts with their users.
pub fn all(intake: &Connection) -> Result<Vec<Account>, Error> {
    let select = || {
        let mut accounts =
            intake.prepare("SELECT no, id, name, enabled, created_at FROM account ORDER BY no")?;
        let rows = accounts.query_map([], |row| {
            Ok(Account {
                id: ObjectId::from_bytes(row.get(1)?),
                name: row.get(2)?,
                enabled: row.get(3)?,
                created_at: Timestamp::from_millis(row.get(4)?),
                users: users::of_account(intake, row.get(0)?)?,
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    select().map_err(error)
}

/// Enables or disables an account; sessions of one that is disabled end, and links to it.
pub fn set_enabled(intake: &mut Connection, id: ObjectId, enabled: bool) -> Result<bool, Error> {
    change(intake, |transaction| {
        if !enabled {
            let of_account = "SELECT u.no FROM user u JOIN account a ON a.no = u.account WHERE a.id = ?1";
            super::logins::end(transaction, of_account, &[&id.to_bytes()]).map_err(error)?;
        }
        let update = "UPDATE account SET enabled = ?2 WHERE id = ?1";
        transaction.execute(update, params![id.to_bytes(), enabled]).map(|rows| rows > 0).map_err(error)
    })
}

/// Removes an account, its lists and sources. Users and tokens stay, to be told that it is gone, without the
/// names that people gave them.
pub fn remove(intake: &mut Connection, id: ObjectId) -> Result<bool, Error> {
    change(intake, |transaction| {
        let no: Option<i64> = transaction
            .query_row("SELECT no FROM account WHERE id = ?1", [id.to_bytes()], |row| row.get(0))
            .optional()
            .map_err(error)?;
        let Some(no) = no else { return Ok(false) };
        super::logins::end(transaction, "SELECT no FROM user WHERE account = ?1", &[&no]).map_err(error)?;
        for statement in [
            "DELETE FROM variable WHERE list IN (SELECT no FROM list WHERE account = ?1)",
            "DELETE FROM removed_variable WHERE list IN (SELECT no FROM list WHERE account = ?1)",
            "DELETE FROM list WHERE account = ?1",
            "DELETE FROM source WHERE account = ?1",
            "DELETE FROM removed_source WHERE account = ?1",
            "UPDATE token SET name = '' WHERE user IN (SELECT no FROM user WHERE account = ?1)",
            "UPDATE user SET name = '', address = NULL, password = NULL WHERE account = ?1",
            "DELETE FROM job_part WHERE account = ?1",
            "DELETE FROM job WHERE account = ?1",
            "DELETE FROM account WHERE no = ?1",
        ] {
            transaction.execute(statement, [no]).map_err(error)?;
        }
        Ok(true)
    })
}

/// The present secret.
pub fn webhook_secret(intake: &Connection, id: ObjectId) -> Result<Option<String>, Error> {
    intake
        .query_row("SELECT webhook_secret FROM account WHERE id = ?1", [id.to_bytes()], |row| row.get(0))
        .optional()
        .map_err(error)
}

/// What the account says about flags that were set to false.
pub fn opt_out(intake: &Connection, id: ObjectId) -> Result<Option<OptOut>, Error> {
    let found = intake
        .query_row("SELECT opt_out FROM account WHERE id = ?1", [id.to_bytes()], |row| row.get(0))
        .optional();
    Ok(found.map_err(error)?.map(OptOut::of_code))
}

/// Changes that; the lists of the account are read again.
pub fn set_opt_out(intake: &mut Connection, id: ObjectId, opt_out: OptOut) -> Result<bool, Error> {
    change(intake, |transaction| {
        let update = "UPDATE account SET opt_out = ?2 WHERE id = ?1";
        let values = params![id.to_bytes(), opt_out.code()];
        transaction.execute(update, values).map(|rows| rows > 0).map_err(error)
    })
}

/// Puts a new secret in place; the present one becomes the previous one.
pub fn set_webhook_secret(
    intake: &mut Connection,
    id: ObjectId,
    secret: &str,
    previous_until: Timestamp,
) -> Result<bool, Error> {
    change(intake, |transaction| {
        let update = "UPDATE account SET previous_secret = webhook_secret, previous_until = ?3, \
                      webhook_secret = ?2 WHERE id = ?1";
        transaction
            .execute(update, params![id.to_bytes(), secret, previous_until.millis()])
            .map(|rows| rows > 0)
            .map_err(error)
    })
}

/// The secrets that sign at `now`, the present one first; none where the account is gone.
pub fn webhook_secrets(
    intake: &Connection,
    account: AccountNo,
    now: Timestamp,
) -> Result<WebhookSecrets, Error> {
    let read = |row: &rusqlite::Row<'_>| {
        let previous: Option<String> = row.get(1)?;
        let until = row.get::<_, Option<i64>>(2)?.map_or(now, Timestamp::from_millis);
        let mut secrets = vec![row.get(0)?];
        secrets.extend(previous.filter(|_| now < until));
        Ok(secrets)
    };
    intake
        .prepare_cached("SELECT webhook_secret, previous_secret, previous_until FROM account WHERE no = ?1")
        .and_then(|mut select| select.query_row([account.0], read).optional())
        .map(Option::unwrap_or_default)
        .map_err(error)
}
