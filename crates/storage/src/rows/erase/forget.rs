//! Taking a person out of the store: contacts, histories, results, and what others bore of theirs.

use super::super::{ContactId, Erasing, FormerRow, consent, history};
use super::search::{bearers, past};
use super::{Known, Person, Trace, trace};
use crate::{Error, Place};
use domain::apply::outcome::{self, Outcome};
use domain::apply::plan::Waiting;
use domain::apply::unit_of_work::{EraseForm, put_identifiers};
use domain::clock::Timestamp;
use domain::contact::document::{self, Document};
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::record::{Malformed, Reader, put_entry};
use domain::history::{Change, ChangeKind};
use domain::id::ObjectId;
use domain::journal::ListNo;

/// Deletes a contact, its entries in the index, its history and what its results would show.
pub fn contact(rows: &impl Erasing, contact: ContactId, known: &Known) -> Result<(), Error> {
    for position in &known.changed_at {
        let place = Place { list: contact.0, position: *position };
        rewrite_history(rows, place, |change| (change.number == contact.1).then_some(Rewritten::Erased))?;
    }
    match consent::begins_at(rows, contact, known.document.as_deref()) {
        Ok(begins_at) => consent::forget(rows, contact, begins_at)?,
        // Where the ledger of a contact begins that is damaged on disk is not known.
        Err(Error::Damaged(_)) => consent::forget_anywhere(rows, contact)?,
        Err(error) => return Err(error),
    }
    if let Some(document) = &known.document {
        rows.remove_contact(contact, document)?;
    }
    rows.forget_traces(contact)
}

/// What becomes of a change when its batch's row is written again.
enum Rewritten {
    /// Nothing is left of it but that there was one.
    Erased,
    /// Other texts in place of what it replaced and of what it put in place.
    Without(Vec<u8>, Option<Vec<u8>>),
}

