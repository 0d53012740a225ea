//! Why a use case did not do what it was asked.

use domain::problem::Problem;
use observe::metrics::{Metrics, Work};
use storage::NotAccepted;

/// Why a request was rejected. Nothing of it was stored, unless its outcome is unknown.
#[derive(Debug)]
pub enum Refusal {
    /// It is invalid: every error, in the order in which it is reported.
    Invalid(Vec<Problem>),
    /// What it asks for was deleted for good.
    Gone(Problem),
    /// The caller's rights do not allow it.
    Forbidden(Problem),
    /// Its batch could not be made durable.
    NotAccepted(NotAccepted),
    /// A change of lists, variables or sources could not be made durable.
    NotSaved(storage::Error),
    /// The store could not be read.
    Store(storage::Error),
    /// The server has a bug: the use case panicked.
    Panicked,
}

/// The text for everything that the store could not take.
const SAVING_ERROR: &str = "Request saving error. Please, contact us or try again later";

/// The text for a store that cannot be asked now.
const AWAY: &str = "The store is not available, nothing was done. Please, try again later";

impl Refusal {
    /// The code and the text of a refusal that is not about the request itself, and whether a retry may succeed.
    fn failure(&self) -> Option<(&'static str, &'static str, bool)> {
        let internal = ("INTERNAL_ERROR", "Internal server error", false);
        let (code, text, passing) = match self {
            Self::Invalid(_) | Self::Gone(_) | Self::Forbidden(_) => return None,
            Self::NotAccepted(NotAccepted::Backlog) => ("BACKLOG_FULL", SAVING_ERROR, true),
            Self::NotAccepted(NotAccepted::NotKept) | Self::NotSaved(storage::Error::Unavailable(_)) => {
                ("NOT_SAVED", SAVING_ERROR, true)
            }
            Self::NotAccepted(NotAccepted::Unknown) => ("OUTCOME_UNKNOWN", SAVING_ERROR, true),
            Self::NotSaved(error) => match error {
                storage::Error::Failed(_) | storage::Error::Damaged(_) => internal,
                // The commit was under way when the connection or the disk failed.
                _ => ("OUTCOME_UNKNOWN", SAVING_ERROR, true),
            },
            // Nothing was changed yet, since use cases read before they change something.
            Self::Store(error) if error.is_passing() => ("STORE_UNAVAILABLE", AWAY, true),
            Self::Store(_) | Self::Panicked => internal,
        };
        Some((code, text, passing))
    }

    /// Its status, by the numbers of HTTP.
    pub fn status(&self) -> u16 {
        match (self, self.failure()) {
            (Self::Invalid(_), _) => 400,
            (Self::Forbidden(_), _) => 403,
            (Self::Gone(_), _) => 410,
            (_, Some((.., true))) => 503,
            _ => 500,
        }
    }

    /// What is wrong: at least one problem.
    pub fn into_problems(self) -> Vec<Problem> {
        match (self.failure(), self) {
            (Some((code, text, _)), _) => vec![Problem::new(code, text)],
            (None, Self::Invalid(problems)) => problems,
            (None, Self::Forbidden(problem) | Self::Gone(problem)) => vec![problem],
            (None, _) => Vec::new(),
        }
    }

    /// Counts a failure of the store. Batches that are not accepted are counted where they are committed.
    pub fn count(&self, metrics: &Metrics) {
        match self {
            Self::NotSaved(_) => metrics.store_error(Work::Change),
            Self::Store(_) => metrics.store_error(Work::Read),
            Self::Invalid(_) | Self::Gone(_) | Self::Forbidden(_) | Self::NotAccepted(_) | Self::Panicked => {
            }
        }
    }

    /// The store's error, for the log.
    pub const fn store_error(&self) -> Option<&storage::Error> {
        match self {
            Self::NotSaved(error) | Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<storage::Error> for Refusal {
    fn from(error: storage::Error) -> Self {
        Self::Store(error)
    }
}

impl From<storage::AddError> for Refusal {
    /// What a use case has no text for: its own texts are chosen before.
    fn from(error: storage::AddError) -> Self {
        match error {
            storage::AddError::Store(error) => Self::NotSaved(error),
            other => Self::Invalid(vec![Problem::new("REFUSED", other.to_string())]),
        }
    }
}
