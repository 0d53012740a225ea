//! Forgetting what is kept for a time only, and what belonged to a list that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use super::queue::LOCK_PROGRESS;
use super::rows::View;
use super::session::{Session, Value, Values, get, get_number};
use super::shared::Shared;
use super::{address_form, attempts, due, purge, segments, suppressions, webhooks};
use domain::clock::Timestamp;
use domain::journal::{ContactNo, ListNo};
use storage::Reckoning;
use storage::rows::activity::minute;
use storage::rows::consent;
use storage::{Error, HOUR, RetentionPolicy};

/// Rows that one transaction deletes: applying waits no longer than that.
const CHUNK: i64 = 2_000;

/// Rows of the table history that one transaction deletes: each holds the changes of a batch.
const HISTORY_CHUNK: i64 = 200;

/// For how long after an erase answers are looked for that were written beside it: far longer than a transaction takes.
const LATE: Duration = Duration::from_secs(3_600);

/// Lists whose traces one transaction looks at.
const LISTS: usize = 1_000;

/// Lists whose traces are looked at together.
const TOGETHER: usize = 50;

/// What one chunk came to.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Rows that went.
    pub rows: u64,
    /// Lists in which traces may be left that nobody needs any more; `None` where nobody has looked.
    pub traces: Option<BTreeSet<ListNo>>,
}

/// Deletes one chunk. Keys are read of all lists, and deleted list by list, in the order of lists: on Citus no statement
/// deletes what one within it has looked for in all of them.
pub fn prune(session: &Session, shared: &Shared, keep: RetentionPolicy) -> Result<Pruned, Error> {
    // One node does it at a time; another has nothing to add.
    let lock = "SELECT FROM setting WHERE name = 'prune' FOR NO KEY UPDATE SKIP LOCKED";
    if session.query_opt(lock, &[])?.is_none() {
        return Ok(Pruned::default());
    }
    let mut rows = keys(session, keep)? + ended(session, keep)? + activity(session, keep)?;
    rows += logged(session, keep)? + rejections(session, keep)? + webhooks::prune(session)?;
    rows += segments::prune(session)?;
    rows += purge::purge(session, shared)?;
    let mut lists = match shared.traces().clone() {
        Some(lists) => lists,
        // Another node may have ended before it was done.
        None => all_lists(session)?,
    };
    rows += requests(session, keep, &mut lists)? + history(session, keep, &mut lists)?;
    rows += traces(session, shared, &mut lists)?;
    if let Some(list) = orphaned_list(session)? {
        rows += orphan(session, list)?;
    }
    rows += erased(session)? + suppressions::prune(session, keep.ended, CHUNK)?;
    rows += u64::from(address_form::bring(&View::new(session, shared))?);
    if rows == 0 {
        // It looks at all that is pending: once, at the end.
        rows = due::put_right(session, CHUNK)? + suppressions::forget_erased(session, keep.keys)?;
        rows += attempts::forget_late_answers(session, keep.ended.before(LATE))?;
    }
    Ok(Pruned { rows, traces: Some(lists) })
}

