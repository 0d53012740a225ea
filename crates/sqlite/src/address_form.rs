//! See [`storage::rows::address_form`]: done before the store is served, and gone on with after a crash.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::rows::View;
use super::{Pair, Shared, error, open};
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};
use storage::Error;
use storage::rows::address_form::{step, tell_twins};

/// The setting that says where this has come to: a list and a contact behind each other, as a contact's row id.
const REACHED: &str = "address_form";

/// What it says at the end. No contact has so high a row id.
const DONE: i64 = i64::MAX;

/// Brings the index to the present form.
pub fn bring(mut pair: Pair) -> Result<(), Error> {
    let mut reached = open::setting(&pair.store, REACHED)?.unwrap_or_default();
    if reached == DONE {
        return Ok(());
    }
    let shared = Shared::load(&pair)?;
    while reached != DONE {
        let (list, after) = super::contacts::split_id(reached);
        reached = chunk(&mut pair, &shared, list, after)?;
    }
    Ok(())
}

/// Does one chunk, in one transaction, and returns where it has come to.
fn chunk(pair: &mut Pair, shared: &Shared, list: ListNo, after: ContactNo) -> Result<i64, Error> {
    let next = "SELECT min(list) FROM list WHERE list > ?1";
    let id = "SELECT id FROM list WHERE no = ?1";
    let id = pair.intake.query_row(id, [list.0], |row| row.get(0).map(ObjectId::from_bytes)).optional();
    let id = id.map_err(error)?;
    let store = pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let view = View { store: &store, intake: &pair.intake, shared };
    let step = step(&view, list, after)?;
    for (hash, number) in &step.entries {
        store
            .prepare_cached("INSERT OR IGNORE INTO identifier VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute([hash, number]))
            .map_err(error)?;
    }
    tell_twins(&view, list, id, &step)?;
    let reached = match step.reached {
        Some(number) => super::contacts::contact_id(list, number.0),
        None => {
            let next: Option<i64> = store.query_row(next, [list.0], |row| row.get(0)).map_err(error)?;
            next.map_or(DONE, |list| super::contacts::contact_id(ListNo(list), 0))
        }
    };
    let keep = "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    store.execute(keep, params![REACHED, reached]).map_err(error)?;
    store.commit().map_err(error)?;
    Ok(reached)
}
