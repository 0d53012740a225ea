//! The changes of contacts, for those who follow them.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::feed::{Place, Positions};
use super::{Caller, Operation, Queries, Reach, Refusal, Result};
use domain::contact::field::{Field, Key};
use domain::id::ObjectId;
use domain::journal::ListNo;
use domain::problem::{self, Problem};
use storage::{ChangeCursor, ChangePage, ChangeQuery, ChangesError, ChangesFrom, Detail, List, Suppression};

/// Reads changes.
pub static CHANGES: Operation = Operation::read("/v3/contacts/changes", Reach::Seen);

/// Changes of one page at most.
pub const MAX_LIMIT: u32 = 1_000;

/// Seconds that a request waits at most.
pub const MAX_WAIT: u32 = 30;

/// Lists that one cursor is about at most: it has a mark for each.
pub const MAX_LISTS: usize = 1_000;

/// Fields that a filter names at most.
pub const MAX_FIELDS: usize = 100;

/// Bytes of values of one page.
const MAX_BYTES: usize = 8 << 20;

/// Bytes of the cursors of one page: each change has one, with about 14 for each list.
const MAX_CURSORS: usize = 8 << 20;
const MARK: usize = 14;

/// The pause after a wake-up that found nothing, so that no reader spins.
const PAUSE: Duration = Duration::from_millis(20);

/// The name of a field by which changes are filtered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldName {
    /// A field of every contact.
    Field(Field),
    /// A variable of that name.
    Variable(String),
}

impl FieldName {
    /// Reads a name as changes show it.
    pub fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("variables.") {
            Some(variable) => Some(Self::Variable(variable.to_owned())),
            None => Field::ALL.into_iter().find(|field| field.name() == name).map(Self::Field),
        }
    }

    fn key(&self, list: &List) -> Option<Key> {
        match self {
            Self::Field(field) => Some(field.key()),
            Self::Variable(name) => {
                let variable = list.variables.iter().find(|variable| variable.name == *name);
                variable.map(|variable| Key::of_variable(variable.number))
            }
        }
    }
}

/// Which changes are read.
#[derive(Clone, Debug)]
pub struct ChangesRequest {
    /// Of this list alone; `None` for all lists that the caller may see.
    pub list: Option<ObjectId>,
    /// Where reading begins.
    pub from: ChangesFrom,
    /// Changes at most.
    pub limit: u32,
    /// What is read of each.
    pub detail: Detail,
    /// Only updates of these fields.
    pub fields: Option<Vec<FieldName>>,
}

/// What was read.
#[derive(Debug)]
pub struct ChangesRead {
    /// The changes.
    pub page: ChangePage,
    /// The lists that they are of.
    pub lists: HashMap<ListNo, Arc<List>>,
    /// What is suppressed of each contact of the changes, in their order.
    pub suppressed: Vec<Vec<Suppression>>,
    /// All lists that were read.
    all: Vec<ListNo>,
}

impl ChangesRead {
    /// Where each list stands behind the page.
    fn positions(&self) -> Positions {
        let next = &self.page.next;
        self.all.iter().map(|list| (*list, next.mark(*list).map_or(0, |mark| mark.position))).collect()
    }
}

impl Queries {
    /// The changes that follow a cursor, as far as they are applied.
    ///
    /// # Errors
    /// The list or the cursor is unknown, the cursor is too old, or the store fails.
    pub async fn changes(&self, caller: &Caller, request: &ChangesRequest) -> Result<ChangesRead> {
        let app = &self.0;
        let visible = self.followed(caller, request.list).await?;
        let scope = match (request.list, visible.first()) {
            (Some(_), Some((no, _))) => Some(*no),
            _ => None,
        };
        let all: Vec<_> = visible.iter().map(|(no, _)| *no).collect();
        let fields = match &request.fields {
            None => None,
            Some(names) => Some(self.keys(caller, &visible, names).await?),
        };
        let limit = (request.limit as usize).min(MAX_CURSORS / (MARK * (all.len() + 1)));
        let query = ChangeQuery {
            scope,
            from: request.from.clone(),
            limit: limit.max(1),
            bytes: MAX_BYTES,
            detail: request.detail,
            fields,
            ..ChangeQuery::new(caller.scope.account, all.clone())
        };
        let page = app.storage.read_changes(query).await.map_err(refused)?;
        let mut lists = HashMap::new();
        let changed: HashSet<_> = page.changes.iter().map(|change| change.list).collect();
        for (no, id) in visible {
            if changed.contains(&no)
                && let Some(list) = app.catalogue.list(&caller.scope, &id.to_string()).await?
            {
                lists.insert(no, list);
            }
        }
        let contacts = page.changes.iter().filter_map(|change| change.contact.as_ref());
        let suppressed = self.suppressions_of(caller, contacts).await?;
        Ok(ChangesRead { page, lists, suppressed, all })
    }