/// Deletes what rows of `list, account, key` tell.
pub(super) fn by_account<'a, T: FromSql<'a> + ToSql + Sync>(
    session: &Session,
    rows: &'a [Row],
    delete: &str,
    last: &[Value<'_>],
) -> Result<u64, Error> {
    let mut keys: BTreeMap<(i64, i64), Vec<T>> = BTreeMap::new();
    for row in rows {
        keys.entry((get(row, 0)?, get(row, 1)?)).or_default().push(get(row, 2)?);
    }
    let values: Vec<Vec<Value<'_>>> = keys
        .iter()
        .map(|((list, account), keys)| {
            let these: [Value<'_>; 3] = [list, account, keys];
            these.iter().chain(last).copied().collect()
        })
        .collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (delete, values.as_slice())).collect();
    Ok(session.pipeline(&all)?.iter().sum())
}

fn keys(session: &Session, keep: RetentionPolicy) -> Result<u64, Error> {
    let since = keep.keys.millis();
    let select = "SELECT list, account, key FROM once WHERE used_at < $1 LIMIT $2";
    let rows = session.query(select, &[&since, &CHUNK])?;
    // One that was used again since it was read stays.
    let delete = "DELETE FROM once WHERE list = $1 AND account = $2 AND key = ANY($3) AND used_at < $4";
    by_account::<&str>(session, &rows, delete, &[&since])
}

/// Sessions and links that have ended. Both tables have a copy on each node of Citus: which rows go is chosen before.
fn ended(session: &Session, keep: RetentionPolicy) -> Result<u64, Error> {
    let (mut gone, ended) = (0, keep.ended.millis());
    for table in ["session", "link"] {
        let select = format!("SELECT hash FROM {table} WHERE expires_at <= $1 LIMIT $2");
        let rows = session.query(&select, &[&ended, &CHUNK])?;
        let hashes: Vec<&[u8]> = rows.iter().map(|row| get(row, 0)).collect::<Result<_, _>>()?;
        if hashes.is_empty() {
            continue;
        }
        // One that was used since it was read may end later now.
        let delete = format!("DELETE FROM {table} WHERE hash = ANY($1) AND expires_at <= $2");
        gone += session.execute(&delete, &[&hashes, &ended])?;
    }
    Ok(gone)
}

/// See [`Retention::reckon`](storage::Retention::reckon).
pub fn reckon(
    session: &Session,
    seen: Option<Reckoning>,
    elapsed: Duration,
    system: Timestamp,
) -> Result<Reckoning, Error> {
    session.execute("INSERT INTO setting (name) VALUES ('retention') ON CONFLICT DO NOTHING", &[])?;
    let lock = "SELECT bytes FROM setting WHERE name = 'retention' FOR NO KEY UPDATE";
    let row = session.query_opt(lock, &[])?;
    let stored: Option<&[u8]> = row.as_ref().map_or(Ok(None), |row| get(row, 0))?;
    let next = Reckoning::next(stored.and_then(Reckoning::from_bytes), seen, elapsed, system);
    let update = "UPDATE setting SET bytes = $1 WHERE name = 'retention'";
    session.execute(update, &[&next.to_bytes().as_slice()])?;
    Ok(next)
}

fn activity(session: &Session, keep: RetentionPolicy) -> Result<u64, Error> {
    let select = "SELECT list, account, minute FROM activity WHERE minute < $1 LIMIT $2";
    let rows = session.query(select, &[&minute(keep.requests), &CHUNK])?;
    let delete = "DELETE FROM activity WHERE list = $1 AND account = $2 AND minute = ANY($3)";
    by_account::<i64>(session, &rows, delete, &[])
}

fn rejections(session: &Session, keep: RetentionPolicy) -> Result<u64, Error> {
    let delete = "DELETE FROM rejection WHERE hour < $1";
    session.execute(delete, &[&keep.requests.millis().div_euclid(HOUR)])
}

fn logged(session: &Session, keep: RetentionPolicy) -> Result<u64, Error> {
    let select = "SELECT list, account, id FROM delivery_attempt WHERE at < $1 ORDER BY at LIMIT $2";
    let rows = session.query(select, &[&keep.requests.millis(), &CHUNK])?;
    let delete = "DELETE FROM delivery_attempt WHERE list = $1 AND account = $2 AND id = ANY($3)";
    by_account::<&[u8]>(session, &rows, delete, &[])
}

/// Positions by list, of rows of `list, position`.
fn places(rows: &[Row]) -> Result<BTreeMap<i64, Vec<i64>>, Error> {
    let mut places: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in rows {
        places.entry(get(row, 0)?).or_default().push(get(row, 1)?);
    }
    Ok(places)
}

/// Deletes at places, list by list: the statements are each about one list and its positions. Notes the lists, and
/// returns how many rows the last statement was about.
fn delete_at(
    session: &Session,
    places: &BTreeMap<i64, Vec<i64>>,
    statements: &[&str],
    lists: &mut BTreeSet<ListNo>,
) -> Result<u64, Error> {
    let values: Vec<[Value<'_>; 2]> =
        places.iter().map(|(list, positions)| [list as Value<'_>, positions]).collect();
    let all: Vec<(&str, Values<'_>)> = values
        .iter()
        .flat_map(|values| statements.iter().map(|statement| (*statement, values.as_slice())))
        .collect();
    let done = session.pipeline(&all)?;
    lists.extend(places.keys().map(|list| ListNo(*list)));
    Ok(done.chunks(statements.len()).filter_map(<[u64]>::last).sum())
}

/// Requests and their webhooks.
fn requests(session: &Session, keep: RetentionPolicy, lists: &mut BTreeSet<ListNo>) -> Result<u64, Error> {
    let select = "SELECT r.list, r.position FROM request r WHERE r.processed_at < $1 AND NOT EXISTS \
                  (SELECT 1 FROM delivery d WHERE d.list = r.list AND d.position = r.position AND d.state = 0) \
                  ORDER BY r.processed_at LIMIT $2";
    let rows = session.query(select, &[&keep.requests.millis(), &CHUNK])?;
    // One whose webhook was made due anew since it was read stays.
    let told = "DELETE FROM delivery WHERE list = $1 AND position = ANY($2) AND state <> 0";
    let delete = "DELETE FROM request r WHERE r.list = $1 AND r.position = ANY($2) AND NOT EXISTS \
                  (SELECT 1 FROM delivery d WHERE d.list = $1 AND d.position = r.position)";
    delete_at(session, &places(&rows)?, &[told, delete], lists)
}

/// Histories.
fn history(session: &Session, keep: RetentionPolicy, lists: &mut BTreeSet<ListNo>) -> Result<u64, Error> {
    let mut gone = 0;
    for (table, time) in [("history", "applied_at"), ("tombstone", "erased_at")] {
        let select = format!("SELECT list, position FROM {table} WHERE {time} < $1 ORDER BY {time} LIMIT $2");
        let rows = session.query(&select, &[&keep.history.millis(), &HISTORY_CHUNK])?;
        // What the change feed must know of those that go.
        let floor = format!(
            "INSERT INTO history_floor AS f SELECT $1, position, request FROM {table} WHERE list = $1 AND list > 0 \
             AND position = ANY($2) ORDER BY position DESC LIMIT 1 \
             ON CONFLICT (list) DO UPDATE SET position = excluded.position, request = excluded.request \
             WHERE excluded.position > f.position"
        );
        let delete = format!("DELETE FROM {table} WHERE list = $1 AND position = ANY($2)");
        gone += delete_at(session, &places(&rows)?, &[&floor, &delete], lists)?;
    }
    Ok(gone)
}

fn all_lists(session: &Session) -> Result<BTreeSet<ListNo>, Error> {
    let rows = session.query("SELECT list FROM progress", &[])?;
    rows.iter().map(|row| get(row, 0).map(ListNo)).collect()
}

/// Traces that only requests or histories at or before them need: where the oldest of those is gone, so are they.
/// Takes the lists out that have none left.
fn traces(session: &Session, shared: &Shared, lists: &mut BTreeSet<ListNo>) -> Result<u64, Error> {
    let statements = [
        behind("former_identifiers", "number, position, item", "request", ""),
        behind("departed", "number", "history", "AND consent = 0"),
        behind("former_bearer", "hash, number, position", "history", ""),
    ];
    let some: Vec<i64> = lists.iter().take(LISTS).map(|list| list.0).collect();
    let mut gone = 0;
    for together in some.chunks(TOGETHER) {
        if gone >= CHUNK.unsigned_abs() {
            break;
        }
        for list in together {
            forget_consents(session, shared, ListNo(*list))?;
        }
        let values: Vec<[Value<'_>; 2]> = together.iter().map(|list| [list as Value<'_>, &CHUNK]).collect();
        let all: Vec<(&str, Values<'_>)> = values
            .iter()
            .flat_map(|values| statements.iter().map(|statement| (statement.as_str(), values.as_slice())))
            .collect();
        let done = session.pipeline(&all)?;
        for (list, rows) in together.iter().zip(done.chunks(statements.len())) {
            gone += rows.iter().sum::<u64>();
            if rows.iter().all(|rows| *rows < CHUNK.unsigned_abs()) {
                lists.remove(&ListNo(*list));
            }
        }
    }
    Ok(gone)
}

/// Nobody finds a removed contact any more whose history is gone: what it said of flags goes with it.
fn forget_consents(session: &Session, shared: &Shared, list: ListNo) -> Result<(), Error> {
    let select = format!(
        "SELECT number, consent FROM departed WHERE list = $1 AND consent > 0 \
         AND position < coalesce((SELECT min(position) FROM history WHERE list = $1), {}) LIMIT $2",
        i64::MAX
    );
    for row in session.query(&select, &[&list.0, &CHUNK])? {
        let number: u64 = get_number(&row, 0)?;
        consent::forget(&View::new(session, shared), (list, ContactNo(number)), get_number(&row, 1)?)?;
        let update = "UPDATE departed SET consent = 0 WHERE list = $1 AND number = $2";
        session.execute(update, &[&list.0, &number.cast_signed()])?;
    }
    Ok(())
}

fn behind(table: &str, key: &str, other: &str, only: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE list = $1 AND ({key}) IN (SELECT {key} FROM {table} WHERE list = $1 {only} \
         AND position < coalesce((SELECT min(position) FROM {other} WHERE list = $1), {}) LIMIT $2)",
        i64::MAX
    )
}

/// Nobody can come back to an account that is gone: its hashes serve nobody.
fn erased(session: &Session) -> Result<u64, Error> {
    let select = "SELECT e.account, e.hash FROM erased e \
                  WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.no = e.account) LIMIT $1";
    let rows = session.query(select, &[&CHUNK])?;
    if rows.is_empty() {
        return Ok(0);
    }
    let accounts = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    let hashes = rows.iter().map(|row| get(row, 1)).collect::<Result<Vec<&[u8]>, _>>()?;
    let delete = "DELETE FROM erased e USING unnest($1::bigint[], $2::bytea[]) AS u (account, hash) \
                  WHERE (e.account, e.hash) = (u.account, u.hash)";
    session.execute(delete, &[&accounts, &hashes])
}

/// A list that has contacts but was removed.
fn orphaned_list(session: &Session) -> Result<Option<ListNo>, Error> {
    let select = "SELECT list FROM progress p WHERE list > 0 AND NOT gone \
                  AND NOT EXISTS (SELECT 1 FROM list l WHERE l.no = p.list) LIMIT 1";
    session.query_opt(select, &[])?.map(|row| get(&row, 0).map(ListNo)).transpose()
}

/// Deletes contacts of a list that is gone, then what else is kept of them, and at last marks that all is done.
fn orphan(session: &Session, list: ListNo) -> Result<u64, Error> {
    session.query_opt(LOCK_PROGRESS, &[&list.0])?;
    let delete = "DELETE FROM contact WHERE list = $1 AND number IN \
                  (SELECT number FROM contact WHERE list = $1 ORDER BY number LIMIT $2)";
    let mut gone = session.execute(delete, &[&list.0, &CHUNK])?;
    if gone > 0 {
        return Ok(gone);
    }
    // Nobody looks for the contacts of such a list: their index goes after them.
    for (table, key, chunk) in [
        ("identifier", "hash, number", CHUNK),
        ("history", "position", HISTORY_CHUNK),
        ("consent", "position", HISTORY_CHUNK),
        ("former_identifiers", "number, position, item", CHUNK),
        ("former_bearer", "hash, number, position", CHUNK),
        ("departed", "number", CHUNK),
        ("merged_into", "loser", CHUNK),
        ("tombstone", "position, number", CHUNK),
        ("history_floor", "position", CHUNK),
    ] {
        let delete = format!(
            "DELETE FROM {table} WHERE list = $1 AND ({key}) IN \
             (SELECT {key} FROM {table} WHERE list = $1 LIMIT $2)"
        );
        gone += session.execute(&delete, &[&list.0, &chunk])?;
    }
    if gone == 0 {
        let done = "UPDATE progress SET gone = true, contacts = 0 WHERE list = $1";
        gone = session.execute(done, &[&list.0])?;
    }
    Ok(gone)
}
