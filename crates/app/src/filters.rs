//! Filters of contacts, made ready: ids of sources and segments are looked up.

use super::{Caller, Queries, Result};
use crate::find::{ContactQuery, Filter};
use domain::clock::Timestamp;
use domain::filter::{Resolved, Tree};
use domain::problem;
use storage::{List, SourceRef};

impl Queries {
    /// The filter of what is wanted. Without a list, no segment can be looked up.
    ///
    /// # Errors
    /// It names a segment that does not exist, or the store fails.
    pub async fn filter(
        &self,
        caller: &Caller,
        list: Option<&List>,
        wanted: &ContactQuery,
    ) -> Result<Filter> {
        let filter = match wanted.tree() {
            Some(tree) => self.compile(caller, list, &tree).await?,
            None => Filter { at: self.0.clock.now(), ..Filter::default() },
        };
        Ok(Filter { search: wanted.search.clone(), ..filter })
    }

    /// A filter, ready to be asked at this time.
    ///
    /// # Errors
    /// It names a segment that does not exist, or the store fails.
    pub async fn compile(&self, caller: &Caller, list: Option<&List>, tree: &Tree) -> Result<Filter> {
        self.compile_at(caller, list, tree, self.0.clock.now()).await
    }

    /// The same at another time.
    ///
    /// # Errors
    /// It names a segment that does not exist, or the store fails.
    pub async fn compile_at(
        &self,
        caller: &Caller,
        list: Option<&List>,
        tree: &Tree,
        now: Timestamp,
    ) -> Result<Filter> {
        let mut resolved = Resolved { now, ..Resolved::default() };
        let named = tree.segments();
        if !named.is_empty() {
            let segments = match list {
                Some(list) => self.segments(caller, list).await?,
                None => Vec::new(),
            };
            for id in named {
                let segment = segments.iter().find(|segment| segment.id == id);
                let segment = segment.ok_or_else(|| problem::segment_not_found(id).of("filter"))?;
                resolved.segments.insert(id, segment.filter.clone());
            }
        }
        let of_segments = resolved.segments.values().flat_map(Tree::sources);
        let sources: Vec<_> = tree.sources().into_iter().chain(of_segments).collect();
        for id in sources {
            let source = self.0.catalogue.source(caller.scope.account, SourceRef::Id(id)).await?;
            resolved.sources.extend(source.map(|source| (id, source.no)));
        }
        Ok(Filter { matcher: tree.compile(&resolved).into(), at: now, search: None })
    }
}
