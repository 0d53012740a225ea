//! Which list is applied next. Each node looks for itself; that a list is applied by one alone, its lock sees to.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::{Duration, Instant};

use super::{Done, apply_list};
use crate::clock::Timestamp;
use crate::journal::ListNo;
use crate::storage::postgres::session::{Session, get, get_number};
use crate::storage::postgres::shared::Shared;
use crate::storage::postgres::store::PostgresStore;
use crate::storage::{Applied, Backlog, Error};

/// How long a node trusts what it knows of the journal. What a node has accepted that died is found within this.
const LOOK: Duration = Duration::from_millis(250);

/// A list that this node applies, until this is dropped.
struct Turn<'a> {
    shared: &'a Shared,
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
        self.shared.journal().waiting.remove(&self.list);
    }

    /// So many batches of so many bytes wait no more.
    fn applied(&self, bytes: &[u64]) {
        let backlog = &mut self.shared.journal().backlog;
        backlog.batches = backlog.batches.saturating_sub(bytes.len() as u64);
        backlog.bytes = backlog.bytes.saturating_sub(bytes.iter().sum());
    }
}

/// The next list in which something waits and that this node is not applying; going round, so that none starves.
fn next_turn(shared: &Shared) -> Option<Turn<'_>> {
    let mut journal = shared.journal();
    let from = journal.last.map_or(Bound::Unbounded, Bound::Excluded);
    let behind = journal.waiting.range((from, Bound::Unbounded));
    let free = |list: &&ListNo| !journal.applying.contains_key(list);
    let list = behind.chain(&journal.waiting).find(free).copied()?;
    journal.last = Some(list);
    journal.applying.insert(list, 0);
    Some(Turn { shared, list })
}

/// Applies the next batches of one list.
pub async fn apply_next(store: &PostgresStore, max: usize, now: Timestamp) -> Result<Applied, Error> {
    let mut looked = store.shared.journal().looked_at.is_none_or(|then| then.elapsed() >= LOOK);
    if looked || max == 0 {
        store.read(look).await?;
    }
    if max == 0 {
        return Ok(Applied::default());
    }
    loop {
        let Some(turn) = next_turn(&store.shared) else {
            if looked {
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

/// Looks where something waits, whoever has accepted it.
fn look(session: &Session, shared: &Shared) -> Result<(), Error> {
    let select =
        "SELECT list, count(*) FILTER (WHERE NOT fence), sum(bytes)::bigint FROM batch GROUP BY list";
    let (mut waiting, mut backlog) = (BTreeSet::new(), Backlog::default());
    for row in session.query(select, &[])? {
        waiting.insert(ListNo(get(&row, 0)?));
        backlog.batches += get_number(&row, 1)?;
        backlog.bytes += get_number(&row, 2)?;
    }
    let mut journal = shared.journal();
    journal.waiting.extend(waiting);
    journal.backlog = backlog;
    journal.looked_at = Some(Instant::now());
    Ok(())
}
