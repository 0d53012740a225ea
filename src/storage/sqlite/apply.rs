//! One apply transaction: load what the batches touch, let the rule decide, write what changed.
//!
//! Everything is visited in the order of its key: with hundreds of batches in a transaction, a page is then
//! read and written once, however many of its contacts change.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::contacts::{contact_id, split_id};
use super::{Pair, Shared, append, backlog, catalogue, error, signed, unsigned};
use crate::apply::plan::{Plan, Waiting};
use crate::apply::rule;
use crate::apply::world::{ListState, World};
use crate::clock::Timestamp;
use crate::journal::{BatchKind, ListNo};
use crate::storage::{Applied, Error};

/// Items of more bytes than this are left to the next transaction: it bounds the memory of one.
const MAX_BYTES: usize = 24 << 20;

/// Contacts of more bytes than this are not loaded for one transaction, unless a single batch asks for them.
const MAX_LOADED: usize = 96 << 20;

/// What of a journal row is carried over to the request's row as it is.
struct Origin {
    request: [u8; 12],
    account: i64,
    list_id: [u8; 12],
    accepted_at: i64,
    webhook: Option<String>,
    receiver: Option<String>,
    /// The length of its items, as they were accepted.
    bytes: u64,
}

/// Applies the batches that wait, at most `max`, and moves the position on.
pub fn apply_next(pair: &mut Pair, shared: &Shared, max: usize, now: Timestamp) -> Result<Applied, Error> {
    // From the file, not from memory: a commit that was reported as failed may have been kept.
    let applied = append::applied_position(&pair.store)?;
    shared.applied.store(applied, Ordering::Release);
    let (waiting, origins) = read_waiting(&pair.intake, applied, max)?;
    let Some(last) = waiting.last().map(|batch| batch.position) else { return Ok(Applied::default()) };
    shared.applying.store(last, Ordering::Release);
    let outcome = transact_some(pair, shared, &waiting, &origins, now);
    let applied = match &outcome {
        Ok(done) => {
            let mut counted = backlog::counted(shared);
            for (batch, origin) in waiting.iter().zip(&origins).take(done.batches) {
                counted.applied(batch.position, origin.bytes);
            }
            waiting.get(done.batches.saturating_sub(1)).map_or(applied, |batch| batch.position)
        }
        Err(_) => applied,
    };
    shared.applied.store(applied, Ordering::Release);
    shared.applying.store(applied, Ordering::Release);
    outcome
}

/// Applies as many of the batches as memory has room for, half of them where there is none for all.
fn transact_some(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    now: Timestamp,
) -> Result<Applied, Error> {
    let mut count = waiting.len();
    loop {
        let budget = if count > 1 { MAX_LOADED } else { usize::MAX };
        if let Some(done) = transact(pair, shared, &waiting[..count], &origins[..count], budget, now)? {
            return Ok(done);
        }
        count = count.div_ceil(2);
    }
}

fn read_waiting(intake: &Connection, applied: u64, max: usize) -> Result<(Vec<Waiting>, Vec<Origin>), Error> {
    let mut select = intake
        .prepare_cached(
            "SELECT position, list, kind, items_check, items, request, account, list_id, accepted_at, \
             webhook, webhook_receiver FROM batch WHERE position > ?1 ORDER BY position LIMIT ?2",
        )
        .map_err(error)?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = select.query([signed(applied), limit]).map_err(error)?;
    let (mut waiting, mut origins, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(row) = rows.next().map_err(error)? {
        let (batch, origin) = read_row(row).map_err(error)?;
        bytes += batch.items.len();
        if bytes > MAX_BYTES && !waiting.is_empty() {
            break;
        }
        waiting.push(batch);
        origins.push(origin);
    }
    Ok((waiting, origins))
}

/// Reads a row whatever the disk has done to it: a batch that is damaged is told so, and those behind it go on.
fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Waiting, Origin)> {
    let position: u64 = unsigned(row.get(0)?);
    let mut damaged = false;
    let mut items: Vec<u8> = readable(row, 4, &mut damaged);
    let kind = BatchKind::from_code(readable(row, 2, &mut damaged));
    let origin = Origin {
        request: readable(row, 5, &mut damaged),
        account: readable(row, 6, &mut damaged),
        list_id: readable(row, 7, &mut damaged),
        accepted_at: readable(row, 8, &mut damaged),
        webhook: readable(row, 9, &mut damaged),
        receiver: readable(row, 10, &mut damaged),
        bytes: items.len() as u64,
    };
    if damaged || kind.is_none() || crc32fast::hash(&items) != readable::<u32>(row, 3, &mut damaged) {
        tracing::error!(position, "an accepted batch was damaged on disk");
        // An empty batch does not read, and ends in STORE_DAMAGED.
        items = Vec::new();
    }
    let list = ListNo(readable(row, 1, &mut damaged));
    Ok((Waiting { position, list, kind: kind.unwrap_or(BatchKind::Update), items }, origin))
}

