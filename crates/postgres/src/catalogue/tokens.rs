//! Access tokens.

use tokio_postgres::Row;

use super::change_of;
use crate::session::{Session, Values, get, get_array, get_id, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::token::SecretHash;
use storage::rows::changed::Changed;
use storage::{Access, AccessAccount, Error, NewToken, Scope, Token, TokenError};

/// What a token may do: two columns of a statement in which it is `t`.
const SCOPE: &str = "t.read_only, (SELECT array_agg(list ORDER BY list) FROM token_list WHERE token = t.key)";

/// Reads [`SCOPE`], of which the first column is given.
fn read_scope(row: &Row, column: usize) -> Result<Scope, Error> {
    let lists: Option<Vec<&[u8]>> = get(row, column + 1)?;
    let id = |bytes: &[u8]| bytes.try_into().ok().map(ObjectId::from_bytes);
    let lists = lists.map(|lists| lists.into_iter().filter_map(id).collect());
    Ok(Scope { read_only: get(row, column)?, lists })
}

/// The token with that public part, its user and its account.
pub fn find_access(session: &Session, key: &str) -> Result<Option<Access>, Error> {
    let select = format!(
        "SELECT t.secret_hash, t.revoked_at IS NOT NULL, t.expires_at, u.id, u.enabled, a.no, a.name, a.enabled, \
         {SCOPE} FROM token t JOIN account_user u ON u.no = t.user_no LEFT JOIN account a ON a.no = u.account \
         WHERE t.key = $1"
    );
    let Some(row) = session.query_opt(&select, &[&key])? else { return Ok(None) };
    let account: Option<i64> = get(&row, 5)?;
    let account = match account {
        Some(no) => Some(AccessAccount { no: AccountNo(no), name: get(&row, 6)?, enabled: get(&row, 7)? }),
        None => None,
    };
    Ok(Some(Access {
        secret_hash: SecretHash::from_bytes(get_array(&row, 0)?),
        revoked: get(&row, 1)?,
        expires_at: get::<Option<i64>>(&row, 2)?.map(Timestamp::from_millis),
        scope: read_scope(&row, 8)?,
        user: get_id(&row, 3)?,
        user_enabled: get(&row, 4)?,
        account,
    }))
}

/// Adds a token of a user, where the user is there and its account too, and has the lists.
pub fn add(session: &Session, user: ObjectId, token: &NewToken, now: Timestamp) -> Result<(), TokenError> {
    change_of(session, Changed::User(user))?;
    if !insert(session, user, token, now)? {
        return Err(TokenError::NoUser);
    }
    for list in token.scope.lists.iter().flatten() {
        let (user, id) = (user.to_bytes().to_vec(), list.to_bytes().to_vec());
        let known =
            "SELECT FROM list l JOIN account_user u ON u.account = l.account WHERE u.id = $1 AND l.id = $2";
        if session.query_opt(known, &[&user, &id])?.is_none() {
            return Err(TokenError::NoList(*list));
        }
        let insert = "INSERT INTO token_list VALUES ($1, $2) ON CONFLICT DO NOTHING";
        session.execute(insert, &[&token.key, &id])?;
    }
    Ok(())
}

/// Adds a token inside a transaction, without its lists; whether the user is there, and its account too.
pub fn insert(session: &Session, user: ObjectId, token: &NewToken, now: Timestamp) -> Result<bool, Error> {
    let insert = "INSERT INTO token (key, secret_hash, user_no, name, created_at, expires_at, read_only) \
                  SELECT $1, $2, u.no, $3, $4, $5, $7 FROM account_user u JOIN account a ON a.no = u.account \
                  WHERE u.id = $6";
    let (secret_hash, user) = (token.secret_hash.to_bytes().to_vec(), user.to_bytes().to_vec());
    let expires_at = token.expires_at.map(Timestamp::millis);
    let values: Values<'_> =
        &[&token.key, &secret_hash, &token.name, &now.millis(), &expires_at, &user, &token.scope.read_only];
    session.execute(insert, values).map(|rows| rows > 0)
}

/// The tokens of an account, or all.
pub fn all(session: &Session, account: Option<ObjectId>) -> Result<Vec<Token>, Error> {
    let select = format!(
        "SELECT t.key, t.name, u.id, t.created_at, t.expires_at, t.revoked_at, t.used_at, {SCOPE} FROM token t \
         JOIN account_user u ON u.no = t.user_no JOIN account a ON a.no = u.account \
         WHERE $1::bytea IS NULL OR a.id = $1 ORDER BY t.created_at, t.key"
    );
    let account = account.map(|id| id.to_bytes().to_vec());
    let read = |row: &Row| {
        Ok(Token {
            key: get(row, 0)?,
            name: get(row, 1)?,
            user: get_id(row, 2)?,
            created_at: get_time(row, 3)?,
            expires_at: get::<Option<i64>>(row, 4)?.map(Timestamp::from_millis),
            revoked_at: get::<Option<i64>>(row, 5)?.map(Timestamp::from_millis),
            used_at: get::<Option<i64>>(row, 6)?.map(Timestamp::from_millis),
            scope: read_scope(row, 7)?,
        })
    };
    session.query(&select, &[&account])?.iter().map(read).collect()
}

/// Revokes a token; the first time counts.
pub fn revoke(session: &Session, key: &str, now: Timestamp) -> Result<bool, Error> {
    change_of(session, Changed::Token(key))?;
    let update = "UPDATE token SET revoked_at = coalesce(revoked_at, $2) WHERE key = $1";
    session.execute(update, &[&key, &now.millis()]).map(|rows| rows > 0)
}

/// Notes when tokens were used last. It is no change of the catalogue: nothing that is cached tells of it.
pub fn note_used(session: &Session, tokens: &[(String, Timestamp)]) -> Result<(), Error> {
    let keys: Vec<_> = tokens.iter().map(|(key, _)| key.as_str()).collect();
    let times: Vec<_> = tokens.iter().map(|(_, time)| time.millis()).collect();
    // In the order of keys: nodes that note the same tokens wait for each other, and do not lock each other up.
    let lock = "SELECT FROM token WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE";
    session.query(lock, &[&keys])?;
    let update = "UPDATE token t SET used_at = greatest(t.used_at, n.used_at) \
                  FROM unnest($1::text[], $2::bigint[]) AS n (key, used_at) WHERE t.key = n.key";
    session.execute(update, &[&keys, &times]).map(drop)
}
