//! The form of a contact: shown, saved, and the same for a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;

use super::consent::Line;
use super::form::{self, Group};
use super::history::History;
use super::posted::{Posted, Wrong};
use super::step::Trail;
use super::{At, Outcome, Subject};
use crate::page::{address, render_with};
use crate::{Form, Page, Query, Refused, Result, Section, User, redirect, render, texts};
use app::contacts::ContactBatch;
use app::contacts::patch::{ContactItems, ContactPatch};
use domain::apply::outcome::Failure;
use domain::clock::Timestamp;
use domain::contact::choice::{Flags, State};
use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use domain::problem;
use storage::{ItemResult, List, OptOut, Source, SourceFilter, SourceRef, Suppression, Window};
use web::translate::{mark, t};

/// Sources that the form offers.
const SOURCES: u32 = 1_000;

/// The message after an action.
const DONE: [(&str, &str); 6] = [
    ("first", mark("This is the first contact of these results.")),
    ("last", mark("This is the last contact of these results.")),
    ("made", mark("The contact is added.")),
    ("saved", mark("The changes are saved.")),
    ("kept", mark("The changes are saved, except for what the contact had turned off. It stays off.")),
    ("nothing", mark("There were no changes to save.")),
];

#[derive(Template)]
#[template(path = "contact.html")]
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
    /// Contacts of other lists that share an identifier: the name of the list, and the address.
    also_in: Vec<(String, String)>,
    /// Whether there are lists that were not looked at.
    also_more: bool,
    /// The labels of what the contact turned off.
    refused: Vec<String>,
    consents: Vec<Line>,
    history: History,
    /// The page that it was opened from, if it is not the list's first.
    results: Option<String>,
    /// Where the form is sent: with the way back to that page.
    action: String,
    /// The contacts beside this one in the order of that page.
    previous: Option<String>,
    next: Option<String>,
    /// The names of the segments that it is in.
    segments: Vec<String>,
}

#[derive(Template)]
#[template(path = "contact-new.html")]
struct NewPage {
    page: Page,
    list: Arc<List>,
    groups: Vec<Group>,
    errors: Vec<String>,
    has_errors: bool,
}

/// A contact, with its history.
pub async fn show_contact(user: User, at: At, RawQuery(raw): RawQuery, query: Query) -> Result {
    let subject = Subject::find(&user, &at).await?;
    let stored = form::values(&subject.contact, &subject.list).map_err(crate::contacts::damaged)?;
    let posted = Posted::of(stored);
    let trail = Trail::read(&raw.unwrap_or_default(), &subject.list);
    let page = page(&user, (subject, trail), &query, &posted, Wrong::default()).await?;
    render(&page)
}

