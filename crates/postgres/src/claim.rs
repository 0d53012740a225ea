//! Claiming what is due, from receiver to receiver: one with a million deliveries that fail costs the others nothing.
//!
//! The table `due` says where to look, and so each list is asked by itself for the first few of a receiver. Statements
//! about lists are sent together.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::due::{self, Receivers};
use super::session::{Session, Value, Values, get, get_id, get_number, get_small};
use super::shared::Shared;
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ListNo};
use storage::{Delivery, Error, Place};

/// Rows of `due` that are read at once.
const PAGE: i64 = 1_000;

/// A list in which something is due to a receiver, of whom so many may go out.
struct Spot {
    list: ListNo,
    receiver: String,
    free: i64,
}

/// Spots by list, and what is asked of each list: the receivers in their order, with how many may go out.
type Lists = BTreeMap<ListNo, BTreeMap<String, i64>>;

/// A delivery that may be claimed: the place of its receiver among those who are served, when it is due, and where.
type Candidate = (usize, i64, i64, ListNo);

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
    let out = out(session, shared)?;
    let last = shared.last_receiver();
    let (spots, all) = spots(session, &last, now, max, |receiver| {
        limit(per_receiver) - out.get(receiver).copied().unwrap_or_default()
    })?;
    if spots.is_empty() {
        return Ok(Vec::new());
    }
    let mut lists = Lists::new();
    for spot in &spots {
        lists.entry(spot.list).or_default().insert(spot.receiver.clone(), spot.free);
    }
    let mut candidates = look(session, &mut lists, &spots, now)?;
    candidates.sort_unstable();
    let (chosen, full) = choose(candidates, &spots, max);
    let claimed = take(session, shared, &lists, &chosen)?;
    let last = match claimed.last() {
        Some(delivery) if full => Some(delivery.receiver.as_str()),
        _ if all => None,
        _ => spots.last().map(|spot| spot.receiver.as_str()),
    };
    if let Some(last) = last {
        shared.set_last_receiver(last);
    }
    Ok(claimed)
}

pub fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How many each receiver has out. What nodes have out that are silent is free again.
fn out(session: &Session, shared: &Shared) -> Result<HashMap<String, i64>, Error> {
    let live = "SELECT id FROM node WHERE heard_at > now() - $1::bigint * interval '1 millisecond'";
    let select =
        "SELECT receiver, node, count(*) FROM delivery WHERE node IS NOT NULL GROUP BY receiver, node";
    let lease = i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX);
    let found = session.query_all(&[(live, &[&lease]), (select, &[])])?;
    let [live, rows] = found.as_slice() else { return Ok(HashMap::new()) };
    let live = live.iter().map(|row| get(row, 0)).collect::<Result<HashSet<Vec<u8>>, _>>()?;
    let (mut out, mut silent) = (HashMap::new(), HashSet::new());
    for row in rows {
        let node: Vec<u8> = get(row, 1)?;
        if live.contains(&node) {
            *out.entry(get(row, 0)?).or_default() += get::<i64>(row, 2)?;
        } else {
            silent.insert(node);
        }
    }
    if !silent.is_empty() {
        free(session, &silent.into_iter().collect::<Vec<_>>())?;
    }
    Ok(out)
}

