//! A form that a user has sent.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::guard::{self, TOKEN_HEADER};
use super::{Fields, PageError, User};
use app::Limits;
use web::App;
use web::body;
use web::drain::Draining;

/// The largest form of a user, files apart: that of a contact has each field twice, as it is and as it was.
const MAX: usize = 4 << 20;

/// The largest form of somebody who is not signed in.
const MAX_OPEN: usize = 16 << 10;

/// How long such a form may take to arrive.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The fields of a form, sent from a page of ours by a user who is signed in.
pub struct Form {
    /// Who has sent it.
    pub user: User,
    /// Its fields.
    pub fields: Fields,
}

impl std::ops::Deref for Form {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl User {
    /// Whether what was sent comes from a page of ours: by its origin, and by the session's token in a header or, as
    /// `field`, in the form.
    ///
    /// # Errors
    /// [`PageError::Foreign`].
    pub fn check_form(&self, headers: &HeaderMap, uri: &Uri, field: &str) -> Result<(), PageError> {
        let header = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
        let own = guard::is_own_origin(headers, uri, self.app.console.public_url.as_str());
        if own && guard::is_token(header.unwrap_or(field), &self.csrf) {
            Ok(())
        } else {
            Err(PageError::Foreign)
        }
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        let user = User::from_request_parts(&mut head, app).await?;
        let fields = read(&app.limits, &head, body, MAX).await.map_err(PageError::into_response)?;
        user.check_form(&head.headers, &head.uri, fields.get("csrf")).map_err(PageError::into_response)?;
        Ok(Self { user, fields })
    }
}

/// The fields of a form that is sent before anybody is signed in. There is no session yet whose token it could bear:
/// it is known by its origin.
pub struct OpenForm {
    /// Its fields.
    pub fields: Fields,
    /// What came with it.
    pub head: Parts,
}

impl FromRequest<Arc<App>> for OpenForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        if !guard::is_own_origin(&head.headers, &head.uri, app.console.public_url.as_str()) {
            return Err(PageError::Foreign.into_response());
        }
        let mut limits = app.limits.clone();
        limits.body_timeout = limits.body_timeout.min(OPEN_TIMEOUT);
        let fields = read(&limits, &head, body, MAX_OPEN).await.map_err(PageError::into_response)?;
        Ok(Self { fields, head })
    }
}

async fn read(
    limits: &Limits,
    head: &Parts,
    body: axum::body::Body,
    max: usize,
) -> Result<Fields, PageError> {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(PageError::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let limits = Limits { body: max, ..limits.clone() };
    let mut body = Draining::new(body);
    match body::read(&head.headers, &mut body, &limits).await {
        Ok(body) => Ok(Fields::read(&body)),
        Err(_) => Err(PageError::Unreadable(StatusCode::BAD_REQUEST)),
    }
}
