//! `/requests`: what was asked of the server, and what became of it.

mod one;
mod rejected;
pub mod view;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

pub use self::one::{ask_undo, resend, show_request, undo};
pub use self::rejected::rejected;
use self::view::Line;
use super::page::{Pager, address, curl_contact, without_empty};
use super::{Page, Query, Result, Section, User, redirect, render};
use crate::contact::history::who;
use app::JOB;
use app::find::picked_time;
use app::lists::ListQuery;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use storage::{JobRequests, Page as Rows, RequestFilter, RequestState, Window};
use web::translate::mark;
use wire::request::state_name;

/// Requests on a page.
const ROWS: u32 = 50;

/// Requests are counted up to this: who looks for one among more narrows them by time.
const COUNTED: u64 = 10_000;

/// Lists that the filter offers.
const LISTS: u32 = 500;

/// Requests with errors, and those whose webhook failed.
const OUTCOMES: [(&str, &str); 2] = [("errors", mark("with errors")), ("webhook", mark("webhook failed"))];

/// What requests may ask for.
const KINDS: [(&str, &[BatchKind]); 6] = [
    (
        "update",
        &[
            BatchKind::Update,
            BatchKind::Upsert,
            BatchKind::UpdateExact,
            BatchKind::UpsertExact,
            BatchKind::UpdateByNumber,
        ],
    ),
    ("add", &[BatchKind::Add]),
    ("delete", &[BatchKind::Remove]),
    ("undo", &[BatchKind::Undo]),
    ("erase", &[BatchKind::Erase]),
    ("merge", &[BatchKind::Merge]),
];

/// Jobs whose requests are shown together.
const JOBS: u32 = 10;

