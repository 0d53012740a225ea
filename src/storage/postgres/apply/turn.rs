//! Which list is applied next. Each node looks for itself; that a list is applied by one alone, its lock sees to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use super::{Done, apply_list};
use crate::clock::Timestamp;
use crate::journal::{AccountNo, ListNo};
use crate::storage::postgres::idle::LONGEST;
use crate::storage::postgres::session::{Session, get, get_number};
use crate::storage::postgres::shared::{Journal, Shared};
use crate::storage::postgres::store::PostgresStore;
use crate::storage::{Applied, Backlog, Error};

/// How long a node trusts what it knows of the journal while something waits. Each look that finds nothing doubles the
/// time, up to [`LONGEST`]: what a node has accepted that died is found within that.
const LOOK: Duration = Duration::from_millis(250);

/// A list that this node applies, until this is dropped.
struct Turn<'a> {
    shared: &'a Shared,
    account: AccountNo,
    list: ListNo,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.journal().applying.remove(&self.list);
    }
}

impl Turn<'_> {
    /// Nothing waits in the list any more, as far as this node knows, or another node sees to it.
    fn is_over(&self) {
        let mut journal = self.shared.journal();
        let lists = journal.waiting.get_mut(&self.account);
        if lists.is_some_and(|lists| lists.remove(&self.list) && lists.is_empty()) {
            journal.waiting.remove(&self.account);
            journal.last_lists.remove(&self.account);
        }
        // A batch that was appended to the list meanwhile is found by a look.
        journal.looked_at = None;
    }

    /// So many batches of so many bytes wait no more.
    fn applied(&self, bytes: &[u64]) {
        let mut journal = self.shared.journal();
        let (batches, bytes) = (bytes.len() as u64, bytes.iter().sum());
        let less = |backlog: &mut Backlog| {
            backlog.batches = backlog.batches.saturating_sub(batches);
            backlog.bytes = backlog.bytes.saturating_sub(bytes);
        };
        less(&mut journal.backlog);
        journal.backlogs.entry(self.account).and_modify(less);
    }
}

/// The next list in which something waits and that this node is not applying. Accounts take turns, and so do the lists of
/// each: none starves, however many lists another account has.
fn next_turn(shared: &Shared) -> Option<Turn<'_>> {
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
    Some(Turn { shared, account, list })
}

/// Applies the next batches of one list.
pub async fn apply_next(store: &PostgresStore, max: usize, now: Timestamp) -> Result<Applied, Error> {
    if max == 0 {
        store.read(look).await?;
        // Who only looks does not apply: what is appended until then is not waited for.
        store.shared.journal().looked_at = None;
        return Ok(Applied::default());
    }
    let is_due =
        |journal: &Journal| journal.looked_at.is_none_or(|then| then.elapsed() >= journal.look_after);
    let mut looked = is_due(&store.shared.journal());
    if looked {
        store.read(look).await?;
    }
    loop {
        let Some(turn) = next_turn(&store.shared) else {
            if looked || !is_due(&store.shared.journal()) {
                return Ok(Applied::default());
            }
            store.read(look).await?;
            looked = true;
            continue;
        };
        let list = turn.list;
        match store.write(move |session, shared| apply_list(session, shared, list, max, now)).await? {
            Done::Applied(applied, bytes) if applied.batches > 0 => {
                turn.applied(&bytes);
                return Ok(applied);
            }
            Done::Applied(..) | Done::Held => turn.is_over(),
        }
    }
}

/// Looks where something waits, whoever has accepted it. A list is of one account.
fn look(session: &Session, shared: &Shared) -> Result<(), Error> {
    let select = "SELECT list, min(account), count(*) FILTER (WHERE NOT fence), sum(bytes)::bigint FROM batch \
                  GROUP BY list";
    let mut waiting: BTreeMap<AccountNo, BTreeSet<ListNo>> = BTreeMap::new();
    let (mut backlog, mut backlogs) = (Backlog::default(), BTreeMap::<AccountNo, Backlog>::new());
    for row in session.query(select, &[])? {
        let account = AccountNo(get(&row, 1)?);
        waiting.entry(account).or_default().insert(ListNo(get(&row, 0)?));
        for backlog in [&mut backlog, backlogs.entry(account).or_default()] {
            backlog.batches += get_number(&row, 2)?;
            backlog.bytes += get_number(&row, 3)?;
        }
    }
    let mut journal = shared.journal();
    let twice = (journal.look_after * 2).clamp(LOOK, LONGEST);
    journal.look_after = if waiting.is_empty() { twice } else { LOOK };
    for (account, mut lists) in waiting {
        journal.waiting.entry(account).or_default().append(&mut lists);
    }
    journal.backlog = backlog;
    journal.backlogs = backlogs;
    journal.looked_at = Some(Instant::now());
    Ok(())
}
