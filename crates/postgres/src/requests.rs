//! What became of requests. What waits and what is applied is read as of one moment.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::rows::View;
use super::session::{Session, Values, get, get_id, get_number, get_small, get_time};
use super::shared::Shared;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::results::{DeliveryRow, ProcessedRow, WaitingRow, kind};
use storage::{Error, Page, Place, Request, RequestFilter, RequestState, RequestSummary, Undoable, Window};

/// The columns of [`read_waiting`].
const WAITING: &str = "list, position, request, list_id, kind, accepted_at, webhook, token FROM batch";

fn read_waiting(row: &Row, applying: &Applying) -> Result<WaitingRow, Error> {
    Ok(WaitingRow {
        state: applying.state(ListNo(get(row, 0)?), get_number(row, 1)?),
        id: get_id(row, 2)?,
        list_id: get_id(row, 3)?,
        kind: kind(get(row, 4)?),
        accepted_at: get_time(row, 5)?,
        webhook: get(row, 6)?,
        token: get(row, 7)?,
    })
}

/// What this node is applying. It must be known before the first statement of a look, which is when its moment is fixed:
/// what is committed and forgotten after that moment would be told as one that waits, though it was being applied before.
struct Applying(HashMap<ListNo, u64>);

impl Applying {
    fn now(shared: &Shared) -> Self {
        Self(shared.journal().applying.clone())
    }

    /// A batch that another node applies is told as one that waits: what that does is not seen before it is done.
    fn state(&self, list: ListNo, position: u64) -> RequestState {
        match self.0.get(&list) {
            Some(last) if position <= *last => RequestState::Processing,
            _ => RequestState::Queued,
        }
    }
}

/// The columns of [`read_processed`].
const PROCESSED: &str = "r.list, r.position, r.id, r.list_id, r.kind, r.accepted_at, r.processed_at, r.results, \
                         r.webhook, d.state, d.attempts, d.next_at, d.last_end, d.last_at, r.token \
                         FROM request r LEFT JOIN delivery d ON d.list = r.list AND d.position = r.position";

fn read_processed(row: &Row) -> Result<ProcessedRow, Error> {
    let delivery = match get(row, 9)? {
        None => None,
        Some(state) => {
            let (attempts, next_at) = (get_small(row, 10)?, get(row, 11)?);
            Some(DeliveryRow { state, attempts, next_at, last_end: get(row, 12)?, last_at: get(row, 13)? })
        }
    };
    Ok(ProcessedRow {
        place: Place { list: ListNo(get(row, 0)?), position: get_number(row, 1)? },
        id: get_id(row, 2)?,
        list_id: get_id(row, 3)?,
        kind: kind(get(row, 4)?),
        accepted_at: get_time(row, 5)?,
        processed_at: get_time(row, 6)?,
        results: get(row, 7)?,
        webhook: get(row, 8)?,
        delivery: delivery.map(DeliveryRow::into_status),
        token: get(row, 14)?,
    })
}

fn bytes(ids: &[ObjectId]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| id.to_bytes().to_vec()).collect()
}

