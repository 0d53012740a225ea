//! Users as they sign in, and their sessions.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, TransactionBehavior, params};

use super::super::error;
use super::users::read_role;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{Error, Login, MAX_SESSIONS, NewSession, Session, SignedIn, TextHash};

/// Whether anybody can sign in.
pub fn any(intake: &Connection) -> Result<bool, Error> {
    intake
        .prepare_cached("SELECT 1 FROM user WHERE password IS NOT NULL LIMIT 1")
        .and_then(|mut select| select.exists([]))
        .map_err(error)
}

/// What an address signs in to.
pub fn find(intake: &Connection, address: &str) -> Result<Option<Login>, Error> {
    let read = |row: &Row<'_>| {
        Ok(Login { user: ObjectId::from_bytes(row.get(0)?), password: row.get(1)?, enabled: row.get(2)? })
    };
    intake
        .prepare_cached(
            "SELECT u.id, u.password, u.enabled AND coalesce(a.enabled, 0) FROM user u \
             LEFT JOIN account a ON a.no = u.account WHERE u.address = ?1 AND u.password IS NOT NULL",
        )
        .and_then(|mut select| select.query_row([address], read).optional())
        .map_err(error)
}

/// Puts another password in place of the present one.
pub fn set_password(
    intake: &mut Connection,
    user: ObjectId,
    present: &str,
    password: &str,
    keep: &TextHash,
) -> Result<bool, Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let update = "UPDATE user SET password = ?3 WHERE id = ?1 AND password = ?2";
    let rows = transaction.execute(update, params![user.to_bytes(), present, password]).map_err(error)?;
    if rows > 0 {
        end_others(&transaction, user, keep).map_err(error)?;
    }
    transaction.commit().map_err(error)?;
    Ok(rows > 0)
}

/// Begins a session of a user who may sign in.
pub fn add_session(
    intake: &mut Connection,
    user: ObjectId,
    password: &str,
    session: &NewSession,
    now: Timestamp,
) -> Result<bool, Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let select = "SELECT u.no FROM user u JOIN account a ON a.no = u.account \
                  WHERE u.id = ?1 AND u.password = ?2 AND u.enabled AND a.enabled";
    let user: Option<i64> = transaction
        .query_row(select, params![user.to_bytes(), password], |row| row.get(0))
        .optional()
        .map_err(error)?;
    if let Some(user) = user {
        insert_session(&transaction, user, session, now).map_err(error)?;
    }
    transaction.commit().map_err(error)?;
    Ok(user.is_some())
}

/// Inserts a session of the user with that number, and forgets those beyond the most.
pub fn insert_session(
    transaction: &Transaction<'_>,
    user: i64,
    session: &NewSession,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let kept = i64::try_from(MAX_SESSIONS).unwrap_or(i64::MAX) - 1;
    transaction.execute(
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE user = ?1 \
         ORDER BY seen_at DESC, created_at DESC LIMIT -1 OFFSET ?2)",
        [user, kept],
    )?;
    transaction.execute(
        "INSERT INTO session (hash, user, agent, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        params![session.hash, user, session.agent, now.millis(), session.expires_at.millis()],
    )?;
    Ok(())
}

/// Who is signed in by a session.
pub fn find_session(
    intake: &Connection,
    hash: &TextHash,
    idle_since: Timestamp,
    now: Timestamp,
) -> Result<Option<SignedIn>, Error> {
    let read = |row: &Row<'_>| {
        Ok(SignedIn {
            user: ObjectId::from_bytes(row.get(0)?),
            user_name: row.get(1)?,
            address: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            account: AccountNo(row.get(3)?),
            account_id: ObjectId::from_bytes(row.get(4)?),
            account_name: row.get(5)?,
            seen_at: Timestamp::from_millis(row.get(6)?),
            signed_in_at: Timestamp::from_millis(row.get(7)?),
            role: read_role(row, 8)?,
            language: row.get(9)?,
        })
    };
    intake
        .prepare_cached(
            "SELECT u.id, u.name, u.address, a.no, a.id, a.name, s.seen_at, s.created_at, u.role, u.language \
             FROM session s \
             JOIN user u ON u.no = s.user JOIN account a ON a.no = u.account \
             WHERE s.hash = ?1 AND s.seen_at > ?2 AND s.expires_at > ?3 AND u.enabled AND a.enabled",
        )
        .and_then(|mut select| {
            select.query_row(params![hash, idle_since.millis(), now.millis()], read).optional()
        })
        .map_err(error)
}

/// Notes that a session is used.
pub fn touch_session(intake: &Connection, hash: &TextHash, now: Timestamp) -> Result<(), Error> {
    let update = "UPDATE session SET seen_at = max(seen_at, ?2) WHERE hash = ?1";
    intake.execute(update, params![hash, now.millis()]).map(drop).map_err(error)
}

/// A user's sessions.
pub fn sessions(
    intake: &Connection,
    user: ObjectId,
    idle_since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Session>, Error> {
    let read = |row: &Row<'_>| {
        Ok(Session {
            hash: row.get(0)?,
            agent: row.get(1)?,
            created_at: Timestamp::from_millis(row.get(2)?),
            seen_at: Timestamp::from_millis(row.get(3)?),
        })
    };
    intake
        .prepare_cached(
            "SELECT s.hash, s.agent, s.created_at, s.seen_at FROM session s JOIN user u ON u.no = s.user \
             WHERE u.id = ?1 AND s.seen_at > ?2 AND s.expires_at > ?3 \
             ORDER BY s.seen_at DESC, s.created_at DESC",
        )
        .and_then(|mut select| {
            select.query_map(params![user.to_bytes(), idle_since.millis(), now.millis()], read)?.collect()
        })
        .map_err(error)
}

/// Ends a session.
pub fn remove_session(intake: &Connection, hash: &TextHash) -> Result<(), Error> {
    intake.execute("DELETE FROM session WHERE hash = ?1", [hash]).map(drop).map_err(error)
}

/// Ends a user's sessions but one.
pub fn remove_other_sessions(intake: &Connection, user: ObjectId, keep: &TextHash) -> Result<(), Error> {
    end_others(intake, user, keep).map_err(error)
}

fn end_others(intake: &Connection, user: ObjectId, keep: &TextHash) -> rusqlite::Result<()> {
    let delete = "DELETE FROM session WHERE user = (SELECT no FROM user WHERE id = ?1) AND hash <> ?2";
    intake.execute(delete, params![user.to_bytes(), keep]).map(drop)
}

/// Ends the sessions of users and the links for them; `users` selects their numbers.
pub fn end(transaction: &Transaction<'_>, users: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    for table in ["session", "link"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE user IN ({users})"), values)?;
    }
    Ok(())
}
