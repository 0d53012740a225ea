//! Taking a person out of the store: contacts, histories, results, and what others bore of theirs.

use rusqlite::{Connection, params};

use super::super::contacts::{contact_id, document};
use super::super::{Shared, error, history, prune, signed, unsigned};
use super::search::{bearer, past};
use super::{Known, Person, Trace, trace};
use crate::apply::outcome::{self, Outcome};
use crate::apply::plan::Waiting;
use crate::apply::world::put_identifiers;
use crate::clock::Timestamp;
use crate::contact::document::{self, Document};
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::{Malformed, Reader, put_entry};
use crate::history::{Change, ChangeKind};
use crate::id::ObjectId;
use crate::journal::{ContactNo, ListNo};
use crate::storage::Error;

/// Deletes a contact, its entries in the index, its history and what its results would show.
pub fn contact(
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
        prune::remove_contact(store, shared, list, id, document)?;
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
    let changes = crate::history::read(&entry.changes)
        .map_err(|malformed| Error::Damaged(format!("history at {position}: {malformed}")))?;
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
    if out == entry.changes {
        return Ok(());
    }
    let update = "UPDATE history SET changes = ?2 WHERE position = ?1";
    store
        .prepare_cached(update)
        .and_then(|mut update| update.execute(params![signed(position), out]))
        .map(drop)
        .map_err(error)
}

/// Forgets the person's identifiers wherever else they stand, and keeps a keyed hash of each.
pub fn traces(
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
            borne_by_others |= bearer(store, shared, *list, *kind, text)?.is_some();
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
    for (list, _) in lists {
        forget_former_identifiers(store, *list, person)?;
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
        let stored = document(store, contact_id(list, number.0))?;
        for position in past(store, list, number, stored.as_deref())?.changed_at {
            rewrite_history(store, position, |change| {
                (change.number == number)
                    .then(|| without(change, kind, text))
                    .flatten()
                    .map(Rewritten::Before)
            })?;
        }
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
    let mut reader = Reader::new(record);
    while let Some(entry) = reader.entry().ok()? {
        if entry.key != kind.field().key() {
            put_entry(&mut out, entry.key, entry.value);
        }
    }
    Some(out)
}

/// Results of older requests show what contacts bore then, also where their history is not kept any more. Of a
/// contact that is gone all that it bore goes where one of it is the person's.
fn forget_former_identifiers(store: &Connection, list: ListNo, person: &Person) -> Result<(), Error> {
    let select = "SELECT contact, position, item, identifiers FROM former_identifiers \
                  WHERE contact BETWEEN ?1 AND ?2";
    let mut select = store.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([contact_id(list, 0), contact_id(list, (1 << 40) - 1)]).map_err(error)?;
    let mut rewritten = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let stored = row.get_ref(3).map_err(error)?.as_blob().unwrap_or_default();
        let Ok(mut borne) = read_identifiers(&mut Reader::new(stored)) else { continue };
        if !forget_known(&mut borne, person) {
            continue;
        }
        let key: [i64; 3] =
            [row.get(0).map_err(error)?, row.get(1).map_err(error)?, row.get(2).map_err(error)?];
        if document(store, key[0])?.is_none() {
            borne = Identifiers::default();
        }
        let mut identifiers = Vec::new();
        put_identifiers(&mut identifiers, &borne);
        rewritten.push((key, identifiers));
    }
    for ([contact, position, item], identifiers) in rewritten {
        let update = "UPDATE former_identifiers SET identifiers = ?4 \
                      WHERE contact = ?1 AND position = ?2 AND item = ?3";
        store.execute(update, params![contact, position, item, identifiers]).map_err(error)?;
    }
    Ok(())
}

/// Takes out what is the person's; whether something was.
fn forget_known(identifiers: &mut Identifiers<Option<&str>>, person: &Person) -> bool {
    let mut changed = false;
    for kind in IdentifierKind::ALL {
        let known = |text: &mut &str| -> bool { person.traces.contains::<Trace>(&trace(kind, text)) };
        changed |= identifiers.get_mut(kind).take_if(known).is_some();
    }
    changed
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
            if let Outcome::Failed(_, asked) = outcome {
                changed |= forget_known(asked, person);
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
