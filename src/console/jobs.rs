//! `/jobs`: imports and changes of many contacts, how far they are, and what is left of them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode};

use super::columns::{Columns, read_said};
use super::contact::form::label;
use super::contact::history::who;
use super::download::{download, send};
use super::page::{Pager, show_with};
use super::requests::view::sender;
use super::{Form, Page, Query, Result, Section, Trouble, User, see, show};
use crate::app::lists::ListQuery;
use crate::clock::Timestamp;
use crate::contact::field::Field;
use crate::files::layout::{Header, Said};
use crate::id::ObjectId;
use crate::jobs::job::{Action, Bulk, Extent, Faults, Files, Import, Job, Progress, Status, Subject, Task};
use crate::jobs::service::Error;
use crate::jobs::upload::Preview;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("removed", "The job and its files are deleted."),
    ("running", "Nothing was deleted. Stop the job first."),
    ("begun", "The job is queued. It continues when you leave this page."),
];

/// Why failed rows are not sent.
const ELSEWHERE: &str = "The rows that failed lie on another node of this server, which ran the import. Try again: another \
                         try may reach that node.";

/// Other lists that a file can be imported into at the same time.
const SHOWN_LISTS: u32 = 50;

#[derive(Template)]
#[template(path = "console/jobs.html")]
struct Jobs {
    page: Page,
    jobs: Vec<Shown>,
}

/// A job as pages show it.
pub struct Shown {
    pub id: ObjectId,
    pub list: String,
    pub list_name: String,
    pub what: String,
    pub made_at: Timestamp,
    /// The user or the key that began it.
    pub who: String,
    pub is_of_client: bool,
    pub status: Status,
    pub progress: Option<Progress>,
    pub faults: Faults,
    pub is_import: bool,
    pub is_damaged: bool,
    pub removes: bool,
    pub has_failures: bool,
    pub has_requests: bool,
    /// Whether it has changed contacts and can be undone here.
    pub can_undo: bool,
    /// What it needs to go on was deleted.
    pub is_gone: bool,
    /// Its files are on another node.
    pub is_elsewhere: bool,
}

impl Shown {
    fn of(job: &Job, names: &HashMap<String, String>) -> Self {
        let token = job.description.token.clone().unwrap_or_else(|| format!("user:{}", job.user));
        let task = &job.description.task;
        let (files, is_import) = (job.files_here(), matches!(task, Task::Import(_)));
        Self {
            id: job.key.id,
            list: job.description.list.clone(),
            list_name: job.description.list_name.clone(),
            what: what(task),
            made_at: job.created_at,
            who: sender(&token, names),
            is_of_client: job.is_of_client(),
            status: job.status,
            progress: job.progress.clone(),
            faults: job.faults.clone(),
            is_import,
            is_damaged: *task == Task::Damaged,
            removes: matches!(task, Task::Bulk(Bulk { action: Action::Remove, .. })),
            has_failures: files.is_some_and(|files| files.failures().exists()),
            has_requests: job.parts > 0,
            can_undo: !job.dry_run
                && !job.status.is_active()
                && !matches!(task, Task::Bulk(Bulk { action: Action::Undo { .. }, .. }))
                && (job.parts > 0 || files.is_some_and(|files| files.requests().exists())),
            is_gone: !job.is_of_client() && job.subject.is_none()
                || files.is_some_and(|files| !files.upload().exists()),
            is_elsewhere: matches!(job.files, Files::Elsewhere),
        }
    }

    /// The colour of its status.
    pub fn tone(&self) -> &'static str {
        match self.status {
            Status::Done => "good",
            Status::Failed => "bad",
            status if status.is_active() => "busy",
            _ => "",
        }
    }

    /// The list with the contacts that changed since the job was made.
    pub fn changed(&self) -> String {
        format!("/lists/{}?updatedSince={}", self.list, self.made_at.to_string().replace(' ', "+"))
    }

    /// When it is done, as far as that can be told.
    pub fn left(&self) -> Option<String> {
        let seconds = self.progress.as_ref()?.seconds_left().filter(|_| self.status == Status::Running)?;
        Some(format!("{}:{:02}", seconds / 60, seconds % 60))
    }
}

/// What a task does, in a few words.
pub fn what(task: &Task) -> String {
    match task {
        Task::Import(import) => format!("Import of {}", import.file),
        Task::Bulk(Bulk { action: Action::Undo { import, .. }, extent: Extent::Chosen(count) }) => {
            let of = if *import { "an import" } else { "a bulk change" };
            format!("Undo of {of}: {count} requests")
        }
        Task::Bulk(Bulk { action, extent }) => {
            let whom = match extent {
                Extent::Chosen(1) => "1 contact".to_owned(),
                Extent::Chosen(count) => format!("{count} contacts"),
                Extent::All => "all contacts".to_owned(),
                Extent::Matching => "all contacts that match".to_owned(),
            };
            format!("{} {whom}", doing(action))
        }
        Task::Damaged => "A job that cannot be read".to_owned(),
    }
}

