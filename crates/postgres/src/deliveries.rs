//! The outbox of webhooks: what became of attempts, and when there is something to do again. Claiming is in `claim`.
//!
//! What a node has out bears its name. It is free again when the node has finished it, or has been silent for the
//! length of a lease.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::activity;
use super::claim::limit;
use super::due::{self, Receivers};
use super::session::{Session, Value, Values, get, get_id, get_number, get_small, get_time};
use super::shared::Shared;
use super::signals::Notice;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::activity::{Minutes, minute, of_attempt};
use storage::rows::attempts::logged;
use storage::{Attempt, DeliveryEnd, DeliveryState, Error};

/// Writes attempts down, logs them, and gives the deliveries back. What another node has taken over meanwhile is that
/// node's. Returns the account of each logged attempt.
pub fn finish(session: &Session, shared: &Shared, attempts: &[Attempt]) -> Result<Vec<AccountNo>, Error> {
    if attempts.is_empty() {
        return Ok(Vec::new());
    }
    let mut lists: BTreeMap<ListNo, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        lists.entry(attempt.place.list).or_default().push(attempt);
    }
    let written = write(session, shared, &lists)?;
    let mut due: BTreeMap<ListNo, Receivers<'_>> = BTreeMap::new();
    let mut done: BTreeMap<ListNo, Minutes> = BTreeMap::new();
    let mut log = Vec::new();
    for ((list, attempts), rows) in lists.iter().zip(&written) {
        for row in rows {
            let place = usize::try_from(get_number(row, 0)?).ok();
            let attempt = place.and_then(|place| attempts.get(place.checked_sub(1)?));
            let Some(attempt) = attempt else { continue };
            let minutes = done.entry(*list).or_default();
            let account = AccountNo(get(row, 1)?);
            minutes.entry((account, minute(attempt.at))).or_default().add(of_attempt(attempt));
            let uri: Option<String> = get(row, 6)?;
            let before = get_small(row, 7)?.saturating_sub(1);
            let logged = logged(attempt, get_id(row, 5)?, uri.unwrap_or_default(), get(row, 2)?, before);
            log.extend(logged.map(|logged| (*list, account, logged)));
            if get::<i64>(row, 3)? == DeliveryState::Pending.code() {
                due.entry(*list).or_default().add(get(row, 2)?, get(row, 4)?);
            }
        }
    }
    due::note(session, &due)?;
    activity::add(session, &done.into_iter().collect::<Vec<_>>());
    super::attempts::log(session, log)
}

/// Writes attempts down, list by list. Where a delivery was sent again by hand while it was out, it stays due, and only
/// its end is noted. Returns, for each that was known, its place in the list's attempts from 1, the account and the
/// receiver, the state and the time that hold now, the request, its address, and how many attempts there were.
fn write(
    session: &Session,
    shared: &Shared,
    lists: &BTreeMap<ListNo, Vec<&Attempt>>,
) -> Result<Vec<Vec<Row>>, Error> {
    let update = "UPDATE delivery d SET \
                  state = CASE WHEN d.generation = u.generation THEN u.state ELSE d.state END, \
                  attempts = d.attempts + (d.generation = u.generation AND u.ended IS NOT NULL)::int, \
                  next_at = CASE WHEN d.generation = u.generation THEN u.next_at ELSE d.next_at END, \
                  last_end = coalesce(u.ended, d.last_end), \
                  last_at = CASE WHEN u.ended IS NULL THEN d.last_at ELSE u.at END, node = NULL \
                  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $8::bigint[]) \
                  WITH ORDINALITY AS u (position, state, ended, at, next_at, generation, place), request r \
                  WHERE d.list = $1 AND d.position = u.position AND d.node = $7 \
                  AND r.list = $1 AND r.position = u.position \
                  RETURNING u.place, r.account, d.receiver, d.state, d.next_at, r.id, r.webhook, d.attempts";
    let node = shared.node.as_slice();
    let column = |attempts: &[&Attempt], value: fn(&Attempt) -> i64| {
        attempts.iter().map(|attempt| value(attempt)).collect::<Vec<_>>()
    };
    let columns: Vec<_> = lists
        .iter()
        .map(|(list, attempts)| {
            (
                list.0,
                column(attempts, |attempt| attempt.place.position.cast_signed()),
                column(attempts, |attempt| attempt.state.code()),
                attempts.iter().map(|attempt| attempt.end().map(DeliveryEnd::code)).collect::<Vec<_>>(),
                column(attempts, |attempt| attempt.at.millis()),
                column(attempts, |attempt| attempt.next_at.millis()),
                column(attempts, |attempt| i64::from(attempt.generation)),
            )
        })
        .collect();
    let values: Vec<[Value<'_>; 8]> = columns
        .iter()
        .map(|(list, positions, states, ends, times, next, generations)| {
            [list as Value<'_>, positions, states, ends, times, next, &node, generations]
        })
        .collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (update, values.as_slice())).collect();
    session.query_all(&all)
}

/// Makes a delivery due again, as if it had never been tried; also where an attempt is out, whatever becomes of that.
pub fn resend(
    session: &Session,
    account: Option<AccountNo>,
    request: ObjectId,
    now: Timestamp,
) -> Result<bool, Error> {
    Notice::Deliveries.send(session);
    let select = "SELECT d.list, d.position, d.receiver FROM request r JOIN delivery d ON d.list = r.list \
                  AND d.position = r.position WHERE r.id = $1 AND ($2::bigint IS NULL OR r.account = $2)";
    let account = account.map(|account| account.0);
    let Some(row) = session.query_opt(select, &[&request.to_bytes().as_slice(), &account])? else {
        return Ok(false);
    };
    let (list, position): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
    let (receivers, times): (Vec<&str>, _) = (vec![get(&row, 2)?], vec![now.millis()]);
    let update = "UPDATE delivery SET state = 0, attempts = 0, next_at = $3, generation = generation + 1 \
         WHERE list = $1 AND position = $2";
    // In the order of locks of a claim: first what is due, then the delivery.
    let done = session.pipeline(&[
        (due::NOTE, &[&list, &receivers, &times]),
        (update, &[&list, &position, &now.millis()]),
    ])?;
    Ok(done.last().is_some_and(|rows| *rows > 0))
}

/// When the next delivery is due that could be claimed, and whether there is none at all: neither due later, nor out as
/// far as a receiver has as many out as it may.
pub fn next_at(session: &Session, per_receiver: usize) -> Result<(Option<Timestamp>, bool), Error> {
    let full = "SELECT receiver FROM delivery WHERE node IS NOT NULL GROUP BY receiver HAVING count(*) >= $1";
    let full = session.query(full, &[&limit(per_receiver)])?;
    let full = full.iter().map(|row| get(row, 0)).collect::<Result<Vec<&str>, _>>()?;
    let row = session.query_opt("SELECT min(next_at) FROM due WHERE receiver <> ALL($1)", &[&full])?;
    match row {
        Some(row) if get::<Option<i64>>(&row, 0)?.is_some() => Ok((Some(get_time(&row, 0)?), false)),
        _ => Ok((None, full.is_empty())),
    }
}
