//! One apply transaction: load what the batches touch, let the rule decide, write what changed.
//!
//! Everything is visited in the order of its key: with hundreds of batches in a transaction, a page is then
//! read and written once, however many of its contacts change.

pub mod waiting;
mod write;

use rusqlite::TransactionBehavior;

use super::marks::Marks;
use super::rows::View;
use super::{Pair, Shared, activity, append, backlog, erase, error};
use domain::apply::plan::{Plan, Waiting};
use domain::apply::rule;
use domain::clock::Timestamp;
use domain::journal::BatchKind;
use storage::rows::group::{self, Group, Origin};
use storage::rows::{self, load, merge, undo};
use storage::{Applied, Error};

/// Applies the next batches, at most `max`, and moves the marks on.
pub fn apply_next(pair: &mut Pair, shared: &Shared, max: usize, now: Timestamp) -> Result<Applied, Error> {
    // From the file, not from memory: a commit that was reported as failed may have been kept.
    let before = Marks::read(&pair.store)?;
    shared.reached(before.clone());
    append::count_appended(&pair.intake, shared).map_err(error)?;
    let chosen = {
        let mut counted = backlog::counted(shared);
        counted.applied(&before);
        counted.choose(max)
    };
    let group = waiting::read(&pair.intake, &chosen)?;
    let Group { waiting, origins, .. } = &group;
    if waiting.is_empty() {
        return Ok(Applied::default());
    }
    shared.begins(&chosen);
    let mut after = before.clone();
    let outcome = group.as_many_as_fit(|count, budget| {
        let last = waiting[..count].last().map_or(0, |batch| batch.position);
        let marks = backlog::counted(shared).marks_after(&before, &chosen, last);
        let done = transact(pair, shared, &waiting[..count], &origins[..count], (budget, &marks), now)?;
        if done.is_some() {
            after = marks;
        }
        Ok(done)
    });
    backlog::counted(shared).applied(&after);
    shared.reached(after);
    outcome
}

fn transact(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    (budget, marks): (usize, &Marks),
    now: Timestamp,
) -> Result<Option<Applied>, Error> {
    let now = group::applied_at(origins, now);
    let mut transaction =
        pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let intake = &pair.intake;
    let decided = match waiting {
        [batch] if matches!(batch.kind, BatchKind::Undo | BatchKind::Merge) && !batch.is_damaged() => {
            let view = View { store: &transaction, intake, shared };
            let decided = match batch.kind {
                BatchKind::Merge => merge::decide(&view, batch, now),
                _ => undo::decide(&view, batch, now),
            };
            match decided {
                Ok((work, decided)) => {
                    write::unit_of_work(&transaction, &work)?;
                    vec![decided]
                }
                Err(error) => vec![group::not_decided(batch, error)?],
            }
        }
        [batch] if batch.kind == BatchKind::Erase && !batch.is_damaged() => {
            let token = origins.first().map_or("", |origin| origin.token.as_str());
            let erased = erase::erase(&mut transaction, intake, shared, (batch, token), now);
            vec![erased.or_else(|error| group::not_decided(batch, error))?]
        }
        _ => {
            let plan = Plan::read(waiting, &shared.key);
            let Some(mut work) =
                load::unit_of_work(&View { store: &transaction, intake, shared }, waiting, &plan, budget)?
            else {
                return Ok(None);
            };
            let decided = rule::apply(waiting, &plan, &mut work, now);
            write::unit_of_work(&transaction, &work)?;
            decided
        }
    };
    let webhooks = write::requests(&transaction, waiting, origins, &decided, now).map_err(error)?;
    marks.write(&transaction).map_err(error)?;
    let tallies = group::tallies(&decided);
    activity::add(&transaction, &rows::activity::of_group(waiting, origins, &tallies, now)).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(Some(group::applied(waiting, origins, &tallies, webhooks)))
}
