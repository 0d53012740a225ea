//! The form of a contact: shown, saved, and the same for a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::consent::Line;
use super::form::{self, Group};
use super::history::History;
use super::posted::{self, Posted, Wrong};
use super::{At, Outcome, Subject};
use crate::apply::outcome::Failure;
use crate::clock::Timestamp;
use crate::console::page::show_with;
use crate::console::{Form, Page, Query, Result, Section, User, see, show};
use crate::contact::choice::{Flags, State};
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::http::contacts::{ADD, UPDATE};
use crate::storage::{ItemResult, List, Source, SourceFilter, Suppression, Window};

/// Sources that the form offers.
const SOURCES: u32 = 1_000;

/// What is told after something was done.
const DONE: [(&str, &str); 4] = [
    ("made", "The contact is added."),
    ("saved", "The changes are saved."),
    ("kept", "The changes are saved, except for what the contact had turned off. It stays off."),
    ("nothing", "There were no changes to save."),
];

#[derive(Template)]
#[template(path = "console/contact.html")]
struct ContactPage {
    page: Page,
    subject: Subject,
    created_at: Timestamp,
    updated_at: Timestamp,
    groups: Vec<Group>,
    errors: Vec<String>,
    has_errors: bool,
    cac: Option<String>,
    suppressed: Vec<Suppression>,
    /// The labels of what the contact turned off.
    refused: Vec<&'static str>,
    consents: Vec<Line>,
    history: History,
}

#[derive(Template)]
#[template(path = "console/contact-new.html")]
struct NewPage {
    page: Page,
    list: Arc<List>,
    groups: Vec<Group>,
    errors: Vec<String>,
    has_errors: bool,
}

/// A contact, with its history.
pub async fn show_contact(user: User, at: At, query: Query) -> Result {
    let subject = Subject::find(&user, &at).await?;
    let stored = form::values(&subject.contact, &subject.list).map_err(crate::console::contacts::damaged)?;
    let posted = Posted::of(stored);
    let page = page(&user, subject, &query, &posted, Wrong::default()).await?;
    show(&page)
}

async fn page(
    user: &User,
    subject: Subject,
    query: &Query,
    posted: &Posted,
    (at_fields, at_top): Wrong,
) -> Result<ContactPage> {
    let history = History::of(user, &subject, query.get("page")).await?;
    let sources = sources(user).await?;
    let document = Document::read(&subject.contact.document).map_err(crate::console::contacts::damaged)?;
    let (header, flags) = (document.header, State::read(document.record));
    let flags = flags.map_err(crate::console::contacts::damaged)?;
    let refused = Flags::ALL.into_iter().filter(|flag| flags.is_refused(*flag)).map(form::label);
    let cac =
        subject.contact.source_cac.as_ref().map(|cac| format!("{} {}", cac.value, cac.currency.as_str()));
    let suppressed = user.app.queries.suppressions_of(&user.caller(), [&subject.contact]).await?;
    Ok(ContactPage {
        suppressed: suppressed.into_iter().flatten().collect(),
        page: user.page(Section::Lists).done(query.get("done"), &DONE),
        created_at: header.created_at,
        updated_at: header.updated_at,
        groups: form::groups(&subject.list, &sources, posted, &at_fields),
        has_errors: !at_fields.is_empty() || !at_top.is_empty(),
        errors: at_top,
        cac,
        refused: refused.collect(),
        consents: super::consent::lines(user, &subject).await?,
        history,
        subject,
    })
}

async fn sources(user: &User) -> Result<Vec<Source>> {
    let window = Window { offset: 0, limit: SOURCES };
    let found =
        user.app.storage.find_sources(user.signed_in.account, SourceFilter::default(), window).await?;
    Ok(found.rows)
}

