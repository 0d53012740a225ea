//! Which list is applied next. Each node looks for itself; that a list is applied by one alone, its lock sees to.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::{Duration, Instant};

use super::look::look;
use super::{Done, apply_list};
use crate::shared::{Journal, Shared};
use crate::store::PostgresStore;
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ListNo};
use storage::{Applied, Backlog, Error};

/// How often a list is tried again that another transaction holds, before a look finds it again.
const TRIES: u32 = 4;

/// The pause before.
const PAUSE: Duration = Duration::from_millis(50);

/// A list that this node applies, until this is dropped.
struct ListLease<'a> {
    shared: &'a Shared,
    account: AccountNo,
    list: ListNo,
}

impl Drop for ListLease<'_> {
    fn drop(&mut self) {
        self.shared.journal().applying.remove(&self.list);
    }
}

impl ListLease<'_> {
    /// Nothing waits in the list any more, unless something was appended to it meanwhile.
    fn is_over(&self) {
        let mut journal = self.shared.journal();
        if journal.appended.contains(&self.list) {
            return;
        }
        self.remove(&mut journal);
        // What waited for this list may go on.
        let held = journal.held.remove(&self.account).unwrap_or_default();
        if !held.is_empty() {
            journal.waiting.entry(self.account).or_default().extend(held);
        }
    }

    /// Another node sees to the list, or it waits for others of its account.
    fn is_held(&self) {
        let mut journal = self.shared.journal();
        self.remove(&mut journal);
        // The end of a lock gives no signal.
        journal.look_soon();
        journal.held.entry(self.account).or_default().insert(self.list);
    }

    fn remove(&self, journal: &mut Journal) {
        let lists = journal.waiting.get_mut(&self.account);
        if lists.is_some_and(|lists| lists.remove(&self.list) && lists.is_empty()) {
            journal.waiting.remove(&self.account);
            journal.last_lists.remove(&self.account);
        }
    }

    /// So many batches of so many bytes wait no more.
    fn applied(&self, bytes: &[u64]) {
        let mut journal = self.shared.journal();
        let (batches, bytes) = (bytes.len() as u64, bytes.iter().sum());
        let less = |backlog: &mut Backlog| {
            backlog.batches = backlog.batches.saturating_sub(batches);
            backlog.bytes = backlog.bytes.saturating_sub(bytes);
        };
        journal.backlog_changes += 1;
        less(&mut journal.backlog);
        journal.backlogs.entry(self.account).and_modify(less);
        if self.list.0 < 0 {
            // All lists of the account have waited for it: a look finds those in which something is left.
            journal.looked_at = None;
        }
    }
}

/// The next list in which something waits and that this node is not applying. Accounts take turns, and so do the lists of
/// each: none starves, however many lists another account has.
fn next_lease(shared: &Shared) -> Option<ListLease<'_>> {
    let mut journal = shared.journal();
    let next_of = |account: &AccountNo, lists: &BTreeSet<ListNo>| {
        let last = journal.last_lists.get(account).map_or(Bound::Unbounded, |last| Bound::Excluded(*last));
        let behind = lists.range((last, Bound::Unbounded));
        behind.chain(lists).find(|list| !journal.applying.contains_key(list)).copied()
    };
    let last = journal.last.map_or(Bound::Unbounded, Bound::Excluded);
    let accounts = journal.waiting.range((last, Bound::Unbounded)).chain(&journal.waiting);
    let found = accounts.filter_map(|(account, lists)| Some((*account, next_of(account, lists)?))).next();
    let (account, list) = found?;
    journal.last = Some(account);
    journal.last_lists.insert(account, list);
    journal.applying.insert(list, 0);
    journal.appended.remove(&list);
    Some(ListLease { shared, account, list })
}

/// Whether a look is due. It is this caller's then: others that ask meanwhile need none.
fn is_due(shared: &Shared) -> bool {
    let mut journal = shared.journal();
    let is_due = journal.looked_at.is_none_or(|then| then.elapsed() >= journal.look_after);
    if is_due {
        journal.looked_at = Some(Instant::now());
    }
    is_due
}

async fn look_now(store: &PostgresStore) -> Result<(), Error> {
    let looked = store.read(look).await;
    if looked.is_err() {
        store.shared.journal().looked_at = None;
    }
    looked
}

/// Applies the next batches of one list.
pub async fn apply_next(store: &PostgresStore, max: usize, now: Timestamp) -> Result<Applied, Error> {
    if max == 0 {
        store.read(look).await?;
        // Who only looks does not apply: what is appended until then is not waited for.
        store.shared.journal().looked_at = None;
        return Ok(Applied::default());
    }
    let (mut looked, mut locked, mut tries) = (is_due(&store.shared), false, 0);
    if looked {
        look_now(store).await?;
    }
    loop {
        let Some(turn) = next_lease(&store.shared) else {
            if locked && tries < TRIES {
                // Retention holds a list for a moment; another node that applies it, for longer.
                (locked, tries) = (false, tries + 1);
                tokio::time::sleep(PAUSE).await;
                let mut journal = store.shared.journal();
                for (account, lists) in std::mem::take(&mut journal.held) {
                    journal.waiting.entry(account).or_default().extend(lists);
                }
                continue;
            }
            if looked || !is_due(&store.shared) {
                return Ok(Applied::default());
            }
            look_now(store).await?;
            looked = true;
            continue;
        };
        let list = turn.list;
        match store.write(move |session, shared| apply_list(session, shared, list, max, now)).await? {
            Done::Applied(applied, bytes) if applied.batches > 0 => {
                turn.applied(&bytes);
                return Ok(applied);
            }
            Done::Applied(..) => turn.is_over(),
            Done::Held => turn.is_held(),
            Done::Locked => {
                turn.is_held();
                locked = true;
            }
        }
    }
}
