//! `/lists/{id}`: the contacts of a list.
//!
//! The bar below the table sends a POST to `/lists/{id}/bulk`: what is to be done (`action`, `channel`), and whom it is
//! about: the ids in `contact`, or, where `all` is there, those that the keys of [`find::ContactQuery`] beside it find.

mod builder;
mod columns;
mod query;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};

use self::builder::{Builder, Choice};
use self::columns::{Column, columns, cookie, row};
pub use self::columns::{Row, called};
use self::query::Pager;
pub use self::query::{PAGE, Query};
use super::page::{address, curl, number, without_empty};
use super::{Form, Page, PageError, Result, Section, User, redirect, render};
use app::contacts::search::Search;
use app::find::{self, Bounds, Filter, Found, Sorting};
use domain::contact::field::Field;
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::search::Tier;
use domain::sort::{By, Sort};
use storage::{Error, List, SourceFilter, Suppression, UserRole, Window};
use web::translate::{mark, t, tn};

/// Contacts that a request looks at for those that fit: few enough to answer at once, whatever else is going on.
pub const LOOKED_AT: usize = 4_000;

/// Bytes of stored contacts after which a page ends.
const BYTES: usize = 2 << 20;

/// Sources that the filter offers.
const SOURCES: u32 = 200;

/// The cookie that remembers columns; its path is the list's.
const COLUMNS: &str = "rollbook_columns";

/// The message after an action.
const DONE: [(&str, &str); 4] = [
    ("erased", mark("The person is erased from all lists.")),
    ("no-action", mark("Nothing was changed. Choose an action for the selected contacts.")),
    ("no-contacts", mark("Nothing was changed. Select at least one contact, or all that match.")),
    ("too-many", mark("Nothing was changed. Select at most 1,000 contacts, or all that match.")),
];

#[derive(Template)]
#[template(path = "contacts.html")]
struct Contacts {
    page: Page,
    list: Arc<List>,
    count: u64,
    asked: Query,
    flags: Vec<Flag>,
    sources: Vec<(String, String, bool)>,
    columns: Vec<Column>,
    table: Table,
    builder: Builder,
    fields: Vec<Choice>,
    ops: Vec<Choice>,
    /// How many contacts match, if that was asked.
    matching: Option<String>,
}

/// The rows, and how they go on; also on its own.
#[derive(Template)]
#[template(path = "contacts-rows.html")]
struct Table {
    list: ObjectId,
    rows: Vec<Row>,
    /// The query of this page, for the addresses of its contacts.
    trail: String,
    pager: Pager,
    /// How many columns a row has.
    width: usize,
    count: u64,
    /// Whether all that was found has what was typed as an identifier.
    exact: bool,
    /// Whether the search index is being built.
    incomplete: bool,
    everybody: bool,
    /// Whether rows can be selected for a change.
    may_change: bool,
    /// Contacts of this page that are damaged on disk.
    damaged: usize,
}

impl Table {
    /// Whether there is nothing to show, not even that a contact is damaged.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.damaged == 0
    }
}

/// That nothing was found, in place of the table that was shown while the list was searched.
#[derive(Template)]
#[template(source = r#"<div id="contacts">{% include "contacts-none.html" %}</div>"#, ext = "html")]
struct NoneFound {
    list: Arc<List>,
    asked: Query,
}

/// The head of a column by which the list can be sorted.
struct Head {
    /// The query of the list, sorted by it; turned round where it is sorted by it now.
    query: String,
    /// How it is sorted by it now, for `aria-sort`.
    now: Option<&'static str>,
}

/// A field by which contacts are narrowed.
struct Flag {
    name: &'static str,
    label: &'static str,
    wanted: Option<bool>,
}

impl Flag {
    fn is_yes(&self) -> bool {
        self.wanted == Some(true)
    }

    fn is_no(&self) -> bool {
        self.wanted == Some(false)
    }
}

impl Contacts {
    /// What the search and the filters want, for exports and changes of many.
    fn filter(&self) -> String {
        self.asked.wanted.to_query(&self.list)
    }