/// What these nodes have out is free again.
fn free(session: &Session, nodes: &Vec<Vec<u8>>) -> Result<(), Error> {
    let select = "SELECT list, position, receiver, next_at FROM delivery WHERE node IS NOT NULL AND node = ANY($1) \
                  ORDER BY list, position";
    let rows = session.query(select, &[nodes])?;
    let mut lists: BTreeMap<ListNo, Vec<i64>> = BTreeMap::new();
    let mut due: BTreeMap<ListNo, Receivers<'_>> = BTreeMap::new();
    for row in &rows {
        let list = ListNo(get(row, 0)?);
        lists.entry(list).or_default().push(get(row, 1)?);
        due.entry(list).or_default().add(get(row, 2)?, get(row, 3)?);
    }
    let update = "UPDATE delivery SET node = NULL WHERE list = $1 AND position = ANY($2) AND node = ANY($3)";
    let values: Vec<[Value<'_>; 3]> =
        lists.iter().map(|(list, positions)| [&list.0 as Value<'_>, positions, nodes]).collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (update, values.as_slice())).collect();
    session.pipeline(&all)?;
    due::note(session, &due)
}

/// Where something is due, at most `max` spots: of receivers of whom some may go out, those behind the last one first;
/// and whether these are all. Of a receiver those lists come first that have waited longest, and no more of them than
/// deliveries may go out.
fn spots(
    session: &Session,
    last: &str,
    now: Timestamp,
    max: usize,
    free: impl Fn(&str) -> i64,
) -> Result<(Vec<Spot>, bool), Error> {
    let select = "SELECT receiver, list FROM due WHERE receiver > $1 AND ($2::text IS NULL OR receiver <= $2) \
                  AND next_at <= $3 ORDER BY receiver, next_at, list LIMIT $4";
    let mut spots: Vec<Spot> = Vec::new();
    for (from, to) in [(last, None), ("", Some(last))] {
        let mut from = from.to_owned();
        loop {
            let rows = session.query(select, &[&from, &to, &now.millis(), &PAGE])?;
            let full = limit(rows.len()) == PAGE;
            let mut of_this = 0;
            for row in &rows {
                let receiver: String = get(row, 0)?;
                of_this = if receiver == from { of_this + 1 } else { 1 };
                let free = free(&receiver);
                from.clone_from(&receiver);
                if of_this > free {
                    continue;
                }
                if spots.len() >= max {
                    return Ok((spots, false));
                }
                spots.push(Spot { list: ListNo(get(row, 1)?), receiver, free });
            }
            if !full {
                break;
            }
        }
    }
    Ok((spots, true))
}

/// The first that are due in each spot. A spot whose row another holds just now is left out, and taken out of `lists`:
/// it is looked at again, and nobody waits.
fn look(
    session: &Session,
    lists: &mut Lists,
    spots: &[Spot],
    now: Timestamp,
) -> Result<Vec<Candidate>, Error> {
    let lock = "SELECT receiver FROM due WHERE list = $1 AND receiver = ANY($2) ORDER BY receiver \
                FOR UPDATE SKIP LOCKED";
    let first = "SELECT d.position, d.receiver, d.next_at FROM unnest($2::text[], $3::bigint[]) AS u (receiver, free) \
                 CROSS JOIN LATERAL (SELECT w.position, w.receiver, w.next_at FROM delivery w WHERE w.list = $1 \
                 AND w.receiver = u.receiver AND w.state = 0 AND w.node IS NULL AND w.next_at <= $4 \
                 ORDER BY w.next_at, w.position LIMIT u.free) d";
    let now = now.millis();
    let columns: Vec<(i64, Vec<&str>, Vec<i64>)> = lists
        .iter()
        .map(|(list, receivers)| {
            (list.0, receivers.keys().map(String::as_str).collect(), receivers.values().copied().collect())
        })
        .collect();
    let values: Vec<[Value<'_>; 4]> =
        columns.iter().map(|(list, receivers, free)| [list as Value<'_>, receivers, free, &now]).collect();
    // The deliveries are read after the row is locked: what was noted until then is seen.
    let all: Vec<(&str, Values<'_>)> =
        values.iter().flat_map(|values| [(lock, &values[..2]), (first, values.as_slice())]).collect();
    let found = session.query_all(&all)?;
    let mut ranks: HashMap<&str, usize> = HashMap::new();
    for (rank, spot) in spots.iter().enumerate() {
        ranks.entry(spot.receiver.as_str()).or_insert(rank);
    }
    let mut candidates = Vec::new();
    for ((list, receivers), found) in lists.iter_mut().zip(found.chunks(2)) {
        let [locked, first] = found else { continue };
        let locked = locked.iter().map(|row| get(row, 0)).collect::<Result<HashSet<&str>, _>>()?;
        receivers.retain(|receiver, _| locked.contains(receiver.as_str()));
        for row in first {
            let receiver: &str = get(row, 1)?;
            if let Some(rank) = ranks.get(receiver).filter(|_| locked.contains(receiver)) {
                candidates.push((*rank, get(row, 2)?, get(row, 0)?, *list));
            }
        }
    }
    lists.retain(|_, receivers| !receivers.is_empty());
    Ok(candidates)
}

/// Of each receiver the first, of whatever list, as many as may go out; at most `max` in all, and whether there are as
/// many.
fn choose(candidates: Vec<Candidate>, spots: &[Spot], max: usize) -> (Vec<(ListNo, i64)>, bool) {
    let mut chosen = Vec::new();
    let (mut receiver, mut taken) = (None, 0);
    for (rank, _, position, list) in candidates {
        if receiver != Some(rank) {
            (receiver, taken) = (Some(rank), 0);
        }
        if taken >= spots.get(rank).map_or(0, |spot| spot.free) {
            continue;
        }
        if chosen.len() >= max {
            break;
        }
        taken += 1;
        chosen.push((list, position));
    }
    let full = chosen.len() >= max;
    (chosen, full)
}

/// Takes what was chosen, and puts right what is due now in the spots that were looked at. Returns the deliveries in
/// the order in which they were chosen.
fn take(
    session: &Session,
    shared: &Shared,
    lists: &Lists,
    chosen: &[(ListNo, i64)],
) -> Result<Vec<Delivery>, Error> {
    let take = "UPDATE delivery d SET node = $3 FROM request r WHERE d.list = $1 AND d.position = ANY($2) \
                AND d.state = 0 AND d.node IS NULL AND r.list = $1 AND r.position = d.position \
                RETURNING d.position, d.receiver, d.attempts, r.id, r.account, r.webhook, d.generation";
    let clear = "DELETE FROM due u WHERE u.list = $1 AND u.receiver = ANY($2) AND NOT EXISTS (SELECT 1 \
                 FROM delivery d WHERE d.list = $1 AND d.receiver = u.receiver AND d.state = 0 AND d.node IS NULL)";
    let settle = "UPDATE due u SET next_at = (SELECT min(d.next_at) FROM delivery d WHERE d.list = $1 \
                  AND d.receiver = u.receiver AND d.state = 0 AND d.node IS NULL) \
                  WHERE u.list = $1 AND u.receiver = ANY($2)";
    let node = shared.node.as_slice();
    let mut positions: BTreeMap<ListNo, Vec<i64>> = BTreeMap::new();
    for (list, position) in chosen {
        positions.entry(*list).or_default().push(*position);
    }
    let columns: Vec<(i64, Vec<i64>, Vec<&str>)> = lists
        .iter()
        .map(|(list, receivers)| {
            let positions = positions.remove(list).unwrap_or_default();
            (list.0, positions, receivers.keys().map(String::as_str).collect())
        })
        .collect();
    let values: Vec<([Value<'_>; 3], [Value<'_>; 2])> = columns
        .iter()
        .map(|(list, positions, receivers)| {
            ([list as Value<'_>, positions, &node], [list as Value<'_>, receivers])
        })
        .collect();
    let all: Vec<(&str, Values<'_>)> = values
        .iter()
        .flat_map(|(taken, due)| {
            [(take, taken.as_slice()), (clear, due.as_slice()), (settle, due.as_slice())]
        })
        .collect();
    let order: HashMap<_, _> = chosen.iter().enumerate().map(|(place, chosen)| (*chosen, place)).collect();
    let mut claimed = Vec::with_capacity(chosen.len());
    for ((list, ..), rows) in columns.iter().zip(session.query_all(&all)?.chunks(3)) {
        for row in rows.first().into_iter().flatten() {
            let position: i64 = get(row, 0)?;
            let delivery = Delivery {
                place: Place { list: ListNo(*list), position: get_number(row, 0)? },
                request: get_id(row, 3)?,
                account: AccountNo(get(row, 4)?),
                uri: get::<Option<String>>(row, 5)?.unwrap_or_default(),
                receiver: get(row, 1)?,
                attempts: get_small(row, 2)?,
                generation: get_small(row, 6)?,
            };
            claimed.push((order.get(&(ListNo(*list), position)), delivery));
        }
    }
    claimed.sort_unstable_by_key(|(place, _)| *place);
    Ok(claimed.into_iter().map(|(_, delivery)| delivery).collect())
}
