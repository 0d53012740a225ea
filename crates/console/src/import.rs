//! `/lists/{id}/import`: a file on its way in.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest as _, FromRequestParts as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::time::{Instant, timeout_at};

use super::metered::{Meter, Metered};
use super::page::render_with;
use super::{Page, PageError, Result, Section, User, redirect, render};
use jobs::service::{Error, Order};
use storage::List;
use web::App;
use web::drain::Draining;
use web::translate::t;

#[derive(Template)]
#[template(path = "import.html")]
struct Import {
    page: Page,
    list: Arc<List>,
    max_mib: u64,
    error: Option<String>,
}

impl Import {
    fn of(user: &User, list: Arc<List>, error: Option<String>) -> Self {
        Self { page: user.page(Section::Lists), list, max_mib: user.app.jobs.max_upload >> 20, error }
    }
}

/// Asks for a file.
pub async fn ask(user: User, Path(id): Path<String>) -> Result {
    let list = user.list(&id).await?;
    render(&Import::of(&user, list, None))
}

impl User {
    /// A job of this user on a list.
    pub fn order(&self, list: &List) -> Order {
        Order {
            caller: self.caller(),
            user: self.signed_in.user,
            list_no: list.no,
            list: list.id.to_string(),
            list_name: list.about.name.clone(),
        }
    }
}

/// Why a file was not taken.
enum Fault {
    /// For the form.
    Message(StatusCode, String),
    Page(PageError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Message(text) => Self::Message(StatusCode::BAD_REQUEST, text),
            error => Self::Page(error.into()),
        }
    }
}

impl From<PageError> for Fault {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

fn broken() -> Fault {
    Fault::Message(StatusCode::BAD_REQUEST, t("The file did not arrive whole. Upload it again.").to_string())
}

/// Takes a file in, as it comes, and leads to its job.
pub async fn upload(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let user = match User::from_request_parts(&mut head, &app).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let list = match user.list(&id).await {
        Ok(list) => list,
        Err(error) => return error.into_response(),
    };
    // Read on for a while where it is refused, so that the browser sees why.
    let meter = Meter::default();
    let body = Metered::new(Body::new(Draining::new(body)), meter.clone());
    let request = Request::from_parts(head, Body::new(body));
    let answer = match take(&user, &list, request, &meter).await {
        Ok(job) => Ok(redirect(&format!("/jobs/{job}"))),
        Err(Fault::Message(status, text)) => render_with(status, &Import::of(&user, list, Some(text))),
        Err(Fault::Page(error)) => Err(error),
    };
    answer.into_response()
}

async fn take(
    user: &User,
    list: &List,
    request: Request,
    meter: &Meter,
) -> Result<domain::id::ObjectId, Fault> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| PageError::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    // All that stands before the file, together: a trickle of it holds nothing for long.
    let deadline = Instant::now() + user.app.limits.body_timeout;
    let mut token = String::new();
    while let Some(mut field) =
        timeout_at(deadline, next(user, &mut form, meter)).await.map_err(|_| broken())??
    {
        match field.name() {
            // It stands before the file: nothing is kept that comes from elsewhere.
            Some("csrf") => {
                let text = timeout_at(deadline, short(user, &mut field, meter)).await;
                token = text.map_err(|_| broken())??;
            }
            Some("file") => {
                user.check_form(&headers, &uri, &token)?;
                return keep(user, list, field, meter).await;
            }
            _ => {}
        }
    }
    user.check_form(&headers, &uri, &token)?;
    Err(Fault::Message(StatusCode::BAD_REQUEST, t("Choose a file.").to_string()))
}

async fn next<'a>(user: &User, form: &'a mut Multipart, meter: &Meter) -> Result<Option<Field<'a>>, Fault> {
    let patience = user.app.limits.body_timeout;
    let field = tokio::time::timeout(patience, form.next_field()).await;
    meter.found();
    field.map_err(|_| broken())?.map_err(|_| broken())
}

async fn short(user: &User, field: &mut Field<'_>, meter: &Meter) -> Result<String, Fault> {
    const MAX: usize = 1_024;
    let mut text = Vec::new();
    while let Some(chunk) = chunk(user, field, meter).await? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX {
            return Err(PageError::Foreign.into());
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The next piece of a file; one that does not come for long does not come at all.
async fn chunk(user: &User, field: &mut Field<'_>, meter: &Meter) -> Result<Option<bytes::Bytes>, Fault> {
    let patience = user.app.limits.body_timeout;
    let chunk = tokio::time::timeout(patience, field.chunk()).await;
    meter.found();
    chunk.map_err(|_| broken())?.map_err(|_| broken())
}

async fn keep(
    user: &User,
    list: &List,
    mut field: Field<'_>,
    meter: &Meter,
) -> Result<domain::id::ObjectId, Fault> {
    let room = user.app.jobs.place(user.signed_in.account).await?;
    let name = field.file_name().unwrap_or_default().to_owned();
    let order = user.order(list);
    let mut upload = user.app.jobs.upload(&user.app, &order, room).await?;
    let mut any = false;
    while let Some(bytes) = chunk(user, &mut field, meter).await? {
        any |= !bytes.is_empty();
        upload.write(bytes).await?;
    }
    if !any && name.is_empty() {
        return Err(Fault::Message(StatusCode::BAD_REQUEST, t("Choose a file.").to_string()));
    }
    Ok(upload.finish(&user.app, &order, &name).await?)
}
