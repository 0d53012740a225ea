//! One apply transaction: load what the batches touch, let the rule decide, write what changed.
//!
//! Everything is visited in the order of its key: with hundreds of batches in a transaction, a page is then
//! read and written once, however many of its contacts change.

pub mod waiting;
mod write;

use std::sync::atomic::Ordering;

use rusqlite::TransactionBehavior;

use super::rows::View;
use super::{Pair, Shared, activity, append, backlog, erase, error};
use crate::apply::plan::{Plan, Waiting};
use crate::apply::rule;
use crate::clock::Timestamp;
use crate::journal::BatchKind;
use crate::storage::rows::group::{self, Group, Origin};
use crate::storage::rows::{self, load, undo};
use crate::storage::{Applied, Error};

/// Applies the batches that wait, at most `max`, and moves the position on.
pub fn apply_next(pair: &mut Pair, shared: &Shared, max: usize, now: Timestamp) -> Result<Applied, Error> {
    // From the file, not from memory: a commit that was reported as failed may have been kept.
    let applied = append::applied_position(&pair.store)?;
    shared.applied.store(applied, Ordering::Release);
    let group = waiting::read(&pair.intake, applied, max)?;
    let Group { waiting, origins, .. } = &group;
    let Some(last) = waiting.last().map(|batch| batch.position) else { return Ok(Applied::default()) };
    shared.applying.store(last, Ordering::Release);
    let outcome = group.as_many_as_fit(|count, budget| {
        transact(pair, shared, &waiting[..count], &origins[..count], budget, now)
    });
    let applied = match &outcome {
        Ok(done) => {
            let mut counted = backlog::counted(shared);
            for (batch, origin) in waiting.iter().zip(origins).take(done.batches) {
                counted.applied(batch.position, origin.bytes);
            }
            waiting.get(done.batches.saturating_sub(1)).map_or(applied, |batch| batch.position)
        }
        Err(_) => applied,
    };
    shared.applied.store(applied, Ordering::Release);
    shared.applying.store(applied, Ordering::Release);
    outcome
}

fn transact(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    budget: usize,
    now: Timestamp,
) -> Result<Option<Applied>, Error> {
    let now = group::applied_at(origins, now);
    let mut transaction =
        pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let intake = &pair.intake;
    let decided = match waiting {
        [batch] if batch.kind == BatchKind::Undo && !batch.is_damaged() => {
            match undo::decide(&View { store: &transaction, intake, shared }, batch, now) {
                Ok((world, decided)) => {
                    write::world(&transaction, &world)?;
                    vec![decided]
                }
                Err(error) => vec![group::not_decided(batch, error)?],
            }
        }
        [batch] if batch.kind == BatchKind::Erase && !batch.is_damaged() => {
            let erased = erase::erase(&mut transaction, intake, shared, batch, now);
            vec![erased.or_else(|error| group::not_decided(batch, error))?]
        }
        _ => {
            let plan = Plan::read(waiting, &shared.key);
            let Some(mut world) =
                load::world(&View { store: &transaction, intake, shared }, waiting, &plan, budget)?
            else {
                return Ok(None);
            };
            let decided = rule::apply(waiting, &plan, &mut world, now);
            write::world(&transaction, &world)?;
            decided
        }
    };
    let webhooks = write::requests(&transaction, waiting, origins, &decided, now).map_err(error)?;
    let tallies = group::tallies(&decided);
    activity::add(&transaction, &rows::activity::of_group(waiting, origins, &tallies, now)).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok(Some(group::applied(waiting, origins, &tallies, webhooks)))
}
