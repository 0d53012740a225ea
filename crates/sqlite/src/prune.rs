//! Forgetting what is kept for a time only, and what belonged to a list that is gone.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::contacts::{Head, MAX_NUMBER, contact_id, head};
use super::rows::View;
use super::{
    Pair, Shared, SqliteStore, append, catalogue, compact, error, idempotency, open, purge, readers,
    segments, suppressions, unsigned,
};
use domain::clock::Timestamp;
use domain::journal::ListNo;
use storage::Reckoning;
use storage::rows::activity::minute;
use storage::rows::check::index::entries;
use storage::rows::consent;
use storage::{Backlog, Error, HOUR, Journal as _, RetentionPolicy};

/// Rows that one transaction deletes: applying waits no longer than that.
pub const CHUNK: i64 = 2_000;

/// Rows of the table history that one transaction deletes: each holds the changes of a batch.
const HISTORY_CHUNK: i64 = 200;

/// Forgets a chunk of each file, and gives their room back where nothing is left to forget. Returns how many rows went.
pub async fn prune(store: &SqliteStore, keep: RetentionPolicy) -> Result<usize, Error> {
    // What a crash between the two files has left in the journal goes here, if nothing was applied since.
    append::forget_applied(store).await?;
    let keys = store.intake.call(move |intake| intake_chunk(intake, keep)).await?;
    let gone = keys
        + purge::purge(store).await?
        + store.write(move |pair, shared| chunk(pair, shared, keep)).await?;
    if gone == 0 {
        compact::compact(store).await?;
    }
    let is_large = store.log_bytes() > u64::from(open::LOG_LIMIT);
    if gone == 0 && (is_large || store.backlog() == Backlog::default()) {
        // The logs, which have grown under load or beside a reader, give their room back. While somebody reads them
        // it is done another time: it may not hold up accepting.
        let intake = store.intake.call(|intake| open::empty_log(intake)).await?;
        let contacts = store.write(|pair, _| open::empty_log(&pair.store)).await?;
        if is_large && !(intake && contacts) {
            // Once a minute: this is the last step of a round of pruning.
            let readers = [&store.paths.intake, &store.paths.store].map(|path| readers::names(path)).concat();
            let mib = store.log_bytes() >> 20;
            tracing::warn!(mib, ?readers, "store: emptying the log failed, since a reader stays in it");
        }
    }
    Ok(gone)
}

/// See [`Retention::reckon`](storage::Retention::reckon).
pub fn reckon(
    intake: &mut Connection,
    seen: Option<Reckoning>,
    elapsed: Duration,
    system: Timestamp,
) -> Result<Reckoning, Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let stored: Option<Vec<u8>> = open::setting(&transaction, "retention")?;
    let stored = stored.as_deref().and_then(Reckoning::from_bytes);
    let next = Reckoning::next(stored, seen, elapsed, system);
    let upsert = "INSERT OR REPLACE INTO setting VALUES ('retention', ?1)";
    transaction.execute(upsert, [next.to_bytes()]).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(next)
}

/// Forgets keys that were used and requests that were rejected long ago, and sessions and links that have ended, a chunk of each.
fn intake_chunk(intake: &Connection, keep: RetentionPolicy) -> Result<usize, Error> {
    let mut gone = idempotency::prune(intake, keep.keys, CHUNK)?;
    let delete = "DELETE FROM rejection WHERE (account, hour, token, method, status, code) IN \
                  (SELECT account, hour, token, method, status, code FROM rejection WHERE hour < ?1 LIMIT ?2)";
    gone += intake.execute(delete, [keep.requests.millis().div_euclid(HOUR), CHUNK]).map_err(error)?;
    for table in ["session", "link"] {
        let delete = format!(
            "DELETE FROM {table} WHERE hash IN (SELECT hash FROM {table} WHERE expires_at <= ?1 LIMIT ?2)"
        );
        gone += intake.execute(&delete, [keep.ended.millis(), CHUNK]).map_err(error)?;
    }
    Ok(gone)
}

