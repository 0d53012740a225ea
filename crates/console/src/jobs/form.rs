//! The form of a file that was uploaded: what its columns are, and how it is read.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

use super::shown::Shown;
use crate::columns::{Columns, read_said};
use crate::page::{Pager, render_with};
use crate::{Form, Page, PageError, Result, Section, User, redirect};
use app::lists::ListQuery;
use files::layout::{Header, Said};
use jobs::job::{Import, Job, Status, Subject, Task};
use jobs::service::Error;
use jobs::upload::Preview;
use web::translate::{mark, t};

/// Other lists that a file can be imported into at the same time.
const SHOWN_LISTS: u32 = 50;

/// What may stand between cells.
const DELIMITERS: [(&str, &str); 4] = [
    ("comma", mark("comma")),
    ("semicolon", mark("semicolon")),
    ("tab", mark("tab")),
    ("bar", mark("vertical bar")),
];

/// What contacts may be found by.
const IDENTIFIERS: [(&str, &str); 4] = [
    ("userId", mark("user ID")),
    ("email", mark("e-mail")),
    ("phoneNumber", mark("phone")),
    ("contactId", mark("contact ID: updates only")),
];

/// What may be set for all rows.
const ANSWERS: [(&str, &str); 3] = [("", mark("not set")), ("yes", mark("yes")), ("no", mark("no"))];

/// The orders of dates.
const DATES: [(&str, &str); 2] =
    [("day-first", mark("day first: 31/01/1990")), ("month-first", mark("month first: 01/31/1990"))];

#[derive(Template)]
#[template(path = "job-columns.html")]
pub struct ColumnsPage {
    pub page: Page,
    pub job: Shown,
    pub import: Import,
    pub form: Columns,
    /// Labels of encodings, and whether each is chosen.
    pub encodings: Vec<&'static str>,
    /// Other lists of the account: their ids, names, and whether each gets the file too.
    pub lists: Vec<(String, String, bool)>,
    pub error: Option<String>,
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
pub struct Read {
    pub import: Import,
    pub form: Columns,
    pub variables: Vec<String>,
}

/// Why a file cannot be read as it was said.
pub enum Fault {
    Message(String),
    Page(PageError),
}

impl From<PageError> for Fault {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Message(text) => Self::Message(text),
            error => Self::Page(error.into()),
        }
    }
}

/// The names of encodings, those that people have most first.
pub fn encodings() -> Vec<&'static str> {
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
pub async fn other_lists(user: &User, job: &Job, chosen: &[String]) -> Result<Vec<(String, String, bool)>> {
    let window = Pager::at("/lists", "", SHOWN_LISTS).window();
    let found = user.app.queries.lists(&user.caller(), ListQuery::default(), window).await?;
    let others = found.rows.into_iter().map(|list| (list.id.to_string(), list.about.name));
    let others = others.filter(|(id, _)| *id != job.description.list);
    Ok(others.map(|(id, name)| (id.clone(), name, chosen.contains(&id))).collect())
}

/// What the columns are of a file that is written as it is said.
pub async fn read(user: &User, job: &Job, import: &Import, said: Said) -> Result<Read, Fault> {
    if said == Said::default() {
        return Ok(read_default(user, job, import).await?);
    }
    let looked = user.app.jobs.look(job, &import.file, &said).await?;
    let (rows, form, sheets) = (looked.rows, looked.form, looked.sheets);
    let import = Import { rows, form, sheets, doubt: looked.doubt, ..import.clone() };
    Ok(columns(user, job, import, &looked.preview, said).await?)
}

pub async fn read_default(user: &User, job: &Job, import: &Import) -> Result<Read> {
    let Some(Subject::Rows(preview)) = &job.subject else { return Err(PageError::NotFound) };
    columns(user, job, import.clone(), preview, Said::default()).await
}

async fn columns(user: &User, job: &Job, import: Import, preview: &Preview, said: Said) -> Result<Read> {
    let list = user.list(&job.description.list).await?;
    let variables: Vec<_> = list.variables.iter().map(|variable| variable.name.clone()).collect();
    let form = Columns::of(preview, import.plan.as_ref(), said, &variables);
    Ok(Read { import, form, variables })
}

/// Begins an import, or tries it, with what was said about its columns.
pub async fn begin(Path(id): Path<String>, form: Form) -> Result {
    let user = &form.user;
    let job = user.job(&id).await?;
    let Task::Import(import) = job.description.task.clone() else { return Err(PageError::NotFound) };
    if job.status != Status::Ready {
        return Ok(redirect(&format!("/jobs/{}", job.key.id)));
    }
    let shown = user.shown(&job).await?;
    let read = match read_said(|name| form.get(&format!("said-{name}"))) {
        Ok(said) => read(user, &job, &import, said).await,
        Err(text) => Err(Fault::Message(text)),
    };
    let Read { import, form: mut columns, variables } = match read {
        Ok(read) => read,
        Err(Fault::Message(text)) => return Err(PageError::Refused(StatusCode::BAD_REQUEST, text)),
        Err(Fault::Page(error)) => return Err(error),
    };
    columns.choose(&form);
    let also: Vec<_> = form.all("also").map(str::to_owned).collect();
    let begun = match (&import.doubt, columns.plan(&variables)) {
        (Some(doubt), _) if columns.said.encoding.is_none() => Err(Error::Message(
            t("Choose the encoding of the file: {doubt}.").with("doubt", doubt).to_string(),
        )),
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
                Err(Fault::Message(text)) => Err(Error::Message(text)),
                Err(Fault::Page(error)) => return Err(error),
            }
        }
        (_, Err(text)) => Err(Error::Message(text)),
    };
    match begun {
        Ok(()) => Ok(redirect(&format!("/jobs/{}?done=begun", shown.id))),
        Err(Error::Message(text)) => {
            let page = user.page(Section::Jobs);
            let (encodings, error) = (encodings(), Some(text));
            let lists = other_lists(user, &job, &also).await?;
            let page = ColumnsPage { page, job: shown, import, form: columns, encodings, lists, error };
            render_with(StatusCode::BAD_REQUEST, &page)
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
        let plan = plan.map_err(|text| Fault::Message(format!("{}: {text}", list.about.name)))?;
        plans.push((list, plan));
    }
    // All of them are checked before the first begins.
    for (list, plan) in plans {
        let jobs = &user.app.jobs;
        let id = jobs.copy(&user.app, &user.order(&list), job).await?;
        let copied = jobs.one(user.signed_in.account, id).await.map_err(PageError::from)?;
        let copied = copied.ok_or(PageError::NotFound)?;
        jobs.begin(&user.app, user.signed_in.user, copied, Some(plan), false).await?;
    }
    Ok(())
}
