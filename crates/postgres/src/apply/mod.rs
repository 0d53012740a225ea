//! One apply transaction: of one list, under the lock of its progress. Load what the batches touch, let the rule
//! decide, write what changed.
//!
//! Whoever holds the lock applies; a node that dies loses its connection, and with it the lock. So a list is taken
//! over at once, and what was not committed was not done.

mod barrier;
mod list_lease;
mod look;
pub mod waiting;
mod write;

pub use self::list_lease::apply_next;
pub use self::look::oldest_waiting;
use super::activity;
use super::queue::TRY_PROGRESS;
use super::rows::{ListRead, View};
use super::session::{Session, Value};
use super::shared::Shared;
use domain::apply::plan::{Plan, Waiting};
use domain::apply::rule;
use domain::clock::Timestamp;
use domain::journal::{BatchKind, ListNo};
use storage::rows::group::{self, Group, MAX_BYTES, Origin};
use storage::rows::{self, erase, load, merge, undo};
use storage::{Applied, Error};

/// What a turn came to.
#[expect(clippy::large_enum_variant, reason = "there is one in a transaction, and it is taken apart at once")]
pub enum Done {
    /// The list must wait for others of its account.
    Held,
    /// Another transaction holds the list: that of another node which applies it, or of retention.
    Locked,
    /// So much was applied, with the bytes of each batch; nothing where nothing waits.
    Applied(Applied, Vec<u64>),
}

/// Applies what waits in a list, at most `max` batches.
pub fn apply_list(
    session: &Session,
    shared: &Shared,
    list: ListNo,
    max: usize,
    now: Timestamp,
) -> Result<Done, Error> {
    let [max, room] = [max, MAX_BYTES].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let (select, values): (_, [Value<'_>; 3]) = (waiting::select(), [&list.0, &max, &room]);
    let [next, variables, erased] = ListRead::STATEMENTS.map(|text| (text, &values[..1]));
    let all = [(TRY_PROGRESS, &values[..1]), (&*select, &values[..]), next, variables, erased];
    let Ok([locked, batches, next, variables, erased]) = <[_; 5]>::try_from(session.query_all(&all)?) else {
        return Err(Error::Failed("each statement has an answer".to_owned()));
    };
    if locked.is_empty() {
        return Ok(Done::Locked);
    }
    let read = ListRead::new(list, [next, variables, erased]);
    let group = waiting::group(&batches, list)?;
    drop(batches);
    let Some(last) = group.waiting.last() else { return Ok(Done::Applied(Applied::default(), Vec::new())) };
    if list.0 < 0 && !barrier::is_reached(session, last)? {
        return Ok(Done::Held);
    }
    shared.journal().applying.insert(list, last.position);
    let view = View { session, shared, read: Some(&read) };
    group.as_many_as_fit(|count, budget| {
        let Group { waiting, origins, .. } = &group;
        transact(&view, list, &waiting[..count], &origins[..count], budget, now)
    })
}

fn transact(
    view: &View<'_>,
    list: ListNo,
    waiting: &[Waiting],
    origins: &[Origin],
    budget: usize,
    now: Timestamp,
) -> Result<Option<Done>, Error> {
    let now = group::applied_at(origins, now);
    let View { session, shared, .. } = *view;
    let decided = match waiting {
        [batch] if matches!(batch.kind, BatchKind::Undo | BatchKind::Merge) && !batch.is_damaged() => {
            let decided = match batch.kind {
                BatchKind::Merge => merge::decide(view, batch, now),
                _ => undo::decide(view, batch, now),
            };
            match decided {
                Ok((work, decided)) => {
                    write::unit_of_work(session, shared, &work)?;
                    vec![decided]
                }
                Err(error) => vec![group::not_decided(batch, error)?],
            }
        }
        [batch] if batch.kind == BatchKind::Erase && !batch.is_damaged() => {
            let token = origins.first().map_or("", |origin| origin.token.as_str());
            session.batch("SAVEPOINT erase")?;
            let erased = erase::erase(view, batch, token, now).or_else(|error| {
                // A batch that looks at what was damaged changes nothing.
                let told = group::not_decided(batch, error)?;
                session.batch("ROLLBACK TO SAVEPOINT erase")?;
                Ok::<_, Error>(told)
            });
            vec![erased?]
        }
        _ => {
            let plan = Plan::read(waiting, &shared.key);
            let Some(mut work) = load::unit_of_work(view, waiting, &plan, budget)? else { return Ok(None) };
            let decided = rule::apply(waiting, &plan, &mut work, now);
            write::unit_of_work(session, shared, &work)?;
            decided
        }
    };
    let webhooks = write::requests(session, shared, list, waiting, origins, &decided, now);
    if list.0 < 0 {
        barrier::take_away(session, waiting)?;
    }
    let tallies = group::tallies(&decided);
    // Last, since it may wait for those who write down webhooks of the list.
    activity::add(session, &[(list, rows::activity::of_group(waiting, origins, &tallies, now))]);
    let bytes = origins.iter().map(|origin| origin.bytes).collect();
    Ok(Some(Done::Applied(group::applied(waiting, origins, &tallies, webhooks), bytes)))
}
