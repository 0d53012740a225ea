//! What those who watch the server ask: whether it is alive, whether it is ready, and what it has counted.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;

use domain::journal::{ContactNo, ListNo};
use domain::search::LATE;
use observe::metrics::Work;
use web::App;
use web::answer::respond;

/// How long the store has to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// A disk with less room is full: the next commits do not fit.
const MIN_FREE: u64 = 1 << 20;

/// `/healthz` and `/readyz`.
pub fn health() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// The same and `/metrics`: what is served at an address of its own, since it says how much business there is.
pub fn router(app: Arc<App>) -> Router {
    health().route("/metrics", get(metrics)).with_state(app)
}

/// How the server is.
#[derive(Debug, Serialize)]
struct Health<'a> {
    /// Whether it is as asked.
    result: bool,
    /// What is not.
    errors: &'a [&'a str],
    /// What a person has to look at although requests are served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// Something that is wrong and stops nothing else.
#[derive(Debug, Serialize)]
struct Detail {
    /// Its code, for programs.
    code: &'static str,
    /// The same in words, which name no person.
    message: String,
}

/// Damaged contacts that are named one by one.
const NAMED: usize = 20;

/// The process answers: that is all. One that does not is to be started again.
async fn alive() -> Response {
    tell(&[], Vec::new())
}

/// Requests should be sent here: the store answers, has our schema and can be written, and what waits is under its bound.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let (waits, most) = (app.storage.backlog(), app.limits.backlog);
    let mut errors = Vec::new();
    match tokio::time::timeout(PATIENCE, app.storage.has_schema()).await {
        Ok(Ok(true)) => {}
        // An older copy was put in its place, or somebody took tables away.
        Ok(Ok(false)) => errors.push("the schema of the store is older than this version"),
        Ok(Err(error)) => {
            tracing::error!(%error, "http: reading the store failed");
            app.metrics.store_error(Work::Read);
            errors.push("the store could not be read");
        }
        Err(_) => errors.push("the store does not answer"),
    }
    if app.storage.space().is_some_and(|space| space.free < MIN_FREE) {
        errors.push("the disk is full");
    }
    if app.retention.is_failing() {
        errors.push("the store could not be written");
    }
    if waits.batches >= most.batches || waits.bytes >= most.bytes {
        errors.push("too many batches wait to be applied");
    }
    let mut details = damaged(&app);
    details.extend(behind(&app));
    tell(&errors, details)
}

/// Contacts that were found to be damaged. They are named as `rollbook check` names them.
fn damaged(app: &App) -> Vec<Detail> {
    let found = app.storage.damaged_contacts();
    let detail = |message| Detail { code: "CONTACT_DAMAGED", message };
    let named = |(list, number): &(ListNo, ContactNo)| {
        detail(format!("contact {} of list {} is damaged on disk", number.0, list.0))
    };
    let mut details: Vec<_> = found.iter().take(NAMED).map(named).collect();
    if found.len() > NAMED {
        details.push(detail(format!("{} more contacts are damaged on disk", found.len() - NAMED)));
    }
    details
}

/// The search index, if it is late: requests are served, and a search misses the latest changes.
fn behind(app: &App) -> Option<Detail> {
    let (lag, building) = (app.search.lag(), app.search.building());
    let message = match building {
        0 if lag < LATE => return None,
        0 => format!("the search index is {} s behind the changes of contacts", lag.as_secs()),
        lists => format!("the search index is being built: lists that are not complete: {lists}"),
    };
    Some(Detail { code: "SEARCH_BEHIND", message })
}

fn tell(errors: &[&str], details: Vec<Detail>) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Texts and flags only: it cannot fail.
    let body = serde_json::to_vec(&Health { result: errors.is_empty(), errors, details }).unwrap_or_default();
    respond(status, body)
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let oldest = app.storage.oldest_waiting().await.unwrap_or_else(|error| {
        tracing::error!(%error, "http: reading the store failed");
        app.metrics.store_error(Work::Read);
        None
    });
    let age = oldest.map_or(Duration::ZERO, |oldest| app.clock.now().since(oldest));
    app.metrics.log_size(app.storage.space().map_or(0, |space| space.logs));
    app.metrics.search_behind(app.search.lag(), app.search.building());
    app.metrics.clock_held(app.retention.held(app.clock.as_ref()));
    let webhooks = app.storage.count_webhooks().await.map_err(|error| {
        tracing::error!(%error, "http: reading the store failed");
        app.metrics.store_error(Work::Read);
    });
    app.metrics.account_webhooks.look(webhooks.ok(), app.clock.now());
    let damaged = app.storage.damaged_contacts().len();
    let text = app.metrics.to_text(app.storage.backlog(), age, damaged);
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], text).into_response()
}
