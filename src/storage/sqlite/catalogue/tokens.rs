//! Access tokens.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::super::error;
use super::change;
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::AccountNo;
use crate::storage::{Access, AccessAccount, Error, NewToken, Token};
use crate::token::SecretHash;

/// The token with that public part, its user and its account.
pub fn find_access(intake: &Connection, key: &str) -> Result<Option<Access>, Error> {
    let read = |row: &rusqlite::Row<'_>| {
        let account: Option<i64> = row.get(5)?;
        let account = match account {
            Some(no) => Some(AccessAccount { no: AccountNo(no), name: row.get(6)?, enabled: row.get(7)? }),
            None => None,
        };
        Ok(Access {
            secret_hash: SecretHash::from_bytes(row.get(0)?),
            revoked: row.get(1)?,
            expires_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
            user: ObjectId::from_bytes(row.get(3)?),
            user_enabled: row.get(4)?,
            account,
        })
    };
    intake
        .prepare_cached(
            "SELECT t.secret_hash, t.revoked_at IS NOT NULL, t.expires_at, u.id, u.enabled, a.no, a.name, \
             a.enabled FROM token t JOIN user u ON u.no = t.user LEFT JOIN account a ON a.no = u.account \
             WHERE t.key = ?1",
        )
        .and_then(|mut select| select.query_row([key], read).optional())
        .map_err(error)
}

/// Adds a token of a user, where the user is there and its account too.
pub fn add(intake: &mut Connection, user: ObjectId, token: &NewToken, now: Timestamp) -> Result<bool, Error> {
    change(intake, |transaction| insert(transaction, user, token, now))
}

/// The same, inside a transaction.
pub fn insert(
    transaction: &Transaction<'_>,
    user: ObjectId,
    token: &NewToken,
    now: Timestamp,
) -> Result<bool, Error> {
    transaction
        .execute(
            "INSERT INTO token (key, secret_hash, user, name, created_at, expires_at) \
             SELECT ?1, ?2, u.no, ?3, ?4, ?5 FROM user u JOIN account a ON a.no = u.account WHERE u.id = ?6",
            params![
                token.key,
                token.secret_hash.to_bytes(),
                token.name,
                now.millis(),
                token.expires_at.map(Timestamp::millis),
                user.to_bytes(),
            ],
        )
        .map(|rows| rows > 0)
        .map_err(error)
}

/// The tokens of an account, or all.
pub fn all(intake: &Connection, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
    let select = || {
        let mut select = intake.prepare(
            "SELECT t.key, t.name, u.id, t.created_at, t.expires_at, t.revoked_at FROM token t \
             JOIN user u ON u.no = t.user JOIN account a ON a.no = u.account \
             WHERE ?1 IS NULL OR a.id = ?1 ORDER BY t.created_at, t.key",
        )?;
        let rows = select.query_map([account.map(ObjectId::to_bytes)], |row| {
            Ok(Token {
                key: row.get(0)?,
                name: row.get(1)?,
                user: ObjectId::from_bytes(row.get(2)?),
                created_at: Timestamp::from_millis(row.get(3)?),
                expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
                revoked_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    select().map_err(error)
}

/// Revokes a token; the first time counts.
pub fn revoke(intake: &mut Connection, key: &str, now: Timestamp) -> Result<bool, Error> {
    change(intake, |transaction| {
        let update = "UPDATE token SET revoked_at = coalesce(revoked_at, ?2) WHERE key = ?1";
        transaction.execute(update, params![key, now.millis()]).map(|rows| rows > 0).map_err(error)
    })
}
