//! Why a store did not do what it was asked.

use super::Appended;
use domain::id::ObjectId;

/// Why a transaction was not done. The text is for the log, and names no person and no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be reached or written now: the disk is full, the file is locked, the database is away. The
    /// same call may succeed later.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost during a commit: the change may be stored or not.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The store rejected a statement, or a transaction panicked. The same call would fail again: this is a fault of
    /// the program or of the schema.
    #[error("store failed: {0}")]
    Failed(String),
    /// What is stored does not read.
    #[error("store damaged: {0}")]
    Damaged(String),
    /// The files of the store are not where they were opened.
    #[error("the store was moved: {0}")]
    Moved(String),
    /// The disk did not say that it has what it was given: what it keeps is known once the store is opened anew.
    #[error("the disk has failed: {0}")]
    NotSynced(String),
}

impl Error {
    /// Whether the same call may succeed later: then a caller is asked to send it again.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unknown(_) | Self::Moved(_) | Self::NotSynced(_))
    }

    /// What happened, for whoever typed a command that is about nothing else.
    pub fn summary(&self) -> String {
        match self {
            Self::Unavailable(text)
            | Self::Unknown(text)
            | Self::Failed(text)
            | Self::Damaged(text)
            | Self::Moved(text)
            | Self::NotSynced(text) => text.clone(),
        }
    }
}

/// Why a batch was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// Too many batches wait to be applied, of all accounts or of this one.
    Backlog,
    /// The store could not commit; nothing was kept.
    NotKept,
    /// It cannot be known whether the store has committed.
    Unknown,
}

impl NotAccepted {
    /// The words for it, in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backlog => "too many wait",
            Self::NotKept => "not kept",
            Self::Unknown => "outcome unknown",
        }
    }
}

/// Why batches were not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of them was stored.
    #[error("not stored: {0}")]
    NotKept(Error),
    /// Nothing of them was stored, since another transaction holds what they would change.
    #[error("held by another transaction: {0}")]
    Held(Error),
    /// Whether they were stored is unknown.
    #[error("outcome unknown: {0}")]
    Unknown(Error),
    /// Those of different lists fared differently: what became of each. None of these is of this kind.
    #[error("some were not stored")]
    Apart(Vec<Result<Appended, AppendError>>),
}

/// Why a row could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Something with that name is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// What it belongs to is not there.
    #[error("what it belongs to is gone")]
    Gone,
    /// There would be too many.
    #[error("at most {0} are allowed")]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The user is not there, or its account is not.
    #[error("there is no such user")]
    NoUser,
    /// The user's account has no such list.
    #[error("there is no list {0} in the account of the user")]
    NoList(ObjectId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}