fn chunk(pair: &mut Pair, shared: &Shared, keep: RetentionPolicy) -> Result<usize, Error> {
    let orphan = orphaned_list(pair)?;
    let [forgotten, unsuppressed] =
        [forgotten_account(pair, "erased"), forgotten_account(pair, "suppression_change")];
    let (forgotten, unsuppressed) = (forgotten.map_err(error)?, unsuppressed.map_err(error)?);
    let unfollowed = forgotten_account(pair, "webhook").map_err(error)?;
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let mut gone = requests(&transaction, keep.requests).map_err(error)?;
    gone += activity(&transaction, keep.requests).map_err(error)?;
    gone += attempts(&transaction, keep.requests).map_err(error)?;
    gone += former_identifiers(&transaction).map_err(error)?;
    gone += history(&View { store: &transaction, intake: &pair.intake, shared }, keep.history)?;
    if let Some(list) = orphan {
        gone += contacts(&transaction, shared, list)?;
    }
    if let Some(account) = forgotten {
        gone += erased(&transaction, account).map_err(error)?;
    }
    if let Some(account) = unfollowed {
        let delete = "DELETE FROM webhook WHERE account = ?1";
        gone += transaction.execute(delete, [account]).map_err(error)?;
    }
    let mut known = pair.intake.prepare_cached("SELECT 1 FROM account WHERE no = ?1").map_err(error)?;
    gone += segments::prune(&transaction, |account| known.exists([account])).map_err(error)?;
    gone += suppressions::prune(&transaction, unsuppressed, keep.ended, CHUNK).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(gone)
}

/// An account that has rows in a table but was removed.
fn forgotten_account(pair: &Pair, table: &str) -> rusqlite::Result<Option<i64>> {
    let next = format!("SELECT min(account) FROM {table} WHERE account > ?1");
    let mut next = pair.store.prepare_cached(&next)?;
    let mut known = pair.intake.prepare_cached("SELECT 1 FROM account WHERE no = ?1")?;
    let mut after = 0;
    while let Some(account) = next.query_row([after], |row| row.get(0))? {
        if !known.exists([account])? {
            return Ok(Some(account));
        }
        after = account;
    }
    Ok(None)
}

/// Nobody can come back to an account that is gone: its hashes serve nobody.
fn erased(store: &Transaction<'_>, account: i64) -> rusqlite::Result<usize> {
    let delete = "DELETE FROM erased WHERE (account, hash) IN \
                  (SELECT account, hash FROM erased WHERE account = ?1 LIMIT ?2)";
    store.execute(delete, [account, CHUNK])
}

fn requests(store: &Transaction<'_>, processed_before: Timestamp) -> rusqlite::Result<usize> {
    let mut select = store.prepare_cached(
        "SELECT position FROM request r WHERE processed_at < ?1 AND NOT EXISTS \
         (SELECT 1 FROM delivery d WHERE d.position = r.position AND d.state = 0) \
         ORDER BY processed_at LIMIT ?2",
    )?;
    let positions = select
        .query_map([processed_before.millis(), CHUNK], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut delivery = store.prepare_cached("DELETE FROM delivery WHERE position = ?1")?;
    let mut request = store.prepare_cached("DELETE FROM request WHERE position = ?1")?;
    for position in &positions {
        delivery.execute([position])?;
        request.execute([position])?;
    }
    Ok(positions.len())
}

fn activity(store: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<usize> {
    store.execute(
        "DELETE FROM activity WHERE (account, minute) IN \
         (SELECT account, minute FROM activity WHERE minute < ?1 LIMIT ?2)",
        [minute(before), CHUNK],
    )
}

fn attempts(store: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<usize> {
    store.execute(
        "DELETE FROM delivery_attempt WHERE rowid IN \
         (SELECT rowid FROM delivery_attempt WHERE at < ?1 ORDER BY at LIMIT ?2)",
        [before.millis(), CHUNK],
    )
}

/// Former identifiers serve the results of requests before them; when those are gone, so are they.
fn former_identifiers(store: &Transaction<'_>) -> rusqlite::Result<usize> {
    store.execute(
        "DELETE FROM former_identifiers WHERE (contact, position, item) IN \
         (SELECT contact, position, item FROM former_identifiers WHERE position < \
          (SELECT coalesce(min(position), ?1) FROM request) LIMIT ?2)",
        [i64::MAX, CHUNK],
    )
}

/// Histories, with what only they need: the oldest first, which is the order of positions.
fn history(view: &View<'_>, before: Timestamp) -> Result<usize, Error> {
    forget_consents(view)?;
    histories(view.store, before).map_err(error)
}

/// Nobody finds a removed contact any more whose history is gone: what it said of flags goes with it.
fn forget_consents(view: &View<'_>) -> Result<(), Error> {
    let select = "SELECT contact, consent FROM departed WHERE consent > 0 AND position < \
                  (SELECT coalesce(min(position), ?1) FROM history) LIMIT ?2";
    let mut select = view.store.prepare_cached(select).map_err(error)?;
    let rows = select.query_map([i64::MAX, CHUNK], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<(i64, i64)>>>).map_err(error)?;
    for (id, begins_at) in rows {
        consent::forget(view, super::contacts::split_id(id), unsigned(begins_at))?;
        let update = "UPDATE departed SET consent = 0 WHERE contact = ?1";
        view.store.execute(update, [id]).map_err(error)?;
    }
    Ok(())
}

fn histories(store: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let history = "FROM (SELECT position, list, request, applied_at FROM history ORDER BY position LIMIT ?2) \
                   WHERE applied_at < ?1";
    let tombstones = "FROM (SELECT * FROM tombstone ORDER BY erased_at LIMIT ?2) WHERE erased_at < ?1";
    let values = [before.millis(), HISTORY_CHUNK];
    let mut gone = 0;
    for (table, key, first) in
        [("history", "position", history), ("tombstone", "list, position, number", tombstones)]
    {
        // What the change feed must know of those that go.
        let floor = format!(
            "INSERT INTO history_floor SELECT list, max(position), request {first} AND list > 0 GROUP BY list \
             ON CONFLICT (list) DO UPDATE SET position = excluded.position, request = excluded.request \
             WHERE excluded.position > history_floor.position"
        );
        store.execute(&floor, values)?;
        let delete = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} {first})");
        gone += store.execute(&delete, values)?;
    }
    for (table, key) in [("departed", "contact"), ("former_bearer", "hash, contact, position")] {
        let kept = if table == "departed" { "consent = 0 AND" } else { "" };
        let delete = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {kept} position < \
             (SELECT coalesce(min(position), ?1) FROM history) LIMIT ?2)"
        );
        gone += store.execute(&delete, [i64::MAX, CHUNK])?;
    }
    Ok(gone)
}

