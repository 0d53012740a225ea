//! `/contacts`: contacts of all lists, by a search.

use askama::Template;

use super::contacts::{called, damaged};
use super::page::{address, without_empty};
use super::{Page, Query, Result, Section, User, redirect, render, texts};
use app::Refusal;
use app::contacts::search::{Hit, Place, Search};
use app::find::{Filter, searched};
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use web::translate::mark;

use url::form_urlencoded::Serializer;

/// Contacts of a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "all-contacts.html")]
struct AllContacts {
    page: Page,
    typed: String,
    error: Option<String>,
    rows: Vec<Row>,
    /// Whether a search was made.
    searched: bool,
    incomplete: bool,
    /// Contacts that are damaged on disk.
    damaged: usize,
    /// The query of this page, for the addresses of its contacts.
    trail: String,
    /// The query of the next page.
    next: Option<String>,
}

/// A contact that was found.
struct Row {
    list: ObjectId,
    list_name: String,
    id: ObjectId,
    called: String,
    /// E-mail address, phone number and user id, empty where there is none.
    identifiers: [(&'static str, String); 3],
}

impl Row {
    fn of(hit: &Hit) -> Result<Self> {
        let document = Document::read(&hit.contact.document).map_err(damaged)?;
        let id = ObjectId::of_contact(hit.list.id, hit.number.0);
        let identifiers = document.identifiers().map_err(damaged)?;
        let text = |kind: IdentifierKind| identifiers.get(kind).unwrap_or_default().to_owned();
        Ok(Self {
            list: hit.list.id,
            list_name: hit.list.about.name.clone(),
            id,
            called: called(&document).map_err(damaged)?.unwrap_or_else(|| id.to_string()),
            identifiers: [
                (mark("E-mail"), text(IdentifierKind::Email)),
                (mark("Phone"), text(IdentifierKind::PhoneNumber)),
                (mark("User ID"), text(IdentifierKind::UserId)),
            ],
        })
    }
}

/// The search box, and what was found.
pub async fn search(user: User, query: Query) -> Result {
    let given = Serializer::new(String::new()).extend_pairs(query.iter()).finish();
    if let Some(short) = without_empty(&given) {
        return Ok(redirect(&address("/contacts", &short)));
    }
    let typed = query.get("q").to_owned();
    let mut problems = Vec::new();
    let wanted = searched::parse(&typed, &mut problems);
    let page = user.page(Section::Contacts);
    let mut shown = AllContacts {
        page,
        error: problems.first().map(texts::text),
        typed,
        rows: Vec::new(),
        searched: wanted.is_some(),
        incomplete: false,
        damaged: 0,
        trail: given,
        next: None,
    };
    let Some(wanted) = wanted else { return render(&shown) };
    let (queries, caller) = (&user.app.queries, user.caller());
    let lists = match queries.searched_lists(&caller).await {
        Ok(lists) => lists,
        Err(Refusal::Store(error)) => return Err(error.into()),
        Err(refusal) => {
            shown.error = refusal.into_problems().first().map(texts::text);
            shown.searched = false;
            return render(&shown);
        }
    };
    let (filter, from) = (Filter::default(), Place::read(query.get("behind"), &lists));
    let search = Search { lists: &lists, query: &wanted, filter: &filter, from, limit: ROWS };
    let hits = queries.search(&caller, search).await?;
    shown.rows = hits.rows.iter().map(Row::of).collect::<Result<_>>()?;
    shown.incomplete = hits.incomplete;
    shown.damaged = hits.damaged.len();
    let next = hits.next.and_then(|place| place.text(&lists));
    shown.next = next.map(|behind| {
        Serializer::new(String::new()).append_pair("q", &shown.typed).append_pair("behind", &behind).finish()
    });
    render(&shown)
}