/// What is done to contacts, in a few words.
pub fn doing(action: &Action) -> String {
    match action {
        Action::Remove => "Delete".to_owned(),
        Action::Undo { .. } => "Undo".to_owned(),
        Action::Set { field, to, .. } if field == "active" => {
            if *to { "Activate" } else { "Deactivate" }.to_owned()
        }
        Action::Set { field, to: true, .. } => format!("Turn on {} for", channel(field)),
        Action::Set { field, to: false, .. } => format!("Turn off {} for", channel(field)),
    }
}

/// The label of a channel.
fn channel(name: &str) -> &str {
    match Field::ALL.into_iter().find(|field| field.name() == name) {
        Some(field) => label(field),
        None => name,
    }
}

/// All jobs of the account.
pub async fn all(user: User, query: Query) -> Result {
    let jobs = user.app.jobs.all(user.signed_in.account).await?;
    let page = user.page(Section::Jobs).done(query.get("done"), &DONE);
    let names = who(&user).await?;
    show(&Jobs { page, jobs: jobs.iter().map(|job| Shown::of(job, &names)).collect() })
}

impl User {
    async fn job(&self, id: &str) -> Result<Job> {
        let id = ObjectId::parse(id).ok_or(Trouble::NotFound)?;
        self.app.jobs.one(self.signed_in.account, id).await?.ok_or(Trouble::NotFound)
    }

    async fn shown(&self, job: &Job) -> Result<Shown> {
        Ok(Shown::of(job, &who(self).await?))
    }
}

#[derive(Template)]
#[template(path = "console/job.html")]
struct JobPage {
    page: Page,
    job: Shown,
}

#[derive(Template)]
#[template(path = "console/job-progress.html")]
struct ProgressPart {
    job: Shown,
}

#[derive(Template)]
#[template(path = "console/job-columns.html")]
struct ColumnsPage {
    page: Page,
    job: Shown,
    import: Import,
    form: Columns,
    /// Labels of encodings, and whether each is chosen.
    encodings: Vec<&'static str>,
    /// Other lists of the account: their ids, names, and whether each gets the file too.
    lists: Vec<(String, String, bool)>,
    error: Option<String>,
}

impl ColumnsPage {
    /// Whether the file is said to have that encoding.
    fn is_encoding(&self, name: &str) -> bool {
        self.form.said.encoding.as_deref() == Some(name)
    }

    /// Whether the file is said to be read from that sheet.
    fn is_sheet(&self, name: &str) -> bool {
        self.form.said.sheet.as_deref() == Some(name)
    }

    fn same(&self, one: impl AsRef<str>, other: impl AsRef<str>) -> bool {
        one.as_ref() == other.as_ref()
    }

    /// What stands between the cells, in the word of the form.
    fn delimiter(&self) -> &'static str {
        match self.form.said.delimiter {
            Some(',') => "comma",
            Some(';') => "semicolon",
            Some('\t') => "tab",
            Some('|') => "bar",
            _ => "",
        }
    }

    /// Where the names of the columns are, as the form says it.
    fn header(&self) -> String {
        match self.form.said.header {
            Header::First => String::new(),
            Header::Line(line) => line.to_string(),
            Header::None => "none".to_owned(),
        }
    }
}

/// A file as it is said to be written: what its columns are.
struct Read {
    import: Import,
    form: Columns,
    variables: Vec<String>,
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
                Err(text) => Err(Fault::Told(text)),
            };
            let (read, error) = match read {
                Ok(read) => (Ok(read), None),
                // The file stays as it was read before.
                Err(Fault::Told(text)) => (read_default(&user, &job, import).await, Some(text)),
                Err(Fault::Trouble(trouble)) => (Err(trouble), None),
            };
            match read {
                // Its list is gone: all that can be done is to remove it.
                Err(Trouble::NotFound) => show(&JobPage { page, job: shown }),
                Err(trouble) => Err(trouble),
                Ok(Read { import, form, .. }) => {
                    let (encodings, lists) = (encodings(), other_lists(&user, &job, &[]).await?);
                    show(&ColumnsPage { page, job: shown, import, form, encodings, lists, error })
                }
            }
        }
        _ => show(&JobPage { page, job: shown }),
    }
}

/// Why a file cannot be read as it was said.
enum Fault {
    Told(String),
    Trouble(Trouble),
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Told(text) => Self::Told(text),
            error => Self::Trouble(error.into()),
        }
    }
}

