//! Tokens, lists and sources as every request needs them: cached, bounded, never older than the last change of their
//! account that this process has heard of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use domain::clock::Clock;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use domain::token::{PresentedToken, SecretHash};
use storage::{Access, CatalogueChanges, Error, List, Source, SourceRef, Storage, Topic};

/// How often changes by other processes are looked for without signals: a revoked token stops working within this.
const POLL: Duration = Duration::from_millis(100);

const TOKENS: usize = 4_096;
/// A list has up to 500 variables: some 50 KB.
const LISTS: usize = 1_024;
const SOURCES: usize = 4_096;

/// Accounts whose last change is known; beyond them all count as changed.
const ACCOUNTS: usize = 4_096;

/// A value with the number of the change before which it was read.
type Versioned<T> = (u64, Option<Arc<T>>);

/// The changes that this process has heard of, numbered from 1.
#[derive(Default)]
struct Changes {
    last: u64,
    /// The last that may be of any account.
    any: u64,
    /// The last of each account, where that is later.
    accounts: HashMap<AccountNo, u64>,
}

impl Changes {
    fn account(&mut self, account: AccountNo) {
        self.last += 1;
        if self.accounts.len() < ACCOUNTS || self.accounts.contains_key(&account) {
            self.accounts.insert(account, self.last);
        } else {
            self.any();
        }
    }

    fn any(&mut self) {
        self.last += 1;
        self.any = self.last;
        self.accounts.clear();
    }

    /// The last change that may concern what belongs to the account; of what belongs to none, any may.
    fn last_of(&self, account: Option<AccountNo>) -> u64 {
        match account {
            Some(account) => self.accounts.get(&account).map_or(self.any, |last| self.any.max(*last)),
            None => self.last,
        }
    }
}

/// Who looks: an account, and how much of it they may see.
#[derive(Clone, Debug)]
pub struct AccessScope {
    /// The account.
    pub account: AccountNo,
    /// The lists that they are limited to, also those that are gone; `None` where they may see all.
    pub lists: Option<Vec<ObjectId>>,
}

/// The cache in front of the store.
pub struct Catalogue {
    storage: Arc<dyn Storage>,
    changes: Mutex<Changes>,
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
            changes: Mutex::default(),
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
        let owner = |access: Option<&Access>| access?.account.as_ref().map(|account| account.no);
        self.cached(&self.access, key.to_owned(), read, owner).await
    }

    /// Whether this server has had that token before, with that secret. It may have been revoked since.
    pub fn has_seen(&self, token: &PresentedToken<'_>) -> bool {
        let seen = self.access.peek(token.key).and_then(|(_, access)| access);
        // Compared also where there is nothing to compare with, as in the gate.
        seen.map_or(SecretHash::NONE, |access| access.secret_hash).fits(token.secret)
    }

    /// The account's list with that id. One that the caller may not see is as one that is not there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self, scope: &AccessScope, id: &str) -> Result<Option<Arc<List>>, Error> {
        match ObjectId::parse(id) {
            Some(id) => self.list_by_id(scope, id).await,
            None => Ok(None),
        }
    }

    async fn list_by_id(&self, scope: &AccessScope, id: ObjectId) -> Result<Option<Arc<List>>, Error> {
        if scope.lists.as_ref().is_some_and(|lists| !lists.contains(&id)) {
            return Ok(None);
        }
        let read = async {
            let found = self.storage.find_list(id).await?;
            Ok(found.filter(|list| list.account == scope.account))
        };
        self.cached(&self.lists, (scope.account, id), read, |_| Some(scope.account)).await
    }

    /// Whether the caller may see what belongs to a list of the account. Those who are limited to lists that are
    /// gone see nothing of them any more.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn sees(&self, scope: &AccessScope, list: ObjectId) -> Result<bool, Error> {
        Ok(scope.lists.is_none() || self.list_by_id(scope, list).await?.is_some())
    }

    /// The numbers of the lists that the caller is limited to, those that are gone left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn limits(&self, scope: &AccessScope) -> Result<Option<Vec<ListNo>>, Error> {
        let Some(lists) = &scope.lists else { return Ok(None) };
        let mut numbers = Vec::with_capacity(lists.len());
        for list in lists {
            numbers.extend(self.list_by_id(scope, *list).await?.map(|list| list.no));
        }
        Ok(Some(numbers))
    }

    /// The account's source with that name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn source(&self, account: AccountNo, source: SourceRef) -> Result<Option<Arc<Source>>, Error> {
        let read = self.storage.find_source(account, source.clone());
        self.cached(&self.sources, (account, source), read, |_| Some(account)).await
    }

    async fn cached<K, V>(
        &self,
        cache: &Cache<K, Versioned<V>>,
        key: K,
        read: impl Future<Output = Result<Option<V>, Error>>,
        owner: impl Fn(Option<&V>) -> Option<AccountNo>,
    ) -> Result<Option<Arc<V>>, Error>
    where
        K: Eq + std::hash::Hash + Clone,
    {
        let cached = cache.get(&key);
        let now = {
            let changes = self.changes();
            if let Some((seen, value)) = cached
                && seen >= changes.last_of(owner(value.as_deref()))
            {
                return Ok(value);
            }
            changes.last
        };
        // The number was taken before the read: a change in between makes the entry stale at once.
        let value = read.await?.map(Arc::new);
        cache.insert(key, (now, value.clone()));
        Ok(value)
    }

    /// For as short as it takes; no code that holds it can leave it half changed.
    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called after this process has changed something of any account: what was cached before is read again.
    pub fn changed(&self) {
        self.changes().any();
    }

    /// Called after this process has changed something of one account: what was cached of others stays.
    pub fn account_changed(&self, account: AccountNo) {
        self.changes().account(account);
    }

    /// Looks for changes by other processes, for ever.
    pub async fn watch(&self, clock: &dyn Clock) {
        // What is cached before the first look may be as old as the start.
        let (mut seen, mut away) = (None, false);
        loop {
            let found = self.storage.catalogue_changes(seen.unwrap_or_default()).await;
            // A store that is away would be ten lines a second.
            if let Err(error) = &found
                && !away
            {
                tracing::warn!(%error, "catalogue: reading changes failed, retrying");
            }
            away = found.is_err();
            if let Ok(CatalogueChanges { version, accounts }) = found {
                let known = seen.replace(version).is_some();
                match accounts.filter(|_| known) {
                    Some(accounts) => accounts.into_iter().for_each(|account| self.account_changed(account)),
                    None => self.changed(),
                }
            }
            let wait = if away { POLL } else { self.storage.look_after(POLL) };
            tokio::select! {
                biased;
                () = self.storage.signalled(Topic::Catalogue) => {}
                () = clock.sleep(wait) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cached_of_an_account_outlives_the_changes_of_others() {
        let (one, two) = (Some(AccountNo(1)), Some(AccountNo(2)));
        let mut changes = Changes::default();
        changes.account(AccountNo(2));
        assert_eq!([changes.last_of(one), changes.last_of(two), changes.last_of(None)], [0, 1, 1]);
        changes.any();
        assert_eq!([changes.last_of(one), changes.last_of(two), changes.last_of(None)], [2, 2, 2]);
    }

    #[test]
    fn what_is_known_of_accounts_is_bounded() {
        let mut changes = Changes::default();
        (0..).take(ACCOUNTS + 1).for_each(|account| changes.account(AccountNo(account)));
        assert!(changes.accounts.is_empty());
        assert!((0..).take(ACCOUNTS + 1).all(|no| changes.last_of(Some(AccountNo(no))) > ACCOUNTS as u64));
    }
}
