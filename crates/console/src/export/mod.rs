//! `/lists/{id}/export`: a list, or what is seen of it, as a file.

mod produce;

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use url::form_urlencoded::Serializer;

use self::produce::{Contacts, Producer};
use super::download::{Range, Spooled, if_range};
use super::{Page, PageError, Query, Result, Section, User, filter, render};
use domain::contact::field::Field;
use files::export::file_name;
use files::export::output::{Columns, Format, Output};
use files::spool::Spool;
use files::target::COLUMNS;
use jobs::exports::Question;
use jobs::service::blocking;
use storage::List;
use web::translate::{mark, t};

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    page: Page,
    list: Arc<List>,
    filter: Vec<(&'static str, String)>,
    /// Each column: its name in the file, and what people call it.
    columns: Vec<(String, String)>,
}

/// Asks how and what.
pub async fn ask(user: User, Path(id): Path<String>, query: Query) -> Result {
    let list = user.list(&id).await?;
    let own = list.variables.iter().map(|variable| (variable.name.clone(), variable.name.clone()));
    let columns = COLUMNS.into_iter().map(|name| (name.to_owned(), label(name))).chain(own).collect();
    let filter = filter::read(&query, &list)?.pairs(&list);
    render(&ExportPage { page: user.page(Section::Lists), list, filter, columns })
}

/// What people call a column of the file.
fn label(column: &'static str) -> String {
    let label = match column {
        "createdAt" => mark("Added"),
        "updatedAt" => mark("Changed"),
        "sourceName" => mark("Source"),
        "sourceId" => mark("Source ID"),
        "customerSourceId" => mark("Your source ID"),
        "cac.value" => mark("Cost"),
        "cac.currency" => mark("Currency"),
        name => match Field::ALL.into_iter().find(|field| field.name() == name) {
            Some(flag) if Field::FLAGS[1..].contains(&flag) => {
                return t("{label} channel").with("label", t(flag.label())).to_string();
            }
            field => field.map_or(column, Field::label),
        },
    };
    t(label).to_string()
}

/// The formats: name in the form, format, media type, ending of the file.
const FORMATS: [(&str, Format, &str, &str); 5] = [
    ("csv", Format::Csv, "text/csv; charset=utf-8", "csv"),
    ("excel", Format::Excel(b','), "text/csv; charset=utf-8", "csv"),
    ("excel-semicolon", Format::Excel(b';'), "text/csv; charset=utf-8", "csv"),
    ("xlsx", Format::Workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("jsonl", Format::JsonLines, "application/jsonl; charset=utf-8", "jsonl"),
];

/// Sends the file while it is made. A client that was cut off continues by range for some minutes.
pub async fn file(user: User, Path(id): Path<String>, query: Query, headers: HeaderMap) -> Result {
    let list = user.list(&id).await?;
    let format = FORMATS.into_iter().find(|(name, ..)| *name == query.get("format"));
    let (_, format, kind, ending) = format.unwrap_or(FORMATS[0]);
    let day: String = user.app.clock.now().to_string().chars().take(10).collect();
    let name = format!("{}-{day}.{ending}", file_name(&list.about.name));
    let question = Question {
        account: user.signed_in.account,
        user: user.signed_in.user,
        text: Serializer::new(format!("{id}?")).extend_pairs(query.iter()).finish(),
    };
    if let (Some(range), Some(tag)) = (Range::of(&headers), if_range(&headers))
        && let Some((tag, reader)) = user.app.jobs.exports.find(&question, tag)
    {
        return Spooled { reader, tag, kind, name }.part(range).await;
    }
    let wanted: Vec<_> = query.all("column").map(str::to_owned).collect();
    let variables = list.variables.iter().map(|variable| variable.name.clone()).collect();
    let contacts = contacts(&user, list, &query).await?;
    let suppressed_too = query.get("suppressedToo") == "yes" || contacts.filter.matcher.asks_suppressed();
    let include_ids = query.get("ids") == "yes";
    let columns = Columns::new(variables, &wanted, suppressed_too).with_ids(include_ids);
    // The first page is read before anything is sent: a store that is away is an error of its own, and is not waited for.
    let first = contacts.page(contacts.begin()).await?;
    let store = Arc::clone(&user.app.jobs.store);
    let spool = Spool::new(blocking(move || store.scratch()).await?);
    let output = Output::new(format, columns);
    let Some((tag, mut reader)) = user.app.jobs.exports.add(question, &spool, user.app.clock.now()) else {
        let text = mark("Several exports are being downloaded. Wait until one has ended, then try again.");
        return Err(PageError::Refused(StatusCode::TOO_MANY_REQUESTS, text.to_owned()));
    };
    tokio::spawn(Producer::new(contacts, output, spool).run(first));
    // A small list is written by now, and its length is known.
    if !reader.begins().await {
        return Err(PageError::Away);
    }
    Ok(Spooled { reader, tag, kind, name }.whole())
}

/// The contacts that the address of an export asks for: the one place where an export gets its filter.
async fn contacts(user: &User, list: Arc<List>, query: &Query) -> Result<Contacts> {
    let caller = user.caller();
    let filter = user.app.queries.filter(&caller, Some(&list), &filter::read(query, &list)?).await?;
    Ok(Contacts { queries: user.app.queries.clone(), caller, list, filter })
}
