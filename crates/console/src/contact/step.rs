//! The way through the contacts of a page: back to it, and to the next and the previous of its contacts.
//!
//! The address of a contact carries the query of the page. Neighbours in the plain order of a list cost one row each:
//! they are links. All others are searched for on request (`/step`), by the cursors of the page. So showing a contact
//! never pays for a search, a filter or an order, and a step costs as much as a page of contacts at most. A search has
//! no cursor backwards: its steps back end at the first contact of its page.

use std::sync::Arc;

use axum::extract::RawQuery;
use url::form_urlencoded::{self, Serializer};

use super::{At, Subject};
use crate::contacts::{LOOKED_AT, PAGE, Query, damaged};
use crate::page::address;
use crate::{Result, User, redirect};
use app::contacts::search::{Place, Search};
use app::find::{Bounds, Filter, Sorting};
use domain::contact::document::Document;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::sort::Start;
use storage::{List, Way};

/// The page that a contact was opened from.
pub struct Trail {
    asked: Query,
    /// Whether it is the page of all lists.
    everywhere: bool,
    /// Its query.
    page: String,
}

impl Trail {
    /// Reads the query of a contact's address.
    pub fn read(query: &str, list: &List) -> Self {
        let everywhere =
            form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("in".into(), "all".into()));
        let asked = Query::read(query, list);
        let page = if everywhere { everywhere_query(&asked) } else { asked.trail(list) };
        Self { asked, everywhere, page }
    }

    /// The query that the addresses of contacts carry.
    pub fn query(&self) -> String {
        if self.everywhere { format!("in=all&{}", self.page) } else { self.page.clone() }
    }

    /// The address of the page, if it is not that of the list without a query.
    pub fn page(&self, list: &List) -> Option<String> {
        let path = if self.everywhere { "/contacts".to_owned() } else { format!("/lists/{}", list.id) };
        (!self.page.is_empty()).then(|| address(&path, &self.page))
    }

    /// An address of a contact, with a message that its page shows.
    pub fn done(&self, path: &str, done: &str) -> String {
        let query = self.query();
        address(path, &if query.is_empty() { format!("done={done}") } else { format!("{query}&done={done}") })
    }

    /// The addresses of the previous and the next contact, or of the searches for them.
    pub async fn beside(&self, user: &User, subject: &Subject) -> Result<[Option<String>; 2]> {
        let query = self.query();
        if self.everywhere || self.asked.is_sorted() || !self.asked.is_everybody() {
            let step = |way| Some(format!("{}/step?{query}&way={way}", subject.path()));
            return Ok([step("previous"), step("next")]);
        }
        let (list, number) = (&subject.list, subject.number());
        let mut found = [None, None];
        for (found, back) in found.iter_mut().zip([true, false]) {
            let bounds = Bounds { found: 1, looked_at: 1, bytes: usize::MAX };
            let (queries, way) = (&user.app.queries, self.way(number, back));
            let rows =
                queries.find_contacts(&user.caller(), list, way, &Filter::default(), bounds).await?.rows;
            *found = rows.first().map(|(number, _)| self.contact(list, *number));
        }
        Ok(found)
    }

    /// The address of the contact that a step leads to; `None` if there is none.
    async fn step(self, user: &User, subject: &Subject, back: bool) -> Result<Option<String>> {
        let (queries, caller, list) = (&user.app.queries, user.caller(), &subject.list);
        if self.asked.has_wrong_filter() {
            return Ok(None);
        }
        if !self.asked.search.is_empty() {
            return self.step_in_search(user, subject, back).await;
        }
        let filter = queries.filter(&caller, Some(list), &self.asked.wanted).await?;
        let number = subject.number();
        if self.asked.is_sorted() {
            let document = Document::read(&subject.contact.document).map_err(damaged)?;
            let place = self.asked.sort.place(number, &document).map_err(damaged)?;
            let start = if back { Start::Before(place) } else { Start::Behind(place) };
            let sorting = Sorting { sort: self.asked.sort, start, limit: 1, bytes: usize::MAX };
            let sorted = queries.sorted_contacts(&caller, list, &filter, sorting).await?;
            return Ok(sorted.rows.first().map(|(place, _)| self.contact(list, place.number)));
        }
        let bounds = Bounds { found: 1, looked_at: LOOKED_AT, bytes: usize::MAX };
        let found = queries.find_contacts(&caller, list, self.way(number, back), &filter, bounds).await?;
        Ok(match (found.rows.first(), found.next) {
            (Some((number, _)), _) => Some(self.contact(list, *number)),
            // Few match: the page of the list shows how far the search is, and continues it.
            (None, Some(way)) => {
                let at = Some(ObjectId::of_contact(list.id, way.number().0));
                let query = Query { at, back, ..self.asked }.trail(list);
                Some(address(&format!("/lists/{}", list.id), &query))
            }
            (None, None) => None,
        })
    }

    /// The same in the order of a search: beside the contact on its page, or the first of the page behind it.
    async fn step_in_search(mut self, user: &User, subject: &Subject, back: bool) -> Result<Option<String>> {
        let (queries, caller) = (&user.app.queries, user.caller());
        let Some(query) = self.asked.wanted.search.clone() else { return Ok(None) };
        let lists = match self.everywhere {
            true => queries.searched_lists(&caller).await?,
            false => vec![Arc::clone(&subject.list)],
        };
        let filter = match self.everywhere {
            true => Filter::default(),
            false => queries.filter(&caller, Some(&subject.list), &self.asked.without_search()).await?,
        };
        let mut search = Search { lists: &lists, query: &query, filter: &filter, from: None, limit: PAGE };
        search.from = self.asked.place.as_ref().and_then(|place| Place::read(place, &lists));
        let hits = queries.search(&caller, search).await?;
        let is_here = (subject.list.no, subject.number());
        let Some(here) = hits.rows.iter().position(|hit| (hit.list.no, hit.number) == is_here) else {
            return Ok(None);
        };
        let beside = if back { here.checked_sub(1) } else { Some(here + 1) };
        if let Some(hit) = beside.and_then(|place| hits.rows.get(place)) {
            return Ok(Some(self.contact(&hit.list, hit.number)));
        }
        let Some(next) = hits.next.filter(|_| !back) else { return Ok(None) };
        self.asked.place = next.text(&lists);
        self.page =
            if self.everywhere { everywhere_query(&self.asked) } else { self.asked.trail(&subject.list) };
        let hits = queries.search(&caller, Search { from: Some(next), ..search }).await?;
        Ok(hits.rows.first().map(|hit| self.contact(&hit.list, hit.number)))
    }

    /// The way of a step in the order in which contacts were made.
    fn way(&self, number: ContactNo, back: bool) -> Way {
        if self.asked.sort.descending == back { Way::Up(number) } else { Way::Down(number) }
    }

    /// The address of a contact of the same page.
    fn contact(&self, list: &List, number: ContactNo) -> String {
        let id = ObjectId::of_contact(list.id, number.0);
        address(&format!("/lists/{}/contacts/{id}", list.id), &self.query())
    }
}

/// The query of a page of all lists.
fn everywhere_query(asked: &Query) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("q", &asked.search);
    if let Some(place) = &asked.place {
        query.append_pair("behind", place);
    }
    query.finish()
}

/// Leads to the next or the previous contact.
pub async fn step(user: User, at: At, RawQuery(query): RawQuery) -> Result {
    let query = query.unwrap_or_default();
    let subject = Subject::find(&user, &at).await?;
    let back = form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("way".into(), "previous".into()));
    let trail = Trail::read(&query, &subject.list);
    let end = trail.done(&subject.path(), if back { "first" } else { "last" });
    Ok(redirect(&trail.step(&user, &subject, back).await?.unwrap_or(end)))
}
