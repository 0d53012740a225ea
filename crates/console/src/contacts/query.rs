//! What is asked of the page of contacts, and the links that ask for more of it. Pure.

use std::sync::Arc;

use url::form_urlencoded;

use crate::texts;
use app::contacts::search::Place;
use app::find::{self, ContactQuery, Found, Sorted};
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::problem::Problem;
use domain::sort::{self, By, Sort, Start};
use storage::{List, Way};

/// Contacts of a page.
pub const PAGE: u32 = 50;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// What stands in the search box, trimmed.
    pub search: String,
    /// What the filters say.
    pub wanted: ContactQuery,
    /// What is wrong with the filters.
    pub problems: Vec<Problem>,
    /// The order; that of a search is its own.
    pub sort: Sort,
    /// Where the page begins, or ends where it goes back.
    pub at: Option<ObjectId>,
    /// Where a page of a search or of a sorted list begins, or ends where it goes back: the text of a [`Place`] or of a
    /// [`sort::Place`].
    pub place: Option<String>,
    /// Whether the page is the one in front of that contact.
    pub back: bool,
    /// How many contacts were looked at on the way here.
    pub looked_at: u64,
    /// How many of the page are shown already, where this continues a page that was not full.
    pub have: Option<u32>,
    /// What was typed as a time, which may be none.
    pub typed_time: String,
    /// The columns that the address names, as the cookie does.
    pub columns: Option<String>,
}

impl Query {
    /// Reads a query; what does not read is as what was left out.
    pub fn read(query: &str, list: &List) -> Self {
        let mut problems = Vec::new();
        let wanted = ContactQuery::from_query(query, list, &mut problems);
        let mut asked = Self {
            search: String::new(),
            wanted,
            problems,
            sort: Sort::NEWEST,
            at: None,
            place: None,
            back: false,
            looked_at: 0,
            have: None,
            typed_time: String::new(),
            columns: None,
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match key.as_ref() {
                "q" | "search" => asked.search = value.chars().filter(|letter| *letter != '\0').collect(),
                "order" if value == "oldest" => asked.sort = Sort::OLDEST,
                "order" => asked.sort = Sort::parse(value).unwrap_or(Sort::NEWEST),
                "behind" => asked.place = Some(value.to_owned()),
                "before" => {
                    asked.place = Some(value.to_owned());
                    asked.back = true;
                }
                "from" | "until" => {
                    asked.at = ObjectId::parse(value);
                    asked.back = key == "until" && asked.at.is_some();
                }
                "looked" => asked.looked_at = value.parse().unwrap_or_default(),
                "have" => asked.have = value.parse::<u32>().ok().map(|have| have.min(PAGE - 1)),
                "updatedSince" => value.clone_into(&mut asked.typed_time),
                "columns" => asked.columns = Some(value.to_owned()).filter(|columns| !columns.is_empty()),
                _ => {}
            }
        }
        asked.wanted.search = find::searched::parse(&asked.search, &mut asked.problems);
        asked
    }

    /// Whether everybody is wanted.
    pub fn is_everybody(&self) -> bool {
        self.search.is_empty() && self.wanted.is_everybody()
    }

    /// What is wrong with the filter of that name.
    pub fn problem(&self, field: &str) -> Option<String> {
        let of_field = self.problems.iter().find(|problem| problem.field.as_deref() == Some(field));
        of_field.map(texts::text)
    }

    /// What is wrong beside what is shown at its field.
    pub fn errors(&self) -> impl Iterator<Item = String> {
        let others = self.problems.iter().filter(|problem| problem.field.as_deref() != Some("updatedSince"));
        others.map(texts::text)
    }

    /// Whether the filter does not read. No contact is shown then: nothing is done with more than was meant.
    pub fn has_wrong_filter(&self) -> bool {
        self.problems.iter().any(|problem| problem.code == "INVALID_FILTER")
    }

    /// The same without the search, which is looked up.
    pub fn without_search(&self) -> ContactQuery {
        ContactQuery { search: None, ..self.wanted.clone() }
    }

    /// Behind which contact a page of a search begins.
    pub fn place(&self, list: &Arc<List>) -> Option<Place> {
        Place::read(self.place.as_ref()?, std::slice::from_ref(list))
    }

    /// The links from a page of a search.
    pub fn search_pager(&self, list: &Arc<List>, next: Option<Place>) -> Pager {
        let behind = next.and_then(|place| place.text(std::slice::from_ref(list)));
        let link = |behind: String| {
            let mut query = form_urlencoded::Serializer::new(self.link(list, "from", None, 0, None));
            query.append_pair("behind", &behind).finish()
        };
        Pager { next: behind.map(link), ..Pager::default() }
    }

