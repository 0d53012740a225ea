//! Erasing a person: the contacts, and every trace of them.
//!
//! `search` finds who the person is, `forget` takes it out. All of it is one step: where something that must be looked
//! at was damaged on disk, nothing is changed, and the request says so.

mod forget;
mod search;

use std::collections::{BTreeMap, BTreeSet};

use self::search::Search;
use super::{ContactId, Erasing};
use crate::Error;
use domain::apply::outcome::{self, Failure, Outcome};
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::clock::Timestamp;
use domain::contact::identifier::{self, IdentifierKind};
use domain::id::ObjectId;
use domain::journal::{self, ListNo};

/// An identifier as it is compared.
type Trace = (IdentifierKind, String);

fn trace(kind: IdentifierKind, text: &str) -> Trace {
    (kind, identifier::form(kind, text).into_owned())
}

/// Who the person is, as far as the store knows.
#[derive(Default)]
struct Person {
    contacts: BTreeMap<ContactId, Known>,
    /// All that was given, and that the contacts bear or bore.
    traces: BTreeSet<Trace>,
}

/// What is known of one of the contacts.
struct Known {
    /// Its stored form, where it is there.
    document: Option<Vec<u8>>,
    /// The positions of the batches that changed it.
    changed_at: Vec<u64>,
    /// What it bears, or bore when it was removed.
    borne: Vec<Trace>,
    /// Whether that leads to further contacts.
    leads: bool,
}

/// Erases whom a batch names, and tells which contacts that were. Where it fails, what it wrote must be taken back.
/// `token` is the public part of the token that sent it.
///
/// # Errors
/// Where the store cannot be read or written, or what must be looked at does not read.
pub fn erase(rows: &impl Erasing, batch: &Waiting, token: &str, now: Timestamp) -> Result<Decided, Error> {
    let Ok(items) = journal::read_items(&batch.items) else { return Ok(Decided::failed(Failure::Damaged)) };
    let given: Vec<_> = items.iter().map(|item| (item.kind, item.contact.to_owned())).collect();
    let lists = rows.lists_of(batch.account)?;
    let person = Search::new(rows, &lists).of(given)?;
    let mut results = Vec::new();
    for ((list, number), known) in &person.contacts {
        forget::contact(rows, (*list, *number), known)?;
        let list_id = lists.iter().find(|(no, _)| no == list).map(|(_, id)| *id);
        let id = list_id.map(|list| ObjectId::of_contact(list, number.0));
        id.into_iter().for_each(|id| outcome::put(&mut results, &Outcome::Erased(id)));
    }
    let contacts: Vec<_> = person.contacts.keys().copied().collect();
    for of_list in contacts.chunk_by(|(one, _), (other, _)| one == other) {
        let list = of_list.first().map_or(ListNo::NONE, |(list, _)| *list);
        let numbers: Vec<_> = of_list.iter().map(|(_, number)| *number).collect();
        rows.put_tombstones(batch, token, list, &numbers, now)?;
    }
    forget::traces(rows, batch, &lists, &person, now)?;
    Ok(Decided { results, changes: Vec::new(), consents: Vec::new(), failed: 0 })
}
