//! `/jobs/{id}/contacts`: the contacts that an import or a bulk change created or changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;

use crate::contacts::{called, damaged};
use crate::{Page, Query, Result, Section, User, render};
use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::id::ObjectId;
use storage::List;

use super::what;

/// Requests of a page; each has at most 100 contacts.
const REQUESTS: usize = 2;

#[derive(Template)]
#[template(path = "job-contacts.html")]
struct ContactsPage {
    page: Page,
    job: ObjectId,
    what: String,
    list: Arc<List>,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<usize>,
}

/// A contact of the table.
struct Row {
    id: ObjectId,
    called: String,
    email: String,
    phone: String,
}

/// Some of the contacts, in the order of the rows of the file.
pub async fn contacts(user: User, Path(id): Path<String>, query: Query) -> Result {
    let job = user.job(&id).await?;
    let list = user.list(&job.description.list).await?;
    let mut requests = user.app.jobs.requests_of(&job).await?;
    requests.reverse();
    let from = query.get("from").parse::<usize>().unwrap_or_default();
    let mut rows = Vec::new();
    for request in requests.iter().skip(from).take(REQUESTS) {
        let Some(request) = ObjectId::parse(&request.id) else { continue };
        for (number, contact) in user.app.queries.contacts_of_request(&user.caller(), &list, request).await? {
            let id = ObjectId::of_contact(list.id, number.0);
            let document = Document::read(&contact.document).map_err(damaged)?;
            let text = |field| document.text(field).map(|text| text.unwrap_or_default().to_owned());
            rows.push(Row {
                id,
                called: called(&document).map_err(damaged)?.unwrap_or_else(|| id.to_string()),
                email: text(Field::Email).map_err(damaged)?,
                phone: text(Field::PhoneNumber).map_err(damaged)?,
            });
        }
    }
    let next = Some(from.saturating_add(REQUESTS)).filter(|next| *next < requests.len());
    let what = what(&job.description.task);
    render(&ContactsPage { page: user.page(Section::Jobs), job: job.key.id, what, list, rows, next })
}
