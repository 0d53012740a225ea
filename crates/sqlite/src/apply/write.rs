//! What a unit of work says has changed, written.

use rusqlite::{Transaction, params};

use super::super::contacts::contact_id;
use super::super::{error, signed};
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::apply::unit_of_work::{MergeUndone, Merged, OptedOut, UnitOfWork};
use domain::clock::Timestamp;
use domain::contact::sealed;
use domain::history;
use storage::Error;
use storage::rows::group::Origin;

/// Writes contacts, their index and what their lists count.
pub fn unit_of_work(store: &Transaction<'_>, work: &UnitOfWork) -> Result<(), Error> {
    write_contacts(store, work)?;
    write_index(store, work)?;
    write_lists(store, work).map_err(error)?;
    write_traces(store, work).map_err(error)?;
    write_merges(store, work).map_err(error)
}

/// Which contacts were merged into which, and what was turned off for contacts that are gone.
fn write_merges(store: &Transaction<'_>, work: &UnitOfWork) -> rusqlite::Result<()> {
    let mut merge = store.prepare_cached(
        "INSERT INTO merged_into VALUES (?1, ?2, 0) \
         ON CONFLICT DO UPDATE SET winner = excluded.winner, undone_at = 0",
    )?;
    for Merged { list, loser, winner } in &work.merged {
        merge.execute([contact_id(*list, loser.0), contact_id(*list, winner.0)])?;
    }
    let mut undo =
        store.prepare_cached("UPDATE merged_into SET undone_at = ?3 WHERE loser = ?1 AND undone_at = ?2")?;
    for MergeUndone { list, loser, before, after } in &work.merges_undone {
        undo.execute([contact_id(*list, loser.0), signed(*before), signed(*after)])?;
    }
    let mut opt_out = store
        .prepare_cached("UPDATE departed SET opted_out = opted_out | ?2, consent = ?3 WHERE contact = ?1")?;
    for OptedOut { list, number, flags, consent } in &work.opted_out {
        opt_out.execute([contact_id(*list, number.0), i64::from(flags.bits()), signed(*consent)])?;
    }
    Ok(())
}

fn write_contacts(store: &Transaction<'_>, work: &UnitOfWork) -> Result<(), Error> {
    let mut insert = store.prepare_cached("INSERT INTO contact VALUES (?1, ?2)").map_err(error)?;
    let mut update = store.prepare_cached("UPDATE contact SET document = ?2 WHERE id = ?1").map_err(error)?;
    let mut delete = store.prepare_cached("DELETE FROM contact WHERE id = ?1").map_err(error)?;
    let depart = "INSERT OR REPLACE INTO departed (contact, position, consent) VALUES (?1, ?2, ?3)";
    let mut depart = store.prepare_cached(depart).map_err(error)?;
    let mut returned = store.prepare_cached("DELETE FROM departed WHERE contact = ?1").map_err(error)?;
    let mut stored = Vec::new();
    for slot in work.changed() {
        let id = contact_id(slot.list, slot.number.0);
        stored.clear();
        if slot.removed_at.is_none() {
            sealed::put(&mut stored, work.document(slot));
        }
        match (slot.removed_at, slot.new) {
            (Some(position), new) => {
                if !new {
                    delete.execute([id]).map_err(error)?;
                }
                let consent = work.consent_at(slot);
                depart.execute([id, signed(position), signed(consent)]).map_err(error)?;
            }
            (None, true) => {
                insert.execute(params![id, stored]).map_err(error)?;
                if slot.returned {
                    returned.execute([id]).map_err(error)?;
                }
            }
            (None, false) => drop(update.execute(params![id, stored]).map_err(error)?),
        }
    }
    let mut former =
        store.prepare_cached("INSERT INTO former_identifiers VALUES (?1, ?2, ?3, ?4)").map_err(error)?;
    for entry in &work.formers {
        let id = contact_id(entry.list, entry.number.0);
        former.execute(params![id, signed(entry.position), entry.item, entry.identifiers]).map_err(error)?;
    }
    Ok(())
}

