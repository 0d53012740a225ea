//! What a batch would do: decided on the contacts as they are, and not written. What it loads has no bound of its own:
//! it is what applying the batch would load, and at most as many are tried at a time as there are threads that read.

use super::Rows;
use crate::{Error, ItemResult, TakenBy};
use domain::apply::plan::{Plan, Waiting};
use domain::apply::rule::{self, Tried};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, ContactNo};

fn items(rows: &impl Rows, waiting: &[Waiting; 1], now: Timestamp) -> Result<Vec<Tried>, Error> {
    let plan = Plan::read(waiting, rows.key());
    let work = super::load::unit_of_work(rows, waiting, &plan, usize::MAX)?;
    let items = plan.batches.first().and_then(Option::as_deref);
    let (Some(mut work), Some(items)) = (work, items) else {
        return Err(Error::Damaged("a batch that was just made does not read".to_owned()));
    };
    Ok(rule::dry_run(&waiting[0], items, &mut work, now))
}

/// The results that the batch would have if it were the next to be applied.
///
/// # Errors
/// Where the store cannot be read.
pub fn dry_run(rows: &impl Rows, batch: Batch, now: Timestamp) -> Result<Vec<ItemResult>, Error> {
    let list_id = batch.list_id;
    let waiting = [Waiting {
        // Behind all positions that are given out: it shows nowhere.
        position: u64::MAX,
        request: batch.request,
        account: batch.account,
        list: batch.list,
        kind: batch.kind,
        restore_erased: batch.restore_erased,
        token: batch.token,
        items: batch.items,
    }];
    let tried = match waiting[0].kind {
        BatchKind::Undo => return super::undo::dry_run(rows, &waiting[0], list_id, now),
        BatchKind::Merge => super::merge::dry_run(rows, &waiting[0], now)?,
        _ => items(rows, &waiting, now)?,
    };
    let result = |tried| match tried {
        Tried::Done(action, number, identifiers, notes) => ItemResult::Done {
            action,
            id: number.map(|number| ObjectId::of_contact(list_id, number.0)),
            identifiers,
            undone: None,
            notes,
        },
        Tried::Failed(failure, asked, taken) => {
            let id = |number: ContactNo| ObjectId::of_contact(list_id, number.0);
            let taken = taken.map(|(kind, holder)| TakenBy { kind, id: holder.map(id) });
            ItemResult::Failed { failure, asked, taken }
        }
    };
    Ok(tried.into_iter().map(result).collect())
}
