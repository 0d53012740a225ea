//! Erasing a person: the contacts, and every trace of them.
//!
//! A contact is the person's that bears an identifier that was given, or bore it last where nobody bears it now; and
//! every contact, in whatever list, that shares a userId or an e-mail address with such a one. A phone number is
//! shared and handed on more lightly: it leads to other contacts only where it was given itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, Transaction, params};

use super::contacts::{contact_id, document, locate};
use super::history::{self, Walk};
use super::{Shared, catalogue, error, signed, unsigned};
use crate::apply::outcome::{self, Failure, Outcome};
use crate::apply::plan::Waiting;
use crate::apply::rule::Decided;
use crate::apply::world::put_identifiers;
use crate::clock::Timestamp;
use crate::contact::document::{self, Document};
use crate::contact::email;
use crate::contact::field::Key;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_entry};
use crate::history::{Backwards, Change, ChangeKind};
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
}

/// Erases whom a batch names, and tells which contacts that were.
pub fn erase(
    store: &Transaction<'_>,
    intake: &Connection,
    shared: &Shared,
    batch: &Waiting,
    now: Timestamp,
) -> Result<Decided, Error> {
    let Ok(items) = journal::read_items(&batch.items) else { return Ok(Decided::failed(Failure::Damaged)) };
    let given: Vec<_> = items.iter().map(|item| (item.kind, item.contact.to_owned())).collect();
    let lists = catalogue::lists::of_account(intake, batch.account)?;
    let mut search = Search { store, shared, lists: &lists, person: Person::default() };
    search.person.traces.extend(given.iter().map(|(kind, text)| trace(*kind, text)));
    search.follow(given)?;
    let person = search.person;
    let mut results = Vec::new();
    for ((list, number), known) in &person.contacts {
        forget_contact(store, shared, *list, *number, known)?;
        let list_id = lists.iter().find(|(no, _)| no == list).map(|(_, id)| *id);
        let id = list_id.map(|list| ObjectId::of_contact(list, number.0));
        id.into_iter().for_each(|id| outcome::put(&mut results, &Outcome::Erased(id)));
    }
    forget_traces(store, shared, batch, &lists, &person, now)?;
    store.execute("INSERT OR IGNORE INTO scrub VALUES (?1)", [batch.account.0]).map_err(error)?;
    Ok(Decided { results, changes: Vec::new(), failed: 0 })
}

/// The search for the person's contacts.
struct Search<'s> {
    store: &'s Transaction<'s>,
    shared: &'s Shared,
    lists: &'s [(ListNo, ObjectId)],
    person: Person,
}

