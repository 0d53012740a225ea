//! Saved views of the console: what the page of contacts of a list shows, under a name.

use super::segments::{SavedName, refused};
use super::{Caller, Commands, Queries, Refusal, Result, read_only};
use domain::id::ObjectId;
use domain::problem::{self, Problem};
use storage::{Error, List, SavedKind, SavedQuery};

/// Views of a list.
const MAX_VIEWS: usize = 100;

/// Bytes of the address of a view: as much as a filter may have, escaped.
const MAX_QUERY: usize = 3 * domain::filter::MAX_TEXT;

/// The query of the address of a view.
#[derive(Clone, Debug)]
pub struct ViewQuery(String);

impl ViewQuery {
    /// Checks its length.
    ///
    /// # Errors
    /// It is too long.
    pub fn parse(query: String) -> Result<Self, Problem> {
        if query.len() > MAX_QUERY {
            return Err(problem::filter("filter", "is too long for a view"));
        }
        Ok(Self(query))
    }
}

impl Commands {
    /// Saves a view.
    ///
    /// # Errors
    /// The caller may not, the name is taken, the list has too many or was removed, or the store fails.
    pub async fn save_view(
        &self,
        caller: &Caller,
        list: &List,
        name: SavedName,
        query: ViewQuery,
    ) -> Result<ObjectId> {
        may_change(caller)?;
        let app = &self.0;
        let now = app.clock.now();
        let (id, kind, name) = (app.ids.next(now), SavedKind::View, name.into_text());
        let query = SavedQuery { id, kind, name, content: query.0, created_at: now, updated_at: now };
        let added = app.storage.add_saved_query(list.no, query, MAX_VIEWS).await;
        added.map_err(|error| refused(error, || problem::list_not_found(&list.id.to_string())))?;
        Ok(id)
    }

    /// Removes a view; whether it was there.
    ///
    /// # Errors
    /// The caller may not, or the store fails.
    pub async fn remove_view(&self, caller: &Caller, list: &List, id: ObjectId) -> Result<bool> {
        may_change(caller)?;
        let removed = self.0.storage.remove_saved_query(list.no, SavedKind::View, id).await;
        removed.map_err(Refusal::NotSaved)
    }
}

impl Queries {
    /// The views of a list, by name: each with the query of its address.
    ///
    /// # Errors
    /// The store fails.
    pub async fn views(&self, _caller: &Caller, list: &List) -> Result<Vec<SavedQuery>, Error> {
        self.0.storage.saved_queries(list.no, SavedKind::View).await
    }
}

fn may_change(caller: &Caller) -> Result<()> {
    match caller.read_only {
        true => Err(Refusal::Forbidden(read_only(&caller.token))),
        false => Ok(()),
    }
}
