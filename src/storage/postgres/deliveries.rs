//! The outbox of webhooks.
//!
//! What a node has out bears its name. It is free again when the node has finished it, or has been silent for the
//! length of a lease. Claims go from receiver to receiver: one with a million deliveries that fail costs the others
//! nothing.

use std::collections::BTreeMap;

use super::activity;
use super::session::{Session, get, get_id, get_number, get_small, get_time};
use super::shared::Shared;
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};
use crate::storage::rows::activity::{Minutes, minute, of_attempt};
use crate::storage::{Attempt, Delivery, DeliveryEnd, Error, Place};

/// One seek for each receiver that has something pending, however much each has.
const RECEIVERS: &str = "WITH RECURSIVE receivers AS (\
     (SELECT receiver FROM delivery WHERE state = 0 ORDER BY receiver LIMIT 1) \
     UNION ALL SELECT (SELECT d.receiver FROM delivery d WHERE d.state = 0 AND d.receiver > r.receiver \
     ORDER BY d.receiver LIMIT 1) FROM receivers r WHERE r.receiver IS NOT NULL)";

/// How many more of a receiver may go out: `$1` less what is out already.
const FREE: &str = "(SELECT $1 - count(*) FROM delivery o WHERE o.receiver = r.receiver AND o.node IS NOT NULL \
                    AND o.state = 0)";

/// Those of a receiver that nobody has out.
const PENDING: &str = "d.state = 0 AND d.receiver = r.receiver AND d.node IS NULL";

/// Claims what is due, at most `max`, and no more of one receiver than brings it to `per_receiver`.
pub fn claim(
    session: &Session,
    shared: &Shared,
    now: Timestamp,
    max: usize,
    per_receiver: usize,
) -> Result<Vec<Delivery>, Error> {
    // Claims are made one after the other: two nodes would count the same ones as free.
    session.execute("SELECT FROM setting WHERE name = 'claims' FOR NO KEY UPDATE", &[])?;
    free_the_silent(session, shared)?;
    let last = shared.last_receiver();
    let select = format!(
        "{RECEIVERS} SELECT d.list, d.position, d.receiver, d.attempts FROM receivers r CROSS JOIN LATERAL \
         (SELECT * FROM delivery d WHERE {PENDING} AND d.next_at <= $2 ORDER BY d.next_at, d.position \
         LIMIT greatest({FREE}, 0)) d ORDER BY d.receiver <= $3, d.receiver, d.next_at, d.position LIMIT $4"
    );
    let (max, per_receiver) = (limit(max), limit(per_receiver));
    let found = session.query(&select, &[&per_receiver, &now.millis(), &last, &max])?;
    let full = limit(found.len()) >= max;
    let (mut lists, mut positions) = (Vec::new(), Vec::new());
    for row in &found {
        lists.push(get::<i64>(row, 0)?);
        positions.push(get::<i64>(row, 1)?);
    }
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let take = "UPDATE delivery d SET node = $3 FROM unnest($1::bigint[], $2::bigint[]) \
                WITH ORDINALITY AS u (list, position, place), request r \
                WHERE (d.list, d.position) = (u.list, u.position) AND (r.list, r.position) = (u.list, u.position) \
                RETURNING u.place, d.list, d.position, d.receiver, d.attempts, r.id, r.account, r.webhook";
    let mut claimed = Vec::with_capacity(found.len());
    for row in session.query(take, &[&lists, &positions, &shared.node.as_slice()])? {
        let delivery = Delivery {
            place: Place { list: ListNo(get(&row, 1)?), position: get_number(&row, 2)? },
            request: get_id(&row, 5)?,
            account: AccountNo(get(&row, 6)?),
            uri: get::<Option<String>>(&row, 7)?.unwrap_or_default(),
            receiver: get(&row, 3)?,
            attempts: get_small(&row, 4)?,
        };
        claimed.push((get::<i64>(&row, 0)?, delivery));
    }
    claimed.sort_unstable_by_key(|(place, _)| *place);
    let claimed: Vec<_> = claimed.into_iter().map(|(_, delivery)| delivery).collect();
    if let Some(last) = claimed.last().filter(|_| full) {
        shared.set_last_receiver(&last.receiver);
    }
    Ok(claimed)
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What a dead node has had out is free again.
fn free_the_silent(session: &Session, shared: &Shared) -> Result<(), Error> {
    let free = "UPDATE delivery d SET node = NULL WHERE node IS NOT NULL AND NOT EXISTS \
                (SELECT FROM node n WHERE n.id = d.node AND n.heard_at > now() - $1::bigint * interval '1 millisecond')";
    let lease = i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX);
    session.execute(free, &[&lease]).map(drop)
}

