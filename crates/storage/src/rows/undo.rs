//! Undoing a request: loads what it changed and what has happened since, and lets the rule decide.

use std::collections::{HashMap, HashSet};

use super::history::{Allowance, Walk};
use super::person::erased_hashes;
use super::{ErasedHash, Rows, merged, results};
use crate::{Error, ItemResult};
use domain::apply::outcome::{self, Failure, Outcome};
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::apply::undo::{self, RecordedChange, Since, Subject};
use domain::apply::unit_of_work::UnitOfWork;
use domain::clock::Timestamp;
use domain::contact::choice::Flags;
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::Malformed;
use domain::history::{Backwards, Change, ChangeKind};
use domain::id::ObjectId;
use domain::journal::{self, ContactNo, ListNo};

/// Decides what undoing does; the unit of work says what is to be written.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn decide(rows: &impl Rows, batch: &Waiting, now: Timestamp) -> Result<(UnitOfWork, Decided), Error> {
    let state = rows.list_state(batch.list)?;
    let lists = HashMap::from([(batch.list, state)]);
    let undone = match request_of(batch) {
        Some(request) => rows.history_of(batch.list, request)?,
        None => None,
    };
    let Some(entry) = undone else {
        let work = UnitOfWork::new(*rows.key(), lists, HashSet::new());
        return Ok((work, Decided::failed(Failure::HistoryGone)));
    };
    let changes = domain::history::read(&entry.changes).map_err(damaged)?;
    let (mut subjects, mut allowance) = (Vec::new(), Allowance::OF_REQUEST);
    for (number, recorded_change) in recorded_changes(&changes).map_err(damaged)? {
        subjects.push(subject(rows, batch.list, entry.position, number, recorded_change, &mut allowance)?);
    }
    let mut work = UnitOfWork::new(*rows.key(), lists, sources(rows, &subjects)?)
        .without(rows.known_erased(erasable(rows, batch, &subjects))?);
    load_contacts(rows, batch.list, &mut subjects, &mut work)?;
    let decided = undo::undo(batch, &subjects, &mut work, rows.key(), now);
    Ok((work, decided))
}

/// What undoing a request would do. Contacts have the identifiers that they have now.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn dry_run(
    rows: &impl Rows,
    batch: &Waiting,
    list_id: ObjectId,
    now: Timestamp,
) -> Result<Vec<ItemResult>, Error> {
    let (_, decided) = decide(rows, batch, now)?;
    let outcomes = outcome::read(&decided.results).map_err(damaged)?;
    let names = rows.variable_names(batch.list)?;
    let number = |outcome: &Outcome<'_>| match outcome {
        Outcome::Undone(_, number, _) => Some(*number),
        _ => None,
    };
    let numbers: Vec<_> = outcomes.iter().filter_map(number).collect();
    let heads = rows.heads(batch.list, &numbers)?;
    let mut results = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        results.push(match outcome {
            Outcome::Undone(action, number, undone) => {
                let document =
                    heads.get(&number).map(|head| Document::read(head)).transpose().map_err(damaged)?;
                let identifiers =
                    document.map(|document| document.identifiers()).transpose().map_err(damaged)?;
                ItemResult::Done {
                    action,
                    id: Some(ObjectId::of_contact(list_id, number.0)),
                    identifiers: identifiers.unwrap_or_default().map(|text| text.map(str::to_owned)),
                    undone: Some(results::named(&undone, &names)),
                    notes: Vec::new(),
                }
            }
            Outcome::Failed(failure, ..) => ItemResult::failed(failure),
            Outcome::Done(..) | Outcome::Erased(_) => ItemResult::failed(Failure::Damaged),
        });
    }
    Ok(results)
}

fn damaged(malformed: Malformed) -> Error {
    Error::Damaged(malformed.to_string())
}

/// The id of the request that a batch undoes.
pub fn request_of(batch: &Waiting) -> Option<ObjectId> {
    let items = journal::read_items(&batch.items).ok()?;
    items.first().and_then(|item| ObjectId::parse(item.contact))
}

