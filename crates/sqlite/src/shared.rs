//! What the threads of the embedded store share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::ffi::SQLITE_IOERR_FSYNC;

use super::backlog::Chosen;
use super::marks::Marks;
use super::{append, backlog, compact, deliveries, open};
use domain::contact::identifier::HashKey;
use domain::journal::AccountNo;
use storage::Error;
use storage::rows::attempts::Trim;
use storage::rows::damage::Damage;
use storage::rows::suppression_filter::Filters;

/// A connection to each file.
pub(super) struct Pair {
    pub store: Connection,
    pub intake: Connection,
}

/// What all threads know, kept in memory.
pub(super) struct Shared {
    pub store_id: [u8; 16],
    pub key: HashKey,
    /// How far the store has applied.
    marks: Mutex<Marks>,
    /// How far each account is once what is being applied is done; empty while nothing is.
    applying: Mutex<HashMap<AccountNo, u64>>,
    /// What waits.
    pub counted: Mutex<backlog::Counted>,
    /// When the files may be written anew.
    pub vacuums: Mutex<compact::Schedule>,
    /// Deliveries that are out: one process serves a store, so this is the lease.
    pub leases: Mutex<deliveries::Leases>,
    /// Attempts that were logged.
    pub logged: Trim,
    /// Contacts that were found to be damaged.
    pub damage: Damage,
    /// What is known of suppressed addresses.
    pub filters: Filters,
}

impl Shared {
    /// What a store that was just opened knows.
    pub fn load(pair: &Pair) -> Result<Self, Error> {
        let key = open::setting(&pair.store, "hash_key")?.ok_or_else(|| open::no_setting("hash_key"))?;
        let store_id = open::setting(&pair.store, "store_id")?.ok_or_else(|| open::no_setting("store_id"))?;
        let marks = Marks::read(&pair.store)?;
        let waiting = append::count_waiting(&pair.intake, &marks)?;
        Ok(Self {
            store_id,
            key: HashKey::from_bytes(key),
            marks: Mutex::new(marks),
            applying: Mutex::default(),
            counted: Mutex::new(waiting),
            vacuums: Mutex::default(),
            leases: Mutex::default(),
            logged: Trim::default(),
            damage: Damage::default(),
            filters: Filters::default(),
        })
    }

    /// The store has applied so far, and nothing is being applied.
    pub fn reached(&self, marks: Marks) {
        // First what is done, then that nothing is under way: a batch is never told as waiting in between.
        *lock(&self.marks) = marks;
        lock(&self.applying).clear();
    }

    /// These are being applied.
    pub fn begins(&self, chosen: &[Chosen]) {
        lock(&self.applying).extend(chosen.iter().copied());
    }

    /// The position up to which everything is applied.
    pub fn applied(&self) -> u64 {
        lock(&self.marks).applied
    }

    /// Whether a batch is applied, or is being applied: its results may be there at any moment.
    pub fn is_under_way(&self, account: AccountNo, position: u64) -> bool {
        let applying = lock(&self.applying).get(&account).is_some_and(|last| position <= *last);
        applying || position <= lock(&self.marks).of(account)
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
