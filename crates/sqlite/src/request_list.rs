//! Requests of an account by state and time. As for one request: the journal is asked first, and the results after
//! it.
//!
//! A row leaves the journal some time after its results are committed, so it may be in both. The applied position
//! that is read with the results tells which of the two is meant, and no request is told twice or left out.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};

use super::requests::{PROCESSED, WAITING, read_processed, read_waiting, waiting_state};
use super::{Pair, Shared, error, marks, signed, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::results::{ProcessedRow, WaitingRow};
use storage::{Error, Page, RequestFilter, RequestState, RequestSummary, Window};

/// Where the account's request stands, and its list.
pub fn state(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    id: ObjectId,
) -> Result<Option<(RequestState, ObjectId)>, Error> {
    let values = params![id.to_bytes(), account.0];
    let waiting = pair
        .intake
        .prepare_cached("SELECT position, list_id FROM batch WHERE request = ?1 AND account = ?2")
        .and_then(|mut select| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok((waiting_state(shared, account, unsigned(row.get(0)?)), ObjectId::from_bytes(row.get(1)?)))
            };
            select.query_row(values, read).optional()
        })
        .map_err(error)?;
    let processed = pair
        .store
        .prepare_cached("SELECT list_id FROM request WHERE id = ?1 AND account = ?2")
        .and_then(|mut select| {
            let read =
                |row: &rusqlite::Row<'_>| Ok((RequestState::Processed, ObjectId::from_bytes(row.get(0)?)));
            select.query_row(values, read).optional()
        })
        .map_err(error)?;
    Ok(processed.or(waiting))
}

/// What orders requests: when they were accepted, and the position among those of one moment.
type Place = (i64, u64);

/// The account's requests that fit, the newest first.
pub fn page(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    filter: &RequestFilter,
    window: Window,
) -> Result<Page<RequestSummary>, Error> {
    // One transaction each: what is counted, chosen and shown is of one moment; the journal's is the earlier.
    let intake = pair.intake.transaction().map_err(error)?;
    let mut waiting = places(&intake, "batch", account, filter, None).map_err(error)?;
    let store = pair.store.transaction().map_err(error)?;
    let applied = marks::applied_of(&store, account)?;
    waiting.retain(|(_, position)| {
        let wanted = filter.state.is_none_or(|state| state == waiting_state(shared, account, *position));
        *position > applied && wanted
    });
    let ahead = waiting.len() as u64;
    let (mut places, processed) = match filter.state {
        None | Some(RequestState::Processed) => {
            // As many as wait may stand before a processed one; those that come earlier still are not wanted.
            let rows =
                (u64::from(window.limit) + window.offset.min(ahead), window.offset.saturating_sub(ahead));
            let processed = count(&store, account, filter).map_err(error)?;
            (self::places(&store, "request", account, filter, Some(rows)).map_err(error)?, processed)
        }
        Some(_) => (Vec::new(), 0),
    };
    places.append(&mut waiting);
    places.sort_unstable_by(|one, other| other.cmp(one));
    let left_out = if processed > 0 { window.offset.min(ahead) } else { window.offset };
    let chosen = places.into_iter().skip(usize::try_from(left_out).unwrap_or(usize::MAX));
    let rows = chosen
        .take(window.limit as usize)
        .map(|(_, position)| match position > applied {
            true => show_waiting(&intake, shared, account, position),
            false => show(&store, position),
        })
        .collect::<rusqlite::Result<Vec<_>>>()
        .map_err(error)?;
    Ok(Page { rows, total: ahead + processed })
}

/// The condition that both tables are asked with.
const FITS: &str = "account = :account AND accepted_at >= :from AND accepted_at < :to \
                    AND (:lists IS NULL OR list IN (SELECT value FROM json_each(:lists))) \
                    AND (:token IS NULL OR token = :token) \
                    AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds))) \
                    AND NOT (:no_jobs AND token >= 'job:' AND token < 'job;')";

/// What the table of a request's outcome is asked beside: what waits has none.
fn outcome_fits(table: &str) -> &'static str {
    match table {
        "batch" => "NOT :with_errors AND NOT :webhook_failed",
        _ => {
            "(NOT :with_errors OR failed > 0) AND (NOT :webhook_failed OR EXISTS \
             (SELECT 1 FROM delivery d WHERE d.position = request.position AND d.state = 2))"
        }
    }
}

/// Runs a statement with [`FITS`] in it.
fn ask<T>(
    connection: &Transaction<'_>,
    statement: &str,
    account: AccountNo,
    filter: &RequestFilter,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let lists = filter.lists.as_ref().map(|lists| {
        let numbers: Vec<_> = lists.iter().map(|list| list.0).collect();
        serde_json::json!(numbers).to_string()
    });
    let kinds = filter.kinds.as_ref().map(|kinds| {
        let codes: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
        serde_json::json!(codes).to_string()
    });
    let mut select = connection.prepare(statement)?;
    let rows = select.query_map(
        named_params! {
            ":account": account.0,
            ":from": filter.from.map_or(i64::MIN, Timestamp::millis),
            ":to": filter.to.map_or(i64::MAX, Timestamp::millis),
            ":lists": lists,
            ":token": filter.token,
            ":kinds": kinds,
            ":no_jobs": filter.no_jobs,
            ":with_errors": filter.with_errors,
            ":webhook_failed": filter.webhook_failed,
        },
        read,
    )?;
    rows.collect()
}

/// The places of the requests that fit, the newest first; with `rows` (how many, after how many) some of them.
fn places(
    connection: &Transaction<'_>,
    table: &str,
    account: AccountNo,
    filter: &RequestFilter,
    rows: Option<(u64, u64)>,
) -> rusqlite::Result<Vec<Place>> {
    let window = rows.map_or_else(String::new, |(limit, offset)| {
        let offset = offset.min(i64::MAX.unsigned_abs());
        format!("ORDER BY accepted_at DESC, position DESC LIMIT {limit} OFFSET {offset}")
    });
    let statement = format!(
        "SELECT accepted_at, position FROM {table} WHERE {FITS} AND {} {window}",
        outcome_fits(table)
    );
    ask(connection, &statement, account, filter, |row| Ok((row.get(0)?, unsigned(row.get(1)?))))
}

fn count(store: &Transaction<'_>, account: AccountNo, filter: &RequestFilter) -> rusqlite::Result<u64> {
    let limit = filter.count_to.map_or_else(String::new, |limit| format!("LIMIT {limit}"));
    let statement = format!(
        "SELECT count(*) FROM (SELECT 1 FROM request WHERE {FITS} AND {} {limit})",
        outcome_fits("request")
    );
    let counts = ask(store, &statement, account, filter, |row| row.get(0).map(unsigned))?;
    Ok(counts.into_iter().sum())
}

fn show_waiting(
    intake: &Connection,
    shared: &Shared,
    account: AccountNo,
    position: u64,
) -> rusqlite::Result<RequestSummary> {
    let mut select = intake.prepare_cached(&format!("SELECT {WAITING} FROM batch WHERE position = ?1"))?;
    select
        .query_row([signed(position)], |row| read_waiting(row, shared, account).map(WaitingRow::into_summary))
}

fn show(store: &Connection, position: u64) -> rusqlite::Result<RequestSummary> {
    let mut select = store.prepare_cached(&format!("SELECT {PROCESSED} WHERE r.position = ?1"))?;
    select.query_row([signed(position)], |row| read_processed(row).map(ProcessedRow::into_summary))
}
