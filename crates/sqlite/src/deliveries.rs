//! The outbox of webhooks.
//!
//! Pending deliveries are indexed by receiver, and leases go from receiver to receiver: one with a million
//! deliveries that fail costs the others nothing.

use std::collections::HashMap;
use std::sync::MutexGuard;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{Shared, error, signed, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::activity::{Minutes, minute, of_attempt};
use storage::rows::attempts::logged;
use storage::{Attempt, Delivery, DeliveryEnd, Error, Place};

/// Deliveries that are out.
#[derive(Default)]
pub struct Leases {
    /// By position: the receiver, and the attempts before this one.
    out: HashMap<u64, (String, i64)>,
    /// By receiver: how many.
    per_receiver: HashMap<String, usize>,
    /// The receiver that was served last; the next claim goes on behind it.
    last: String,
}

impl Leases {
    fn out_at(&self, receiver: &str) -> usize {
        self.per_receiver.get(receiver).copied().unwrap_or_default()
    }

    fn take(&mut self, delivery: &Delivery) {
        let out = (delivery.receiver.clone(), i64::from(delivery.attempts));
        self.out.insert(delivery.place.position, out);
        *self.per_receiver.entry(delivery.receiver.clone()).or_default() += 1;
    }

    fn give_back(&mut self, position: u64) {
        let Some((receiver, _)) = self.out.remove(&position) else { return };
        if let Some(count) = self.per_receiver.get_mut(&receiver) {
            *count -= 1;
            if *count == 0 {
                self.per_receiver.remove(&receiver);
            }
        }
    }
}

/// Held over a whole claim and a whole finish: a claim that read before a finish committed, and looked after it
/// gave back, would send a delivery twice.
fn leases(shared: &Shared) -> MutexGuard<'_, Leases> {
    super::lock(&shared.leases)
}

/// Claims what is due, at most `max`, and no more of one receiver than brings it to `per_receiver`.
pub fn claim(
    store: &Connection,
    shared: &Shared,
    now: Timestamp,
    max: usize,
    per_receiver: usize,
) -> Result<Vec<Delivery>, Error> {
    let mut leases = leases(shared);
    let mut claimed: Vec<Delivery> = Vec::new();
    let mut last = None;
    for receiver in receivers_after(store, &leases.last).map_err(error)? {
        let free = per_receiver.saturating_sub(leases.out_at(&receiver)).min(max - claimed.len());
        if free > 0 {
            claimed.extend(due(store, &leases, &receiver, now, free).map_err(error)?);
        }
        if claimed.len() >= max {
            last = Some(receiver);
            break;
        }
    }
    // Taken only now: where reading failed half-way, nobody would give them back.
    claimed.iter().for_each(|delivery| leases.take(delivery));
    if let Some(last) = last {
        leases.last = last;
    }
    Ok(claimed)
}

/// The receivers with pending deliveries, those behind `last` first.
fn receivers_after(store: &Connection, last: &str) -> rusqlite::Result<Vec<String>> {
    // One seek per receiver, however many deliveries each has.
    let mut next = store.prepare_cached(
        "SELECT receiver FROM delivery WHERE state = 0 AND receiver > ?1 ORDER BY receiver LIMIT 1",
    )?;
    let mut receivers: Vec<String> = Vec::new();
    loop {
        let from = receivers.last().map_or("", String::as_str);
        let Some(receiver) = next.query_row([from], |row| row.get(0)).optional()? else { break };
        receivers.push(receiver);
    }
    let behind = receivers.partition_point(|receiver| receiver.as_str() <= last);
    receivers.rotate_left(behind);
    Ok(receivers)
}

fn due(
    store: &Connection,
    leases: &Leases,
    receiver: &str,
    now: Timestamp,
    free: usize,
) -> rusqlite::Result<Vec<Delivery>> {
    let mut select = store.prepare_cached(
        "SELECT d.position, d.attempts, r.id, r.account, r.webhook, r.list, d.generation FROM delivery d \
         JOIN request r USING (position) \
         WHERE d.state = 0 AND d.receiver = ?1 AND d.next_at <= ?2 ORDER BY d.next_at LIMIT ?3",
    )?;
    // Those that are out are still pending in the table.
    let limit = i64::try_from(free + leases.out_at(receiver)).unwrap_or(i64::MAX);
    let rows = select.query_map(params![receiver, now.millis(), limit], |row| {
        Ok(Delivery {
            place: Place { list: ListNo(row.get(5)?), position: unsigned(row.get(0)?) },
            attempts: row.get(1)?,
            request: ObjectId::from_bytes(row.get(2)?),
            account: AccountNo(row.get(3)?),
            uri: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            receiver: receiver.to_owned(),
            generation: row.get(6)?,
        })
    })?;
    let mut found = Vec::with_capacity(free);
    for delivery in rows {
        let delivery = delivery?;
        if !leases.out.contains_key(&delivery.place.position) && found.len() < free {
            found.push(delivery);
        }
    }
    Ok(found)
}

