//! What became of requests: first the journal is asked, then the results.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::View;
use super::{Pair, Shared, error, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::results::{DeliveryRow, ProcessedRow, WaitingRow, kind};
use storage::{Error, Place, Request, RequestState, Undoable};

/// The account's requests with these ids; without `identifiers` the results name no contact.
pub fn find(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    ids: &[ObjectId],
    identifiers: bool,
) -> Result<Vec<Request>, Error> {
    // The journal first: a row leaves it only after the results are committed, so a request that is in neither was
    // never accepted. One transaction on each, so that results and contacts are read as of one moment, and those who
    // ask again and again for many requests cost little.
    let intake = pair.intake.transaction().map_err(error)?;
    let waiting = ids.iter().map(|id| find_waiting(&intake, shared, account, *id));
    let waiting = waiting.collect::<Result<Vec<_>, _>>()?;
    let store = pair.store.transaction().map_err(error)?;
    let view = View { store: &store, intake: &intake, shared };
    let mut found = Vec::with_capacity(ids.len());
    for (id, waiting) in ids.iter().zip(waiting) {
        // What was not applied by now has no results; what is being applied may have them at any moment.
        found.extend(match waiting {
            Some(request) if request.state == RequestState::Queued => Some(request),
            waiting => find_processed(&view, account, *id, identifiers)?.or(waiting),
        });
    }
    Ok(found)
}

fn find_waiting(
    intake: &Connection,
    shared: &Shared,
    account: AccountNo,
    id: ObjectId,
) -> Result<Option<Request>, Error> {
    let read = |row: &Row<'_>| read_waiting(row, shared, account);
    intake
        .prepare_cached(&format!("SELECT {WAITING} FROM batch WHERE request = ?1 AND account = ?2"))
        .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read).optional())
        .map(|row| row.map(WaitingRow::into_request))
        .map_err(error)
}

/// The columns of [`read_waiting`].
pub const WAITING: &str = "position, request, list_id, kind, accepted_at, webhook, token";

/// Reads a request that waits.
pub fn read_waiting(row: &Row<'_>, shared: &Shared, account: AccountNo) -> rusqlite::Result<WaitingRow> {
    Ok(WaitingRow {
        state: waiting_state(shared, account, unsigned(row.get(0)?)),
        id: ObjectId::from_bytes(row.get(1)?),
        list_id: ObjectId::from_bytes(row.get(2)?),
        kind: kind(row.get(3)?),
        accepted_at: Timestamp::from_millis(row.get(4)?),
        webhook: row.get(5)?,
        token: row.get(6)?,
    })
}

/// Whether a batch of the journal is being applied, or is applied already.
pub fn waiting_state(shared: &Shared, account: AccountNo, position: u64) -> RequestState {
    if shared.is_under_way(account, position) { RequestState::Processing } else { RequestState::Queued }
}

/// What must be known of a request to undo it: of one that waits, or was applied.
pub fn find_undoable(pair: &Pair, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
    // In the order in which it wanders: what is in none of them was never accepted, or is long gone.
    let places = [
        (&pair.intake, "batch WHERE request", true),
        (&pair.store, "history WHERE request", true),
        (&pair.store, "request WHERE id", false),
    ];
    for (connection, place, has_history) in places {
        let select = format!("SELECT kind, list, list_id FROM {place} = ?1 AND account = ?2");
        let read = |row: &Row<'_>| {
            Ok(Undoable {
                kind: kind(row.get(0)?),
                list: ListNo(row.get(1)?),
                list_id: ObjectId::from_bytes(row.get(2)?),
                has_history,
            })
        };
        let found = connection
            .prepare_cached(&select)
            .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read).optional())
            .map_err(error)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn find_processed(
    view: &View<'_>,
    account: AccountNo,
    id: ObjectId,
    identifiers: bool,
) -> Result<Option<Request>, Error> {
    let row = view
        .store
        .prepare_cached(&format!("SELECT {PROCESSED} WHERE r.id = ?1 AND r.account = ?2"))
        .and_then(|mut select| select.query_row(params![id.to_bytes(), account.0], read_processed).optional())
        .map_err(error)?;
    row.map(|row| row.into_request(view, identifiers)).transpose()
}

/// The columns of [`read_processed`], and where they are from.
pub const PROCESSED: &str = "r.position, r.id, r.list, r.list_id, r.kind, r.accepted_at, r.processed_at, r.results, \
     r.webhook, d.state, d.attempts, d.next_at, d.last_end, d.last_at, r.token FROM request r LEFT JOIN delivery d USING (position)";

/// Reads a request that is applied.
pub fn read_processed(row: &Row<'_>) -> rusqlite::Result<ProcessedRow> {
    let delivery = match row.get(9)? {
        None => None,
        Some(state) => {
            let (attempts, next_at) = (row.get(10)?, row.get(11)?);
            Some(DeliveryRow { state, attempts, next_at, last_end: row.get(12)?, last_at: row.get(13)? })
        }
    };
    Ok(ProcessedRow {
        place: Place { list: ListNo(row.get(2)?), position: unsigned(row.get(0)?) },
        id: ObjectId::from_bytes(row.get(1)?),
        list_id: ObjectId::from_bytes(row.get(3)?),
        kind: kind(row.get(4)?),
        accepted_at: Timestamp::from_millis(row.get(5)?),
        processed_at: Timestamp::from_millis(row.get(6)?),
        results: row.get(7)?,
        webhook: row.get(8)?,
        delivery: delivery.map(DeliveryRow::into_status),
        token: row.get(14)?,
    })
}
