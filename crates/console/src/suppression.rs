//! `/suppression`: addresses that must not be written to.

use std::io::Cursor;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use url::form_urlencoded;

use super::download::download;
use super::page::{Pager, address, curl, render_with};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, redirect, render};
use app::Refusal;
use app::suppressions::{RawLog, Suppress, ValidAddress, parse_reason};
use domain::clock::Timestamp;
use domain::contact::suppression::{Channel, Reason};
use domain::problem::Problem;
use files::suppressions::{Rows, header, row};
use storage::{Address, Suppression, SuppressionFilter};
use web::App;
use web::drain::Draining;
use web::translate::{mark, t};

/// Suppressions on a page.
const ROWS: u32 = 50;

/// The largest file of an import: the vendor's limit.
const MAX_FILE: usize = 25 << 20;

/// Rows that are stored in one transaction.
const BATCH: usize = 1_000;

/// Rejected rows that a page shows.
const SHOWN: usize = 100;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("added", mark("The address is suppressed.")),
    ("known", mark("The address was suppressed for this reason before.")),
    ("removed", mark("The address is not suppressed any more.")),
];

#[derive(Template)]
#[template(path = "suppression.html")]
struct SuppressionPage {
    page: Page,
    rows: Vec<Listed>,
    pager: Pager,
    search: String,
    form: AddForm,
    imported: Option<Imported>,
    import_error: Option<String>,
}

/// A suppression in the table.
struct Listed {
    channel: Channel,
    /// The address; the one that was searched after an erasure.
    address: Option<String>,
    erased: bool,
    reason: Reason,
    raw_log: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl Listed {
    fn of(suppression: Suppression, searched: &str) -> Self {
        let erased = suppression.address.is_none();
        let searched = Some(searched.to_owned()).filter(|text| !text.is_empty());
        Self {
            channel: suppression.reason.channel(),
            address: suppression.address.or(searched),
            erased,
            reason: suppression.reason,
            raw_log: suppression.raw_log,
            created_at: suppression.created_at,
            expires_at: suppression.expires_at,
        }
    }
}

/// The form that adds an address, and what is wrong with it.
#[derive(Default)]
struct AddForm {
    address: String,
    reason: String,
    raw_log: String,
    address_error: Option<String>,
    reason_error: Option<String>,
    log_error: Option<String>,
    error: Option<String>,
}

/// What an import came to.
#[derive(Default)]
struct Imported {
    added: usize,
    known: usize,
    rejected: usize,
    /// The first rejected rows: a line, and why.
    first: Vec<(u64, String)>,
}

impl SuppressionPage {
    async fn of(user: &User, query: &Query, form: AddForm) -> Result<Self> {
        let search = query.get("q").trim().to_owned();
        let path = match search.is_empty() {
            true => "/suppression".to_owned(),
            false => {
                let query =
                    form_urlencoded::Serializer::new(String::new()).append_pair("q", &search).finish();
                address("/suppression", &query)
            }
        };
        let mut pager = Pager::at(path, query.get("page"), ROWS);
        let of = (!search.is_empty()).then(|| Address { channel: channel_of(&search), text: search.clone() });
        let filter = SuppressionFilter { address: of, ..SuppressionFilter::default() };
        let found = user.app.queries.suppressions(&user.caller(), filter, pager.window()).await?;
        pager.total = found.total;
        let rows = found.rows.into_iter().map(|suppression| Listed::of(suppression, &search)).collect();
        let page = user.page(Section::Suppression).done(query.get("done"), &DONE);
        Ok(Self { page, rows, pager, search, form, imported: None, import_error: None })
    }

    /// A line that suppresses an address.
    fn curl(&self) -> String {
        let body = r#"{"records":[{"email":"user@example.com","rejectType":"complaint"}]}"#;
        curl(&self.page.public_url, "blacklist/add", body)
    }

