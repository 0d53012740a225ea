//! Forgetting what is kept for a time only, and what belonged to a list that is gone.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::contacts::{contact_id, head};
use super::{Pair, Shared, catalogue, error, signed, unsigned};
use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::identifier::IdentifierKind;
use crate::journal::ListNo;
use crate::storage::Error;

/// Rows that one transaction deletes: applying waits no longer than that.
const CHUNK: i64 = 2_000;

/// Deletes one chunk, and returns how many rows went.
pub fn prune(pair: &mut Pair, shared: &Shared, processed_before: Timestamp) -> Result<usize, Error> {
    let orphan = orphaned_list(pair)?;
    let transaction = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let mut gone = requests(&transaction, processed_before).map_err(error)?;
    gone += former_identifiers(&transaction).map_err(error)?;
    if let Some(list) = orphan {
        gone += contacts(&transaction, shared, list)?;
    }
    transaction.commit().map_err(error)?;
    Ok(gone)
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

/// Former identifiers serve the results of requests before them; when those are gone, so are they.
fn former_identifiers(store: &Transaction<'_>) -> rusqlite::Result<usize> {
    store.execute(
        "DELETE FROM former_identifiers WHERE (contact, position, item) IN \
         (SELECT contact, position, item FROM former_identifiers WHERE position < \
          (SELECT coalesce(min(position), ?1) FROM request) LIMIT ?2)",
        [i64::MAX, CHUNK],
    )
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
    let range = [contact_id(list, 0), contact_id(list, (1 << 40) - 1)];
    let mut select =
        store.prepare_cached("SELECT id FROM contact WHERE id BETWEEN ?1 AND ?2 LIMIT ?3").map_err(error)?;
    let found = select
        .query_map([range[0], range[1], CHUNK], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .map_err(error)?;
    if found.is_empty() {
        store
            .execute("DELETE FROM former_identifiers WHERE contact BETWEEN ?1 AND ?2", range)
            .and_then(|_| store.execute("DELETE FROM list WHERE list = ?1", [list.0]))
            .map_err(error)?;
        return Ok(1);
    }
    for id in &found {
        // Its head is enough: a contact may have megabytes of variables.
        let head = head(store, *id)?.unwrap_or_default();
        remove_contact(store, shared, list, *id, &head)?;
    }
    Ok(found.len())
}

fn remove_contact(
    store: &Transaction<'_>,
    shared: &Shared,
    list: ListNo,
    id: i64,
    document: &[u8],
) -> Result<(), Error> {
    let borne = Document::read(document).and_then(|document| document.identifiers()).unwrap_or_default();
    for kind in IdentifierKind::ALL {
        if let Some(text) = borne.get(kind) {
            let hash = signed(shared.key.hash(unsigned(list.0), kind, text));
            let number = signed(super::contacts::split_id(id).1.0);
            store
                .prepare_cached("DELETE FROM identifier WHERE hash = ?1 AND number = ?2")
                .and_then(|mut delete| delete.execute(params![hash, number]))
                .map_err(error)?;
        }
    }
    store
        .prepare_cached("DELETE FROM contact WHERE id = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .map(drop)
        .map_err(error)
}