    /// The same as hidden fields of a form.
    fn filter_fields(&self) -> Vec<(&'static str, String)> {
        self.asked.wanted.pairs(&self.list)
    }

    /// A line that adds a contact.
    fn curl(&self) -> String {
        let body = r#""upsert":true,"contacts":[{"contact":"user@example.com","firstName":"Ann"}]"#;
        let list = self.list.id;
        curl(&self.page.public_url, "contacts/update", &format!(r#"{{"contactListId":"{list}",{body}}}"#))
    }

    /// The query of the same question, the newest contacts first.
    fn newest(&self) -> String {
        self.asked.in_order(&self.list, Sort::NEWEST)
    }

    /// The same, the oldest first.
    fn oldest(&self) -> String {
        self.asked.in_order(&self.list, Sort::OLDEST)
    }

    /// The head of a column by which the list can be sorted. A search has an order of its own.
    fn head(&self, column: &Column) -> Option<Head> {
        let by = column.sorts().filter(|_| self.asked.search.is_empty())?;
        let is_now = self.asked.sort.by == by;
        let descending = match is_now {
            true => !self.asked.sort.descending,
            // Names from A on; of times and scores the greatest are looked for.
            false => !matches!(by, By::Name | By::Email),
        };
        let now = if self.asked.sort.descending { "descending" } else { "ascending" };
        Some(Head {
            query: self.asked.in_order(&self.list, Sort { by, descending }),
            now: is_now.then_some(now),
        })
    }

    /// What the time filter shows: what was typed, also if it is no time.
    fn search_time(&self) -> String {
        let time = self.asked.wanted.updated_since.map(|time| time.to_string());
        time.unwrap_or_else(|| self.asked.typed_time.clone())
    }

    fn time_error(&self) -> Option<String> {
        self.asked.problem("updatedSince")
    }

    /// The query of this view: with its columns, so that it shows the same to others.
    fn view(&self) -> String {
        let picked = self.columns.iter().filter(|column| column.picked).map(|column| column.name.as_str());
        let columns = Some(picked.collect::<Vec<_>>().join("."));
        Query { columns, ..self.asked.clone() }.in_order(&self.list, self.asked.sort)
    }

    /// The query of the same question with the count of the contacts that match.
    fn counted(&self) -> String {
        let query = self.asked.in_order(&self.list, self.asked.sort);
        if query.is_empty() { "count=1".to_owned() } else { format!("{query}&count=1") }
    }

    fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    fn filters_set(&self) -> usize {
        let wanted = &self.asked.wanted;
        wanted.flags.len()
            + usize::from(wanted.source.is_some())
            + usize::from(wanted.updated_since.is_some())
            + usize::from(wanted.suppressed.is_some())
            + self.builder.count()
    }
}

/// The contacts.
pub async fn all(
    user: User,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result {
    let query = query.unwrap_or_default();
    let list = user.list(&id).await?;
    if let Some(short) = builder::address_of(&query, &list) {
        return Ok(redirect(&address(&format!("/lists/{}", list.id), &short)));
    }
    // A form sends each of its fields, also the empty ones: they have no place in an address that people keep.
    if let Some(short) = without_empty(&query) {
        return Ok(redirect(&address(&format!("/lists/{}", list.id), &short)));
    }
    let asked = Query::read(&query, &list);
    let count = count(&user, &list).await?;
    let columns = columns(&list, asked.columns.as_deref().or(picked(&headers)));
    let table = table(&user, &list, &asked, &columns, count).await?;
    let done = super::Fields::read(query.as_bytes());
    let page = user.page(Section::Lists).done(done.get("done"), &DONE);
    let flags = Field::FLAGS.map(|field| Flag {
        name: field.name(),
        label: field.label(),
        wanted: asked.wanted.flags.iter().find(|(wanted, _)| *wanted == field).map(|(_, is)| *is),
    });
    let sources = sources(&user, asked.wanted.source.as_deref()).await?;
    let matching = match done.get("count") {
        "1" => Some(matching(&user, &list, &asked, count).await?),
        _ => None,
    };
    // What does not read is shown as it was typed.
    let read = asked.wanted.filter.as_ref().map(|filter| filter.to_json(Some(&list)).to_string());
    let filter = read.or_else(|| Some(done.get("filter").to_owned()).filter(|filter| !filter.is_empty()));
    let segments = user.app.queries.segments(&user.caller(), &list).await?;
    let segments: Vec<_> =
        segments.into_iter().map(|segment| (segment.id.to_string(), segment.name)).collect();
    render(&Contacts {
        page,
        count,
        asked,
        flags: flags.into(),
        sources,
        columns,
        table,
        builder: Builder::of(filter.as_deref()),
        fields: builder::fields(&list, &segments),
        ops: builder::ops(),
        matching,
        list,
    })
}

/// How many contacts match what the form says, while it is filled in.
pub async fn count_matching(user: User, Path(id): Path<String>, RawQuery(query): RawQuery) -> Result {
    #[derive(Template)]
    #[template(source = "{{ text }}", ext = "html")]
    struct Text {
        text: String,
    }
    let list = user.list(&id).await?;
    let query = query.unwrap_or_default();
    let query = builder::address_of(&query, &list).unwrap_or(query);
    let asked = Query::read(&query, &list);
    let text = match asked.problems.first() {
        // A condition that is half filled in is no error yet.
        Some(_) => t("Complete the conditions to see how many contacts match.").to_string(),
        None => matching(&user, &list, &asked, count(&user, &list).await?).await?,
    };
    render(&Text { text })
}

/// How many contacts of a list match, in words. The search counts too.
async fn matching(user: &User, list: &List, asked: &Query, all: u64) -> Result<String> {
    let (queries, caller) = (&user.app.queries, user.caller());
    let filter = queries.filter(&caller, Some(list), &asked.wanted).await?;
    let matching = queries.count(&caller, list, &filter).await?.matching;
    let text = tn("{n} contact matches, of {all}.", "{n} contacts match, of {all}.", matching);
    Ok(text.with("all", number(all)).to_string())
}

/// The rest of a page that was not full when it was shown.
pub async fn rest(
    user: User,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result {
    let list = user.list(&id).await?;
    let asked = Query::read(&query.unwrap_or_default(), &list);
    let columns = columns(&list, asked.columns.as_deref().or(picked(&headers)));
    let count = count(&user, &list).await?;
    let table = table(&user, &list, &asked, &columns, count).await?;
    if asked.have.unwrap_or_default() == 0 && table.is_empty() && table.pager.go_on.is_none() {
        let mut response = render(&NoneFound { list, asked })?;
        // It replaces the table and the bar below, and not the row that has asked for it.
        for (name, value) in [("hx-retarget", "#contacts"), ("hx-reswap", "outerHTML")] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        return Ok(response);
    }
    render(&table)
}

/// Remembers which columns the user wants to see.
pub async fn pick(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let chosen = cookie(&list, form.all("column"));
    let secure = if form.user.app.console.public_url.is_secure() { "; Secure" } else { "" };
    let text = format!(
        "{COLUMNS}={chosen}; Path=/lists/{}; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        list.id
    );
    let query = find::ContactQuery::from_query(form.get("query"), &list, &mut Vec::new()).to_query(&list);
    let mut response = redirect(&format!("/lists/{}?{query}", list.id));
    // Names of fields and variables only, which are letters.
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    Ok(response)
}

/// The columns that the cookie names.
fn picked(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == COLUMNS).map(|(_, value)| value.trim())
}

/// How many contacts a list has.
pub async fn count(user: &User, list: &List) -> Result<u64, Error> {
    let counts = user.app.queries.list_sizes(std::slice::from_ref(list)).await?;
    Ok(counts.get(&list.no).copied().unwrap_or_default())
}

async fn sources(user: &User, wanted: Option<&str>) -> Result<Vec<(String, String, bool)>, Error> {
    let window = Window { offset: 0, limit: SOURCES };
    let found = user.app.queries.sources(&user.caller(), SourceFilter::default(), window).await?;
    let shown = found.rows.into_iter().map(|source| {
        let id = source.id.to_string();
        let is_wanted = wanted == Some(id.as_str());
        (id, source.name, is_wanted)
    });
    Ok(shown.collect())
}

async fn table(
    user: &User,
    list: &Arc<List>,
    asked: &Query,
    columns: &[Column],
    count: u64,
) -> Result<Table> {
    let (queries, caller) = (&user.app.queries, user.caller());
    let filter = queries.filter(&caller, Some(list), &asked.without_search()).await?;
    let mut is_exact = false;
    let (found, pager, incomplete) = match &asked.wanted.search {
        Some(query) if !asked.has_wrong_filter() => {
            let lists = std::slice::from_ref(list);
            let search = Search { lists, query, filter: &filter, from: asked.place(list), limit: PAGE };
            let hits = queries.search(&caller, search).await?;
            is_exact = !hits.rows.is_empty() && hits.rows.iter().all(|hit| hit.tier == Tier::Exact);
            let damaged = hits.damaged.iter().map(|(_, number)| *number).collect();
            let rows = hits.rows.into_iter().map(|hit| (hit.number, hit.contact)).collect();
            let found = Found { rows, damaged, next: None, looked_at: 0 };
            (found, asked.search_pager(list, hits.next), hits.incomplete)
        }
        // The text cannot be searched for: the page shows the problem, and no contacts.
        _ if !asked.search.is_empty() => {
            let found = Found { rows: Vec::new(), damaged: Vec::new(), next: None, looked_at: 0 };
            (found, Pager::default(), false)
        }
        _ if asked.is_sorted() && !asked.has_wrong_filter() => {
            let (start, sort) = (asked.start(), asked.sort);
            let sorting = Sorting { sort, start: start.clone(), limit: PAGE, bytes: BYTES };
            let sorted = queries.sorted_contacts(&caller, list, &filter, sorting).await?;
            let pager = asked.sorted_pager(list, &start, &sorted);
            let rows = sorted.rows.into_iter().map(|(place, contact)| (place.number, contact)).collect();
            (Found { rows, damaged: sorted.damaged, next: None, looked_at: 0 }, pager, false)
        }
        _ => {
            let found = walk(user, list, asked, &filter).await?;
            let pager = asked.pager(list, &found);
            (found, pager, false)
        }
    };
    let mut rows = Vec::with_capacity(found.rows.len());
    let contacts = found.rows.iter().map(|(_, contact)| contact);
    let suppressed = queries.suppressions_of(&caller, contacts).await?;
    for ((number, contact), suppressed) in found.rows.iter().zip(&suppressed) {
        let row = row(list, columns, *number, contact).map_err(damaged)?;
        rows.push(Row { suppressed: reasons(suppressed), ..row });
    }
    if asked.back && !asked.is_sorted() {
        rows.reverse();
    }
    let may_change = user.signed_in.role >= UserRole::Editor;
    Ok(Table {
        list: list.id,
        rows,
        trail: asked.trail(list),
        pager,
        width: columns.iter().filter(|column| column.picked).count() + usize::from(may_change),
        may_change,
        count,
        exact: is_exact,
        incomplete,
        everybody: asked.is_everybody(),
        damaged: found.damaged.len(),
    })
}

/// Why addresses of a contact are suppressed, for people; empty where none is.
fn reasons(suppressed: &[Suppression]) -> String {
    let texts =
        suppressed.iter().map(|one| format!("{}: {}", t(one.reason.channel().label()), t(one.reason.name())));
    texts.collect::<Vec<_>>().join(", ")
}

async fn walk(user: &User, list: &List, asked: &Query, filter: &Filter) -> Result<Found, Error> {
    if asked.has_wrong_filter() {
        return Ok(Found { rows: Vec::new(), damaged: Vec::new(), next: None, looked_at: 0 });
    }
    let (way, limit) = asked.way(list);
    let bounds = Bounds { found: limit.min(PAGE), looked_at: LOOKED_AT, bytes: BYTES };
    user.app.queries.find_contacts(&user.caller(), list, way, filter, bounds).await
}

/// What is stored does not read.
pub fn damaged(malformed: Malformed) -> PageError {
    Error::Damaged(malformed.to_string()).into()
}
