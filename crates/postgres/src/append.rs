//! The journal: accepted batches, on disk before they are answered, until they are applied.
//!
//! The batches of one list are one transaction, and those of several run side by side. A batch's position is given
//! under the lock of its list's queue, which is held until the commit: positions become visible in their order.

mod columns;

use std::sync::Arc;

use self::columns::{Columns, INSERT};
use super::idempotency;
use super::queue::{GIVE, LOCK_PROGRESS, LOCK_QUEUE};
use super::session::{Reach, Session, Values, get, get_number};
use super::shared::Shared;
use super::signals::Notice;
use super::store::{Failed, PostgresStore};
use domain::journal::{AccountNo, Batch, ListNo};
use futures_util::future::join_all;
use storage::{AppendError, Appended, Error};

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
    let is_plain = list.0 > 0 && !group.iter().any(|batch| batch.once.is_some());
    let done = if is_plain && store.keeps_statements() {
        insert_plain(store, list, &group).await
    } else {
        let those = Arc::clone(&group);
        store.append_once(move |session, shared| insert(session, shared, list, &those)).await
    };
    let outcome = match done {
        Ok(appended) => Ok(appended),
        Err(Failed { error, reach: Reach::Lost, committing: true }) => {
            let those = Arc::clone(&group);
            match store.write(move |session, shared| there(session, shared, list, &those)).await {
                Ok(there) if there == group.len() => Ok(vec![Appended::Kept; there]),
                Ok(0) => Err(AppendError::NotKept(error)),
                Ok(_) | Err(_) => {
                    // It may wait: the next look tells.
                    store.shared.journal().looked_at = None;
                    Err(AppendError::Unknown(error))
                }
            }
        }
        Err(failed) if failed.reach == Reach::Held => Err(AppendError::Held(failed.error)),
        Err(failed) => Err(AppendError::NotKept(failed.error)),
    };
    if let Ok(appended) = &outcome {
        count(&store.shared, list, &group, appended);
        store.shared.signals.tell(Notice::Appended);
    }
    outcome
}

/// Batches of one list without keys: one round trip for all.
async fn insert_plain(
    store: &PostgresStore,
    list: ListNo,
    group: &[Arc<Batch>],
) -> Result<Vec<Appended>, Failed<Error>> {
    let batches: Vec<&Batch> = group.iter().map(AsRef::as_ref).collect();
    let columns = Columns::of(&batches, false);
    for known in [store.shared.given(list), 0] {
        let values = columns.values(&list.0, &known);
        let done = store.append_in_one(&[(GIVE, &values[..3]), (INSERT, &values)]).await?;
        if let [given, (_, inserted)] = done.as_slice()
            && *inserted == batches.len() as u64
            && let Some(row) = given.0.first()
        {
            let last =
                get(row, 0).map_err(|error| Failed { error, reach: Reach::Lasting, committing: true })?;
            store.shared.set_given(list, last);
            return Ok(vec![Appended::Kept; batches.len()]);
        }
    }
    Err(Failed { error: no_queue(list), reach: Reach::Lasting, committing: false })
}

/// A queue is made with its list.
fn no_queue(list: ListNo) -> Error {
    Error::Damaged(format!("list {} has no queue", list.0))
}

/// Tells the appliers of this node, and counts what waits now.
fn count(shared: &Shared, list: ListNo, group: &[Arc<Batch>], appended: &[Appended]) {
    let mut journal = shared.journal();
    let journal = &mut *journal;
    for (batch, outcome) in group.iter().zip(appended) {
        // Also where it was known before: that one may wait still.
        journal.appended.insert(list);
        journal.waiting.entry(batch.account).or_default().insert(list);
        if *outcome == Appended::Kept {
            journal.backlog_changes += 1;
            for backlog in [&mut journal.backlog, journal.backlogs.entry(batch.account).or_default()] {
                backlog.batches += 1;
                backlog.bytes += batch.items.len() as u64;
            }
        }
    }
}

