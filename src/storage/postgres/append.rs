//! The journal: accepted batches, on disk before they are answered, until they are applied.
//!
//! The batches of one list are one transaction, and those of several run side by side. A batch's position is given
//! under the lock of its list's queue, which is held until the commit: positions become visible in their order.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio_postgres::types::ToSql;

use super::session::{Reach, Session, Value, Values, get, get_array, get_id, get_number};
use super::shared::Shared;
use super::store::{Failed, PostgresStore};
use crate::clock::Timestamp;
use crate::journal::{AccountNo, Batch, ListNo};
use crate::storage::rows::seal::seal;
use crate::storage::{AppendError, Appended, Error, Remembered};

/// The list in whose queue a batch waits: what is about an account has a queue of its own.
pub const fn queue_of(account: AccountNo, list: ListNo) -> ListNo {
    if list.0 == ListNo::NONE.0 { ListNo(-account.0) } else { list }
}

/// Writes batches, those of each list all or none.
pub async fn append(store: &PostgresStore, batches: Vec<Arc<Batch>>) -> Result<Vec<Appended>, AppendError> {
    let mut groups: Vec<(ListNo, Vec<usize>)> = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        let queue = queue_of(batch.account, batch.list);
        match groups.iter_mut().find(|(list, _)| *list == queue) {
            Some((_, places)) => places.push(index),
            None => groups.push((queue, vec![index])),
        }
    }
    let running = groups.iter().map(|(list, places)| {
        let group: Vec<_> = places.iter().filter_map(|place| batches.get(*place).cloned()).collect();
        append_to(store, *list, group)
    });
    let mut outcomes: Vec<_> = join_all(running).await;
    if let [_] = groups.as_slice() {
        return outcomes.pop().unwrap_or(Ok(Vec::new()));
    }
    let mut apart: Vec<Option<Result<Appended, AppendError>>> = vec![None; batches.len()];
    for ((_, places), outcome) in groups.iter().zip(outcomes) {
        for (index, place) in places.iter().enumerate() {
            apart[*place] = match &outcome {
                Ok(appended) => appended.get(index).cloned().map(Ok),
                Err(error) => Some(Err(error.clone())),
            };
        }
    }
    let lost = || Err(AppendError::Unknown(Error::Unavailable("nobody knows".to_owned())));
    let apart: Vec<_> = apart.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect();
    if apart.iter().all(Result::is_ok) {
        return apart.into_iter().collect();
    }
    Err(AppendError::Apart(apart))
}

/// Writes batches of one list in one transaction.
async fn append_to(
    store: &PostgresStore,
    list: ListNo,
    group: Vec<Arc<Batch>>,
) -> Result<Vec<Appended>, AppendError> {
    let group = Arc::new(group);
    let those = Arc::clone(&group);
    let done = store.write_once(move |session, _| insert(session, list, &those)).await;
    let outcome = match done {
        Ok(appended) => Ok(appended),
        Err(Failed { error, reach: Reach::Lost, committing: true }) => {
            let those = Arc::clone(&group);
            match store.write(move |session, _| there(session, list, &those)).await {
                Ok(there) if there == group.len() => Ok(vec![Appended::Kept; there]),
                Ok(0) => Err(AppendError::NotKept(error)),
                Ok(_) | Err(_) => Err(AppendError::Unknown(error)),
            }
        }
        Err(failed) => Err(AppendError::NotKept(failed.error)),
    };
    if let Ok(appended) = &outcome {
        count(&store.shared, list, &group, appended);
    }
    outcome
}

/// Tells the appliers of this node, and counts what waits now.
fn count(shared: &Shared, list: ListNo, group: &[Arc<Batch>], appended: &[Appended]) {
    let mut journal = shared.journal();
    let journal = &mut *journal;
    for (batch, outcome) in group.iter().zip(appended) {
        // Also where it was known before: that one may wait still.
        journal.waiting.entry(batch.account).or_default().insert(list);
        if *outcome == Appended::Kept {
            for backlog in [&mut journal.backlog, journal.backlogs.entry(batch.account).or_default()] {
                backlog.batches += 1;
                backlog.bytes += batch.items.len() as u64;
            }
        }
    }
}

