//! What the batches touch, loaded into a world.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::super::contacts::{contact_id, split_id};
use super::super::{Shared, catalogue, error, signed, unsigned};
use crate::apply::plan::{Plan, Waiting};
use crate::apply::world::{ListState, World};
use crate::journal::{AccountNo, ListNo};
use crate::storage::Error;

/// A world with all that the plan asks for; `None` where that takes more bytes than the budget.
pub fn world(
    store: &Connection,
    intake: &Connection,
    shared: &Shared,
    waiting: &[Waiting],
    plan: &Plan<'_>,
    budget: usize,
) -> Result<Option<World>, Error> {
    let lists = lists(store, intake, waiting)?;
    let sources = plan.sources();
    let mut alive = HashSet::with_capacity(sources.len());
    for source in sources {
        if catalogue::sources::exists(intake, source)? {
            alive.insert(source);
        }
    }
    let erased = erased(store, shared, waiting, plan)?;
    let mut world = World::new(shared.key, lists, alive).without(erased);
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
pub fn holders(store: &Connection, hashes: &[(u64, ListNo)]) -> rusqlite::Result<Vec<(i64, u64)>> {
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

fn lists(
    store: &Connection,
    intake: &Connection,
    waiting: &[Waiting],
) -> Result<HashMap<ListNo, ListState>, Error> {
    let mut lists = HashMap::new();
    for batch in waiting {
        if lists.contains_key(&batch.list) {
            continue;
        }
        lists.insert(batch.list, list(store, intake, batch.list)?);
    }
    Ok(lists)
}

/// What is to be known of one list.
pub fn list(store: &Connection, intake: &Connection, list: ListNo) -> Result<ListState, Error> {
    let variables = catalogue::variables::numbers(intake, list)?;
    let next = store
        .prepare_cached("SELECT next FROM list WHERE list = ?1")
        .and_then(|mut select| select.query_row([list.0], |row| row.get(0)).optional())
        .map_err(error)?
        .map_or(1, unsigned);
    let alive = variables.is_some();
    Ok(ListState { alive, next, variables: variables.unwrap_or_default(), ..ListState::default() })
}

/// Those of the identifiers that items would give whose bearers were erased.
fn erased(
    store: &Connection,
    shared: &Shared,
    waiting: &[Waiting],
    plan: &Plan<'_>,
) -> Result<HashSet<(AccountNo, [u8; 16])>, Error> {
    let any = store.prepare_cached("SELECT 1 FROM erased LIMIT 1").and_then(|mut any| any.exists([]));
    if !any.map_err(error)? {
        return Ok(HashSet::new());
    }
    known_erased(store, plan.erasable(waiting, &shared.key)).map_err(error)
}

/// Those of the hashes that are of people who were erased.
pub fn known_erased(
    store: &Connection,
    mut hashes: Vec<(AccountNo, [u8; 16])>,
) -> rusqlite::Result<HashSet<(AccountNo, [u8; 16])>> {
    let mut select = store.prepare_cached("SELECT 1 FROM erased WHERE account = ?1 AND hash = ?2")?;
    let mut known = HashSet::new();
    hashes.sort_unstable();
    for (account, hash) in hashes {
        if select.exists(params![account.0, hash])? {
            known.insert((account, hash));
        }
    }
    Ok(known)
}