/// How many of the batches are in the store. The lock of the queue is waited for: whoever was committing is done then.
fn there(session: &Session, shared: &Shared, list: ListNo, group: &[Arc<Batch>]) -> Result<usize, Error> {
    lock(session, shared, list)?;
    let ids: Vec<_> = group.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    let count = "SELECT (SELECT count(*) FROM batch WHERE list = $1 AND request = ANY($2)) \
                 + (SELECT count(*) FROM request WHERE list = $1 AND id = ANY($2))";
    let row = session.query_opt(count, &[&list.0, &ids])?;
    let found = row.map_or(Ok(0), |row| get_number(&row, 0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

fn lock(session: &Session, shared: &Shared, list: ListNo) -> Result<(), Error> {
    for known in [shared.given(list), 0] {
        if session.query_opt(LOCK_QUEUE, &[&list.0, &known])?.is_some() {
            break;
        }
    }
    Ok(())
}

fn insert(
    session: &Session,
    shared: &Shared,
    list: ListNo,
    group: &[Arc<Batch>],
) -> Result<Vec<Appended>, Error> {
    let mut appended = vec![Appended::Kept; group.len()];
    if list.0 < 0 {
        // Lists are not made meanwhile: each that there is gets a fence.
        let lock = "SELECT FROM setting WHERE name = 'catalogue_version' FOR NO KEY UPDATE";
        session.execute(lock, &[])?;
    }
    if group.iter().any(|batch| batch.once.is_some()) {
        // The keys are looked at under the lock: of two that race, the second finds the first.
        lock(session, shared, list)?;
        idempotency::take(session, list, group, &mut appended)?;
    }
    let kept: Vec<&Batch> = group
        .iter()
        .zip(&appended)
        .filter(|(_, outcome)| **outcome == Appended::Kept)
        .map(|(batch, _)| batch.as_ref())
        .collect();
    insert_batches(session, shared, &[list.0], &kept, false)?;
    if list.0 < 0 {
        put_fences(session, shared, list, &kept)?;
    }
    Ok(appended)
}

/// Batches that are about an account stand, in each of its lists, behind all that was accepted before them. Queues are
/// locked in the order of their lists.
fn put_fences(session: &Session, shared: &Shared, queue: ListNo, batches: &[&Batch]) -> Result<(), Error> {
    let rows = session.query("SELECT no FROM list WHERE account = $1 ORDER BY no", &[&-queue.0])?;
    let lists = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    insert_batches(session, shared, &lists, batches, true)
}

/// Behind list and position: the columns of a fence for the batch `b`.
const FENCE: &str = "b.request, b.account, b.list_id, b.token, b.kind, b.accepted_at, NULL, NULL, b.restore_erased, \
                     true, 0, 0, ''::bytea";

/// A new list begins behind what is about its account and was accepted before.
pub fn fence_new_list(session: &Session, account: AccountNo, list: i64) -> Result<(), Error> {
    // One that is being applied takes those fences away that it sees: it is waited for, or it would leave this one.
    session.query_opt(LOCK_PROGRESS, &[&-account.0])?;
    let insert = format!(
        "INSERT INTO batch SELECT $1, row_number() OVER (ORDER BY b.position), {FENCE} FROM batch b WHERE b.list = $2"
    );
    let fences = session.execute(&insert, &[&list, &-account.0])?;
    let update = "UPDATE queue SET last = $2 WHERE list = $1";
    session.execute(update, &[&list, &fences.cast_signed()]).map(drop)
}

/// Inserts batches into lists, or fences for them: each statement is about one list, so that one shard does it all.
fn insert_batches(
    session: &Session,
    shared: &Shared,
    lists: &[i64],
    batches: &[&Batch],
    fences: bool,
) -> Result<(), Error> {
    let columns = Columns::of(batches, fences);
    let known: Vec<_> = lists.iter().map(|list| shared.given(ListNo(*list))).collect();
    let insert = |lists: &[i64], known: &[i64]| -> Result<Vec<u64>, Error> {
        let values: Vec<_> =
            lists.iter().zip(known).map(|(list, known)| columns.values(list, known)).collect();
        let all: Vec<(&str, Values<'_>)> =
            values.iter().flat_map(|values| [(GIVE, &values[..3]), (INSERT, values.as_slice())]).collect();
        session.pipeline(&all)
    };
    for (list, written) in lists.iter().zip(insert(lists, &known)?.chunks(2)) {
        if written.last() == Some(&(batches.len() as u64)) {
            continue;
        }
        shared.set_given(ListNo(*list), 0);
        if insert(&[*list], &[0])?.last() != Some(&(batches.len() as u64)) {
            return Err(no_queue(ListNo(*list)));
        }
    }
    Ok(())
}
