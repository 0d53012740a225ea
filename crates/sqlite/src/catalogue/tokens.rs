//! Access tokens.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::super::error;
use super::change_of;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::token::SecretHash;
use storage::rows::changed::Changed;
use storage::{Access, AccessAccount, Error, NewToken, Scope, Token, TokenError};

/// The token with that public part, its user and its account.
pub fn find_access(intake: &Connection, key: &str) -> Result<Option<Access>, Error> {
    let read = |row: &Row<'_>| {
        let account: Option<i64> = row.get(5)?;
        let account = match account {
            Some(no) => Some(AccessAccount { no: AccountNo(no), name: row.get(6)?, enabled: row.get(7)? }),
            None => None,
        };
        let scope = read_scope(row, 8)?;
        Ok(Access {
            secret_hash: SecretHash::from_bytes(row.get(0)?),
            revoked: row.get(1)?,
            expires_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
            scope,
            user: ObjectId::from_bytes(row.get(3)?),
            user_enabled: row.get(4)?,
            account,
        })
    };
    intake
        .prepare_cached(&format!(
            "SELECT t.secret_hash, t.revoked_at IS NOT NULL, t.expires_at, u.id, u.enabled, a.no, a.name, \
             a.enabled, {SCOPE} FROM token t JOIN user u ON u.no = t.user LEFT JOIN account a ON a.no = u.account \
             WHERE t.key = ?1"
        ))
        .and_then(|mut select| select.query_row([key], read).optional())
        .map_err(error)
}

/// What a token may do: two columns of a statement in which it is `t`.
const SCOPE: &str =
    "t.read_only, (SELECT group_concat(lower(hex(list)), ' ') FROM token_list WHERE token = t.key)";

/// Reads [`SCOPE`], of which the first column is given.
fn read_scope(row: &Row<'_>, column: usize) -> rusqlite::Result<Scope> {
    let lists: Option<String> = row.get(column + 1)?;
    let lists = lists.map(|lists| {
        let mut lists: Vec<_> = lists.split(' ').filter_map(ObjectId::parse).collect();
        lists.sort_unstable();
        lists
    });
    Ok(Scope { read_only: row.get(column)?, lists })
}

/// Adds a token of a user, where the user is there and its account too, and has the lists.
pub fn add(
    intake: &mut Connection,
    user: ObjectId,
    token: &NewToken,
    now: Timestamp,
) -> Result<(), TokenError> {
    change_of(intake, Changed::User(user), |transaction| {
        if !insert(transaction, user, token, now)? {
            return Err(TokenError::NoUser);
        }
        for list in token.scope.lists.iter().flatten() {
            limit(transaction, user, &token.key, *list)?;
        }
        Ok(())
    })
}

fn limit(transaction: &Transaction<'_>, user: ObjectId, key: &str, list: ObjectId) -> Result<(), TokenError> {
    let known = transaction
        .prepare_cached(
            "SELECT 1 FROM list l JOIN user u ON u.account = l.account WHERE u.id = ?1 AND l.id = ?2",
        )
        .and_then(|mut select| select.exists([user.to_bytes(), list.to_bytes()]))
        .map_err(error)?;
    if !known {
        return Err(TokenError::NoList(list));
    }
    let insert = "INSERT OR IGNORE INTO token_list VALUES (?1, ?2)";
    transaction.execute(insert, params![key, list.to_bytes()]).map_err(error)?;
    Ok(())
}

/// Adds a token inside a transaction, without its lists; whether the user is there, and its account too.
pub fn insert(
    transaction: &Transaction<'_>,
    user: ObjectId,
    token: &NewToken,
    now: Timestamp,
) -> Result<bool, Error> {
    transaction
        .execute(
            "INSERT INTO token (key, secret_hash, user, name, created_at, expires_at, read_only) \
             SELECT ?1, ?2, u.no, ?3, ?4, ?5, ?7 FROM user u JOIN account a ON a.no = u.account WHERE u.id = ?6",
            params![
                token.key,
                token.secret_hash.to_bytes(),
                token.name,
                now.millis(),
                token.expires_at.map(Timestamp::millis),
                user.to_bytes(),
                token.scope.read_only,
            ],
        )
        .map(|rows| rows > 0)
        .map_err(error)
}

/// The tokens of an account, or all.
pub fn all(intake: &Connection, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
    let select = || {
        let mut select = intake.prepare(&format!(
            "SELECT t.key, t.name, u.id, t.created_at, t.expires_at, t.revoked_at, t.used_at, {SCOPE} FROM token t \
             JOIN user u ON u.no = t.user JOIN account a ON a.no = u.account \
             WHERE ?1 IS NULL OR a.id = ?1 ORDER BY t.created_at, t.key"
        ))?;
        let rows = select.query_map([account.map(ObjectId::to_bytes)], |row| {
            Ok(Token {
                key: row.get(0)?,
                name: row.get(1)?,
                user: ObjectId::from_bytes(row.get(2)?),
                created_at: Timestamp::from_millis(row.get(3)?),
                expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
                revoked_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
                used_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
                scope: read_scope(row, 7)?,
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    select().map_err(error)
}

/// Revokes a token; the first time counts.
pub fn revoke(intake: &mut Connection, key: &str, now: Timestamp) -> Result<bool, Error> {
    change_of(intake, Changed::Token(key), |transaction| {
        let update = "UPDATE token SET revoked_at = coalesce(revoked_at, ?2) WHERE key = ?1";
        transaction.execute(update, params![key, now.millis()]).map(|rows| rows > 0).map_err(error)
    })
}

/// Notes when tokens were used last. It is no change of the catalogue: nothing that is cached tells of it.
pub fn note_used(intake: &mut Connection, tokens: &[(String, Timestamp)]) -> Result<(), Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    for (key, time) in tokens {
        transaction
            .prepare_cached("UPDATE token SET used_at = max(coalesce(used_at, ?2), ?2) WHERE key = ?1")
            .and_then(|mut update| update.execute(params![key, time.millis()]))
            .map_err(error)?;
    }
    transaction.commit().map_err(error)
}