impl Search<'_> {
    /// Follows identifiers to contacts, and these to further ones.
    fn follow(&mut self, given: Vec<Trace>) -> Result<(), Error> {
        let mut open = given.clone();
        let mut seen = HashSet::new();
        while let Some((kind, text)) = open.pop() {
            if !seen.insert(trace(kind, &text)) {
                continue;
            }
            let is_given = given.iter().any(|(known, given)| *known == kind && kind.same(given, &text));
            for (list, _) in self.lists {
                let borne = locate(self.store, self.shared, *list, &[(kind, text.clone())])?;
                match borne {
                    Some((number, document)) => self.add(*list, number, Some(document), &mut open)?,
                    // What was given may be what the person bore once.
                    None if is_given => {
                        for number in history::former_bearers(self.store, self.shared, *list, kind, &text)? {
                            let document = document(self.store, contact_id(*list, number.0))?;
                            self.add(*list, number, document, &mut open)?;
                        }
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Adds a contact, all that it bears or bore, and what of that leads on.
    fn add(
        &mut self,
        list: ListNo,
        number: ContactNo,
        document: Option<Vec<u8>>,
        open: &mut Vec<Trace>,
    ) -> Result<(), Error> {
        if self.person.contacts.contains_key(&(list, number)) {
            return Ok(());
        }
        let borne = match &document {
            // A contact that the disk has damaged bears nothing that one could read.
            Some(document) => {
                Document::read(document).and_then(|read| read.identifiers()).unwrap_or_default()
            }
            None => Identifiers::default(),
        };
        for kind in IdentifierKind::ALL {
            if let Some(text) = borne.get(kind) {
                self.person.traces.insert(trace(kind, text));
                if kind != IdentifierKind::PhoneNumber {
                    open.push((kind, (*text).to_owned()));
                }
            }
        }
        let (changed_at, bore) = past(self.store, list, number, document.as_deref())?;
        self.person.traces.extend(bore);
        self.person.contacts.insert((list, number), Known { document, changed_at });
        Ok(())
    }
}

/// The positions of all changes of a contact, and the identifiers that it bore.
fn past(
    store: &Connection,
    list: ListNo,
    number: ContactNo,
    document: Option<&[u8]>,
) -> Result<(Vec<u64>, Vec<Trace>), Error> {
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    let (mut positions, mut bore) = (Vec::new(), Vec::new());
    let head = match document.map(Document::read) {
        Some(Ok(read)) => read.header.changed_at,
        Some(Err(_)) => return Ok((positions, bore)),
        None => history::departed_at(store, list, number)?,
    };
    let mut back = Backwards::from(document).map_err(damaged)?;
    let mut walk = Walk::unbounded(store, number, head);
    while walk.step(|entry, change| {
        positions.push(entry.position);
        for field in back.step(change).map_err(damaged)? {
            let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.field().key() == field.key);
            if let (Some(kind), Ok(text)) = (kind, std::str::from_utf8(&field.old))
                && !text.is_empty()
            {
                bore.push(trace(kind, text));
            }
        }
        Ok(())
    })? {}
    positions.dedup();
    Ok((positions, bore))
}

/// Deletes a contact, its entries in the index, its history and what its results would show.
fn forget_contact(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    number: ContactNo,
    known: &Known,
) -> Result<(), Error> {
    let id = contact_id(list, number.0);
    for position in &known.changed_at {
        rewrite_history(store, *position, |change| (change.number == number).then_some(Rewritten::Erased))?;
    }
    if let Some(document) = &known.document {
        super::prune::remove_contact(store, shared, list, id, document)?;
        let count = "UPDATE list SET contacts = contacts - 1 WHERE list = ?1";
        store.execute(count, [list.0]).map_err(error)?;
    }
    for table in ["former_identifiers", "former_bearer", "departed"] {
        store.execute(&format!("DELETE FROM {table} WHERE contact = ?1"), [id]).map_err(error)?;
    }
    Ok(())
}

/// What becomes of a change when its batch's row is written again.
enum Rewritten {
    /// Nothing is left of it but that there was one.
    Erased,
    /// Another text in place of what it replaced.
    Before(Vec<u8>),
}

/// Writes a batch's changes again, with some of them changed.
fn rewrite_history(
    store: &Connection,
    position: u64,
    rewrite: impl Fn(&Change<'_>) -> Option<Rewritten>,
) -> Result<(), Error> {
    let Some(entry) = history::at(store, position)? else { return Ok(()) };
    let Ok(changes) = crate::history::read(&entry.changes) else {
        // It does not read, so nobody can tell whose it is: it goes as a whole.
        let delete = "DELETE FROM history WHERE position = ?1";
        return store.execute(delete, [signed(position)]).map(drop).map_err(error);
    };
    let mut out = Vec::with_capacity(entry.changes.len());
    for change in &changes {
        match rewrite(change) {
            None => change.put(&mut out),
            Some(Rewritten::Before(before)) => Change { before: &before, ..*change }.put(&mut out),
            Some(Rewritten::Erased) => {
                Change { kind: ChangeKind::Erased, previous: 0, before: &[], ..*change }.put(&mut out);
            }
        }
    }
    let update = "UPDATE history SET changes = ?2 WHERE position = ?1";
    store
        .prepare_cached(update)
        .and_then(|mut update| update.execute(params![signed(position), out]))
        .map(drop)
        .map_err(error)
}

/// Forgets the person's identifiers wherever else they stand, and keeps a keyed hash of each.
fn forget_traces(
    store: &Connection,
    shared: &Shared,
    batch: &Waiting,
    lists: &[(ListNo, ObjectId)],
    person: &Person,
    now: Timestamp,
) -> Result<(), Error> {
    let account = batch.account.0.unsigned_abs();
    for (kind, text) in &person.traces {
        let mut borne_by_others = false;
        for (list, _) in lists {
            borne_by_others |= locate(store, shared, *list, &[(*kind, text.clone())])?.is_some();
            forget_former(store, shared, *list, *kind, text)?;
        }
        // One that was handed on is somebody else's now.
        if !borne_by_others {
            let hash = shared.key.erased(account, *kind, text);
            store
                .prepare_cached("INSERT OR IGNORE INTO erased VALUES (?1, ?2, ?3)")
                .and_then(|mut insert| insert.execute(params![batch.account.0, hash, now.millis()]))
                .map_err(error)?;
        }
    }
    forget_asked(store, batch, person)
}

/// Forgets that others bore one of the person's identifiers before.
fn forget_former(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<(), Error> {
    for number in history::former_bearers(store, shared, list, kind, text)? {
        let id = contact_id(list, number.0);
        let stored = document(store, id)?;
        let (positions, _) = past(store, list, number, stored.as_deref())?;
        for position in positions {
            rewrite_history(store, position, |change| {
                (change.number == number)
                    .then(|| without(change, kind, text))
                    .flatten()
                    .map(Rewritten::Before)
            })?;
        }
        forget_former_identifiers(store, id, kind, text)?;
    }
    let hash = signed(shared.key.hash(unsigned(list.0), kind, text));
    store.execute("DELETE FROM former_bearer WHERE hash = ?1", [hash]).map(drop).map_err(error)
}

/// What a change replaced, without an identifier; `None` where it is not in there.
fn without(change: &Change<'_>, kind: IdentifierKind, text: &str) -> Option<Vec<u8>> {
    let (head, record) = match change.kind {
        ChangeKind::Updated => (&[][..], change.before),
        ChangeKind::Removed => {
            let record = Document::read(change.before).ok()?.record;
            (&change.before[..change.before.len() - record.len()], record)
        }
        ChangeKind::Created | ChangeKind::Erased => return None,
    };
    let borne = document::identifiers(record).ok()?;
    borne.get(kind).filter(|borne| kind.same(borne, text))?;
    let mut out = head.to_vec();
    let keep = |key: Key| key != kind.field().key();
    let mut reader = Reader::new(record);
    while let Some(entry) = reader.entry().ok()? {
        if keep(entry.key) {
            put_entry(&mut out, entry.key, entry.value);
        }
    }
    Some(out)
}

fn forget_former_identifiers(
    store: &Connection,
    contact: i64,
    kind: IdentifierKind,
    text: &str,
) -> Result<(), Error> {
    let select = "SELECT position, item, identifiers FROM former_identifiers WHERE contact = ?1";
    let rows = store
        .prepare_cached(select)
        .and_then(|mut select| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            select.query_map([contact], read)?.collect::<rusqlite::Result<Vec<(i64, i64, Vec<u8>)>>>()
        })
        .map_err(error)?;
    for (position, item, stored) in rows {
        let Ok(mut borne) = read_identifiers(&mut Reader::new(&stored)) else { continue };
        let place = borne.get_mut(kind);
        if place.take_if(|borne| kind.same(borne, text)).is_none() {
            continue;
        }
        let mut identifiers = Vec::new();
        put_identifiers(&mut identifiers, &borne);
        store
            .execute(
                "UPDATE former_identifiers SET identifiers = ?4 \
                 WHERE contact = ?1 AND position = ?2 AND item = ?3",
                params![contact, position, item, identifiers],
            )
            .map_err(error)?;
    }
    Ok(())
}

fn read_identifiers<'a>(reader: &mut Reader<'a>) -> Result<Identifiers<Option<&'a str>>, Malformed> {
    let mut identifiers = Identifiers::default();
    for kind in IdentifierKind::ALL {
        *identifiers.get_mut(kind) = Some(reader.text()?).filter(|text| !text.is_empty());
    }
    Ok(identifiers)
}

/// Failed items keep what they asked for: where that is the person, it goes.
fn forget_asked(store: &Connection, batch: &Waiting, person: &Person) -> Result<(), Error> {
    let select = "SELECT position, results FROM request WHERE account = ?1 AND failed > 0";
    let mut select = store.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([batch.account.0]).map_err(error)?;
    let mut rewritten = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let results = row.get_ref(1).map_err(error)?.as_blob().unwrap_or_default();
        let Ok(mut outcomes) = outcome::read(results) else { continue };
        let mut changed = false;
        for outcome in &mut outcomes {
            let Outcome::Failed(_, asked) = outcome else { continue };
            for kind in IdentifierKind::ALL {
                let known = |text: &mut &str| person.traces.contains(&trace(kind, text));
                changed |= asked.get_mut(kind).take_if(known).is_some();
            }
        }
        if changed {
            let mut results = Vec::new();
            outcomes.iter().for_each(|outcome| outcome::put(&mut results, outcome));
            rewritten.push((row.get::<_, i64>(0).map_err(error)?, results));
        }
    }
    for (position, results) in rewritten {
        let update = "UPDATE request SET results = ?2 WHERE position = ?1";
        store.execute(update, params![position, results]).map_err(error)?;
    }
    Ok(())
}
