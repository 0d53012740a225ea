//! Jobs: imports and changes of many contacts that run on the server.

use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// What a job is known by. Its list is part of it: rows of a list lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// The account that owns it.
    pub account: AccountNo,
    /// The list that it changes.
    pub list: ListNo,
    /// Its public id.
    pub id: ObjectId,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a user to begin it.
    Ready,
    /// It waits for a node to run it.
    Waiting,
    /// A node runs it, or did until it died.
    Running,
    /// A user stopped it; it can go on.
    Stopped,
    /// It is complete.
    Done,
    /// It could not go on; perhaps it can later.
    Failed,
}

impl JobState {
    const ALL: [Self; 6] =
        [Self::Ready, Self::Waiting, Self::Running, Self::Stopped, Self::Done, Self::Failed];

    /// The number that stores keep; never reused for another state.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The state with that number.
    pub fn of(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A job that is to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it is known by.
    pub key: JobKey,
    /// The user with whose rights it runs.
    pub user: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The directory of files in which its own lie; `None` if it has none.
    pub directory: Option<ObjectId>,
    /// What it is; no person can be read from it.
    pub description: Vec<u8>,
    /// What it is about: the first rows of a file, or which contacts. Erasing a person deletes it.
    pub subject: Option<Vec<u8>>,
    /// Where it stands.
    pub state: JobState,
    /// How far it has come.
    pub progress: Option<Vec<u8>>,
    /// What failed. Erasing a person deletes it.
    pub faults: Option<Vec<u8>>,
    /// Its output so far: part 1.
    pub output: Option<Vec<u8>>,
}

/// How many jobs an account may have.
#[derive(Clone, Copy, Debug)]
pub struct JobLimits {
    /// All of them. For one more, the oldest that is done makes room.
    pub all: usize,
    /// Those that are not done.
    pub open: usize,
}

/// What came of adding a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAdded {
    /// It was added.
    Added,
    /// There is one with that key already: the same form was sent twice.
    Exists,
    /// The account has too many that are not done.
    TooMany,
}

/// A job as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredJob {
    /// What it is known by.
    pub key: JobKey,
    /// The user with whose rights it runs.
    pub user: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it was written last.
    pub changed_at: Timestamp,
    /// The directory of files in which its own lie.
    pub directory: Option<ObjectId>,
    /// See [`NewJob`].
    pub description: Vec<u8>,
    /// See [`NewJob`]; `None` once it is done or a person was erased.
    pub subject: Option<Vec<u8>>,
    /// Where it stands.
    pub state: JobState,
    /// Whether it is tried only, and changes nothing.
    pub dry_run: bool,
    /// Whether a user wants it to stop.
    pub stop_requested: bool,
    /// How far it has come.
    pub progress: Option<Vec<u8>>,
    /// What failed. Erasing a person deletes it.
    pub faults: Option<Vec<u8>>,
    /// How many parts its output has.
    pub parts: u64,
    /// Rises with each claim: see [`crate::Jobs::claim_job`].
    pub lease: u64,
}

/// A job that waits or runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveJob {
    /// What it is known by.
    pub key: JobKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// The directory of files in which its own lie.
    pub directory: Option<ObjectId>,
    /// The lease that a claim must name.
    pub lease: u64,
    /// Whether no other node that is alive runs it.
    pub free: bool,
}

/// What the node that runs a job writes down.
#[derive(Clone, Debug)]
pub struct JobReport {
    /// Where the job stands now. Other than [`JobState::Running`], it gives the job back.
    pub state: JobState,
    /// How far it has come.
    pub progress: Vec<u8>,
    /// What failed.
    pub faults: Vec<u8>,
    /// What a later run goes on from; `None` leaves what is stored.
    pub checkpoint: Option<Vec<u8>>,
    /// A part of the output, numbered from 1; one that is there already is replaced.
    pub part: Option<(u64, Vec<u8>)>,
    /// When.
    pub now: Timestamp,
}
