//! Tokens, lists and sources as every request needs them: cached, bounded, never older than the last change that
//! this process has heard of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::Clock;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};
use crate::storage::{Access, Error, List, Source, SourceRef, Storage};
use crate::token::{PresentedToken, SecretHash};

/// How often changes by other processes are looked for: a revoked token stops working within this.
const POLL: Duration = Duration::from_millis(100);

const TOKENS: usize = 4_096;
/// A list has up to 500 variables: some 50 KB.
const LISTS: usize = 1_024;
const SOURCES: usize = 4_096;

/// A value with the version of the catalogue as of which it was read; an older one is read again.
type Versioned<T> = (u64, Option<Arc<T>>);

/// Who looks: an account, and how much of it they may see.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The account.
    pub account: AccountNo,
    /// The lists that they are limited to, also those that are gone; `None` where they may see all.
    pub lists: Option<Vec<ObjectId>>,
}

/// The cache in front of the store.
pub struct Catalogue {
    storage: Arc<dyn Storage>,
    version: AtomicU64,
    access: Cache<String, Versioned<Access>>,
    /// By the account that asks: of a list in use, others learn nothing by how soon they are answered.
    lists: Cache<(AccountNo, ObjectId), Versioned<List>>,
    sources: Cache<(AccountNo, SourceRef), Versioned<Source>>,
}

impl Catalogue {
    /// An empty cache.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            version: AtomicU64::new(0),
            access: Cache::new(TOKENS),
            lists: Cache::new(LISTS),
            sources: Cache::new(SOURCES),
        }
    }

    /// The token with that public part.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn access(&self, key: &str) -> Result<Option<Arc<Access>>, Error> {
        let read = self.storage.find_access(key.to_owned());
        self.cached(&self.access, key.to_owned(), read).await
    }

    /// Whether this server has had that token before, with that secret. It may have been revoked since.
    pub fn has_seen(&self, token: &PresentedToken<'_>) -> bool {
        let seen = self.access.peek(token.key).and_then(|(_, access)| access);
        // Compared also where there is nothing to compare with, as in the gate.
        seen.map_or(SecretHash::NONE, |access| access.secret_hash).fits(token.secret)
    }

    /// The account's list with that id. One that the viewer may not see is as one that is not there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self, viewer: &Viewer, id: &str) -> Result<Option<Arc<List>>, Error> {
        match ObjectId::parse(id) {
            Some(id) => self.list_by_id(viewer, id).await,
            None => Ok(None),
        }
    }

    async fn list_by_id(&self, viewer: &Viewer, id: ObjectId) -> Result<Option<Arc<List>>, Error> {
        if viewer.lists.as_ref().is_some_and(|lists| !lists.contains(&id)) {
            return Ok(None);
        }
        let read = async {
            let found = self.storage.find_list(id).await?;
            Ok(found.filter(|list| list.account == viewer.account))
        };
        self.cached(&self.lists, (viewer.account, id), read).await
    }

    /// Whether the viewer may see what belongs to a list of the account. Those who are limited to lists that are
    /// gone see nothing of them any more.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn sees(&self, viewer: &Viewer, list: ObjectId) -> Result<bool, Error> {
        Ok(viewer.lists.is_none() || self.list_by_id(viewer, list).await?.is_some())
    }

    /// The numbers of the lists that the viewer is limited to, those that are gone left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn limits(&self, viewer: &Viewer) -> Result<Option<Vec<ListNo>>, Error> {
        let Some(lists) = &viewer.lists else { return Ok(None) };
        let mut numbers = Vec::with_capacity(lists.len());
        for list in lists {
            numbers.extend(self.list_by_id(viewer, *list).await?.map(|list| list.no));
        }
        Ok(Some(numbers))
    }

    /// The account's source with that name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Arc<Source>>, Error> {
        let read = self.storage.find_source(account, source.clone());
        self.cached(&self.sources, (account, source), read).await
    }

    async fn cached<K, V>(
        &self,
        cache: &Cache<K, Versioned<V>>,
        key: K,
        read: impl Future<Output = Result<Option<V>, Error>>,
    ) -> Result<Option<Arc<V>>, Error>
    where
        K: Eq + std::hash::Hash + Clone,
    {
        let version = self.version.load(Ordering::Acquire);
        if let Some((seen, value)) = cache.get(&key)
            && seen == version
        {
            return Ok(value);
        }
        // The version was taken before the read: a change in between makes the entry stale at once.
        let value = read.await?.map(Arc::new);
        cache.insert(key, (version, value.clone()));
        Ok(value)
    }

    /// Called after this process has changed something: what was cached before is read again.
    pub fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Looks for changes by other processes, for ever.
    pub async fn watch(&self, clock: &dyn Clock) {
        let (mut stored, mut away) = (None, false);
        loop {
            let version = self.storage.catalogue_version().await;
            // A store that is away would be ten lines a second.
            if let Err(error) = &version
                && !away
            {
                tracing::warn!(%error, "catalogue: reading changes failed, retrying");
            }
            away = version.is_err();
            if let Ok(version) = version
                && stored.replace(version) != Some(version)
            {
                self.changed();
            }
            clock.sleep(POLL).await;
        }
    }
}