    /// The way to walk, and how many to find.
    pub fn way(&self, list: &List) -> (Way, u32) {
        let number = self.at.and_then(|id| id.contact_number(list.id)).map(ContactNo);
        let up = self.sort.descending == self.back;
        let way = match (up, number) {
            (true, number) => Way::Up(number.unwrap_or(ContactNo(0))),
            (false, number) => Way::Down(number.unwrap_or(ContactNo(u64::MAX))),
        };
        (way, PAGE - if self.back { 0 } else { self.have.unwrap_or_default() })
    }

    /// The links from a page to its neighbours.
    pub fn pager(&self, list: &List, found: &Found) -> Pager {
        let id = |number: ContactNo| ObjectId::of_contact(list.id, number.0);
        let numbers = || found.rows.iter().map(|(number, _)| *number);
        let looked_at = self.looked_at + found.looked_at as u64;
        let go_on = found.next.map(|way| id(way.number()));
        if self.back {
            // Rows come the other way round: the last that was found stands first.
            return Pager {
                next: numbers()
                    .next()
                    .map(id)
                    .or(self.at)
                    .map(|id| self.link(list, "from", Some(id), 0, None)),
                previous: go_on.map(|id| self.link(list, "until", Some(id), 0, None)),
                go_on: None,
                looked_at,
            };
        }
        let shown = self.have.unwrap_or_default() + u32::try_from(found.rows.len()).unwrap_or(PAGE);
        let is_full = shown >= PAGE;
        Pager {
            next: go_on.filter(|_| is_full).map(|id| self.link(list, "from", Some(id), looked_at, None)),
            previous: match self.at {
                // A page that is continued began elsewhere: what is in front of here is not the page in front of it.
                Some(at) if self.have.is_none() => {
                    let first = numbers().next().map_or(at, id);
                    Some(self.link(list, "until", Some(first), 0, None))
                }
                _ => None,
            },
            go_on: go_on
                .filter(|_| !is_full)
                .map(|id| self.link(list, "from", Some(id), looked_at, Some(shown))),
            looked_at,
        }
    }

    /// Whether the list is sorted by what contacts have, and not in the order in which they were made.
    pub fn is_sorted(&self) -> bool {
        self.search.is_empty() && self.sort.by != By::Created
    }

    /// Where a page of a sorted list begins; a place that does not read is as none.
    pub fn start(&self) -> Start {
        match self.place.as_deref().and_then(|place| sort::Place::read(place, self.sort)) {
            Some(place) if self.back => Start::Before(place),
            Some(place) => Start::Behind(place),
            None => Start::First,
        }
    }

    /// The links from a page of a sorted list to its neighbours.
    pub fn sorted_pager(&self, list: &List, start: &Start, found: &Sorted) -> Pager {
        let link = |key, place: &sort::Place| {
            let mut query = form_urlencoded::Serializer::new(self.link(list, "from", None, 0, None));
            query.append_pair(key, &place.text(self.sort)).finish()
        };
        let (first, last) = (found.rows.first(), found.rows.last());
        // Where a page is empty, its neighbour is beside the place that it was asked for.
        let asked = match start {
            Start::First => None,
            Start::Behind(place) | Start::Before(place) => Some(place),
        };
        let first = first.map(|(place, _)| place).or(asked);
        let last = last.map(|(place, _)| place).or(asked);
        let (has_next, has_previous) = match start {
            Start::First => (found.more, false),
            Start::Behind(_) => (found.more, true),
            Start::Before(_) => (true, found.more),
        };
        Pager {
            next: last.filter(|_| has_next).map(|place| link("behind", place)),
            previous: first.filter(|_| has_previous).map(|place| link("before", place)),
            ..Pager::default()
        }
    }

    /// The query of this page itself, which the addresses of its contacts carry.
    pub fn trail(&self, list: &List) -> String {
        let (at, place) = if self.back { ("until", "before") } else { ("from", "behind") };
        let mut query = form_urlencoded::Serializer::new(self.link(list, at, self.at, 0, None));
        if let Some(text) = &self.place {
            query.append_pair(place, text);
        }
        query.finish()
    }

    /// The query of the same question in another order.
    pub fn in_order(&self, list: &List, sort: Sort) -> String {
        Self { sort, ..self.clone() }.link(list, "from", None, 0, None)
    }