fn write_index(store: &Transaction<'_>, work: &UnitOfWork) -> Result<(), Error> {
    let (stale, fresh) = work.index_changes().map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    let statements = [
        ("DELETE FROM identifier WHERE hash = ?1 AND number = ?2", stale),
        ("INSERT OR IGNORE INTO identifier VALUES (?1, ?2)", fresh),
    ];
    for (text, mut entries) in statements {
        // They are sorted by their hashes, of which the upper half are the negative numbers of SQLite.
        let negative = entries.partition_point(|entry| signed(entry.hash) >= 0);
        entries.rotate_left(negative);
        let mut statement = store.prepare_cached(text).map_err(error)?;
        for entry in entries {
            statement.execute([signed(entry.hash), signed(entry.number.0)]).map_err(error)?;
        }
    }
    Ok(())
}

fn write_lists(store: &Transaction<'_>, work: &UnitOfWork) -> rusqlite::Result<()> {
    let mut upsert = store.prepare_cached(
        "INSERT INTO list VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET next = excluded.next, contacts = contacts + excluded.contacts",
    )?;
    for (list, state) in work.lists().filter(|(_, state)| (state.made, state.removed) != (0, 0)) {
        upsert.execute([list.0, signed(state.next), signed(state.made) - signed(state.removed)])?;
    }
    Ok(())
}

/// Who bore an identifier until now, and who is erased no longer.
fn write_traces(store: &Transaction<'_>, work: &UnitOfWork) -> rusqlite::Result<()> {
    let mut former = store.prepare_cached("INSERT OR IGNORE INTO former_bearer VALUES (?1, ?2, ?3)")?;
    for bearer in &work.former_holders {
        let id = contact_id(bearer.entry.list, bearer.entry.number.0);
        former.execute([signed(bearer.entry.hash), id, signed(bearer.position)])?;
    }
    let mut forgive = store.prepare_cached("DELETE FROM erased WHERE account = ?1 AND hash = ?2")?;
    for (account, hash) in &work.forgiven {
        forgive.execute(params![account.0, hash])?;
    }
    Ok(())
}

/// Writes what became of the batches, and what they changed; returns how many webhooks are to leave.
pub fn requests(
    store: &Transaction<'_>,
    waiting: &[Waiting],
    origins: &[Origin],
    decided: &[Decided],
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let mut request = store.prepare_cached(
        "INSERT OR IGNORE INTO request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut history =
        store.prepare_cached("INSERT OR IGNORE INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    let mut consent = store.prepare_cached("INSERT OR IGNORE INTO consent VALUES (?1, ?2, ?3)")?;
    let mut delivery = store.prepare_cached(
        "INSERT INTO delivery (position, receiver, state, attempts, next_at) VALUES (?1, ?2, 0, 0, ?3)",
    )?;
    let mut webhooks = 0;
    for ((batch, origin), decided) in waiting.iter().zip(origins).zip(decided) {
        let position = signed(batch.position);
        // A damaged row may bear another's id: nobody then asks for it, and it must not stop the others.
        let kept = request.execute(params![
            position,
            batch.request.to_bytes(),
            batch.account.0,
            batch.list.0,
            origin.list_id,
            batch.kind.code(),
            origin.accepted_at,
            now.millis(),
            decided.results,
            origin.webhook,
            decided.failed,
            origin.token,
        ])?;
        history.execute(params![
            position,
            batch.request.to_bytes(),
            batch.account.0,
            batch.list.0,
            origin.list_id,
            batch.kind.code(),
            origin.token,
            now.millis(),
            history::pack(&decided.changes),
        ])?;
        if !decided.consents.is_empty() {
            consent.execute(params![position, batch.list.0, decided.consents])?;
        }
        // A delivery without its request could never be claimed, and would be due for ever.
        if kept > 0
            && let Some(receiver) = &origin.receiver
        {
            webhooks += delivery.execute(params![position, receiver, now.millis()])?;
        }
    }
    Ok(webhooks)
}