/// The names of encodings, those that people have most first.
fn encodings() -> Vec<&'static str> {
    use encoding_rs as known;
    let all = [
        known::UTF_8,
        known::WINDOWS_1252,
        known::WINDOWS_1250,
        known::WINDOWS_1251,
        known::WINDOWS_1257,
        known::WINDOWS_1253,
        known::WINDOWS_1254,
        known::WINDOWS_1255,
        known::WINDOWS_1256,
        known::WINDOWS_1258,
        known::WINDOWS_874,
        known::ISO_8859_2,
        known::ISO_8859_3,
        known::ISO_8859_4,
        known::ISO_8859_5,
        known::ISO_8859_6,
        known::ISO_8859_7,
        known::ISO_8859_8,
        known::ISO_8859_10,
        known::ISO_8859_13,
        known::ISO_8859_14,
        known::ISO_8859_15,
        known::ISO_8859_16,
        known::KOI8_U,
        known::KOI8_R,
        known::IBM866,
        known::MACINTOSH,
        known::X_MAC_CYRILLIC,
        known::UTF_16LE,
        known::UTF_16BE,
        known::SHIFT_JIS,
        known::EUC_JP,
        known::ISO_2022_JP,
        known::GBK,
        known::GB18030,
        known::BIG5,
        known::EUC_KR,
    ];
    all.into_iter().map(encoding_rs::Encoding::name).collect()
}

/// The first lists of the account, without that of the job.
async fn other_lists(user: &User, job: &Job, chosen: &[String]) -> Result<Vec<(String, String, bool)>> {
    let window = Pager::at("/lists", "", SHOWN_LISTS).window();
    let found = user.app.queries.lists(&user.caller(), ListQuery::default(), window).await?;
    let others = found.rows.into_iter().map(|list| (list.id.to_string(), list.about.name));
    let others = others.filter(|(id, _)| *id != job.description.list);
    Ok(others.map(|(id, name)| (id.clone(), name, chosen.contains(&id))).collect())
}

/// What the columns are of a file that is written as it is said.
async fn read(user: &User, job: &Job, import: &Import, said: Said) -> Result<Read, Fault> {
    if said == Said::default() {
        return Ok(read_default(user, job, import).await?);
    }
    let looked = user.app.jobs.look(job, &import.file, &said).await?;
    let (rows, form, sheets) = (looked.rows, looked.form, looked.sheets);
    let import = Import { rows, form, sheets, doubt: looked.doubt, ..import.clone() };
    Ok(columns(user, job, import, &looked.preview, said).await?)
}

async fn read_default(user: &User, job: &Job, import: &Import) -> Result<Read> {
    let Some(Subject::Rows(preview)) = &job.subject else { return Err(Trouble::NotFound) };
    columns(user, job, import.clone(), preview, Said::default()).await
}

async fn columns(user: &User, job: &Job, import: Import, preview: &Preview, said: Said) -> Result<Read> {
    let list = user.list(&job.description.list).await?;
    let variables: Vec<_> = list.variables.iter().map(|variable| variable.name.clone()).collect();
    let form = Columns::of(preview, import.plan.as_ref(), said, &variables);
    Ok(Read { import, form, variables })
}