/// Writes attempts down, and gives the deliveries back. What another node has taken over meanwhile is that node's.
pub fn finish(session: &Session, shared: &Shared, attempts: &[Attempt]) -> Result<(), Error> {
    if attempts.is_empty() {
        return Ok(());
    }
    let update = "UPDATE delivery d SET state = u.state, attempts = d.attempts + (u.ended IS NOT NULL)::int, \
                  next_at = u.next_at, last_end = coalesce(u.ended, d.last_end), \
                  last_at = CASE WHEN u.ended IS NULL THEN d.last_at ELSE u.at END, node = NULL \
                  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
                  WITH ORDINALITY AS u (list, position, state, ended, at, next_at, place), request r \
                  WHERE (d.list, d.position) = (u.list, u.position) AND d.node = $7 \
                  AND (r.list, r.position) = (u.list, u.position) RETURNING u.place, d.list, r.account";
    let column = |value: fn(&Attempt) -> i64| attempts.iter().map(value).collect::<Vec<_>>();
    let ends: Vec<_> = attempts.iter().map(|attempt| attempt.end.map(DeliveryEnd::code)).collect();
    let written = session.query(
        update,
        &[
            &column(|attempt| attempt.place.list.0),
            &column(|attempt| attempt.place.position.cast_signed()),
            &column(|attempt| attempt.state.code()),
            &ends,
            &column(|attempt| attempt.at.millis()),
            &column(|attempt| attempt.next_at.millis()),
            &shared.node.as_slice(),
        ],
    )?;
    let mut lists: BTreeMap<ListNo, Minutes> = BTreeMap::new();
    for row in written {
        let (place, list, account) = (get_number(&row, 0)?, ListNo(get(&row, 1)?), AccountNo(get(&row, 2)?));
        let place = usize::try_from(place).ok().and_then(|place| attempts.get(place.checked_sub(1)?));
        let Some(attempt) = place else { continue };
        let minutes = lists.entry(list).or_default();
        minutes.entry((account, minute(attempt.at))).or_default().add(of_attempt(attempt));
    }
    activity::add(session, &lists.into_iter().collect::<Vec<_>>())
}

/// Makes a delivery due again, as if it had never been tried.
pub fn resend(
    session: &Session,
    account: Option<AccountNo>,
    request: ObjectId,
    now: Timestamp,
) -> Result<bool, Error> {
    let update = "UPDATE delivery d SET state = 0, attempts = 0, next_at = $2 FROM request r WHERE r.id = $1 \
                  AND ($3::bigint IS NULL OR r.account = $3) AND (d.list, d.position) = (r.list, r.position)";
    let account = account.map(|account| account.0);
    let rows = session.execute(update, &[&request.to_bytes().as_slice(), &now.millis(), &account]);
    rows.map(|rows| rows > 0)
}

/// When the next delivery is due that could be claimed.
pub fn next_at(session: &Session, per_receiver: usize) -> Result<Option<Timestamp>, Error> {
    let select = format!(
        "{RECEIVERS} SELECT min(d.next_at) FROM receivers r CROSS JOIN LATERAL \
         (SELECT d.next_at FROM delivery d WHERE {PENDING} AND {FREE} > 0 ORDER BY d.next_at LIMIT 1) d"
    );
    let row = session.query_opt(&select, &[&limit(per_receiver)])?;
    match row {
        Some(row) if get::<Option<i64>>(&row, 0)?.is_some() => get_time(&row, 0).map(Some),
        _ => Ok(None),
    }
}
