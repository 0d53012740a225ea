//! What batches touch, loaded into a unit of work.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Rows, merged};
use crate::Error;
use domain::apply::plan::{Plan, Waiting};
use domain::apply::unit_of_work::{Erased, UnitOfWork};

/// A world with all that the plan asks for; `None` where that takes more bytes than the budget.
///
/// # Errors
/// Where the store cannot be read.
pub fn unit_of_work(
    rows: &impl Rows,
    waiting: &[Waiting],
    plan: &Plan<'_>,
    budget: usize,
) -> Result<Option<UnitOfWork>, Error> {
    let mut lists = HashMap::new();
    for batch in waiting {
        if let Entry::Vacant(place) = lists.entry(batch.list) {
            place.insert(rows.list_state(batch.list)?);
        }
    }
    let sources = rows.known_sources(&plan.sources())?;
    let erased = match rows.has_erased()? {
        true => rows.known_erased(plan.erasable(waiting, rows.key()))?,
        false => Erased::new(),
    };
    let mut work = UnitOfWork::new(*rows.key(), lists, sources).without(erased);
    let hashes = plan.hashes(waiting, rows.key());
    work.reserve(plan.items(), hashes.len());
    let found = rows.holders(&hashes)?;
    drop(hashes);
    let mut contacts: Vec<_> = found.iter().map(|(contact, _)| *contact).collect();
    contacts.dedup();
    let (mut loaded, mut shown, indexed) = (0, 0, contacts.len());
    let mut numbers = plan.numbers(waiting);
    let linked = plan.linked(waiting);
    let followed = merged::follow(rows, &linked)?;
    if !followed.is_empty() {
        numbers.extend(followed.iter().map(|((list, _), winner)| (*list, *winner)));
        numbers.sort_unstable();
        numbers.dedup();
    }
    if !numbers.is_empty() {
        contacts.extend(&numbers);
        contacts.sort_unstable();
        contacts.dedup();
    }
    rows.documents(&contacts, &mut |contact, document| {
        loaded += document.len();
        let is_indexed = found.binary_search_by_key(&contact, |(other, _)| *other).is_ok();
        shown += usize::from(is_indexed);
        if loaded > budget {
            return false;
        }
        let first = found.partition_point(|(other, _)| *other < contact);
        let hashes = found[first..].iter().take_while(|(other, _)| *other == contact).map(|(_, hash)| *hash);
        let slot = work.load(contact.0, contact.1, document, hashes.clone());
        if slot.is_err() {
            work.load_damaged(contact.0, hashes);
        }
        if numbers.binary_search(&contact).is_ok() {
            work.number(contact.0, contact.1, slot.ok());
        }
        true
    })?;
    if loaded > budget {
        return Ok(None);
    }
    for (list, number) in linked {
        let is_gone = work.find_number(list, number).is_ok_and(|found| found.is_none());
        if is_gone && rows.removed_at((list, number))? > 0 {
            work.load_gone(list, number, merged::ledger_end(rows, (list, number))?);
        }
    }
    for ((list, loser), winner) in followed {
        work.follow(list, loser, winner);
    }
    if shown < indexed {
        let missing = indexed - shown;
        tracing::error!(missing, "store: index entries without contacts");
    }
    Ok(Some(work))
}
