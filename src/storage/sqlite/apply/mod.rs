//! One apply transaction: load what the batches touch, let the rule decide, write what changed.
//!
//! Everything is visited in the order of its key: with hundreds of batches in a transaction, a page is then
//! read and written once, however many of its contacts change.

pub mod load;
mod try_out;
mod waiting;
mod write;

use std::sync::atomic::Ordering;

use rusqlite::TransactionBehavior;

pub use self::try_out::try_out;
use self::waiting::Origin;
use super::{Pair, Shared, append, backlog, erase, error, undo};
use crate::apply::outcome::{Failure, Tally};
use crate::apply::plan::{Plan, Waiting};
use crate::apply::rule::{self, Decided};
use crate::clock::Timestamp;
use crate::journal::BatchKind;
use crate::storage::{Applied, Error};

/// Contacts of more bytes than this are not loaded for one transaction, unless a single batch asks for them.
const MAX_LOADED: usize = 96 << 20;

/// Applies the batches that wait, at most `max`, and moves the position on.
pub fn apply_next(pair: &mut Pair, shared: &Shared, max: usize, now: Timestamp) -> Result<Applied, Error> {
    // From the file, not from memory: a commit that was reported as failed may have been kept.
    let applied = append::applied_position(&pair.store)?;
    shared.applied.store(applied, Ordering::Release);
    let (waiting, origins) = waiting::read(&pair.intake, applied, max)?;
    let Some(last) = waiting.last().map(|batch| batch.position) else { return Ok(Applied::default()) };
    shared.applying.store(last, Ordering::Release);
    let outcome = transact_some(pair, shared, &waiting, &origins, now);
    let applied = match &outcome {
        Ok(done) => {
            let mut counted = backlog::counted(shared);
            for (batch, origin) in waiting.iter().zip(&origins).take(done.batches) {
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

/// Applies as many of the batches as memory has room for, half of them where there is none for all.
fn transact_some(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    now: Timestamp,
) -> Result<Applied, Error> {
    let mut count = waiting.len();
    loop {
        let budget = if count > 1 { MAX_LOADED } else { usize::MAX };
        if let Some(done) = transact(pair, shared, &waiting[..count], &origins[..count], budget, now)? {
            return Ok(done);
        }
        count = count.div_ceil(2);
    }
}

fn transact(
    pair: &mut Pair,
    shared: &Shared,
    waiting: &[Waiting],
    origins: &[Origin],
    budget: usize,
    now: Timestamp,
) -> Result<Option<Applied>, Error> {
    let mut transaction =
        pair.store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let intake = &pair.intake;
    let decided = match waiting {
        [batch] if batch.kind == BatchKind::Undo && !batch.is_damaged() => {
            match undo::decide(&transaction, intake, shared, batch, now) {
                Ok((world, decided)) => {
                    write::world(&transaction, &world)?;
                    vec![decided]
                }
                Err(error) => vec![not_decided(batch, error)?],
            }
        }
        [batch] if batch.kind == BatchKind::Erase && !batch.is_damaged() => {
            let erased = erase::erase(&mut transaction, intake, shared, batch, now);
            vec![erased.or_else(|error| not_decided(batch, error))?]
        }
        _ => {
            let plan = Plan::read(waiting, &shared.key);
            let Some(mut world) = load::world(&transaction, intake, shared, waiting, &plan, budget)? else {
                return Ok(None);
            };
            let decided = rule::apply(waiting, &plan, &mut world, now);
            write::world(&transaction, &world)?;
            decided
        }
    };
    let webhooks = write::requests(&transaction, waiting, origins, &decided, now).map_err(error)?;
    transaction.commit().map_err(error)?;
    let oldest = origins.first().map(|origin| Timestamp::from_millis(origin.accepted_at));
    let mut tally = Tally::default();
    decided.iter().for_each(|decided| tally.add(&decided.results));
    Ok(Some(Applied { batches: waiting.len(), webhooks, oldest, tally }))
}

/// A batch that looks at what the disk has damaged is told so, and those behind it go on.
fn not_decided(batch: &Waiting, error: Error) -> Result<Decided, Error> {
    let Error::Damaged(text) = error else { return Err(error) };
    tracing::error!(position = batch.position, text, "a batch could not be applied");
    Ok(Decided::failed(Failure::Damaged))
}