    /// The reasons that the form offers, by channel.
    fn reasons(&self) -> [(&'static str, &'static [&'static str]); 2] {
        [(mark("E-mail"), Channel::Email.reason_names()), (mark("Phone"), Channel::Phone.reason_names())]
    }
}

/// A text that is no phone number by its form is an e-mail address.
fn channel_of(text: &str) -> Channel {
    if text.starts_with('+') { Channel::Phone } else { Channel::Email }
}

/// All suppressions, or those of one address.
pub async fn all(user: User, query: Query) -> Result {
    render(&SuppressionPage::of(&user, &query, AddForm::default()).await?)
}

/// Suppresses an address.
pub async fn add(form: Form) -> Result {
    let read = AddForm {
        address: form.get("address").trim().to_owned(),
        reason: form.get("reason").to_owned(),
        raw_log: form.get("rawLog").to_owned(),
        ..AddForm::default()
    };
    let added = match suppress(&read) {
        Ok(suppress) => {
            let commands = &form.user.app.commands;
            commands.suppress(&form.user.caller(), suppress.channel(), vec![suppress]).await
        }
        Err(problems) => Err(Refusal::Invalid(problems)),
    };
    match added.map_err(Refused::from) {
        Ok(0) => Ok(redirect("/suppression?done=known")),
        Ok(_) => Ok(redirect("/suppression?done=added")),
        Err(refused) => {
            let address = refused.of("email").or_else(|| refused.of("phoneNumber"));
            let read = AddForm {
                address_error: address,
                reason_error: refused.of("rejectType"),
                log_error: refused.of("rawLog"),
                error: refused.beside(&["email", "phoneNumber", "rejectType", "rawLog"]),
                ..read
            };
            let page = SuppressionPage::of(&form.user, &Query::default(), read).await?;
            render_with(refused.status, &page)
        }
    }
}

fn suppress(form: &AddForm) -> Result<Suppress, Vec<Problem>> {
    let mut problems = Vec::new();
    let channel = channel_of(&form.address);
    let address = ValidAddress::parse(channel, &form.address).map_err(|problem| problems.push(problem));
    let reason = parse_reason(channel, &form.reason).map_err(|problem| problems.push(problem));
    let log = Some(form.raw_log.as_str()).filter(|log| !log.is_empty());
    let log = log.map(RawLog::parse).transpose().map_err(|problem| problems.push(problem));
    match (address, reason, log) {
        (Ok(address), Ok(reason), Ok(log)) => Ok(Suppress::new(address, reason, log)),
        _ => Err(problems),
    }
}

/// Removes an address from suppression.
pub async fn remove(form: Form) -> Result {
    let text = form.get("address").to_owned();
    let channel = Channel::of_name(form.get("channel")).ok_or(PageError::NotFound)?;
    let reason = channel.reason(form.get("reason")).ok_or(PageError::NotFound)?;
    let commands = &form.user.app.commands;
    commands.unsuppress(&form.user.caller(), Address { channel, text }, Some(reason)).await?;
    Ok(redirect("/suppression?done=removed"))
}

/// All suppressions that have an address, as CSV: a page of them is held at a time.
pub async fn export(user: User) -> Result {
    let first = header().map_err(|error| PageError::Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let (queries, caller) = (user.app.queries.clone(), user.caller());
    let rest = futures_util::stream::try_unfold(Some(None), move |after| {
        let (queries, caller) = (queries.clone(), caller.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let all = SuppressionFilter::default();
            let found = queries.suppressions_after(&caller, all, after, PAGE).await;
            // The connection is cut: half an export must not be taken for a whole one.
            let found = found.map_err(std::io::Error::other)?;
            let next = found.last().filter(|_| found.len() == PAGE as usize).map(|last| Some(last.place()));
            let mut lines = Vec::new();
            for suppression in &found {
                lines.extend(line(suppression).map_err(std::io::Error::other)?);
            }
            Ok(Some((Bytes::from(lines), next)))
        }
    });
    let first = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from(first)) });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    Ok(download(body, "text/csv; charset=utf-8", "suppression.csv"))
}

/// Suppressions of an export that are read at a time.
const PAGE: u32 = 1_000;

fn line(suppression: &Suppression) -> files::Result<Vec<u8>> {
    let Some(address) = &suppression.address else { return Ok(Vec::new()) };
    row([
        suppression.reason.channel().name(),
        address,
        suppression.reason.name(),
        suppression.raw_log.as_deref().unwrap_or_default(),
        &suppression.created_at.to_string(),
        &suppression.expires_at.map(|time| time.to_string()).unwrap_or_default(),
    ])
}

/// Suppresses the addresses of an uploaded table, and shows which rows were rejected.
pub async fn import(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let user = match User::from_request_parts(&mut head, &app).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    // Read on for a while where it is refused, so that the browser sees why.
    let request = Request::from_parts(head, Body::new(Draining::new(body)));
    let answer = match take(&user, request).await {
        Ok(imported) => told(&user, Ok(imported), StatusCode::OK).await,
        Err(Fault::Message(text)) => told(&user, Err(text), StatusCode::BAD_REQUEST).await,
        Err(Fault::Page(error)) => Err(error),
    };
    answer.into_response()
}

async fn told(user: &User, outcome: Result<Imported, String>, status: StatusCode) -> Result {
    let mut page = SuppressionPage::of(user, &Query::default(), AddForm::default()).await?;
    match outcome {
        Ok(imported) => page.imported = Some(imported),
        Err(text) => page.import_error = Some(text),
    }
    render_with(status, &page)
}

/// Why a file was not imported.
enum Fault {
    /// For the form.
    Message(String),
    Page(PageError),
}

impl From<PageError> for Fault {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

async fn take(user: &User, request: Request) -> Result<Imported, Fault> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| PageError::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    let broken = |_| Fault::Message(t("The file did not arrive whole. Upload it again.").to_string());
    let whole = async {
        let mut token = Vec::new();
        while let Some(field) = form.next_field().await.map_err(broken)? {
            match field.name() {
                // It stands before the file: nothing is read that comes from elsewhere.
                Some("csrf") => token = bytes(field, 1_024).await?,
                Some("file") => {
                    user.check_form(&headers, &uri, &String::from_utf8_lossy(&token))?;
                    return bytes(field, MAX_FILE).await;
                }
                _ => {}
            }
        }
        user.check_form(&headers, &uri, &String::from_utf8_lossy(&token))?;
        Err(Fault::Message(t("Choose a file.").to_string()))
    };
    let table = tokio::time::timeout(user.app.limits.body_timeout.saturating_mul(4), whole).await;
    let table =
        table.unwrap_or_else(|_| Err(Fault::Message(t("The file took too long to arrive.").to_string())))?;
    if table.is_empty() {
        return Err(Fault::Message(t("Choose a file.").to_string()));
    }
    read(user, table).await
}

async fn bytes(mut field: Field<'_>, max: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field
        .chunk()
        .await
        .map_err(|_| Fault::Message(t("The file did not arrive whole. Upload it again.").to_string()))?
    {
        if bytes.len() + chunk.len() > max {
            let text = mark("The file is larger than 25 MB. Import it by `rollbook suppression import`.");
            return Err(Fault::Message(text.to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn read(user: &User, table: Vec<u8>) -> Result<Imported, Fault> {
    let mut rows = Rows::new(Cursor::new(table)).map_err(|error| Fault::Message(error.to_string()))?;
    let mut imported = Imported::default();
    loop {
        let (mut batches, mut count) = ([Vec::new(), Vec::new()], 0);
        for row in rows.by_ref().take(BATCH) {
            count += 1;
            let row = row.map_err(|error| Fault::Message(error.to_string()))?;
            match row.entry.and_then(|entry| entry.suppress().map_err(|problem| problem.message)) {
                Ok(suppress) => batches[suppress.channel() as usize].push(suppress),
                Err(why) => {
                    imported.rejected += 1;
                    if imported.first.len() < SHOWN {
                        imported.first.push((row.line, why));
                    }
                }
            }
        }
        for (channel, batch) in Channel::ALL.into_iter().zip(batches).filter(|(_, batch)| !batch.is_empty()) {
            let all = batch.len();
            let added = user.app.commands.suppress(&user.caller(), channel, batch).await;
            let added = added.map_err(|refusal| Fault::Page(refusal.into()))?;
            imported.added += added;
            imported.known += all - added;
        }
        if count < BATCH {
            return Ok(imported);
        }
    }
}