async fn page(
    user: &User,
    (subject, trail): (Subject, Trail),
    query: &Query,
    posted: &Posted,
    (at_fields, at_top): Wrong,
) -> Result<ContactPage> {
    let [previous, next] = trail.beside(user, &subject).await?;
    let action = address(&subject.path(), &trail.query());
    let history = History::of(user, &subject, action.clone(), query.get("page")).await?;
    let sources = sources(user).await?;
    let document = Document::read(&subject.contact.document).map_err(crate::contacts::damaged)?;
    let (header, flags) = (document.header, State::read(document.record));
    let flags = flags.map_err(crate::contacts::damaged)?;
    let refused = Flags::ALL.into_iter().filter(|flag| flags.is_refused(*flag));
    let refused = refused.map(|flag| t(flag.label()).to_string());
    let cac =
        subject.contact.source_cac.as_ref().map(|cac| format!("{} {}", cac.value, cac.currency.as_str()));
    let suppressed = user.app.queries.suppressions_of(&user.caller(), [&subject.contact]).await?;
    let segments = user
        .app
        .queries
        .segments_of(&user.caller(), &subject.list, subject.number(), &subject.contact)
        .await?;
    let identifiers = document.identifiers().map_err(crate::contacts::damaged)?;
    let (others, all) = user.app.queries.also_in(&user.caller(), &subject.list, &identifiers).await?;
    let also_in = others.into_iter().map(|(list, number)| {
        let id = ObjectId::of_contact(list.id, number.0);
        (list.about.name.clone(), format!("/lists/{}/contacts/{id}", list.id))
    });
    Ok(ContactPage {
        segments: segments.into_iter().map(|segment| segment.name).collect(),
        results: trail.page(&subject.list),
        action,
        previous,
        next,
        also_in: also_in.collect(),
        also_more: !all,
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
    let found = user.app.queries.sources(&user.caller(), SourceFilter::default(), window).await?;
    Ok(found.rows)
}

/// Saves what was changed, and nothing else.
pub async fn save(at: At, RawQuery(query): RawQuery, form: Form) -> Result {
    let user = &form.user;
    let subject = Subject::find(user, &at).await?;
    let trail = Trail::read(&query.unwrap_or_default(), &subject.list);
    let mut posted = Posted::read(&form.fields, &subject.list);
    if posted.changed().is_empty() && posted.gone.is_empty() {
        return Ok(redirect(&trail.done(&subject.path(), "nothing")));
    }
    let stored = form::values(&subject.contact, &subject.list).map_err(crate::contacts::damaged)?;
    let conflicts = posted.conflicts(&stored);
    let (mut at_fields, at_top) = posted.outdated();
    at_fields.extend(conflicts.iter().map(|(name, now)| (name.clone(), overtaken(now))));
    if !at_fields.is_empty() || !at_top.is_empty() {
        let wrong = (at_fields, at_top);
        // Whoever saves again has seen it.
        posted.was.extend(conflicts);
        let page = page(user, (subject, trail), &Query::default(), &posted, wrong).await?;
        return render_with(StatusCode::CONFLICT, &page);
    }
    let (kind, text) = subject.identifier()?;
    let mut patch = ContactPatch::default();
    patch.name_by(kind, text.into());
    patch.set_resubscribe(form.has("resubscribe"));
    let kind = BatchKind::update(false, true);
    let (status, wrong) = match submit(user, &subject.list, kind, patch, &posted).await? {
        Err(refused) => refused,
        Ok(outcome) => match (outcome.failure(), outcome) {
            (Some(failure), _) => (StatusCode::CONFLICT, failed(failure, &posted)),
            (None, Outcome::Pending(request)) => {
                return Ok(redirect(&format!("/requests/{request}?done=saving")));
            }
            (None, applied @ Outcome::Applied(..)) => {
                let done = if applied.keeps_opt_outs() { "kept" } else { "saved" };
                return Ok(redirect(&trail.done(&subject.path(), done)));
            }
        },
    };
    let page = page(user, (subject, trail), &Query::default(), &posted, wrong).await?;
    render_with(status, &page)
}

/// Submits what was changed in a form, and waits for it. The inner error is for the form.
async fn submit<'a>(
    user: &User,
    list: &List,
    kind: BatchKind,
    mut patch: ContactPatch<'a>,
    posted: &'a Posted,
) -> Result<std::result::Result<Outcome, (StatusCode, Wrong)>> {
    let mut wrong = posted.put(list, &mut patch);
    let (commands, caller) = (&user.app.commands, user.caller());
    let source = Field::Source.name();
    if posted.changed().contains(&source) {
        let id = posted.now.get(source).map(|id| id.trim()).filter(|id| !id.is_empty());
        let found = match id.and_then(ObjectId::parse) {
            Some(id) => user.app.queries.source(&caller, SourceRef::Id(id)).await?,
            None => None,
        };
        match (id, &found) {
            (Some(id), None) => {
                drop(wrong.insert(source.to_owned(), problem::source_not_found(source, id, 0)))
            }
            _ => patch.set_source(found.map(|source| source.no)),
        }
    }
    let is_refused = |field: Field| wrong.contains_key(field.name());
    let mut at_top = Vec::new();
    if patch.has_no_identifier(kind == BatchKind::Add, is_refused) {
        at_top.push(texts::text(&problem::no_identifier(0)));
    }
    if !wrong.is_empty() || !at_top.is_empty() {
        let at_fields = wrong.into_iter().map(|(name, problem)| (name, texts::text(&problem))).collect();
        return Ok(Err((StatusCode::BAD_REQUEST, (at_fields, at_top))));
    }
    let mut items = ContactItems::new(list.opt_out() == OptOut::Keep);
    items.push(&mut patch);
    let batch = ContactBatch { list, kind, items, webhook: None, restore_erased: false, dry_run: false };
    match commands.change_contacts(&caller, commands.submission(), batch).await.map_err(Refused::from) {
        Ok(accepted) => Ok(Ok(Outcome::of(user, accepted.request).await?)),
        Err(refused) => Ok(Err((refused.status, (BTreeMap::new(), vec![refused.text()])))),
    }
}

fn overtaken(now: &str) -> String {
    let text = if now.is_empty() {
        t("Another user emptied this since the form was opened. Save again to overwrite it.")
    } else {
        t("Another user changed this to “{now}” since the form was opened. Save again to overwrite it.")
            .with("now", now)
    };
    text.to_string()
}

/// Where it is told why the request was not applied.
fn failed(failure: Failure, posted: &Posted) -> Wrong {
    let text = t(failure.text()).to_string();
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
    render(&new_page(&user, list, &posted, Wrong::default()).await?)
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
        return render_with(StatusCode::CONFLICT, &new_page(user, list, &posted, outdated).await?);
    }
    let (status, wrong) = match submit(user, &list, BatchKind::Add, ContactPatch::default(), &posted).await? {
        Err(refused) => refused,
        Ok(Outcome::Pending(request)) => return Ok(redirect(&format!("/requests/{request}?done=adding"))),
        Ok(Outcome::Applied(request, results)) => match results.first() {
            Some(ItemResult::Done { id: Some(contact), .. }) => {
                return Ok(redirect(&format!("/lists/{}/contacts/{contact}?done=made", list.id)));
            }
            Some(ItemResult::Failed { failure, .. }) => (StatusCode::CONFLICT, failed(*failure, &posted)),
            _ => return Ok(redirect(&format!("/requests/{request}?done=adding"))),
        },
    };
    let page = new_page(user, list, &posted, wrong).await?;
    render_with(status, &page)
}