/// The account's requests with these ids; without `identifiers` the results name no contact.
pub fn find(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    ids: &[ObjectId],
    identifiers: bool,
) -> Result<Vec<Request>, Error> {
    let (applying, wanted) = (Applying::now(shared), bytes(ids));
    let mut found = HashMap::with_capacity(ids.len());
    let waiting = format!("SELECT {WAITING} WHERE request = ANY($1) AND account = $2 AND NOT fence");
    for row in session.query(&waiting, &[&wanted, &account.0])? {
        let row = read_waiting(&row, &applying)?;
        found.insert(row.id, row.into_request());
    }
    let processed = format!("SELECT {PROCESSED} WHERE r.id = ANY($1) AND r.account = $2");
    let view = View::new(session, shared);
    for row in session.query(&processed, &[&wanted, &account.0])? {
        let row = read_processed(&row)?;
        found.insert(row.id, row.into_request(&view, identifiers)?);
    }
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

/// Where the account's request stands, and its list.
pub fn state(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    id: ObjectId,
) -> Result<Option<(RequestState, ObjectId)>, Error> {
    let applying = Applying::now(shared);
    let select = "SELECT list_id, false, list, position FROM batch \
                  WHERE request = $1 AND account = $2 AND NOT fence UNION ALL \
                  SELECT list_id, true, list, position FROM request WHERE id = $1 AND account = $2 LIMIT 1";
    let Some(row) = session.query_opt(select, &[&id.to_bytes().as_slice(), &account.0])? else {
        return Ok(None);
    };
    let state = match get(&row, 1)? {
        true => RequestState::Processed,
        false => applying.state(ListNo(get(&row, 2)?), get_number(&row, 3)?),
    };
    Ok(Some((state, get_id(&row, 0)?)))
}

/// What must be known of a request to undo it: of one that waits, or was applied.
pub fn find_undoable(session: &Session, account: AccountNo, id: ObjectId) -> Result<Option<Undoable>, Error> {
    let select = "SELECT kind, list, list_id, true FROM batch WHERE request = $1 AND account = $2 AND NOT fence \
                  UNION ALL SELECT kind, list, list_id, true FROM history WHERE request = $1 AND account = $2 \
                  UNION ALL SELECT kind, list, list_id, false FROM request WHERE id = $1 AND account = $2 \
                  ORDER BY 4 DESC LIMIT 1";
    let row = session.query_opt(select, &[&id.to_bytes().as_slice(), &account.0])?;
    row.map(|row| {
        Ok(Undoable {
            kind: kind(get(&row, 0)?),
            list: ListNo(get(&row, 1)?),
            list_id: get_id(&row, 2)?,
            has_history: get(&row, 3)?,
        })
    })
    .transpose()
}

/// The account's requests that fit, the newest first.
pub fn page(
    session: &Session,
    shared: &Shared,
    account: AccountNo,
    filter: &RequestFilter,
    window: Window,
) -> Result<Page<RequestSummary>, Error> {
    let applying = Applying::now(shared);
    let lists: Option<Vec<_>> = filter.lists.as_ref().map(|lists| lists.iter().map(|list| list.0).collect());
    let from = filter.from.map_or(i64::MIN, |time| time.millis());
    let to = filter.to.map_or(i64::MAX, |time| time.millis());
    let applying_lists: Vec<_> = applying.0.keys().map(|list| list.0).collect();
    let applying_to: Vec<_> = applying.0.values().map(|last| last.cast_signed()).collect();
    let state = filter.state.map(|state| match state {
        RequestState::Queued => 0_i64,
        RequestState::Processing => 1,
        RequestState::Processed => 2,
    });
    let kinds: Option<Vec<_>> =
        filter.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.code()).collect());
    let fits = "account = $1 AND accepted_at >= $2 AND accepted_at < $3 AND ($4::bigint[] IS NULL OR list = ANY($4)) \
                AND ($6::text IS NULL OR token = $6) AND ($7::bigint[] IS NULL OR kind = ANY($7)) \
                AND NOT ($10::boolean AND token >= 'job:' AND token < 'job;')";
    // No subquery that looks at the row but by its list: Citus plans few others over all lists.
    let waiting = format!(
        "FROM batch WHERE {fits} AND NOT $8::boolean AND NOT $9::boolean AND NOT fence AND ($5::bigint IS NULL OR $5 = \
         (position <= coalesce(($12::bigint[])[array_position($11::bigint[], list)], 0))::int)"
    );
    let processed = format!(
        "FROM request WHERE {fits} AND ($5::bigint IS NULL OR $5 = 2) AND (NOT $8::boolean OR failed > 0) \
         AND (NOT $9::boolean OR EXISTS (SELECT 1 FROM delivery d WHERE d.list = request.list \
         AND d.position = request.position AND d.state = 2))"
    );
    let values: Values<'_> = &[
        &account.0,
        &from,
        &to,
        &lists,
        &state,
        &filter.token,
        &kinds,
        &filter.with_errors,
        &filter.webhook_failed,
        &filter.no_jobs,
        &applying_lists,
        &applying_to,
    ];
    let limit = filter.count_to.map_or_else(String::new, |limit| format!("LIMIT {limit}"));
    let counts = [
        format!("SELECT count(*) {waiting}"),
        format!("SELECT count(*) FROM (SELECT 1 {processed} {limit}) counted"),
    ];
    let mut total = 0;
    for rows in session.query_all(&[(&counts[0], values), (&counts[1], &values[..10])])? {
        total += rows.first().map_or(Ok(0), |row| get_number(row, 0))?;
    }
    let places = format!(
        "SELECT true AS waits, list, position, accepted_at, request AS id {waiting} UNION ALL \
         SELECT false, list, position, accepted_at, id {processed} \
         ORDER BY accepted_at DESC, position DESC, id DESC LIMIT $13 OFFSET $14"
    );
    let [limit, offset] = window.signed();
    let values = [values, &[&limit, &offset]].concat();
    let mut order = Vec::new();
    let (mut asked, mut shown) = ([(Vec::new(), Vec::new()), (Vec::new(), Vec::new())], HashMap::new());
    for row in session.query(&places, &values)? {
        let (waits, list, position): (bool, i64, i64) = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
        order.push((list, position));
        let (lists, positions) = &mut asked[usize::from(waits)];
        lists.push(list);
        positions.push(position);
    }
    let these = |table: &str| {
        format!(
            "WHERE ({table}.list, {table}.position) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))"
        )
    };
    let [processed, waiting] = &asked;
    if !waiting.0.is_empty() {
        let select = format!("SELECT {WAITING} {}", these("batch"));
        for row in session.query(&select, &[&waiting.0, &waiting.1])? {
            let place = (get(&row, 0)?, get(&row, 1)?);
            shown.insert(place, read_waiting(&row, &applying)?.into_summary());
        }
    }
    if !processed.0.is_empty() {
        let select = format!("SELECT {PROCESSED} {}", these("r"));
        for row in session.query(&select, &[&processed.0, &processed.1])? {
            let place = (get(&row, 0)?, get(&row, 1)?);
            shown.insert(place, read_processed(&row)?.into_summary());
        }
    }
    Ok(Page { rows: order.iter().filter_map(|place| shown.remove(place)).collect(), total })
}
