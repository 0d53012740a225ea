//! A job: what it is, where it stands, how far it has come. The store keeps each of these apart, as JSON.
//!
//! No person can be read from a description. What is about people is the subject and the faults: erasing deletes them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::store::{JobFiles, JobStore};
use super::upload::Preview;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use files::choices::{Choices, Mode};
use files::layout::Said;
use files::mapping::NewVariable;
use files::notes::Counted;
use files::send::Counts;
use storage::{JobKey, JobState, StoredJob};

/// A job as it is now.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it is known by.
    pub key: JobKey,
    /// The user with whose rights it runs.
    pub user: ObjectId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is.
    pub description: Description,
    /// What it is about; `None` once it is done, or after a person was erased.
    pub subject: Option<Subject>,
    /// Where it stands.
    pub status: Status,
    /// Whether it is tried only, and changes nothing.
    pub dry_run: bool,
    /// How far it has come.
    pub progress: Option<Progress>,
    /// What failed.
    pub faults: Faults,
    /// How many parts its output has.
    pub parts: u64,
    /// See [`storage::Jobs::claim_job`].
    pub lease: u64,
    /// Where its files are.
    pub files: Files,
}

/// Where the files of a job are.
#[derive(Clone, Debug)]
pub enum Files {
    /// It has none.
    None,
    /// In the directory of this node.
    Here(JobFiles),
    /// In the directory of another node, or of none that is left.
    Elsewhere,
}

/// What a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The id of the list that it changes.
    pub list: String,
    /// What the list was called.
    pub list_name: String,
    /// The public part of the token that records it, if a client runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What is done.
    pub task: Task,
}

/// What is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "few are held at a time")]
pub enum Task {
    /// Rows of a file become contacts.
    Import(Import),
    /// Contacts of a list are changed or removed.
    Bulk(Bulk),
    /// What is stored does not read. Such a job can be removed, and is forgotten like others.
    #[default]
    #[serde(skip)]
    Damaged,
}

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// The first rows of a file.
    Rows(Preview),
    /// The contacts that are changed.
    Contacts(Whom),
}

/// An import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// What the file was called where it came from.
    pub file: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows below the header.
    pub rows: u64,
    /// How it is written, for people.
    pub form: String,
    /// The sheets of a workbook that people see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<String>,
    /// What speaks against the encoding that was guessed: another must be chosen, or this one confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// What its columns are, once that was said.
    pub plan: Option<Plan>,
}

/// How rows are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What each column is, from the left: the name of a field, `variables.x`, or `ignore`.
    pub columns: Vec<String>,
    /// Variables that are made.
    pub new_variables: Vec<NewVariable>,
    /// Whether an empty cell clears.
    pub empty_clears: bool,
    /// Whether contacts that are not in the list are made. It agrees with the mode of the choices.
    pub upsert: bool,
    /// Whether flags that were set to false may be set to true.
    #[serde(default)]
    pub resubscribe: bool,
    /// What was chosen beside the columns.
    #[serde(default)]
    pub choices: Choices,
    /// What was said about the file.
    #[serde(default)]
    pub said: Said,
}

impl Plan {
    /// What was chosen; a plan of an earlier release says its mode by [`Plan::upsert`] alone.
    pub fn choices(&self) -> Choices {
        let mode = if self.upsert { self.choices.mode } else { Mode::Update };
        Choices { mode, ..self.choices.clone() }
    }
}

/// A change of many contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// What is done to each.
    pub action: Action,
    /// Which contacts, in short.
    pub extent: Extent,
}

/// Which contacts, as far as no person can be read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// So many that were chosen one by one.
    Chosen(u64),
    /// All of the list.
    All,
    /// All that match a filter.
    Matching,
}

/// What is done to a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// A field that is true or false is set.
    Set {
        /// Its name.
        field: String,
        /// What it becomes.
        to: bool,
        /// Whether it becomes true where it was set to false before.
        #[serde(default)]
        resubscribe: bool,
    },
    /// It is removed.
    Remove,
    /// Requests of another job are undone: those with these ids, the last first.
    Undo {
        /// The id of that job.
        job: String,
        /// Whether that job was an import.
        import: bool,
        /// How many contacts it has changed, at most.
        contacts: u64,
    },
}

/// Which contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Whom {
    /// Those with these ids.
    Ids(Vec<String>),
    /// All of the list that fit: keys of contacts/find.
    Matching(Map<String, Value>),
}

impl Whom {
    /// The same in short.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Ids(ids) => Extent::Chosen(ids.len() as u64),
            Self::Matching(filter) if filter.is_empty() => Extent::All,
            Self::Matching(_) => Extent::Matching,
        }
    }
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Rows or contacts that are done.
    pub done: u64,
    /// How many there are; 0 if that is not known.
    pub of: u64,
    /// What became of them.
    pub counts: Counts,
    /// What was done when this run began, and when that was: the rate is that of the run.
    pub began: (u64, i64),
    /// When this was written, in milliseconds since 1970.
    pub told_at: i64,
}