    /// The word of the order in an address: none for the usual one.
    pub fn order(&self) -> Option<&'static str> {
        match self.sort {
            Sort::NEWEST => None,
            Sort::OLDEST => Some("oldest"),
            sort => Some(sort.word()),
        }
    }

    fn link(
        &self,
        list: &List,
        key: &str,
        at: Option<ObjectId>,
        looked_at: u64,
        have: Option<u32>,
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(self.without_search().to_query(list));
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if let Some(order) = self.order() {
            query.append_pair("order", order);
        }
        if let Some(columns) = &self.columns {
            query.append_pair("columns", columns);
        }
        if let Some(at) = at {
            query.append_pair(key, &at.to_string());
        }
        if looked_at > 0 && !self.is_everybody() {
            query.append_pair("looked", &looked_at.to_string());
        }
        if let Some(have) = have {
            query.append_pair("have", &have.to_string());
        }
        query.finish()
    }
}

/// The ways from a page: queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pager {
    /// To the page behind it.
    pub next: Option<String>,
    /// To the page in front of it.
    pub previous: Option<String>,
    /// To what is still missing of it.
    pub go_on: Option<String>,
    /// How many contacts were looked at so far.
    pub looked_at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::journal::{AccountNo, ListNo};
    use storage::{Contact, ListAbout};

    fn list() -> List {
        List::new(ListNo(1), ObjectId::from_bytes([7; 12]), AccountNo(1), ListAbout::default(), vec![])
    }

    fn found(numbers: &[u64], next: Option<Way>) -> Found {
        let contact = Contact { document: Vec::new(), source: None, source_cac: None };
        let rows = numbers.iter().map(|number| (ContactNo(*number), contact.clone())).collect();
        Found { rows, damaged: Vec::new(), next, looked_at: 4_000 }
    }

    /// The name that a link has for the contact with that number.
    fn id(number: u64) -> String {
        ObjectId::of_contact(list().id, number).to_string()
    }

    #[test]
    fn pages_lead_to_each_other_in_both_orders() {
        let newest = Query::read("", &list());
        assert_eq!(newest.way(&list()), (Way::Down(ContactNo(u64::MAX)), 50));
        let numbers: Vec<_> = (51..=100).rev().collect();
        let pager = newest.pager(&list(), &found(&numbers, Some(Way::Down(ContactNo(51)))));
        assert_eq!(pager.next, Some(format!("from={}", id(51))));
        assert_eq!((pager.previous, pager.go_on), (None, None));

        let second = Query::read(&format!("from={}", id(51)), &list());
        assert_eq!(second.way(&list()), (Way::Down(ContactNo(51)), 50));
        let numbers: Vec<_> = (1..=50).rev().collect();
        let pager = second.pager(&list(), &found(&numbers, None));
        assert_eq!((pager.next, pager.previous), (None, Some(format!("until={}", id(50)))));

        let back = Query::read(&format!("until={}", id(50)), &list());
        assert_eq!(back.way(&list()), (Way::Up(ContactNo(50)), 50));
        let numbers: Vec<_> = (51..=100).collect();
        let pager = back.pager(&list(), &found(&numbers, None));
        assert_eq!((pager.next, pager.previous), (Some(format!("from={}", id(51))), None));

        let oldest = Query::read("order=oldest", &list());
        assert_eq!(oldest.way(&list()), (Way::Up(ContactNo(0)), 50));
        assert_eq!(oldest.in_order(&list(), Sort::NEWEST), "");
    }

    #[test]
    fn a_page_that_is_not_full_goes_on_where_it_has_stopped() {
        let query = Query::read("q=An&active=true", &list());
        let pager = query.pager(&list(), &found(&[9_000, 8_000], Some(Way::Down(ContactNo(6_000)))));
        let go_on = format!("active=true&q=An&from={}&looked=4000&have=2", id(6_000));
        assert_eq!((pager.next, pager.go_on.as_deref()), (None, Some(go_on.as_str())));
        let rest = Query::read(&go_on, &list());
        assert_eq!(rest.way(&list()), (Way::Down(ContactNo(6_000)), 48));
        assert_eq!(rest.wanted.to_query(&list()), "active=true&search=An");
        let pager = rest.pager(&list(), &found(&[1], None));
        assert_eq!(pager, Pager { looked_at: 8_000, ..Pager::default() });
    }

    #[test]
    fn nonsense_is_as_what_was_left_out() {
        let query = Query::read("from=x&until=&order=up&have=1000&looked=-1", &list());
        assert_eq!(query.way(&list()), (Way::Down(ContactNo(u64::MAX)), 1));
        assert!(query.is_everybody());
        let other_list = Query::read("from=000000000000000000000001", &list());
        assert_eq!(other_list.way(&list()).0, Way::Down(ContactNo(u64::MAX)));
        assert_eq!(Query::read("active=maybe", &list()).problems.len(), 1);
    }
}
