//! What a failure of the database means: how far it reaches, and its text for the log.

use std::error::Error as _;

use tokio_postgres::error::SqlState;

use storage::Error;

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// The same would fail again.
    #[default]
    Lasting,
    /// Nothing was kept, and another try may do better.
    Passing,
    /// Nothing was kept, since another transaction held a lock for longer than this one may wait.
    Held,
    /// The connection went: whether a commit that was under way has been kept is not known.
    Lost,
}

/// How far a failure reaches.
pub fn reach(error: &tokio_postgres::Error) -> Reach {
    let Some(code) = error.code() else { return Reach::Lost };
    // 57P01 to 57P03: the server stops, has crashed, or is starting. What was being committed then is not known.
    let lost = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    let passing = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::TOO_MANY_CONNECTIONS,
        // A statement that was prepared before the schema changed, or that a pooler has lost or has twice.
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
    ];
    match code {
        code if lost.contains(code) || code.code().starts_with("08") => Reach::Lost,
        code if passing.contains(code) => Reach::Passing,
        &SqlState::LOCK_NOT_AVAILABLE => Reach::Held,
        _ => Reach::Lasting,
    }
}

/// Classes of codes that tell of the state of the database and not of the statement: connections, transactions that
/// lost against others, authorization and the name of the database (both may be changed while it is served),
/// resources, locks, operators, the system around it.
const PASSING: [&str; 8] = ["08", "28", "3D", "40", "53", "55", "57", "58"];

/// Whether the same statement may succeed later. A database that does not write, such as a replica before it is
/// promoted, says so with a code of a class of its own; a pooler that has lost a statement, or has it twice, too.
fn is_passing(code: &SqlState) -> bool {
    let alone = [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
    ];
    PASSING.iter().any(|class| code.code().starts_with(class)) || alone.contains(code)
}

/// What to do about a database that does not write.
const STANDBY: &str = "the database is a standby or read-only: name the primary, or all hosts with \
                       target_session_attrs=read-write";

/// An error for the log: PostgreSQL's own message and code, without the detail, which quotes values.
pub fn error(error: tokio_postgres::Error) -> Error {
    error_text(&error)
}

pub(super) fn error_text(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(told) => {
            let text = format!("{} ({})", told.message(), told.code().code());
            match told.code() {
                &SqlState::READ_ONLY_SQL_TRANSACTION => Error::Unavailable(format!("{text}; {STANDBY}")),
                &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => Error::Damaged(text),
                code if is_passing(code) => Error::Unavailable(text),
                _ => Error::Failed(text),
            }
        }
        // What lies behind it: an address that nobody listens at, a certificate that is not good.
        None => Error::Unavailable(match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
    }
}