fn readable<T: FromSql + Default>(row: &rusqlite::Row<'_>, column: usize, damaged: &mut bool) -> T {
    row.get(column).unwrap_or_else(|_| {
        *damaged = true;
        T::default()
    })
}

fn transact(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    budget: usize,
    now: Timestamp,
) -> Result<Option<Applied>, Error> {
    let plan = Plan::read(waiting, &shared.key);
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let Some(mut world) = load_world(&transaction, &pair.intake, shared, waiting, &plan, budget)? else {
        return Ok(None);
    };
    let results = rule::apply(waiting, &plan, &mut world, now);
    write_contacts(&transaction, &world)?;
    write_index(&transaction, &world)?;
    write_lists(&transaction, &world).map_err(error)?;
    let webhooks = write_requests(&transaction, waiting, origins, &results, now).map_err(error)?;
    let last = waiting.last().map_or(0, |batch| signed(batch.position));
    transaction.execute("UPDATE setting SET value = ?1 WHERE name = 'applied'", [last]).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(Some(Applied { batches: waiting.len(), webhooks }))
}

fn load_world(
    store: &Transaction<'_>,
    intake: &Connection,
    shared: &Shared,
    waiting: &[Waiting],
    plan: &Plan<'_>,
    budget: usize,
) -> Result<Option<World>, Error> {
    let lists = load_lists(store, intake, waiting)?;
    let sources = plan.sources();
    let mut alive = HashSet::with_capacity(sources.len());
    for source in sources {
        if catalogue::sources::exists(intake, source)? {
            alive.insert(source);
        }
    }
    let mut world = World::new(shared.key, lists, alive);
    let found = holders(store, &plan.hashes(waiting)).map_err(error)?;
    let mut select = store.prepare_cached("SELECT document FROM contact WHERE id = ?1").map_err(error)?;
    let mut loaded = 0;
    for holder in found.chunk_by(|(one, _), (other, _)| one == other) {
        let id = holder.first().map_or(0, |(id, _)| *id);
        let (list, number) = split_id(id);
        let mut rows = select.query([id]).map_err(error)?;
        let document = match rows.next().map_err(error)? {
            Some(row) => row.get_ref(0).map_err(error)?.as_blob().unwrap_or_default(),
            None => &[],
        };
        loaded += document.len();
        if loaded > budget {
            return Ok(None);
        }
        let hashes = holder.iter().map(|(_, hash)| *hash);
        if world.load(list, number, document, hashes).is_err() {
            tracing::error!(contact = id, "a contact was damaged on disk; its identifiers find nobody");
        }
    }
    Ok(Some(world))
}