/// A list that has contacts but was removed.
fn orphaned_list(pair: &Pair) -> Result<Option<ListNo>, Error> {
    let known = |store: &Connection| {
        let mut select = store.prepare_cached("SELECT list FROM list")?;
        let lists = select.query_map([], |row| row.get(0).map(ListNo))?;
        lists.collect::<rusqlite::Result<Vec<_>>>()
    };
    for list in known(&pair.store).map_err(error)? {
        if !catalogue::lists::exists(&pair.intake, list)? {
            return Ok(Some(list));
        }
    }
    Ok(None)
}

fn contacts(store: &Transaction<'_>, shared: &Shared, list: ListNo) -> Result<usize, Error> {
    let range = [contact_id(list, 0), contact_id(list, MAX_NUMBER)];
    let mut select =
        store.prepare_cached("SELECT id FROM contact WHERE id BETWEEN ?1 AND ?2 LIMIT ?3").map_err(error)?;
    let found = select
        .query_map([range[0], range[1], CHUNK], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .map_err(error)?;
    if found.is_empty() {
        return traces(store, list, range).map_err(error);
    }
    for id in &found {
        // Its head is enough: a contact may have megabytes of variables.
        let head = head(store, *id)?;
        remove_contact(store, shared, list, *id, head.as_ref().map_or(&[], Head::document))?;
    }
    Ok(found.len())
}

/// What else is kept of the contacts of a list; the list itself goes last, so that none of it is forgotten.
fn traces(store: &Transaction<'_>, list: ListNo, range: [i64; 2]) -> rusqlite::Result<usize> {
    let history =
        "DELETE FROM history WHERE position IN (SELECT position FROM history WHERE list = ?1 LIMIT ?2)";
    let mut gone = store.execute(history, [list.0, HISTORY_CHUNK])?;
    let consent =
        "DELETE FROM consent WHERE position IN (SELECT position FROM consent WHERE list = ?1 LIMIT ?2)";
    gone += store.execute(consent, [list.0, HISTORY_CHUNK])?;
    for table in ["former_identifiers", "former_bearer", "departed"] {
        gone += store.execute(&format!("DELETE FROM {table} WHERE contact BETWEEN ?1 AND ?2"), range)?;
    }
    gone += store.execute("DELETE FROM merged_into WHERE loser BETWEEN ?1 AND ?2", range)?;
    for table in ["tombstone", "history_floor"] {
        gone += store.execute(&format!("DELETE FROM {table} WHERE list = ?1"), [list.0])?;
    }
    if gone == 0 {
        gone = store.execute("DELETE FROM list WHERE list = ?1", [list.0])?;
    }
    Ok(gone)
}

/// Deletes a contact and its entries in the index.
pub fn remove_contact(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    id: i64,
    document: &[u8],
) -> Result<(), Error> {
    let mut delete =
        store.prepare_cached("DELETE FROM identifier WHERE hash = ?1 AND number = ?2").map_err(error)?;
    let mut stale = Vec::new();
    entries(&shared.key, (list, super::contacts::split_id(id).1), document, |entry| stale.push(entry));
    for (hash, number) in stale {
        delete.execute([hash, number]).map_err(error)?;
    }
    store
        .prepare_cached("DELETE FROM contact WHERE id = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .map(drop)
        .map_err(error)
}
