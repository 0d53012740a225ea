//! `/lists/{id}/export`: a list, or what is seen of it, as a file.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use bytes::Bytes;

use super::jobs::download;
use super::{Page, Query, Result, Section, Trouble, User, filter, show};
use crate::files::Error;
use crate::files::export::{Export, Format};
use crate::files::target::COLUMNS;
use crate::jobs::import::PATIENCE;
use crate::storage::List;

#[derive(Template)]
#[template(path = "console/export.html")]
struct ExportPage {
    page: Page,
    list: Arc<List>,
    filter: Vec<(&'static str, String)>,
    columns: Vec<String>,
}

/// Asks how and what.
pub async fn ask(user: User, Path(id): Path<String>, query: Query) -> Result {
    let list = user.list(&id).await?;
    let own = list.variables.iter().map(|variable| variable.name.clone());
    let columns = COLUMNS.into_iter().map(str::to_owned).chain(own).collect();
    let filter = filter::read(&query)?.pairs();
    show(&ExportPage { page: user.page(Section::Lists), list, filter, columns })
}

/// Sends the file while it is made: a page of contacts is held at a time.
pub async fn file(user: User, Path(id): Path<String>, query: Query) -> Result {
    let list = user.list(&id).await?;
    let (format, kind, ending) = match query.get("format") {
        "jsonl" => (Format::JsonLines, "application/jsonl; charset=utf-8", "jsonl"),
        "excel" => (Format::Excel(b','), "text/csv; charset=utf-8", "csv"),
        "excel-semicolon" => (Format::Excel(b';'), "text/csv; charset=utf-8", "csv"),
        _ => (Format::Csv, "text/csv; charset=utf-8", "csv"),
    };
    let wanted: Vec<_> = query.all("column").map(str::to_owned).collect();
    let api = user.local();
    let filter = filter::read(&query)?.to_json();
    let list_id = list.id.to_string();
    // The first page is made before anything is sent: a wrong filter gets its own error, and a store that is away is
    // not waited for.
    let at_once = Duration::ZERO;
    let suppressed = query.get("suppressedToo") == "yes";
    let export = Export::of(&api, &list_id, &filter, format, &wanted, suppressed, at_once).await;
    let mut export = export.map_err(refused)?;
    let mut first = Vec::new();
    export.next(&api, &mut first).await.map_err(refused)?;
    export.patience = PATIENCE;
    let rest = futures_util::stream::try_unfold((export, api), async |(mut export, api)| {
        let mut page = Vec::new();
        match export.next(&api, &mut page).await {
            Ok(Some(_)) => Ok(Some((Bytes::from(page), (export, api)))),
            Ok(None) => Ok(None),
            // The connection is cut: half an export must not be taken for a whole one.
            Err(error) => Err(std::io::Error::other(error)),
        }
    });
    let first = futures_util::stream::once(async { Ok(Bytes::from(first)) });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let day: String = user.app.clock.now().to_string().chars().take(10).collect();
    Ok(download(body, kind, &format!("{}-{day}.{ending}", file_name(&list.about.name))))
}

/// The name of a list as part of the name of a file that every system takes.
fn file_name(list: &str) -> String {
    let letters = list.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let name: String = letters.take(60).collect();
    let mut words = name.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if words.is_empty() {
        words.push_str("contacts");
    }
    words
}

fn refused(error: Error) -> Trouble {
    match error {
        Error::Away(_) => Trouble::Away,
        error => Trouble::Refused(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_like_its_list() {
        for (list, name) in [
            ("Customers", "Customers"),
            ("VIP & more / 2", "VIP-more-2"),
            ("Клієнти", "contacts"),
            ("\"..\n", "contacts"),
        ] {
            assert_eq!(file_name(list), name, "{list}");
        }
    }
}
