//! Why a use case did not do what a form asked.

use axum::http::StatusCode;

use super::{PageError, texts};
use app::Refusal;
use domain::problem::Problem;
use storage::NotAccepted;

/// A refusal, as far as a form can show it.
#[derive(Debug)]
pub struct Refused {
    /// The status of the page.
    pub status: StatusCode,
    problems: Vec<Problem>,
}

impl Refused {
    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<String> {
        self.texts(|of| of == Some(field))
    }

    /// All that is wrong.
    pub fn text(&self) -> String {
        self.texts(|_| true).unwrap_or_default()
    }

    /// What is wrong with none of these fields.
    pub fn beside(&self, fields: &[&str]) -> Option<String> {
        self.texts(|of| !of.is_some_and(|field| fields.contains(&field)))
    }

    fn texts(&self, is_wanted: impl Fn(Option<&str>) -> bool) -> Option<String> {
        let wanted = self.problems.iter().filter(|problem| is_wanted(problem.field.as_deref()));
        let texts: Vec<_> = wanted.map(texts::text).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, problems: refusal.into_problems() }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Refusal::from(problem).into()
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAccepted(NotAccepted::Backlog) => Self::Busy,
            Refusal::NotAccepted(NotAccepted::Unknown) => Self::InDoubt,
            Refusal::NotSaved(storage::Error::Failed(_) | storage::Error::Damaged(_)) | Refusal::Panicked => {
                Self::Panicked
            }
            Refusal::NotAccepted(NotAccepted::NotKept)
            | Refusal::NotSaved(storage::Error::Unavailable(_)) => Self::Away,
            Refusal::NotSaved(_) => Self::InDoubt,
            Refusal::Store(error) => error.into(),
            refusal => {
                let refused = Refused::from(refusal);
                Self::Refused(refused.status, refused.text())
            }
        }
    }
}
