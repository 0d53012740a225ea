//! `search` in `/v3/contacts/find`.

use std::sync::Arc;

use crate::call::Call;
use app::contacts::search::{Place, Search};
use app::find::Filter;
use app::{Refusal, Result};
use domain::journal::ContactNo;
use domain::json::Raw;
use domain::problem::{self, Problem};
use domain::search::Query;
use storage::{Contact, List};

/// A page of contacts that were found.
pub struct Found {
    /// The contacts.
    pub rows: Vec<(Arc<List>, ContactNo, Contact)>,
    /// The beginning of the next page.
    pub next: Option<String>,
    /// What is to be known besides.
    pub warnings: Vec<Problem>,
}

/// Reads the beginning of a page: the number of the group, and the id of the last contact of the page before.
fn read_after(raw: Option<Raw<'_>>, lists: &[Arc<List>]) -> Result<Option<Place>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let place = raw.as_trimmed().and_then(|text| Place::read(&text, lists));
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
    let mut warnings: Vec<_> =
        hits.damaged.iter().map(|(list, number)| problem::contact_damaged(*list, *number)).collect();
    if hits.incomplete {
        let text = "The search index is being built: contacts may be missing";
        warnings.push(Problem::new("SEARCH_INCOMPLETE", text).of("search"));
    }
    Ok(Found {
        next: hits.next.and_then(|place| place.text(lists)),
        rows: hits.rows.into_iter().map(|hit| (hit.list, hit.number, hit.contact)).collect(),
        warnings,
    })
}