/// The ids of the contacts under the hashes, each with the hash: sorted.
fn holders(store: &Transaction<'_>, hashes: &[(u64, ListNo)]) -> rusqlite::Result<Vec<(i64, u64)>> {
    let mut select = store.prepare_cached("SELECT number FROM identifier WHERE hash = ?1")?;
    let mut ids = Vec::with_capacity(hashes.len() / 2);
    // Signed order is the index's order.
    let (low, high): (Vec<_>, Vec<_>) = hashes.iter().partition(|(hash, _)| signed(*hash) < 0);
    for (hash, list) in low.into_iter().chain(high) {
        let mut rows = select.query([signed(hash)])?;
        while let Some(row) = rows.next()? {
            ids.push((contact_id(list, unsigned(row.get(0)?)), hash));
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

fn load_lists(
    store: &Transaction<'_>,
    intake: &Connection,
    waiting: &[Waiting],
) -> Result<HashMap<ListNo, ListState>, Error> {
    let mut lists = HashMap::new();
    for batch in waiting {
        if lists.contains_key(&batch.list) {
            continue;
        }
        let variables = catalogue::variables::numbers(intake, batch.list)?;
        let next = store
            .prepare_cached("SELECT next FROM list WHERE list = ?1")
            .and_then(|mut select| select.query_row([batch.list.0], |row| row.get(0)).optional())
            .map_err(error)?
            .map_or(1, unsigned);
        let alive = variables.is_some();
        let state = ListState { alive, next, variables: variables.unwrap_or_default(), made: 0 };
        lists.insert(batch.list, state);
    }
    Ok(lists)
}

fn write_contacts(store: &Transaction<'_>, world: &World) -> Result<(), Error> {
    let mut insert = store.prepare_cached("INSERT INTO contact VALUES (?1, ?2)").map_err(error)?;
    let mut update = store.prepare_cached("UPDATE contact SET document = ?2 WHERE id = ?1").map_err(error)?;
    for slot in world.changed() {
        let statement = if slot.new { &mut insert } else { &mut update };
        let id = contact_id(slot.list, slot.number.0);
        statement.execute(params![id, world.document(slot)]).map_err(error)?;
    }
    let mut former =
        store.prepare_cached("INSERT INTO former_identifiers VALUES (?1, ?2, ?3, ?4)").map_err(error)?;
    for entry in &world.formers {
        let id = contact_id(entry.list, entry.number.0);
        former.execute(params![id, signed(entry.position), entry.item, entry.identifiers]).map_err(error)?;
    }
    Ok(())
}

fn write_index(store: &Transaction<'_>, world: &World) -> Result<(), Error> {
    let (stale, fresh) = world.index_changes().map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    let statements = [
        ("DELETE FROM identifier WHERE hash = ?1 AND number = ?2", stale),
        ("INSERT OR IGNORE INTO identifier VALUES (?1, ?2)", fresh),
    ];
    for (text, mut entries) in statements {
        entries.sort_unstable_by_key(|entry| signed(entry.hash));
        let mut statement = store.prepare_cached(text).map_err(error)?;
        for entry in entries {
            statement.execute([signed(entry.hash), signed(entry.number.0)]).map_err(error)?;
        }
    }
    Ok(())
}

fn write_lists(store: &Transaction<'_>, world: &World) -> rusqlite::Result<()> {
    let mut upsert = store.prepare_cached(
        "INSERT INTO list VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET next = excluded.next, contacts = contacts + excluded.contacts",
    )?;
    for (list, state) in world.lists().filter(|(_, state)| state.made > 0) {
        upsert.execute([list.0, signed(state.next), signed(state.made)])?;
    }
    Ok(())
}

fn write_requests(
    store: &Transaction<'_>,
    waiting: &[Waiting],
    origins: &[Origin],
    results: &[Vec<u8>],
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let mut request = store
        .prepare_cached("INSERT OR IGNORE INTO request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    let mut delivery = store.prepare_cached("INSERT INTO delivery VALUES (?1, ?2, 0, 0, ?3)")?;
    let mut webhooks = 0;
    for ((batch, origin), results) in waiting.iter().zip(origins).zip(results) {
        let position = signed(batch.position);
        // A damaged row may bear another's id: nobody then asks for it, and it must not stop the others.
        let kept = request.execute(params![
            position,
            origin.request,
            origin.account,
            batch.list.0,
            origin.list_id,
            batch.kind.code(),
            origin.accepted_at,
            now.millis(),
            results,
            origin.webhook,
        ])?;
        // A delivery without its request could never be claimed, and would be due for ever.
        if kept > 0
            && let Some(receiver) = &origin.receiver
        {
            webhooks += delivery.execute(params![position, receiver, now.millis()])?;
        }
    }
    Ok(webhooks)
}