/// Saves what was changed, and nothing else.
pub async fn save(at: At, form: Form) -> Result {
    let user = &form.user;
    let subject = Subject::find(user, &at).await?;
    let mut posted = Posted::read(&form.fields, &subject.list);
    if posted.changed().is_empty() && posted.gone.is_empty() {
        return Ok(see(&format!("{}?done=nothing", subject.path())));
    }
    let stored = form::values(&subject.contact, &subject.list).map_err(crate::console::contacts::damaged)?;
    let conflicts = posted.conflicts(&stored);
    let (mut at_fields, at_top) = posted.outdated();
    at_fields.extend(conflicts.iter().map(|(name, now)| (name.clone(), overtaken(now))));
    if !at_fields.is_empty() || !at_top.is_empty() {
        let wrong = (at_fields, at_top);
        // Whoever saves again has seen it.
        posted.was.extend(conflicts);
        let page = page(user, subject, &Query::default(), &posted, wrong).await?;
        return show_with(StatusCode::CONFLICT, &page);
    }
    let (kind, text) = subject.identifier()?;
    let mut item = posted.item();
    item.insert("contact".to_owned(), json!(text));
    if form.has("resubscribe") {
        item.insert("resubscribe".to_owned(), json!(true));
    }
    let body = json!({
        "contactListId": subject.list.id, "contactBy": kind.field().name(), "contacts": [item],
    });
    let sent = user.call(&UPDATE, &body).await;
    let (status, wrong) = match sent {
        Err(refused) => (refused.status, posted::errors(&refused.details, &posted)),
        Ok(accepted) => {
            let outcome = Outcome::of(user, &accepted).await?;
            match (outcome.failure(), outcome) {
                (Some(failure), _) => (StatusCode::CONFLICT, failed(failure, &posted)),
                (None, Outcome::Pending(request)) => {
                    return Ok(see(&format!("/requests/{request}?done=saving")));
                }
                (None, applied @ Outcome::Applied(..)) => {
                    let done = if applied.keeps_opt_outs() { "kept" } else { "saved" };
                    return Ok(see(&format!("{}?done={done}", subject.path())));
                }
            }
        }
    };
    let page = page(user, subject, &Query::default(), &posted, wrong).await?;
    show_with(status, &page)
}

fn overtaken(now: &str) -> String {
    let now = if now.is_empty() { "an empty value".to_owned() } else { format!("“{now}”") };
    format!("Another user changed this to {now} since the form was opened. Save again to overwrite it.")
}

/// Where it is told why the request was not applied.
fn failed(failure: Failure, posted: &Posted) -> Wrong {
    let text = failure.text().to_owned();
    let identifiers = [Field::Email, Field::PhoneNumber, Field::UserId].map(Field::name);
    let named: BTreeMap<_, _> = match failure {
        Failure::IdentifierTaken | Failure::ContactExists => posted
            .changed()
            .into_iter()
            .filter(|name| identifiers.contains(name))
            .map(|name| (name.to_owned(), text.clone()))
            .collect(),
        _ => BTreeMap::new(),
    };
    let at_top = if named.is_empty() { vec![text] } else { Vec::new() };
    (named, at_top)
}

/// Asks for a new contact.
pub async fn ask_new(user: User, axum::extract::Path(id): axum::extract::Path<String>) -> Result {
    let list = user.list(&id).await?;
    let blank = form::blank(&list);
    let posted = Posted::of(blank);
    show(&new_page(&user, list, &posted, Wrong::default()).await?)
}

async fn new_page(
    user: &User,
    list: Arc<List>,
    posted: &Posted,
    (at_fields, at_top): Wrong,
) -> Result<NewPage> {
    let groups = form::groups(&list, &sources(user).await?, posted, &at_fields);
    let has_errors = !at_fields.is_empty() || !at_top.is_empty();
    Ok(NewPage { page: user.page(Section::Lists), list, groups, errors: at_top, has_errors })
}

/// Makes a contact.
pub async fn add(axum::extract::Path(id): axum::extract::Path<String>, form: Form) -> Result {
    let user = &form.user;
    let list = user.list(&id).await?;
    let posted = Posted::read(&form.fields, &list);
    let outdated = posted.outdated();
    if outdated != Wrong::default() {
        return show_with(StatusCode::CONFLICT, &new_page(user, list, &posted, outdated).await?);
    }
    let body = json!({ "contactListId": list.id, "contacts": [Value::Object(posted.item())] });
    let (status, wrong) = match user.call(&ADD, &body).await {
        Err(refused) => (refused.status, posted::errors(&refused.details, &posted)),
        Ok(accepted) => match Outcome::of(user, &accepted).await? {
            Outcome::Pending(request) => return Ok(see(&format!("/requests/{request}?done=adding"))),
            Outcome::Applied(request, results) => match results.first() {
                Some(ItemResult::Done { id: Some(contact), .. }) => {
                    return Ok(see(&format!("/lists/{}/contacts/{contact}?done=made", list.id)));
                }
                Some(ItemResult::Failed { failure, .. }) => (StatusCode::CONFLICT, failed(*failure, &posted)),
                _ => return Ok(see(&format!("/requests/{request}?done=adding"))),
            },
        },
    };
    let page = new_page(user, list, &posted, wrong).await?;
    show_with(status, &page)
}