/// Writes a batch's changes again, with some of them changed.
fn rewrite_history(
    rows: &impl Erasing,
    place: Place,
    rewrite: impl Fn(&Change<'_>) -> Option<Rewritten>,
) -> Result<(), Error> {
    let Some(entry) = rows.history_at(place)? else { return Ok(()) };
    let changes = domain::history::read(&entry.changes)
        .map_err(|malformed| Error::Damaged(format!("history at {place:?}: {malformed}")))?;
    let mut out = Vec::with_capacity(entry.changes.len());
    for change in &changes {
        match rewrite(change) {
            None => change.put(&mut out),
            Some(Rewritten::Without(before, after)) => {
                Change { before: &before, after: after.as_deref(), ..*change }.put(&mut out);
            }
            Some(Rewritten::Erased) => {
                let erased =
                    Change { kind: ChangeKind::Erased, previous: 0, before: &[], after: None, ..*change };
                erased.put(&mut out);
            }
        }
    }
    if out == entry.changes {
        return Ok(());
    }
    match rows.has_earlier_nodes() {
        true => rows.put_changes(place, &out),
        false => rows.put_changes(place, &domain::history::pack(&out)),
    }
}

/// Forgets the person's identifiers wherever else they stand, and keeps a keyed hash of each.
pub fn traces(
    rows: &impl Erasing,
    batch: &Waiting,
    lists: &[(ListNo, ObjectId)],
    person: &Person,
    now: Timestamp,
) -> Result<(), Error> {
    let account = batch.account.0.unsigned_abs();
    for (kind, text) in &person.traces {
        let mut borne_by_others = false;
        for (list, _) in lists {
            borne_by_others |= !bearers(rows, *list, *kind, text)?.is_empty();
            forget_former(rows, *list, *kind, text)?;
        }
        // One that was handed on is somebody else's now.
        if !borne_by_others {
            let hash = rows.key().erased(account, *kind, text);
            rows.add_erased((batch.account, hash), EraseForm::Exact, now)?;
            rows.forget_suppressed((batch.account, hash))?;
            // What is applied by a node of the first version in the course of an upgrade must not bring them back.
            let former = rows.key().erased_formerly(account, *kind, text);
            for hash in former.into_iter().filter(|_| rows.has_earlier_nodes()) {
                rows.add_erased((batch.account, hash), EraseForm::Former, now)?;
            }
        }
    }
    for (list, _) in lists {
        forget_former_identifiers(rows, *list, person)?;
    }
    // A receiver may have answered with what it was sent, and in whatever form: no answer is searched.
    rows.forget_answers(batch.account)?;
    forget_asked(rows, batch, person)
}

/// Forgets that others bore one of the person's identifiers before.
fn forget_former(rows: &impl Erasing, list: ListNo, kind: IdentifierKind, text: &str) -> Result<(), Error> {
    for number in history::former_holders(rows, list, kind, text)? {
        let stored = rows.document((list, number))?;
        // One that has it again keeps what its changes put in place: it is its own now.
        let has_it = stored.as_deref().map_or(Ok(false), |stored| has(stored, kind, text))?;
        for position in past(rows, list, number, stored.as_deref())?.changed_at {
            rewrite_history(rows, Place { list, position }, |change| {
                (change.number == number).then(|| without(change, kind, text, has_it)).flatten()
            })?;
        }
    }
    rows.forget_former_holders(list, rows.key().hash(list.0.unsigned_abs(), kind, text))
}

/// Whether a contact has an identifier now.
fn has(stored: &[u8], kind: IdentifierKind, text: &str) -> Result<bool, Error> {
    let borne = Document::read(stored).and_then(|document| document.identifiers());
    let borne = borne.map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    Ok(borne.get(kind).is_some_and(|borne| kind.same(borne, text)))
}

/// A change without an identifier, except in what it put in place if that is to stay; `None` where it is not in there.
fn without(change: &Change<'_>, kind: IdentifierKind, text: &str, keep_after: bool) -> Option<Rewritten> {
    let (head, record) = match change.kind {
        ChangeKind::Updated => (&[][..], change.before),
        ChangeKind::Removed => {
            let record = Document::read(change.before).ok()?.record;
            (&change.before[..change.before.len() - record.len()], record)
        }
        ChangeKind::Created | ChangeKind::Erased => (&[][..], &[][..]),
    };
    let before = without_in(head, record, kind, text);
    let after = change.after.filter(|_| !keep_after).and_then(|after| without_in(&[], after, kind, text));
    if before.is_none() && after.is_none() {
        return None;
    }
    let before = before.unwrap_or_else(|| change.before.to_vec());
    Some(Rewritten::Without(before, after.or_else(|| change.after.map(<[u8]>::to_vec))))
}

/// A record behind its head without an identifier; `None` where it is not in there.
fn without_in(head: &[u8], record: &[u8], kind: IdentifierKind, text: &str) -> Option<Vec<u8>> {
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
fn forget_former_identifiers(rows: &impl Erasing, list: ListNo, person: &Person) -> Result<(), Error> {
    let mut rewritten = Vec::new();
    rows.all_former_identifiers(list, &mut |row| {
        let Ok(mut borne) = read_identifiers(&mut Reader::new(&row.identifiers)) else { return Ok(()) };
        if forget_known(&mut borne, person) {
            let mut identifiers = Vec::new();
            put_identifiers(&mut identifiers, &borne);
            rewritten.push(FormerRow { identifiers, ..row });
        }
        Ok(())
    })?;
    for mut row in rewritten {
        if rows.document((list, row.number))?.is_none() {
            row.identifiers.clear();
            put_identifiers(&mut row.identifiers, &Identifiers::default());
        }
        rows.put_former_identifiers(list, &row)?;
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
fn forget_asked(rows: &impl Erasing, batch: &Waiting, person: &Person) -> Result<(), Error> {
    let mut rewritten = Vec::new();
    rows.failed_results(batch.account, &mut |place, results| {
        let Ok(mut outcomes) = outcome::read(results) else { return };
        let mut changed = false;
        for outcome in &mut outcomes {
            if let Outcome::Failed(_, asked, _) = outcome {
                changed |= forget_known(asked, person);
            }
        }
        if changed {
            let mut results = Vec::new();
            outcomes.iter().for_each(|outcome| outcome::put(&mut results, outcome));
            rewritten.push((place, results));
        }
    })?;
    for (place, results) in rewritten {
        rows.put_results(place, &results)?;
    }
    Ok(())
}
