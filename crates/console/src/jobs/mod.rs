//! `/jobs`: imports and changes of many contacts, how far they are, and what is left of them.

mod contacts;
mod form;
mod output;
mod shown;

use std::collections::HashMap;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode};

pub use self::contacts::contacts;
pub use self::form::begin;
use self::form::{ColumnsPage, Fault, Read, encodings, other_lists, read, read_default};
pub use self::output::{failures, requests};
pub use self::shown::{Shown, doing, what};
use super::columns::read_said;
use super::contact::history::who;
use super::{Form, Page, PageError, Query, Result, Section, User, redirect, render};
use domain::id::ObjectId;
use jobs::job::{Job, Status, Task};
use jobs::service::Error;
use web::translate::mark;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("removed", mark("The job and its files are deleted.")),
    ("running", mark("Nothing was deleted. Stop the job first.")),
    ("begun", mark("The job is queued. It continues when you leave this page.")),
];

#[derive(Template)]
#[template(path = "jobs.html")]
struct Jobs {
    page: Page,
    jobs: Vec<Shown>,
}

/// All jobs of the account.
pub async fn all(user: User, query: Query) -> Result {
    let jobs = user.app.jobs.all(user.signed_in.account).await?;
    let page = user.page(Section::Jobs).done(query.get("done"), &DONE);
    let names = who(&user).await?;
    render(&Jobs { page, jobs: jobs.iter().map(|job| Shown::of(job, &names)).collect() })
}

impl User {
    async fn job(&self, id: &str) -> Result<Job> {
        let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
        self.app.jobs.one(self.signed_in.account, id).await?.ok_or(PageError::NotFound)
    }

    async fn shown(&self, job: &Job) -> Result<Shown> {
        Ok(Shown::of(job, &who(self).await?))
    }
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    page: Page,
    job: Shown,
}

#[derive(Template)]
#[template(path = "job-progress.html")]
struct ProgressPart {
    job: Shown,
}

/// A job: what its columns are where it waits to be begun, else how far it is.
pub async fn one(user: User, Path(id): Path<String>, query: Query) -> Result {
    let job = user.job(&id).await?;
    // The address of the page stays the same when the job ends.
    let done = Some(query.get("done")).filter(|done| *done != "begun" || job.status.is_active());
    let page = user.page(Section::Jobs).done(done.unwrap_or_default(), &DONE);
    let shown = user.shown(&job).await?;
    match (&job.description.task, job.status) {
        (Task::Import(import), Status::Ready) if !shown.is_gone => {
            let said = match query.get("read").is_empty() {
                true => Ok(import.plan.as_ref().map(|plan| plan.said.clone()).unwrap_or_default()),
                false => read_said(|name| query.get(name)),
            };
            let read = match said {
                Ok(said) => read(&user, &job, import, said).await,
                Err(text) => Err(Fault::Message(text)),
            };
            let (read, error) = match read {
                Ok(read) => (Ok(read), None),
                // The file stays as it was read before.
                Err(Fault::Message(text)) => (read_default(&user, &job, import).await, Some(text)),
                Err(Fault::Page(error)) => (Err(error), None),
            };
            match read {
                // Its list is gone: all that can be done is to remove it.
                Err(PageError::NotFound) => render(&JobPage { page, job: shown }),
                Err(error) => Err(error),
                Ok(Read { import, form, .. }) => {
                    let (encodings, lists) = (encodings(), other_lists(&user, &job, &[]).await?);
                    render(&ColumnsPage { page, job: shown, import, form, encodings, lists, error })
                }
            }
        }
        _ => render(&JobPage { page, job: shown }),
    }
}

/// How far a job is: a part of its page, which is asked for again and again while it runs.
pub async fn progress(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    let mut response = render(&ProgressPart { job: Shown::of(&job, &HashMap::new()) })?;
    if !job.status.is_active() {
        // The rest of the page is another by now.
        response.headers_mut().insert("hx-refresh", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Has a job stop.
pub async fn stop(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    form.user.app.jobs.stop(&form.user.app, &job).await?;
    Ok(redirect(&format!("/jobs/{}", job.key.id)))
}

/// Undoes what a job has done, in a job of its own.
pub async fn undo(Path(id): Path<String>, form: Form) -> Result {
    let (user, job) = (&form.user, form.user.job(&id).await?);
    let list = user.list(&job.description.list).await?;
    let line = form.get("fromLine").trim();
    let from_line = if line.is_empty() { Ok(None) } else { line.parse().map(Some) };
    let Ok(from_line) = from_line else {
        let text = mark("The line must be a number. Nothing was undone.");
        return Err(PageError::Refused(StatusCode::BAD_REQUEST, text.to_owned()));
    };
    match user.app.jobs.undo(&user.app, &user.order(&list), &job, from_line).await {
        Ok(id) => Ok(redirect(&format!("/jobs/{id}?done=begun"))),
        Err(Error::Message(text)) => Err(PageError::Refused(StatusCode::CONFLICT, text)),
        Err(error) => Err(error.into()),
    }
}

/// Has a job that was stopped go on.
pub async fn resume(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    let (user, id) = (&form.user, job.key.id);
    user.app.jobs.begin(&user.app, user.signed_in.user, job, None, false).await?;
    Ok(redirect(&format!("/jobs/{id}?done=begun")))
}

/// Removes a job with its files.
pub async fn remove(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    let removed = form.user.app.jobs.remove(job).await?;
    Ok(redirect(if removed { "/jobs?done=removed" } else { "/jobs?done=running" }))
}
