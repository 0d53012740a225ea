//! Users as they sign in, and their sessions.

use tokio_postgres::Row;

use super::users::read_role;
use crate::session::{Session as Store, Values, get, get_array, get_id, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::{Error, Login, MAX_SESSIONS, NewSession, Session, SignedIn, TextHash};

/// Whether anybody can sign in.
pub fn any(store: &Store) -> Result<bool, Error> {
    let select = "SELECT FROM account_user WHERE password IS NOT NULL LIMIT 1";
    Ok(store.query_opt(select, &[])?.is_some())
}

/// What an address signs in to.
pub fn find(store: &Store, address: &str) -> Result<Option<Login>, Error> {
    let select = "SELECT u.id, u.password, u.enabled AND coalesce(a.enabled, false) FROM account_user u \
                  LEFT JOIN account a ON a.no = u.account WHERE u.address = $1 AND u.password IS NOT NULL";
    let read =
        |row: Row| Ok(Login { user: get_id(&row, 0)?, password: get(&row, 1)?, enabled: get(&row, 2)? });
    store.query_opt(select, &[&address])?.map(read).transpose()
}

/// Puts another password in place of the present one.
pub fn set_password(
    store: &Store,
    user: ObjectId,
    present: &str,
    password: &str,
    keep: &TextHash,
) -> Result<bool, Error> {
    let update = "UPDATE account_user SET password = $3 WHERE id = $1 AND password = $2";
    let rows = store.execute(update, &[&user.to_bytes().as_slice(), &present, &password])?;
    if rows > 0 {
        remove_other_sessions(store, user, keep)?;
    }
    Ok(rows > 0)
}

/// Begins a session of a user who may sign in.
pub fn add_session(
    store: &Store,
    user: ObjectId,
    password: &str,
    session: &NewSession,
    now: Timestamp,
) -> Result<bool, Error> {
    // The row is locked: of two sign-ins each sees the other's session when it counts them, and a user who is
    // disabled meanwhile either has this session ended too, or does not get it.
    let select = "SELECT u.no FROM account_user u JOIN account a ON a.no = u.account \
                  WHERE u.id = $1 AND u.password = $2 AND u.enabled AND a.enabled FOR UPDATE";
    let Some(row) = store.query_opt(select, &[&user.to_bytes().as_slice(), &password])? else {
        return Ok(false);
    };
    insert_session(store, get(&row, 0)?, session, now).map(|()| true)
}

/// Inserts a session of the user with that number, and forgets those beyond the most.
pub fn insert_session(store: &Store, user: i64, session: &NewSession, now: Timestamp) -> Result<(), Error> {
    let kept = i64::try_from(MAX_SESSIONS).unwrap_or(i64::MAX) - 1;
    let beyond =
        "SELECT hash FROM session WHERE user_no = $1 ORDER BY seen_at DESC, created_at DESC OFFSET $2";
    let gone = store.query(beyond, &[&user, &kept])?;
    let gone = gone.iter().map(|row| get(row, 0)).collect::<Result<Vec<&[u8]>, _>>()?;
    store.execute("DELETE FROM session WHERE hash = ANY($1)", &[&gone])?;
    let insert = "INSERT INTO session (hash, user_no, agent, created_at, seen_at, expires_at) \
                  VALUES ($1, $2, $3, $4, $4, $5)";
    let hash = session.hash.as_slice();
    let values: Values<'_> = &[&hash, &user, &session.agent, &now.millis(), &session.expires_at.millis()];
    store.execute(insert, values).map(drop)
}

/// Who is signed in by a session.
pub fn find_session(
    store: &Store,
    hash: &TextHash,
    idle_since: Timestamp,
    now: Timestamp,
) -> Result<Option<SignedIn>, Error> {
    let select = "SELECT u.id, u.name, u.address, a.no, a.id, a.name, s.seen_at, s.created_at, u.role, u.language \
                  FROM session s \
                  JOIN account_user u ON u.no = s.user_no JOIN account a ON a.no = u.account \
                  WHERE s.hash = $1 AND s.seen_at > $2 AND s.expires_at > $3 AND u.enabled AND a.enabled";
    let read = |row: Row| {
        Ok(SignedIn {
            user: get_id(&row, 0)?,
            user_name: get(&row, 1)?,
            address: get::<Option<String>>(&row, 2)?.unwrap_or_default(),
            account: AccountNo(get(&row, 3)?),
            account_id: get_id(&row, 4)?,
            account_name: get(&row, 5)?,
            seen_at: get_time(&row, 6)?,
            signed_in_at: get_time(&row, 7)?,
            role: read_role(&row, 8)?,
            language: get(&row, 9)?,
        })
    };
    let values: Values<'_> = &[&hash.as_slice(), &idle_since.millis(), &now.millis()];
    store.query_opt(select, values)?.map(read).transpose()
}

/// Notes that a session is used.
pub fn touch_session(store: &Store, hash: &TextHash, now: Timestamp) -> Result<(), Error> {
    let update = "UPDATE session SET seen_at = greatest(seen_at, $2) WHERE hash = $1";
    store.execute(update, &[&hash.as_slice(), &now.millis()]).map(drop)
}

/// A user's sessions.
pub fn sessions(
    store: &Store,
    user: ObjectId,
    idle_since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Session>, Error> {
    let select = "SELECT s.hash, s.agent, s.created_at, s.seen_at FROM session s \
                  JOIN account_user u ON u.no = s.user_no \
                  WHERE u.id = $1 AND s.seen_at > $2 AND s.expires_at > $3 \
                  ORDER BY s.seen_at DESC, s.created_at DESC";
    let read = |row: &Row| {
        Ok(Session {
            hash: get_array(row, 0)?,
            agent: get(row, 1)?,
            created_at: get_time(row, 2)?,
            seen_at: get_time(row, 3)?,
        })
    };
    let user = user.to_bytes().to_vec();
    let values: Values<'_> = &[&user, &idle_since.millis(), &now.millis()];
    store.query(select, values)?.iter().map(read).collect()
}

/// Ends a session.
pub fn remove_session(store: &Store, hash: &TextHash) -> Result<(), Error> {
    store.execute("DELETE FROM session WHERE hash = $1", &[&hash.as_slice()]).map(drop)
}

/// Ends a user's sessions but one.
pub fn remove_other_sessions(store: &Store, user: ObjectId, keep: &TextHash) -> Result<(), Error> {
    let delete =
        "DELETE FROM session WHERE user_no = (SELECT no FROM account_user WHERE id = $1) AND hash <> $2";
    store.execute(delete, &[&user.to_bytes().as_slice(), &keep.as_slice()]).map(drop)
}

/// Ends the sessions of users and the links for them; `users` selects their numbers.
pub fn end(store: &Store, users: &str, values: Values<'_>) -> Result<(), Error> {
    for table in ["session", "link"] {
        store.execute(&format!("DELETE FROM {table} WHERE user_no IN ({users})"), values)?;
    }
    Ok(())
}