/// How far a job is: a part of its page, which is asked for again and again while it runs.
pub async fn progress(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    let mut response = show(&ProgressPart { job: Shown::of(&job, &HashMap::new()) })?;
    if !job.status.is_active() {
        // The rest of the page is another by now.
        response.headers_mut().insert("hx-refresh", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Begins an import, or tries it, with what was said about its columns.
pub async fn begin(Path(id): Path<String>, form: Form) -> Result {
    let user = &form.user;
    let job = user.job(&id).await?;
    let Task::Import(import) = job.description.task.clone() else { return Err(Trouble::NotFound) };
    if job.status != Status::Ready {
        return Ok(see(&format!("/jobs/{}", job.key.id)));
    }
    let shown = user.shown(&job).await?;
    let read = match read_said(|name| form.get(&format!("said-{name}"))) {
        Ok(said) => read(user, &job, &import, said).await,
        Err(text) => Err(Fault::Told(text)),
    };
    let Read { import, form: mut columns, variables } = match read {
        Ok(read) => read,
        Err(Fault::Told(text)) => return Err(Trouble::Refused(StatusCode::BAD_REQUEST, text)),
        Err(Fault::Trouble(trouble)) => return Err(trouble),
    };
    columns.choose(&form);
    let also: Vec<_> = form.all("also").map(str::to_owned).collect();
    let begun = match (&import.doubt, columns.plan(&variables)) {
        (Some(doubt), _) if columns.said.encoding.is_none() => {
            Err(Error::Told(format!("Choose the encoding of the file: {doubt}.")))
        }
        (_, Ok(plan)) => {
            let dry_run = form.get("do") == "try";
            let copied = if dry_run { Ok(()) } else { copy(user, &job, &columns, &also).await };
            match copied {
                Ok(()) => {
                    user.app
                        .jobs
                        .begin(&user.app, user.signed_in.user, job.clone(), Some(plan), dry_run)
                        .await
                }
                Err(Fault::Told(text)) => Err(Error::Told(text)),
                Err(Fault::Trouble(trouble)) => return Err(trouble),
            }
        }
        (_, Err(text)) => Err(Error::Told(text)),
    };
    match begun {
        Ok(()) => Ok(see(&format!("/jobs/{}?done=begun", shown.id))),
        Err(Error::Told(text)) => {
            let page = user.page(Section::Jobs);
            let (encodings, error) = (encodings(), Some(text));
            let lists = other_lists(user, &job, &also).await?;
            let page = ColumnsPage { page, job: shown, import, form: columns, encodings, lists, error };
            show_with(StatusCode::BAD_REQUEST, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Begins the same import for other lists, each as a job of its own.
async fn copy(user: &User, job: &Job, columns: &Columns, lists: &[String]) -> Result<(), Fault> {
    let mut plans = Vec::new();
    for id in lists {
        let list = user.list(id).await?;
        let variables: Vec<_> = list.variables.iter().map(|variable| variable.name.clone()).collect();
        let plan = columns.plan(&variables);
        let plan = plan.map_err(|text| Fault::Told(format!("the list {}: {text}", list.about.name)))?;
        plans.push((list, plan));
    }
    // All of them are checked before the first begins.
    for (list, plan) in plans {
        let jobs = &user.app.jobs;
        let id = jobs.copy(&user.app, &user.order(&list), job).await?;
        let copied = jobs.one(user.signed_in.account, id).await.map_err(Trouble::from)?;
        let copied = copied.ok_or(Trouble::NotFound)?;
        jobs.begin(&user.app, user.signed_in.user, copied, Some(plan), false).await?;
    }
    Ok(())
}

/// Has a job stop.
pub async fn stop(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    form.user.app.jobs.stop(&form.user.app, &job).await?;
    Ok(see(&format!("/jobs/{}", job.key.id)))
}

/// Undoes what a job has done, in a job of its own.
pub async fn undo(Path(id): Path<String>, form: Form) -> Result {
    let (user, job) = (&form.user, form.user.job(&id).await?);
    let list = user.list(&job.description.list).await?;
    let line = form.get("fromLine").trim();
    let from_line = if line.is_empty() { Ok(None) } else { line.parse().map(Some) };
    let Ok(from_line) = from_line else {
        let text = "The line must be a number. Nothing was undone.";
        return Err(Trouble::Refused(StatusCode::BAD_REQUEST, text.to_owned()));
    };
    match user.app.jobs.undo(&user.app, &user.order(&list), &job, from_line).await {
        Ok(id) => Ok(see(&format!("/jobs/{id}?done=begun"))),
        Err(Error::Told(text)) => Err(Trouble::Refused(StatusCode::CONFLICT, text)),
        Err(error) => Err(error.into()),
    }
}

/// Has a job that was stopped go on.
pub async fn resume(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    let (user, id) = (&form.user, job.key.id);
    user.app.jobs.begin(&user.app, user.signed_in.user, job, None, false).await?;
    Ok(see(&format!("/jobs/{id}?done=begun")))
}

/// Removes a job with its files.
pub async fn remove(Path(id): Path<String>, form: Form) -> Result {
    let job = form.user.job(&id).await?;
    let removed = form.user.app.jobs.remove(job).await?;
    Ok(see(if removed { "/jobs?done=removed" } else { "/jobs?done=running" }))
}

/// The rows that were not imported.
pub async fn failures(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    let files = match &job.files {
        Files::Here(files) => files,
        Files::Elsewhere => return Err(Trouble::Refused(StatusCode::CONFLICT, ELSEWHERE.to_owned())),
        Files::None => return Err(Trouble::NotFound),
    };
    send(&files.failures(), "text/csv; charset=utf-8", &format!("failed-{}.csv", job.key.id)).await
}

/// The requests that a change of many has made, an id a line.
pub async fn requests(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    if job.parts == 0 {
        return Err(Trouble::NotFound);
    }
    let (storage, key, parts) = (Arc::clone(&user.app.storage), job.key, job.parts);
    let pieces = futures_util::stream::try_unfold(1, move |number| {
        let storage = Arc::clone(&storage);
        async move {
            if number > parts {
                return Ok(None);
            }
            // The connection is cut if one is missing: half of them must not be taken for all.
            let part = storage.job_part(key, number).await.map_err(std::io::Error::other)?;
            let part = part.ok_or_else(|| std::io::Error::other("a part of a job is gone"))?;
            Ok::<_, std::io::Error>(Some((bytes::Bytes::from(part), number + 1)))
        }
    });
    let name = format!("requests-{}.txt", key.id);
    Ok(download(axum::body::Body::from_stream(pieces), "text/plain; charset=utf-8", &name))
}