/// How many of the batches are in the store. The lock of the queue is waited for: whoever was committing is done then.
fn there(session: &Session, list: ListNo, group: &[Arc<Batch>]) -> Result<usize, Error> {
    lock(session, list)?;
    let ids: Vec<_> = group.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    let count = "SELECT (SELECT count(*) FROM batch WHERE list = $1 AND request = ANY($2)) \
                 + (SELECT count(*) FROM request WHERE list = $1 AND id = ANY($2))";
    let row = session.query_opt(count, &[&list.0, &ids])?;
    let found = row.map_or(Ok(0), |row| get_number(&row, 0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

fn lock(session: &Session, list: ListNo) -> Result<(), Error> {
    session.query_opt("SELECT last FROM queue WHERE list = $1 FOR UPDATE", &[&list.0]).map(drop)
}

/// When the oldest batch that waits was accepted.
pub fn oldest_waiting(session: &Session) -> Result<Option<Timestamp>, Error> {
    let row = session.query_opt("SELECT min(accepted_at) FROM batch WHERE NOT fence", &[])?;
    let millis: Option<i64> = row.map_or(Ok(None), |row| get(&row, 0))?;
    Ok(millis.map(Timestamp::from_millis))
}

fn insert(session: &Session, list: ListNo, group: &[Arc<Batch>]) -> Result<Vec<Appended>, Error> {
    let mut appended = vec![Appended::Kept; group.len()];
    if list.0 < 0 {
        // Lists are not made meanwhile: each that there is gets a fence.
        let lock = "SELECT FROM setting WHERE name = 'catalogue_version' FOR NO KEY UPDATE";
        session.execute(lock, &[])?;
    }
    if group.iter().any(|batch| batch.once.is_some()) {
        // The keys are looked at under the lock: of two that race, the second finds the first.
        lock(session, list)?;
        take_keys(session, list, group, &mut appended)?;
    }
    let kept: Vec<&Batch> = group
        .iter()
        .zip(&appended)
        .filter(|(_, outcome)| **outcome == Appended::Kept)
        .map(|(batch, _)| batch.as_ref())
        .collect();
    insert_batches(session, &[list.0], &kept, false)?;
    if list.0 < 0 {
        put_fences(session, list, &kept)?;
    }
    Ok(appended)
}

/// Batches that are about an account stand, in each of its lists, behind all that was accepted before them. Queues are
/// locked in the order of their lists.
fn put_fences(session: &Session, queue: ListNo, batches: &[&Batch]) -> Result<(), Error> {
    let rows = session.query("SELECT no FROM list WHERE account = $1 ORDER BY no", &[&-queue.0])?;
    let lists = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    insert_batches(session, &lists, batches, true)
}

/// Behind list and position: the columns of a fence for the batch `b`.
const FENCE: &str = "b.request, b.account, b.list_id, b.token, b.kind, b.accepted_at, NULL, NULL, b.restore_erased, \
                     true, 0, 0, ''::bytea";

/// A new list begins behind what is about its account and was accepted before.
pub fn fence_new_list(session: &Session, account: AccountNo, list: i64) -> Result<(), Error> {
    // One that is being applied takes those fences away that it sees: it is waited for, or it would leave this one.
    let applied = "SELECT next FROM progress WHERE list = $1 FOR UPDATE";
    session.query_opt(applied, &[&-account.0])?;
    let insert = format!(
        "INSERT INTO batch SELECT $1, row_number() OVER (ORDER BY b.position), {FENCE} FROM batch b WHERE b.list = $2"
    );
    let fences = session.execute(&insert, &[&list, &-account.0])?;
    let update = "UPDATE queue SET last = $2 WHERE list = $1";
    session.execute(update, &[&list, &fences.cast_signed()]).map(drop)
}

/// Inserts batches into lists, or fences for them. The positions are those that the list's queue has just given out:
/// each statement is about one list, so that one shard does it all.
fn insert_batches(session: &Session, lists: &[i64], batches: &[&Batch], fences: bool) -> Result<(), Error> {
    let count = "UPDATE queue SET last = last + $2 WHERE list = $1";
    let insert = "INSERT INTO batch (list, position, request, account, list_id, token, kind, accepted_at, webhook, \
                  receiver, restore_erased, fence, bytes, items_check, items) \
                  SELECT q.list, q.last - $2 + u.place, u.request, u.account, u.list_id, u.token, u.kind, \
                  u.accepted_at, u.webhook, u.receiver, u.restore_erased, $14, length(u.items), u.items_check, u.items \
                  FROM queue q CROSS JOIN \
                  unnest($3::bytea[], $4::bigint[], $5::bytea[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], \
                  $10::text[], $11::boolean[], $12::bigint[], $13::bytea[]) WITH ORDINALITY \
                  AS u (request, account, list_id, token, kind, accepted_at, webhook, receiver, restore_erased, \
                  items_check, items, place) WHERE q.list = $1";
    let more = i64::try_from(batches.len()).unwrap_or(i64::MAX);
    let webhook = |batch: &&Batch| batch.webhook.clone().filter(|_| !fences);
    let requests = column(batches, |batch| batch.request.to_bytes().to_vec());
    let accounts = column(batches, |batch| batch.account.0);
    let list_ids = column(batches, |batch| batch.list_id.to_bytes().to_vec());
    let tokens: Vec<_> = batches.iter().map(|batch| batch.token.as_str()).collect();
    let kinds = column(batches, |batch| batch.kind.code());
    let accepted = column(batches, |batch| batch.accepted_at.millis());
    let webhooks = column(batches, |batch| webhook(batch).map(|webhook| webhook.uri));
    let receivers = column(batches, |batch| webhook(batch).map(|webhook| webhook.receiver));
    let restore = column(batches, |batch| batch.restore_erased);
    // A fence has no items.
    let seals = column(batches, |batch| if fences { 0 } else { seal(batch) });
    let items: Vec<_> =
        batches.iter().map(|batch| if fences { &[][..] } else { batch.items.as_slice() }).collect();
    let values: Vec<[Value<'_>; 14]> = lists
        .iter()
        .map(|list| -> [Value<'_>; 14] {
            [
                list, &more, &requests, &accounts, &list_ids, &tokens, &kinds, &accepted, &webhooks,
                &receivers, &restore, &seals, &items, &fences,
            ]
        })
        .collect();
    let all: Vec<(&str, Values<'_>)> =
        values.iter().flat_map(|values| [(count, &values[..2]), (insert, values.as_slice())]).collect();
    let written = session.pipeline(&all)?;
    for (list, written) in lists.iter().zip(written.chunks(2)) {
        if written.last() != Some(&(batches.len() as u64)) {
            // A queue is made with its list.
            return Err(Error::Damaged(format!("list {list} has no queue")));
        }
    }
    Ok(())
}

fn column<T: ToSql>(batches: &[&Batch], value: impl Fn(&&Batch) -> T) -> Vec<T> {
    batches.iter().map(value).collect()
}

/// Takes the keys of a group, and says which batches were accepted with theirs before.
fn take_keys(
    session: &Session,
    list: ListNo,
    group: &[Arc<Batch>],
    appended: &mut [Appended],
) -> Result<(), Error> {
    let keyed = || group.iter().filter_map(|batch| batch.once.as_ref().map(|once| (batch, once)));
    let select = "SELECT o.account, o.key, o.fingerprint, o.request, o.warnings FROM once o \
                  JOIN unnest($2::bigint[], $3::text[], $4::bigint[]) AS k (account, key, since) \
                  ON o.account = k.account AND o.key = k.key AND o.used_at > k.since WHERE o.list = $1";
    let accounts: Vec<_> = keyed().map(|(batch, _)| batch.account.0).collect();
    let keys: Vec<_> = keyed().map(|(_, once)| once.key.as_str()).collect();
    let since: Vec<_> = keyed().map(|(_, once)| once.since.millis()).collect();
    let mut known: HashMap<(i64, String), Remembered> = HashMap::new();
    for row in session.query(select, &[&list.0, &accounts, &keys, &since])? {
        known.insert((get(&row, 0)?, get(&row, 1)?), read(&row, 2)?);
    }
    let mut fresh = Vec::new();
    for (batch, outcome) in group.iter().zip(appended) {
        let Some(once) = &batch.once else { continue };
        let place = (batch.account.0, once.key.clone());
        if let Some(remembered) = known.get(&place) {
            *outcome = Appended::Known(remembered.clone());
            continue;
        }
        let (fingerprint, warnings) = (once.fingerprint, once.warnings.clone());
        known.insert(place, Remembered { fingerprint, request: batch.request, warnings });
        fresh.push((batch, once));
    }
    if fresh.is_empty() {
        return Ok(());
    }
    // One whose time is up may still be there.
    let upsert = "INSERT INTO once (list, account, key, fingerprint, request, warnings, used_at) \
                  SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::bigint[]) \
                  ON CONFLICT (list, account, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
                  request = excluded.request, warnings = excluded.warnings, used_at = excluded.used_at";
    session
        .execute(
            upsert,
            &[
                &list.0,
                &fresh.iter().map(|(batch, _)| batch.account.0).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.key.as_str()).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.fingerprint.as_slice()).collect::<Vec<_>>(),
                &fresh.iter().map(|(batch, _)| batch.request.to_bytes().to_vec()).collect::<Vec<_>>(),
                &fresh.iter().map(|(_, once)| once.warnings.as_str()).collect::<Vec<_>>(),
                &fresh.iter().map(|(batch, _)| batch.accepted_at.millis()).collect::<Vec<_>>(),
            ],
        )
        .map(drop)
}

fn read(row: &tokio_postgres::Row, from: usize) -> Result<Remembered, Error> {
    Ok(Remembered {
        fingerprint: get_array(row, from)?,
        request: get_id(row, from + 1)?,
        warnings: get(row, from + 2)?,
    })
}

/// What was accepted with a key after `since`.
pub fn find_once(
    session: &Session,
    list: ListNo,
    account: AccountNo,
    key: &str,
    since: Timestamp,
) -> Result<Option<Remembered>, Error> {
    let select = "SELECT fingerprint, request, warnings FROM once \
                  WHERE list = $1 AND account = $2 AND key = $3 AND used_at > $4";
    let row = session.query_opt(select, &[&list.0, &account.0, &key, &since.millis()])?;
    row.map(|row| read(&row, 0)).transpose()
}