/// What failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// Why the job could not go on.
    pub fault: Option<String>,
    /// The first rows or contacts that failed: line, or 0 if there is none, and why.
    pub first: Vec<(u64, String)>,
    /// Remarks on rows that were imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Counted>,
}

/// How a job is, as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits for somebody to begin it.
    Ready,
    /// It waits for its turn.
    Waiting,
    /// It is being tried, and changes nothing.
    Trying,
    /// It runs.
    Running,
    /// It is asked to stop.
    Stopping,
    /// It was stopped, and can go on.
    Stopped,
    /// It is complete.
    Done,
    /// It could not go on; perhaps it can later.
    Failed,
}

impl Status {
    /// Of what the store has.
    pub const fn of(state: JobState, dry_run: bool, stop_requested: bool) -> Self {
        match (state, stop_requested, dry_run) {
            (JobState::Ready, ..) => Self::Ready,
            (JobState::Waiting, ..) => Self::Waiting,
            (JobState::Running, true, _) => Self::Stopping,
            (JobState::Running, false, true) => Self::Trying,
            (JobState::Running, false, false) => Self::Running,
            (JobState::Stopped, ..) => Self::Stopped,
            (JobState::Done, ..) => Self::Done,
            (JobState::Failed, ..) => Self::Failed,
        }
    }

    /// Whether a node runs it, or will.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Trying | Self::Running | Self::Stopping)
    }

    /// Whether it can be begun, or go on.
    pub const fn can_begin(self) -> bool {
        matches!(self, Self::Ready | Self::Stopped | Self::Failed)
    }

    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Trying => "trying",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Job {
    /// A job as the store has it. Parts of it that do not read are left out.
    pub fn read(stored: StoredJob, store: &JobStore) -> Self {
        let key = stored.key;
        let files = match stored.directory {
            None => Files::None,
            Some(directory) if store.is(directory) => Files::Here(store.files(key.account, key.id)),
            Some(_) => Files::Elsewhere,
        };
        let description: Description = decode(key, &stored.description).unwrap_or_default();
        let progress: Option<Progress> = stored.progress.and_then(|bytes| decode(key, &bytes));
        let mut status = Status::of(stored.state, stored.dry_run, stored.stop_requested);
        // The client of an import that is not at its end was stopped, or works on.
        let open = progress.as_ref().is_some_and(|progress| progress.done < progress.of);
        if description.token.is_some() && status == Status::Done && open {
            status = Status::Stopped;
        }
        Self {
            key,
            user: stored.user,
            created_at: stored.created_at,
            description,
            subject: stored.subject.and_then(|bytes| decode(key, &bytes)),
            status,
            dry_run: stored.dry_run,
            progress,
            faults: stored.faults.and_then(|bytes| decode(key, &bytes)).unwrap_or_default(),
            parts: stored.parts,
            lease: stored.lease,
            files,
        }
    }

    /// Whether a run continues what an earlier one did. A dry run leaves nothing to continue.
    pub fn continues(&self) -> bool {
        !self.dry_run && self.progress.as_ref().is_some_and(|progress| !progress.dry_run)
    }

    /// Whether a client runs it, and no node of the server.
    pub const fn is_of_client(&self) -> bool {
        self.description.token.is_some()
    }

    /// Its files, if they are in the directory of this node.
    pub const fn files_here(&self) -> Option<&JobFiles> {
        match &self.files {
            Files::Here(files) => Some(files),
            Files::None | Files::Elsewhere => None,
        }
    }
}

fn decode<T: DeserializeOwned>(key: JobKey, bytes: &[u8]) -> Option<T> {
    let read = serde_json::from_slice(bytes);
    if let Err(error) = &read {
        // Where it breaks off is told, and nothing of what stands there.
        tracing::error!(job = %key.id, line = error.line(), column = error.column(), "jobs: reading a job failed");
    }
    read.ok()
}

/// A value as the store keeps it.
///
/// # Errors
/// [`std::io::Error`] if it has no form in JSON; those of jobs always have one.
pub fn encode(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(std::io::Error::other)
}

impl Progress {
    /// How many were done in a second of this run.
    pub fn rate(&self) -> u64 {
        let (done, at) = self.began;
        let millis = u64::try_from(self.told_at - at).unwrap_or_default().max(1);
        self.done.saturating_sub(done).saturating_mul(1_000) / millis
    }

    /// Seconds until all are done, where that can be told.
    pub fn seconds_left(&self) -> Option<u64> {
        let left = self.of.checked_sub(self.done).filter(|_| self.of > 0)?;
        left.checked_div(self.rate())
    }

    /// How much of it is done, in a hundred, where that can be told.
    pub fn percent(&self) -> Option<u64> {
        self.done.saturating_mul(100).checked_div(self.of).map(|percent| percent.min(100))
    }
}

#[cfg(test)]
mod tests;