/// Writes attempts down, and gives the deliveries back. Those that are not out are written down already: whoever was
/// told that this has failed comes again, and the commit may have been kept all the same.
pub fn finish(store: &mut Connection, shared: &Shared, attempts: &[Attempt]) -> Result<(), Error> {
    let mut leases = leases(shared);
    write(store, shared, &leases, attempts).map_err(error)?;
    for attempt in attempts {
        leases.give_back(attempt.place.position);
    }
    Ok(())
}

fn write(
    store: &mut Connection,
    shared: &Shared,
    leases: &Leases,
    attempts: &[Attempt],
) -> rusqlite::Result<()> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut update = transaction.prepare_cached(
            // Not twice. Where it was sent again by hand while it was out, it stays due, and only its end is noted.
            "UPDATE delivery SET state = iif(generation = ?7, ?2, state), \
             next_at = iif(generation = ?7, ?3, next_at), \
             attempts = attempts + (generation = ?7 AND ?4 IS NOT NULL), \
             last_end = coalesce(?4, last_end), last_at = iif(?4 IS NULL, last_at, ?5) \
             WHERE position = ?1 AND iif(generation = ?7, attempts = ?6, last_at IS NOT ?5)",
        )?;
        let mut request =
            transaction.prepare_cached("SELECT account, id, webhook FROM request WHERE position = ?1")?;
        let (mut minutes, mut log) = (Minutes::new(), Vec::new());
        for attempt in attempts {
            let Some((receiver, before)) = leases.out.get(&attempt.place.position) else { continue };
            let (position, end) = (signed(attempt.place.position), attempt.end().map(DeliveryEnd::code));
            let (next_at, at) = (attempt.next_at.millis(), attempt.at.millis());
            let state = attempt.state.code();
            let known =
                update.execute(params![position, state, next_at, end, at, before, attempt.generation])?;
            if known == 0 {
                continue;
            }
            let read = |row: &Row<'_>| {
                Ok((
                    AccountNo(row.get(0)?),
                    ObjectId::from_bytes(row.get(1)?),
                    row.get::<_, Option<String>>(2)?,
                ))
            };
            let Some((account, id, uri)) = request.query_row([position], read).optional()? else { continue };
            minutes.entry((account, minute(attempt.at))).or_default().add(of_attempt(attempt));
            let before = u32::try_from(*before).unwrap_or(u32::MAX);
            let logged = logged(attempt, id, uri.unwrap_or_default(), receiver.clone(), before);
            log.extend(logged.map(|logged| (account, logged)));
        }
        super::activity::add(&transaction, &minutes)?;
        super::attempts::log(&transaction, shared, log)?;
    }
    transaction.commit()
}

/// Makes a delivery due again, as if it had never been tried; also where an attempt is out, whatever becomes of that.
pub fn resend(
    store: &Connection,
    account: Option<AccountNo>,
    request: ObjectId,
    now: Timestamp,
) -> Result<bool, Error> {
    let update = "UPDATE delivery SET state = 0, attempts = 0, next_at = ?2, generation = generation + 1 WHERE position = \
                  (SELECT position FROM request WHERE id = ?1 AND (?3 IS NULL OR account = ?3))";
    let values = params![request.to_bytes(), now.millis(), account.map(|account| account.0)];
    store.execute(update, values).map(|rows| rows > 0).map_err(error)
}

/// When the next delivery is due that could be claimed.
pub fn next_at(store: &Connection, shared: &Shared, per_receiver: usize) -> Result<Option<Timestamp>, Error> {
    let leases = leases(shared);
    earliest(store, &leases, per_receiver).map_err(error)
}

fn earliest(store: &Connection, leases: &Leases, per_receiver: usize) -> rusqlite::Result<Option<Timestamp>> {
    let mut select = store.prepare_cached(
        "SELECT position, next_at FROM delivery WHERE state = 0 AND receiver = ?1 ORDER BY next_at LIMIT ?2",
    )?;
    let mut earliest: Option<Timestamp> = None;
    for receiver in receivers_after(store, "")? {
        if leases.out_at(&receiver) >= per_receiver {
            // Looked at again when one of them comes back.
            continue;
        }
        let limit = i64::try_from(leases.out_at(&receiver) + 1).unwrap_or(i64::MAX);
        let mut rows = select.query(params![receiver, limit])?;
        while let Some(row) = rows.next()? {
            let next = Timestamp::from_millis(row.get(1)?);
            if !leases.out.contains_key(&unsigned(row.get(0)?)) {
                earliest = Some(earliest.map_or(next, |before| before.min(next)));
                break;
            }
        }
    }
    Ok(earliest)
}
