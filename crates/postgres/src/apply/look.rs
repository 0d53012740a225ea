//! Where something waits, whichever node has accepted it.
//!
//! A look costs a few pages for each list and each batch that waits, and nothing for the dead rows of those that were
//! applied. On Citus no statement does that over all shards: there the journal is read whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio_postgres::Row;

use crate::citus;
use crate::idle::LONGEST;
use crate::session::{Session, get, get_number};
use crate::shared::Shared;
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ListNo};
use storage::{Backlog, Error};

/// How long a node trusts what it knows of the journal while something waits. Each look that finds nothing doubles the
/// time, up to [`Shared::longest`]: what a node has accepted that died is found within that, or when the node's end is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// A look may take one part in so many of the time.
const SHARE: u32 = 20;

/// From list to list, the highest first: the newest version of its queue is in front of the older ones.
const ONE_DATABASE: &str = "WITH RECURSIVE of_one_database AS (\
    (SELECT list, last FROM queue ORDER BY list DESC, last DESC LIMIT 1) UNION ALL \
    SELECT n.list, n.last FROM of_one_database q CROSS JOIN LATERAL (SELECT list, last FROM queue \
    WHERE list < q.list ORDER BY list DESC, last DESC LIMIT 1) n) \
    SELECT q.list, b.account, b.batches, b.bytes, b.oldest FROM of_one_database q \
    CROSS JOIN LATERAL (SELECT coalesce(max(position), 0) AS last FROM request WHERE list = q.list) applied \
    CROSS JOIN LATERAL (SELECT min(account) AS account, count(*) FILTER (WHERE NOT fence) AS batches, \
    sum(bytes)::bigint AS bytes, min(accepted_at) FILTER (WHERE NOT fence) AS oldest FROM batch \
    WHERE list = q.list AND position > applied.last) b WHERE q.last > applied.last AND b.account IS NOT NULL";

/// For each list in which something waits: its number, its account, how many batches of how many bytes, and when the
/// oldest was accepted.
fn waiting(session: &Session) -> Result<Vec<Row>, Error> {
    let row = session.query_opt("SELECT to_regclass('pg_dist_partition') IS NOT NULL", &[])?;
    let is_citus = row.map_or(Ok(false), |row| get(&row, 0))?;
    session.query(if is_citus { citus::WAITING } else { ONE_DATABASE }, &[])
}

/// Looks where something waits. A list is of one account.
pub fn look(session: &Session, shared: &Shared) -> Result<(), Error> {
    let start = Instant::now();
    let (changes, hints) = {
        let journal = shared.journal();
        (journal.backlog_changes, journal.hints)
    };
    let mut waiting: BTreeMap<AccountNo, BTreeSet<ListNo>> = BTreeMap::new();
    let (mut backlog, mut backlogs) = (Backlog::default(), BTreeMap::<AccountNo, Backlog>::new());
    for row in self::waiting(session)? {
        let account = AccountNo(get(&row, 1)?);
        waiting.entry(account).or_default().insert(ListNo(get(&row, 0)?));
        for backlog in [&mut backlog, backlogs.entry(account).or_default()] {
            backlog.batches += get_number(&row, 2)?;
            backlog.bytes += get_number(&row, 3)?;
        }
    }
    let (mut journal, longest) = (shared.journal(), shared.longest());
    let soonest = LOOK.max(start.elapsed() * SHARE).min(LONGEST);
    let twice = (journal.look_after * 2).clamp(soonest, longest);
    journal.soonest = soonest;
    // Something that was said meanwhile may not be in what was read.
    journal.look_after = if waiting.is_empty() && journal.hints == hints { twice } else { soonest };
    for (account, mut lists) in waiting {
        journal.waiting.entry(account).or_default().append(&mut lists);
    }
    // What was appended or applied meanwhile is not in these counts: this node's own are nearer then. They may lack what
    // other nodes have appended, so they stand in for a look for a while only.
    let is_old = journal.counted_at.is_none_or(|then| then.elapsed() >= LONGEST);
    if journal.backlog_changes == changes || is_old {
        journal.backlog = backlog;
        journal.backlogs = backlogs;
        journal.counted_at = Some(Instant::now());
    }
    journal.looked_at = Some(Instant::now());
    Ok(())
}

/// When the oldest batch that waits was accepted.
pub fn oldest_waiting(session: &Session) -> Result<Option<Timestamp>, Error> {
    let rows = waiting(session)?;
    let oldest = rows.iter().map(|row| get::<Option<i64>>(row, 4)).collect::<Result<Vec<_>, _>>()?;
    Ok(oldest.into_iter().flatten().min().map(Timestamp::from_millis))
}