/// What the batch did to each contact, in the order in which it came to them first.
fn recorded_changes(changes: &[Change<'_>]) -> Result<Vec<(ContactNo, RecordedChange)>, Malformed> {
    let mut recorded_changes: Vec<(ContactNo, RecordedChange)> = Vec::new();
    let mut places = HashMap::new();
    for change in changes {
        let known = places.get(&change.number).copied();
        let place = *places.entry(change.number).or_insert(recorded_changes.len());
        if known.is_none() {
            recorded_changes.push((change.number, RecordedChange::default()));
        }
        recorded_changes[place].1.add(change, known.is_none())?;
    }
    Ok(recorded_changes)
}

fn subject(
    rows: &impl Rows,
    list: ListNo,
    position: u64,
    number: ContactNo,
    recorded_change: RecordedChange,
    allowance: &mut Allowance,
) -> Result<Subject, Error> {
    let stored = rows.document((list, number))?;
    let head = match &stored {
        Some(stored) => Document::read(stored).map_err(damaged)?.header.changed_at,
        None => rows.removed_at((list, number))?,
    };
    let mut back = Backwards::from(stored.as_deref()).map_err(damaged)?;
    let mut walk = Walk::within(rows, (list, number), head, allowance);
    let mut since = Since::default();
    while walk.next_position() > position {
        let since = &mut since;
        walk.step(|_, change| {
            let touched = back.touched(change).map_err(damaged)?;
            since.changed |= change.kind == ChangeKind::Updated || !touched.is_empty();
            since.touched.extend(touched);
            Ok(())
        })?;
    }
    since.too_many = walk.is_cut_above(position);
    let mut recorded_change = recorded_change;
    let mut given = Vec::new();
    if !recorded_change.was_there && since.too_many {
        // What it was made with is out of reach; what it has now is left as it is.
        let record = stored.as_deref().map(Document::read).transpose().map_err(damaged)?;
        let record = record.map_or(&[][..], |document| document.record);
        recorded_change.made(domain::history::fields(record).map_err(damaged)?.into_keys());
    } else if !recorded_change.was_there && walk.next_position() == position {
        walk.step(|_, change| {
            given.extend(back.step(change).map_err(damaged)?.into_iter().map(|change| change.key));
            Ok(())
        })?;
        recorded_change.made(given);
    }
    walk.charge(allowance);
    let removed_at = if stored.is_none() { head } else { 0 };
    let mut subject = Subject {
        number,
        recorded_change,
        since,
        slot: None,
        removed_at,
        undone_at: position,
        opted_out: Flags::default(),
        recorded: Flags::default(),
        ledger_end: None,
    };
    if removed_at > 0 {
        subject.opted_out = merged::opted_out_since(rows, (list, number), removed_at)?;
        subject.recorded = rows.opted_out((list, number))?;
        subject.ledger_end = merged::ledger_end(rows, (list, number))?;
    }
    Ok(subject)
}

fn sources(rows: &impl Rows, subjects: &[Subject]) -> Result<HashSet<u64>, Error> {
    let sources: Vec<_> = subjects.iter().filter_map(Subject::source).collect();
    rows.known_sources(&sources)
}

fn erasable(rows: &impl Rows, batch: &Waiting, subjects: &[Subject]) -> Vec<ErasedHash> {
    let mut hashes = Vec::new();
    for wanted in subjects.iter().map(Subject::wanted) {
        for kind in IdentifierKind::ALL {
            let text = wanted.get(kind).iter();
            hashes.extend(text.flat_map(|text| erased_hashes(rows, batch.account, kind, text)));
        }
    }
    hashes
}

/// Loads the contacts that are to be changed back, and those that bear what these would get back.
fn load_contacts(
    rows: &impl Rows,
    list: ListNo,
    subjects: &mut [Subject],
    work: &mut UnitOfWork,
) -> Result<(), Error> {
    let key = rows.key();
    let no = list.0.unsigned_abs();
    let mut wanted = Vec::new();
    let mut holders = Vec::new();
    for subject in &*subjects {
        let texts = subject.wanted();
        for kind in IdentifierKind::ALL {
            let text = texts.get(kind).iter();
            wanted.extend(text.flat_map(|text| key.lookups(no, kind, text)).map(|hash| (hash, list)));
        }
        let id = (list, subject.number);
        let Some(stored) = rows.document(id)? else { continue };
        let borne = Document::read(&stored).and_then(|stored| stored.identifiers()).map_err(damaged)?;
        for kind in IdentifierKind::ALL {
            holders.extend(borne.get(kind).map(|text| (id, key.hash(no, kind, text))));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    holders.extend(rows.holders(&wanted)?);
    holders.sort_unstable();
    holders.dedup();
    let mut slots = HashMap::new();
    for holder in holders.chunk_by(|(one, _), (other, _)| one == other) {
        let Some(((list, number), _)) = holder.first().copied() else { continue };
        let stored = rows.document((list, number))?.unwrap_or_default();
        let hashes = holder.iter().map(|(_, hash)| *hash);
        match work.load(list, number, &stored, hashes.clone()) {
            Ok(slot) => drop(slots.insert(number, slot)),
            Err(Malformed) => work.load_damaged(list, hashes),
        }
    }
    for subject in subjects {
        subject.slot = slots.get(&subject.number).copied();
    }
    Ok(())
}
