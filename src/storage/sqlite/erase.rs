//! Erasing a person: the contacts, and every trace of them.
//!
//! `search` finds who the person is, `forget` takes it out. All of it is one step: where something that must be looked
//! at was damaged on disk, nothing is changed, and the request says so.

mod forget;
mod search;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Transaction};

use self::search::Search;
use super::{Shared, catalogue, error};
use crate::apply::outcome::{self, Failure, Outcome};
use crate::apply::plan::Waiting;
use crate::apply::rule::Decided;
use crate::clock::Timestamp;
use crate::contact::email;
use crate::contact::identifier::IdentifierKind;
use crate::id::ObjectId;
use crate::journal::{self, ContactNo, ListNo};
use crate::storage::Error;

/// An identifier as it is compared.
type Trace = (IdentifierKind, String);

fn trace(kind: IdentifierKind, text: &str) -> Trace {
    let text = if kind == IdentifierKind::Email { email::fold(text).into_owned() } else { text.to_owned() };
    (kind, text)
}

/// A contact of the person.
type Id = (ListNo, ContactNo);

/// Who the person is, as far as the store knows.
#[derive(Default)]
struct Person {
    contacts: BTreeMap<Id, Known>,
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

/// Erases whom a batch names, and tells which contacts that were. An error leaves the store as it was.
pub fn erase(
    transaction: &mut Transaction<'_>,
    intake: &Connection,
    shared: &Shared,
    batch: &Waiting,
    now: Timestamp,
) -> Result<Decided, Error> {
    let Ok(items) = journal::read_items(&batch.items) else { return Ok(Decided::failed(Failure::Damaged)) };
    let given: Vec<_> = items.iter().map(|item| (item.kind, item.contact.to_owned())).collect();
    let lists = catalogue::lists::of_account(intake, batch.account)?;
    // Dropped before it is committed, it takes back what was written in it.
    let store = transaction.savepoint().map_err(error)?;
    let person = Search::new(&store, shared, &lists).of(given)?;
    let mut results = Vec::new();
    for ((list, number), known) in &person.contacts {
        forget::contact(&store, shared, *list, *number, known)?;
        let list_id = lists.iter().find(|(no, _)| no == list).map(|(_, id)| *id);
        let id = list_id.map(|list| ObjectId::of_contact(list, number.0));
        id.into_iter().for_each(|id| outcome::put(&mut results, &Outcome::Erased(id)));
    }
    forget::traces(&store, shared, batch, &lists, &person, now)?;
    store.execute("INSERT OR IGNORE INTO scrub VALUES (?1)", [batch.account.0]).map_err(error)?;
    store.commit().map_err(error)?;
    Ok(Decided { results, changes: Vec::new(), failed: 0 })
}
