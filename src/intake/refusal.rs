//! Why a method did not do what it was asked.

use super::problem::Problem;
use super::writer::NotAccepted;
use crate::storage;

/// Why a request was refused. Nothing of it is kept.
#[derive(Debug)]
pub enum Refusal {
    /// It is wrong: what, in the order in which it is told.
    Invalid(Vec<Problem>),
    /// It could not be made durable.
    NotAccepted(NotAccepted),
    /// A change of lists, variables or sources could not be made durable.
    NotSaved(storage::Error),
    /// The store could not be read.
    Store(storage::Error),
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