/// The value of a choice that is offered; empty for none.
fn chosen(offered: &'static [(&'static str, &'static str)], value: &str) -> &'static str {
    offered.iter().find(|(name, _)| *name == value).map_or("", |(name, _)| name)
}

const STATES: [RequestState; 3] = [RequestState::Queued, RequestState::Processing, RequestState::Processed];

#[derive(Template)]
#[template(path = "requests.html")]
struct Requests {
    page: Page,
    filter: Filter,
    lists: Vec<(String, String, bool)>,
    /// The value and the name of each sender.
    senders: Vec<(String, String)>,
    jobs: Vec<JobLine>,
    table: Table,
}

/// The requests of a job.
struct JobLine {
    job: String,
    token: String,
    name: String,
    requests: u64,
    failed: u64,
    last: Timestamp,
}

/// The table; also on its own, as it is asked for again and again.
#[derive(Template)]
#[template(path = "requests-rows.html")]
struct Table {
    lines: Vec<Line>,
    pager: Pager,
    query: String,
    /// Whether the page shows what comes as it comes.
    is_live: bool,
    /// Stands for all that is shown: who asks again gets nothing where that is the same, since a table that is put in
    /// the place of another takes the focus away, and what was selected.
    seen: String,
    filtered: bool,
    /// A line that sends a contact.
    curl: String,
}

/// What is looked for.
struct Filter {
    state: Option<RequestState>,
    list: Option<ObjectId>,
    from: String,
    to: String,
    /// The value of an outcome, see [`OUTCOMES`].
    outcome: &'static str,
    /// The name of a group of kinds, see [`KINDS`].
    kind: &'static str,
    /// See [`RequestFilter::token`].
    sender: String,
    from_error: Option<&'static str>,
    to_error: Option<&'static str>,
    parsed: (Option<Timestamp>, Option<Timestamp>),
}

impl Filter {
    fn read(query: &Query) -> Self {
        let time = |name| {
            let text = query.get(name);
            (picked_time(text), text.to_owned())
        };
        let ((from, from_text), (to, to_text)) = (time("from"), time("to"));
        let error = |time: Option<Timestamp>, text: &str| {
            (time.is_none() && !text.is_empty())
                .then_some(mark("Enter a time as YYYY-MM-DD hh:mm or YYYY-MM-DD."))
        };
        Self {
            state: STATES.into_iter().find(|state| state_name(*state) == query.get("state")),
            list: ObjectId::parse(query.get("list")),
            outcome: chosen(&OUTCOMES, query.get("outcome")),
            kind: KINDS.iter().find(|(name, _)| *name == query.get("kind")).map_or("", |(name, _)| name),
            sender: query.get("sender").to_owned(),
            from_error: error(from, &from_text),
            to_error: error(to, &to_text),
            from: from_text,
            to: to_text,
            parsed: (from, to),
        }
    }

    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (state, list) = (self.state.map(state_name), self.list.map(|list| list.to_string()));
        for (name, value) in [
            ("state", state),
            ("list", list.as_deref()),
            ("outcome", Some(self.outcome)),
            ("kind", Some(self.kind)),
            ("sender", Some(self.sender.as_str())),
            ("from", Some(self.from.as_str())),
            ("to", Some(self.to.as_str())),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// The states to choose from.
    fn states(&self) -> [(&'static str, bool); 3] {
        STATES.map(|state| (state_name(state), self.state == Some(state)))
    }
}

/// The requests of the account.
pub async fn all(user: User, RawQuery(raw): RawQuery, query: Query) -> Result {
    // A form sends each of its fields, also the empty ones: they have no place in an address that people keep.
    if let Some(short) = raw.as_deref().and_then(without_empty) {
        return Ok(redirect(&address("/requests", &short)));
    }
    // An id leads to the request at once.
    if let Some(id) = ObjectId::parse(query.get("id").trim()) {
        return Ok(redirect(&format!("/requests/{id}")));
    }
    let filter = Filter::read(&query);
    let (names, lists) = lists(&user, filter.list).await?;
    let senders = who(&user).await?;
    let table = table(&user, &filter, query.get("page"), &names, &lists, &senders).await?;
    let jobs = jobs(&user, &senders).await?;
    let mut senders: Vec<_> = senders.into_iter().collect();
    senders.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    render(&Requests { page: user.page(Section::Requests), filter, lists, senders, jobs, table })
}

/// The table alone, or nothing where it is what was seen.
pub async fn rows(user: User, query: Query) -> Result {
    let filter = Filter::read(&query);
    let (names, offered) = lists(&user, filter.list).await?;
    let senders = who(&user).await?;
    let table = table(&user, &filter, query.get("page"), &names, &offered, &senders).await?;
    if query.get("seen") == table.seen {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    render(&table)
}

/// The requests of imports and bulk changes, by job.
async fn jobs(user: &User, names: &HashMap<String, String>) -> Result<Vec<JobLine>> {
    let jobs = user.app.queries.job_requests(&user.caller(), JOBS).await?;
    let line = |job: JobRequests| JobLine {
        job: job.token.trim_start_matches(JOB).to_owned(),
        name: view::sender(&job.token, names),
        token: job.token,
        requests: job.requests,
        failed: job.failed,
        last: job.accepted.1,
    };
    Ok(jobs.into_iter().map(line).collect())
}

/// Lists that the filter offers: the id, the name, and whether it is chosen.
type Offered = Vec<(String, String, bool)>;

/// Names of lists, and those that the filter offers.
type Lists = (HashMap<ObjectId, String>, Offered);

async fn lists(user: &User, wanted: Option<ObjectId>) -> Result<Lists> {
    let window = Window { offset: 0, limit: LISTS };
    let found = user.app.queries.lists(&user.caller(), ListQuery::default(), window).await?;
    let offered =
        found.rows.iter().map(|list| (list.id.to_string(), list.about.name.clone(), wanted == Some(list.id)));
    let offered = offered.collect();
    Ok((found.rows.into_iter().map(|list| (list.id, list.about.name)).collect(), offered))
}

async fn table(
    user: &User,
    filter: &Filter,
    number: &str,
    names: &HashMap<ObjectId, String>,
    offered: &Offered,
    senders: &HashMap<String, String>,
) -> Result<Table> {
    let query = filter.query();
    let path = address("/requests", &query);
    let mut pager = Pager::at(path, number, ROWS);
    let (from, to) = filter.parsed;
    let kinds = KINDS.iter().find(|(name, _)| *name == filter.kind).map(|(_, kinds)| kinds.to_vec());
    let wanted = RequestFilter {
        state: filter.state,
        lists: None,
        from,
        to,
        token: (!filter.sender.is_empty()).then(|| filter.sender.clone()),
        kinds,
        with_errors: filter.outcome == "errors",
        webhook_failed: filter.outcome == "webhook",
        // A job has thousands: they are shown together, and by themselves if the job or an outcome is chosen.
        no_jobs: filter.sender.is_empty() && filter.outcome.is_empty(),
        count_to: Some(COUNTED),
    };
    let (queries, caller) = (&user.app.queries, user.caller());
    let list = match filter.list {
        Some(list) => queries.list(&caller, &list.to_string()).await?,
        None => None,
    };
    let found = if filter.list.is_some() && list.is_none() {
        // Of a list that is not the account's there are none.
        Rows { rows: Vec::new(), total: 0 }
    } else {
        queries.list_requests(&caller, list.as_deref(), wanted, pager.window()).await?
    };
    pager.total = found.total;
    let first = offered.first().map(|(id, ..)| id.as_str());
    let mut table = Table {
        lines: found.rows.iter().map(|request| view::line(request, names, senders)).collect(),
        is_live: pager.number == 1,
        filtered: !query.is_empty(),
        query,
        pager,
        seen: String::new(),
        curl: curl_contact(user.app.console.public_url.as_str(), first),
    };
    table.seen = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(table.render()?)[..12]);
    Ok(table)
}

/// The id of a request, as an address names it.
pub type At = Path<String>;
