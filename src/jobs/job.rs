//! What a job is, what is wished of it, how far it is: the small files of its directory, and what they come to.
//!
//! Each file has one writer. The description is written when the job is made and when it is begun; the wish by those
//! who look at pages; progress by whoever runs the job. So no two ever write one file at a time, on any number of nodes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::files::mapping::NewVariable;
use crate::files::send::Counts;
use crate::id::ObjectId;
use crate::journal::AccountNo;

/// What a job is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Whose it is: the number of the account, its name, and the user who made it.
    pub account: i64,
    /// The account's name.
    pub account_name: String,
    /// Who made it.
    pub user: String,
    /// The list that it changes.
    pub list: String,
    /// What the list was called.
    pub list_name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// What is done.
    pub task: Task,
}

impl Description {
    /// Whose it is.
    pub const fn account(&self) -> AccountNo {
        AccountNo(self.account)
    }

    /// When it was made.
    pub const fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at)
    }

    /// Who made it; `None` where that is damaged.
    pub fn user(&self) -> Option<ObjectId> {
        ObjectId::parse(&self.user)
    }
}

/// What is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Rows of a file become contacts.
    Import(Import),
    /// Contacts of a list are changed or removed.
    Bulk(Bulk),
}

/// An import.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Whether contacts that are not in the list are made.
    pub upsert: bool,
}

/// A change of many contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// What is done to each.
    pub action: Action,
    /// Who they are.
    pub whom: Whom,
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
    },
    /// It is removed.
    Remove,
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

/// What somebody wants of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Rises by one with each beginning: what was done before is of an earlier turn.
    pub turn: u64,
    /// Whether it is to be tried only, with nothing kept.
    pub trying: bool,
    /// Whether it is to stop.
    pub stop: bool,
}

/// How far a job is in its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Of which turn it is.
    pub turn: u64,
    /// Whether nothing is kept.
    pub trying: bool,
    /// How it is.
    pub phase: Phase,
    /// Why it failed.
    pub fault: Option<String>,
    /// Rows or contacts that are done.
    pub done: u64,
    /// How many there are; 0 where that is not known.
    pub of: u64,
    /// What became of them.
    pub counts: Counts,
    /// What was done when this turn began, and when that was: the rate is of the turn.
    pub began: (u64, i64),
    /// When this was written.
    pub told_at: i64,
    /// The first that failed: line, or 0 where there is none, and why.
    pub first_faults: Vec<(u64, String)>,
}

/// How a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// It is being done, or was when the process ended.
    Working,
    /// It was stopped.
    Stopped,
    /// It is at its end.
    Done,
    /// It could not go on.
    Failed,
}

/// How a job is, as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits for somebody to begin it.
    Ready,
    /// It waits for its turn.
    Waiting,
    /// It is being tried, and keeps nothing.
    Trying,
    /// It runs.
    Running,
    /// It is asked to stop.
    Stopping,
    /// It was stopped, and can go on.
    Stopped,
    /// It is at its end.
    Done,
    /// It could not go on; perhaps it can later.
    Failed,
}

impl Status {
    /// Of what is wished and what was done.
    pub fn of(wish: Option<&Wish>, progress: Option<&Progress>) -> Self {
        let Some(wish) = wish else { return Self::Ready };
        let phase = progress.filter(|progress| progress.turn == wish.turn).map(|progress| progress.phase);
        match (phase, wish.trying, wish.stop) {
            (Some(Phase::Working), _, true) => Self::Stopping,
            (Some(Phase::Working), true, false) => Self::Trying,
            (Some(Phase::Working), false, false) => Self::Running,
            (None, _, false) => Self::Waiting,
            (Some(_), true, _) | (None, true, true) => Self::Ready,
            (Some(Phase::Done), false, _) => Self::Done,
            (Some(Phase::Failed), false, _) => Self::Failed,
            (Some(Phase::Stopped), false, _) | (None, false, true) => Self::Stopped,
        }
    }

    /// Whether somebody is at it, or will be.
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

impl Progress {
    /// At the beginning of a turn.
    pub fn begun(wish: Wish, now: Timestamp) -> Self {
        Self {
            turn: wish.turn,
            trying: wish.trying,
            phase: Phase::Working,
            fault: None,
            done: 0,
            of: 0,
            counts: Counts::default(),
            began: (0, now.millis()),
            told_at: now.millis(),
            first_faults: Vec::new(),
        }
    }

    /// How many were done in a second of this turn.
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
mod tests {
    use super::*;

    #[test]
    fn what_is_wished_and_what_was_done_come_to_a_status() {
        let wish = |trying, stop| Wish { turn: 2, trying, stop };
        let at = |turn, phase| Progress {
            phase,
            turn,
            ..Progress::begun(wish(false, false), Timestamp::from_millis(0))
        };
        assert_eq!(Status::of(None, None), Status::Ready);
        for (wish, progress, status) in [
            (wish(false, false), None, Status::Waiting),
            (wish(false, false), Some(at(1, Phase::Failed)), Status::Waiting),
            (wish(false, false), Some(at(2, Phase::Working)), Status::Running),
            (wish(false, false), Some(at(2, Phase::Failed)), Status::Failed),
            (wish(false, true), Some(at(2, Phase::Working)), Status::Stopping),
            (wish(false, true), Some(at(2, Phase::Stopped)), Status::Stopped),
            (wish(false, true), Some(at(2, Phase::Done)), Status::Done),
            (wish(false, true), Some(at(1, Phase::Stopped)), Status::Stopped),
            (wish(true, false), Some(at(2, Phase::Working)), Status::Trying),
            (wish(true, false), Some(at(2, Phase::Done)), Status::Ready),
            (wish(true, true), None, Status::Ready),
        ] {
            assert_eq!(Status::of(Some(&wish), progress.as_ref()), status, "{wish:?} {progress:?}");
        }
    }

    #[test]
    fn rate_and_time_left_are_of_the_turn() {
        let wish = Wish { turn: 1, trying: false, stop: false };
        let mut progress = Progress::begun(wish, Timestamp::from_millis(1_000));
        assert_eq!((progress.rate(), progress.seconds_left(), progress.percent()), (0, None, None));
        progress = Progress { done: 600, of: 1_600, began: (100, 1_000), told_at: 6_000, ..progress };
        assert_eq!((progress.rate(), progress.seconds_left(), progress.percent()), (100, Some(10), Some(37)));
    }
}
