//! What the threads of the embedded store share.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::ffi::SQLITE_IOERR_FSYNC;

use super::{append, backlog, deliveries, open, vacuum};
use crate::contact::identifier::HashKey;
use crate::storage::Error;
use crate::storage::rows::damage::Damage;

/// A connection to each file.
pub(super) struct Pair {
    pub store: Connection,
    pub intake: Connection,
}

/// What all threads know, kept in memory.
pub(super) struct Shared {
    pub key: HashKey,
    /// The position up to which all is applied.
    pub applied: AtomicU64,
    /// The position up to which is being applied; equal to `applied` while nothing is.
    pub applying: AtomicU64,
    /// What waits above `applied`.
    pub counted: Mutex<backlog::Counted>,
    /// When the files may be written anew.
    pub vacuums: Mutex<vacuum::Schedule>,
    /// Deliveries that are out: one process serves a store, so this is the lease.
    pub claims: Mutex<deliveries::Claims>,
    /// Contacts that were found to be damaged.
    pub damage: Damage,
}

impl Shared {
    /// What a store that was just opened knows.
    pub fn load(pair: &Pair) -> Result<Self, Error> {
        let key = open::setting(&pair.store, "hash_key")?.ok_or_else(|| open::no_setting("hash_key"))?;
        let applied = append::applied_position(&pair.store)?;
        let waiting = append::count_waiting(&pair.intake, applied)?;
        Ok(Self {
            key: HashKey::from_bytes(key),
            applied: AtomicU64::new(applied),
            applying: AtomicU64::new(applied),
            counted: Mutex::new(waiting),
            vacuums: Mutex::default(),
            claims: Mutex::default(),
            damage: Damage::default(),
        })
    }
}

/// What is behind a mutex, for as short as it takes.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite's own error, without any value that a statement was given.
pub(super) fn error(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        _ if is_not_synced(&error) => Error::NotSynced(error.to_string()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged(error.to_string()),
        // Another process holds a lock, the disk is full or gone, the machine has no memory.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted
            | ErrorCode::SchemaChanged,
        ) => Error::Unavailable(error.to_string()),
        _ => Error::Failed(error.to_string()),
    }
}

/// Whether the disk did not say that it has what was written. The system may then take its own copy for what is on
/// disk, and say so the next time it is asked.
pub(super) fn is_not_synced(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _) if code.extended_code == SQLITE_IOERR_FSYNC)
}

/// Numbers that SQLite keeps as signed and we as unsigned; both keep all 64 bits.
pub(super) const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// The other way.
pub(super) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}
