//! What a page says when it cannot do what it was asked.

use std::io::ErrorKind;

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::guard;
use super::page::{render, set_status};
use storage::UserRole;
use web::translate::Language;
use web::translate::mark;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is nothing of that name that the user may see.
    #[error("not found")]
    NotFound,
    /// The form does not come from a page of ours, or from one that is out of date.
    #[error("a form that is not ours")]
    Foreign,
    /// The user's role does not allow it; this one would.
    #[error("needs the role {}", .0.name())]
    Role(UserRole),
    /// The form could not be read.
    #[error("a form that does not read")]
    Unreadable(StatusCode),
    /// Too much is asked at once.
    #[error("busy")]
    Busy,
    /// The API refused in a way for which the form has no place.
    #[error("refused: {0}")]
    Refused(StatusCode, String),
    /// The API asked to come again later, since the store could not be read or written.
    #[error("the store is not available")]
    Away,
    /// The connection to the store was lost during a commit.
    #[error("the outcome is not known")]
    InDoubt,
    /// The store failed.
    #[error(transparent)]
    Store(storage::Error),
    /// The files of jobs failed.
    #[error(transparent)]
    Files(#[from] std::io::Error),
    /// The page has a bug.
    #[error("panicked")]
    Panicked,
    /// A template failed.
    #[error(transparent)]
    Template(#[from] askama::Error),
}

impl From<storage::Error> for PageError {
    /// Writes it to the log: a page says no more than what to do.
    fn from(error: storage::Error) -> Self {
        tracing::error!(%error, "console: rendering a page failed");
        match error {
            storage::Error::Unknown(_) => Self::InDoubt,
            error if error.is_passing() => Self::Away,
            error => Self::Store(error),
        }
    }
}

impl From<jobs::service::Error> for PageError {
    fn from(error: jobs::service::Error) -> Self {
        match error {
            jobs::service::Error::Message(text) => Self::Refused(StatusCode::CONFLICT, text),
            jobs::service::Error::Files(error) => Self::Files(error),
            jobs::service::Error::Store(error) => error.into(),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct TroublePage<'a> {
    title: &'a str,
    text: &'a str,
}

impl PageError {
    fn told(&self) -> (StatusCode, &str, &str) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                mark("Page not found"),
                mark("The page does not exist, its subject was deleted, or it belongs to another account."),
            ),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                mark("This form is out of date"),
                mark("Nothing was changed. Go back, reload the page, and send the form again."),
            ),
            Self::Role(needed) => (
                StatusCode::FORBIDDEN,
                mark("Your role does not allow this"),
                match needed {
                    UserRole::Owner => {
                        mark("Nothing was changed. Only owners of the account can do this. Ask one of them.")
                    }
                    _ => mark(
                        "Nothing was changed. Only editors and owners of the account can do this. Ask one of them.",
                    ),
                },
            ),
            Self::Unreadable(status) => (
                *status,
                mark("This form could not be read"),
                mark("Nothing was changed. Go back and try again."),
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                mark("The server is busy"),
                mark("Nothing was changed. Try again in a moment."),
            ),
            Self::Away => (
                StatusCode::SERVICE_UNAVAILABLE,
                mark("The store is not available"),
                mark("The server cannot reach its store now. Nothing was changed. Try again in a moment."),
            ),
            Self::InDoubt => (
                StatusCode::SERVICE_UNAVAILABLE,
                mark("It is not known whether this was done"),
                mark(
                    "The server lost its connection to the store. Load the page again and look before you try again.",
                ),
            ),
            Self::Refused(status, text) => (*status, mark("The request was refused"), text),
            Self::Files(error) if error.kind() == ErrorKind::StorageFull => (
                StatusCode::SERVICE_UNAVAILABLE,
                mark("The disk is full"),
                mark("The server has no room for this. Nothing was changed. Try again when there is room."),
            ),
            Self::Store(_) | Self::Files(_) | Self::Template(_) | Self::Panicked => (
                StatusCode::INTERNAL_SERVER_ERROR,
                mark("Something went wrong"),
                mark(
                    "The server could not complete the request. Its log has the reason. Try again in a moment.",
                ),
            ),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::Files(error) = &self {
            tracing::error!(%error, "jobs: accessing files failed");
        }
        if let Self::Template(error) = &self {
            tracing::error!(%error, "console: writing a page failed");
        }
        let (status, title, text) = self.told();
        // A template with two texts in it: that it fails too is not expected, and the status is told all the same.
        let mut response = render(&TroublePage { title, text }).unwrap_or_default();
        set_status(&mut response, status);
        response
    }
}

/// What a browser gets for a path that is no page.
pub async fn not_found(headers: &HeaderMap) -> Response {
    let page = async { PageError::NotFound.into_response() };
    guard::secure(Language::of(headers).scope(page).await).await
}
