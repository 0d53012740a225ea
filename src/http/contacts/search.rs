//! `search` in `/v3/contacts/find`.

use std::sync::Arc;

use crate::app::contacts::search::{Place, Search};
use crate::app::{Refusal, Result};
use crate::find::Filter;
use crate::http::call::Call;
use crate::id::ObjectId;
use crate::journal::ContactNo;
use crate::json::Raw;
use crate::param::{Param, Shape};
use crate::problem::{self, Problem};
use crate::search::{MAX_LENGTH, MAX_WORDS, Query, QueryError, Tier};
use crate::storage::{Contact, List};

/// What is searched for.
pub const SEARCH: Param = Param::optional(
    "search",
    Shape::TEXT,
    "Contacts that match what a person types: words of the name, firstName and lastName and of the e-mail address, \
     whole or their beginnings, in any order; or the last six or more digits of the phone number; or a whole userId or \
     contact id. All words must match. Case, accents and spelling do not matter. Up to 255 characters and 10 words; all \
     contacts if it is blank.",
);

/// A page of contacts that were found.
pub struct Found {
    /// The contacts.
    pub rows: Vec<(Arc<List>, ContactNo, Contact)>,
    /// The beginning of the next page.
    pub next: Option<String>,
    /// What is to be known besides.
    pub warnings: Vec<Problem>,
}

/// Reads what is searched for; what is wrong with it is added to the problems.
pub fn read(raw: Option<Raw<'_>>, problems: &mut Vec<Problem>) -> Option<Query> {
    let text = match raw.map(Raw::as_text) {
        None => return None,
        Some(Some(text)) => text,
        Some(None) => {
            problems.push(problem::not_a_string("search"));
            return None;
        }
    };
    if text.trim().is_empty() {
        return None;
    }
    Query::parse(&text).map_err(|error| problems.push(wrong(error))).ok()
}

/// What is wrong with a text that is searched for.
pub fn wrong(error: QueryError) -> Problem {
    let text = match error {
        QueryError::Empty => "Argument search must have a letter or a digit".to_owned(),
        QueryError::TooLong => {
            format!("Argument search must have at most {MAX_LENGTH} characters and {MAX_WORDS} words")
        }
    };
    Problem::new("INVALID_SEARCH", text).of("search")
}

/// Reads the beginning of a page: the number of the group, and the id of the last contact of the page before.
fn read_after(raw: Option<Raw<'_>>, lists: &[Arc<List>]) -> Result<Option<Place>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let place = raw.as_trimmed().and_then(|text| {
        let (tier, id) = text.split_at_checked(1)?;
        let tier = Tier::ALL.into_iter().find(|known| known.number().to_string() == tier)?;
        let id = ObjectId::parse(id)?;
        let of_list = |list: &Arc<List>| {
            let number = id.contact_number(list.id)?;
            Some(Place { tier, list: list.no, number: ContactNo(number) })
        };
        lists.iter().find_map(of_list)
    });
    place.map(Some).ok_or_else(|| {
        let text = "Argument after must be the next of an answer about this search";
        Problem::new("INVALID_AFTER", text).of("after")
    })
}

/// The lists that are searched: the one that is named, or all that the token may see.
///
/// # Errors
/// There are too many, or the store fails.
pub async fn lists(call: &Call, named: Option<Arc<List>>) -> Result<Vec<Arc<List>>> {
    match named {
        Some(list) => Ok(vec![list]),
        None => call.app.queries.searched_lists(&call.caller).await,
    }
}

/// A page of contacts that match.
///
/// # Errors
/// `after` is of another search, or the store fails.
pub async fn find(
    call: &Call,
    query: &Query,
    lists: &[Arc<List>],
    filter: &Filter,
    after: Option<Raw<'_>>,
    limit: u32,
) -> Result<Found> {
    let from = read_after(after, lists).map_err(Refusal::from)?;
    let search = Search { lists, query, filter, from, limit };
    let hits = call.app.queries.search(&call.caller, search).await?;
    let id_of = |place: Place| {
        let list = lists.iter().find(|list| list.no == place.list)?;
        Some(format!("{}{}", place.tier.number(), ObjectId::of_contact(list.id, place.number.0)))
    };
    let mut warnings: Vec<_> =
        hits.damaged.iter().map(|(list, number)| problem::contact_damaged(*list, *number)).collect();
    if hits.incomplete {
        let text = "The search index is being built: contacts may be missing";
        warnings.push(Problem::new("SEARCH_INCOMPLETE", text).of("search"));
    }
    Ok(Found {
        next: hits.next.and_then(id_of),
        rows: hits.rows.into_iter().map(|hit| (hit.list, hit.number, hit.contact)).collect(),
        warnings,
    })
}