    /// The lists that are followed, by number.
    async fn followed(&self, caller: &Caller, list: Option<ObjectId>) -> Result<Vec<(ListNo, ObjectId)>> {
        let app = &self.0;
        if let Some(id) = list {
            let found = app.catalogue.list(&caller.scope, &id.to_string()).await?;
            return match found {
                Some(list) => Ok(vec![(list.no, id)]),
                None => Err(problem::list_not_found(&id.to_string()).into()),
            };
        }
        let mut lists = app.storage.account_lists(caller.scope.account).await?;
        lists.retain(|(_, id)| caller.scope.lists.as_ref().is_none_or(|seen| seen.contains(id)));
        if lists.len() > MAX_LISTS {
            let text = format!("At most {MAX_LISTS} lists are followed at once: name one in contactListId");
            return Err(Problem::new("TOO_MANY_LISTS", text).of("contactListId").into());
        }
        Ok(lists)
    }

    /// The keys of fields in each list.
    async fn keys(
        &self,
        caller: &Caller,
        lists: &[(ListNo, ObjectId)],
        names: &[FieldName],
    ) -> Result<HashMap<ListNo, HashSet<Key>>> {
        let mut keys = HashMap::with_capacity(lists.len());
        for (no, id) in lists {
            if let Some(list) = self.0.catalogue.list(&caller.scope, &id.to_string()).await? {
                keys.insert(*no, names.iter().filter_map(|name| name.key(&list)).collect());
            }
        }
        Ok(keys)
    }

    /// The same. If there are none, it waits for the first, at most so long; `busy` is dropped before it waits. It ends
    /// early without changes when `interrupted` ends, or another request of the token takes its place.
    ///
    /// # Errors
    /// Those of [`Queries::changes`].
    pub async fn changes_within(
        &self,
        caller: &Caller,
        mut request: ChangesRequest,
        wait: Duration,
        busy: impl Send,
        interrupted: impl Future<Output = ()> + Send,
    ) -> Result<ChangesRead> {
        let app = &self.0;
        let deadline = app.clock.now().after(wait);
        let mut read = self.changes(caller, &request).await?;
        if wait.is_zero() || !read.page.changes.is_empty() {
            return Ok(read);
        }
        drop(busy);
        let place = app.followers.take_place(&caller.token, scope_of(&request, &read));
        let mut interrupted = pin!(interrupted);
        loop {
            request.from = ChangesFrom::After(read.page.next.clone());
            if !read.page.more {
                tokio::select! {
                    biased;
                    () = &mut interrupted => return Ok(read),
                    () = place.given_way() => return Ok(read),
                    () = place.changed(read.positions()) => {}
                    () = app.clock.sleep_until(deadline) => return Ok(read),
                }
            }
            read = self.changes(caller, &request).await?;
            if !read.page.changes.is_empty() || app.clock.now() >= deadline {
                return Ok(read);
            }
            app.clock.sleep(PAUSE).await;
        }
    }

    /// The cursor behind the last change of a list: with contacts that are read after it, the changes behind it are
    /// complete.
    ///
    /// # Errors
    /// The store fails.
    pub async fn change_cursor(&self, caller: &Caller, list: &List) -> Result<ChangeCursor> {
        let (account, scope) = (caller.scope.account, Some(list.no));
        Ok(self.0.storage.change_cursor(account, scope, vec![list.no]).await?)
    }

    /// A place among those who wait for changes.
    pub fn follower(&self, caller: &Caller, request: &ChangesRequest, read: &ChangesRead) -> Place<'_> {
        self.0.followers.take_place(&caller.token, scope_of(request, read))
    }

    /// Returns once there may be changes behind what was read.
    pub async fn next_changes(&self, place: &Place<'_>, read: &ChangesRead) {
        if !read.page.more {
            place.changed(read.positions()).await;
        }
    }
}

fn scope_of(request: &ChangesRequest, read: &ChangesRead) -> Option<ListNo> {
    request.list.and_then(|_| read.all.first().copied())
}

/// The cursor is too old.
pub fn expired() -> Refusal {
    let text = "The cursor is older than the changes that are stored. Read the contacts with contacts/find, and go on \
                from the cursor of its first page";
    Refusal::Gone(Problem::new("CURSOR_EXPIRED", text).of("after"))
}

fn refused(error: ChangesError) -> Refusal {
    match error {
        ChangesError::Expired => expired(),
        ChangesError::Unknown => {
            let text = "The cursor is not of these lists on this server, or the server was restored from an older \
                        backup. Read the contacts with contacts/find, and go on from the cursor of its first page";
            Problem::new("CURSOR_UNKNOWN", text).of("after").into()
        }
        ChangesError::Store(error) => Refusal::Store(error),
    }
}
