//! The histories of contacts: what each batch changed, walked from now back.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::contacts::locate;
use super::{Changes, ContactId, Entry, Rows};
use crate::{ContactChange, Error, History, Place, Source, Window};
use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::contact::identifier::IdentifierKind;
use domain::contact::record::Malformed;
use domain::history::{Backwards, Change, ChangeKind, FieldChange};
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};

/// Changes of one contact that are walked at most: each takes the reading of a batch's changes.
pub const MAX_WALK: usize = 10_000;

/// Bytes of batches' changes that are read for that at most: a change of one contact may stand in a row with many
/// large ones.
const MAX_WALKED_BYTES: usize = 256 << 20;

/// Bytes of old and new values that are told at most, the last change in full: a contact may have megabytes of
/// variables, and change all of them each time.
pub const MAX_TOLD_BYTES: usize = 16 << 20;

/// The contacts that a request created, changed or removed, each once.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn contacts_of(rows: &impl Rows, list: ListNo, request: ObjectId) -> Result<Vec<ContactNo>, Error> {
    let Some(entry) = rows.history_of(list, request)? else { return Ok(Vec::new()) };
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    let changes = domain::history::read(&entry.changes).map_err(damaged)?;
    let mut seen = HashSet::new();
    Ok(changes.iter().map(|change| change.number).filter(|number| seen.insert(*number)).collect())
}

/// A part of the history of the contact that bears one of the identifiers, or did last.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn find(
    rows: &impl Rows,
    account: AccountNo,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
    window: Window,
) -> Result<Option<History>, Error> {
    let Some((number, document)) = find_holder(rows, list, identifiers)? else { return Ok(None) };
    let told = changes(rows, list, number, document.as_deref(), window)?;
    let sources = sources(rows, account, &told.changes)?;
    Ok(Some(History { number, changes: told.changes, total: told.total, complete: told.complete, sources }))
}

/// A contact that is there or was once, with its stored form where it is.
type Holder = (ContactNo, Option<Vec<u8>>);

/// The contact that bears one of the identifiers, or else that bore one last.
fn find_holder(
    rows: &impl Rows,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<Holder>, Error> {
    if let Some((number, document)) = locate(rows, list, identifiers)? {
        return Ok(Some((number, Some(document))));
    }
    for (kind, text) in identifiers {
        if let Some(&number) = former_holders(rows, list, *kind, text)?.first() {
            return Ok(Some((number, rows.document((list, number))?)));
        }
    }
    Ok(None)
}

/// The contacts of a list that bore an identifier once, the last first.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn former_holders(
    rows: &impl Rows,
    list: ListNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<Vec<ContactNo>, Error> {
    let mut found = Vec::new();
    for hash in rows.key().lookups(list.0.unsigned_abs(), kind, text) {
        found.extend(rows.former_holders(list, hash)?);
    }
    found.sort_unstable_by_key(|(number, position)| (Reverse(*position), *number));
    let mut bearers = Vec::new();
    for (number, position) in found {
        // A hash may be shared, and a contact may have borne it more than once.
        if !bearers.contains(&number) && gave_up(rows, Place { list, position }, number, kind, text)? {
            bearers.push(number);
        }
    }
    Ok(bearers)
}

/// Whether the batch at a position took an identifier from a contact, as far as its changes are kept.
fn gave_up(
    rows: &impl Rows,
    place: Place,
    number: ContactNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<bool, Error> {
    let damaged = |malformed: Malformed| Error::Damaged(format!("history at {place:?}: {malformed}"));
    let Some(entry) = rows.history_at(place)? else { return Ok(false) };
    for change in domain::history::read(&entry.changes).map_err(damaged)? {
        let bore = change.number == number
            && change.identifiers().map_err(damaged)?.get(kind).is_some_and(|bore| kind.same(bore, text));
        if bore {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Changes of a contact.
pub struct ContactChanges {
    /// Those in the window, the newest first.
    pub changes: Vec<ContactChange>,
    /// How many were looked at.
    pub total: u64,
    /// Whether `total` counts all that are stored.
    pub complete: bool,
}

/// The changes of a contact in a window.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn changes(
    rows: &impl Rows,
    list: ListNo,
    number: ContactNo,
    stored: Option<&[u8]>,
    window: Window,
) -> Result<ContactChanges, Error> {
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    let head = match stored {
        Some(stored) => Document::read(stored).map_err(damaged)?.header.changed_at,
        None => rows.removed_at((list, number))?,
    };
    let mut back = Backwards::from(stored).map_err(damaged)?;
    let (mut found, mut total) = (Vec::new(), 0);
    let mut walk = Walk::new(rows, (list, number), head);
    let end = window.offset.saturating_add(u64::from(window.limit));
    let mut bytes = 0;
    while walk.step(|entry, change| {
        let mut fields = back.step(change).map_err(damaged)?;
        fields.retain(|field| field.key.is_shown());
        // Of an erased one nothing is left to tell.
        let is_there = change.kind != ChangeKind::Erased;
        if is_there && (window.offset..end).contains(&total) && bytes < MAX_TOLD_BYTES {
            bytes += size(&fields);
            found.push(ContactChange {
                at: entry.applied_at,
                kind: change.kind,
                request: entry.request,
                asked: entry.kind,
                token: entry.token.clone(),
                fields,
            });
        }
        total += 1;
        Ok(())
    })? {}
    Ok(ContactChanges { changes: found, total, complete: !walk.is_cut_above(0) })
}

/// Bytes of the values of a change.
pub fn size(fields: &[FieldChange]) -> usize {
    fields.iter().map(|field| field.old.len() + field.new.len()).sum()
}

/// The sources that changes name, as far as they are still there.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn sources(
    rows: &impl Rows,
    account: AccountNo,
    changes: &[ContactChange],
) -> Result<HashMap<u64, Source>, Error> {
    sources_of(rows, account, changes.iter().flat_map(|change| &change.fields))
}

/// The same, of the changes of fields.
///
/// # Errors
/// Where the store cannot be read, or what it holds does not read.
pub fn sources_of<'f>(
    rows: &impl Rows,
    account: AccountNo,
    fields: impl Iterator<Item = &'f FieldChange>,
) -> Result<HashMap<u64, Source>, Error> {
    let named = fields.filter(|field| field.key == Field::Source.key());
    let mut sources = HashMap::new();
    for value in named.flat_map(|field| [&field.old, &field.new]) {
        let Ok(no) = value.as_slice().try_into().map(u64::from_le_bytes) else { continue };
        if !sources.contains_key(&no)
            && let Some(source) = rows.source(account, no)?
        {
            sources.insert(no, source);
        }
    }
    Ok(sources)
}

/// How much several walks may read together: each batch that they stop at is read as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Changes.
    pub changes: usize,
    /// Bytes of batches' changes.
    pub bytes: usize,
}

impl Allowance {
    /// Of the walks along all contacts of one request: applying stands still meanwhile.
    pub const OF_REQUEST: Self = Self { changes: 10 * MAX_WALK, bytes: MAX_WALKED_BYTES };
}

/// A walk along the changes of one contact, the newest first.
pub struct Walk<'s, R> {
    rows: &'s R,
    contact: ContactId,
    next: u64,
    left: usize,
    bytes_left: usize,
}

impl<'s, R: Changes> Walk<'s, R> {
    /// From the position of the contact's last change.
    pub const fn new(rows: &'s R, contact: ContactId, from: u64) -> Self {
        Self { rows, contact, next: from, left: MAX_WALK, bytes_left: MAX_WALKED_BYTES }
    }

    /// The same, and no further than several walks may go together.
    pub fn within(rows: &'s R, contact: ContactId, from: u64, all: &Allowance) -> Self {
        let left = if all.bytes == 0 { 0 } else { MAX_WALK.min(all.changes) };
        Self { rows, contact, next: from, left, bytes_left: all.bytes }
    }

    /// Takes what this walk has read away from what several may read together.
    pub fn charge(&self, all: &mut Allowance) {
        all.changes = all.changes.saturating_sub(MAX_WALK.min(all.changes) - self.left);
        all.bytes = self.bytes_left;
    }

    /// The same to the very end, however many there are: what is erased must be found.
    pub const fn unbounded(rows: &'s R, contact: ContactId, from: u64) -> Self {
        Self { rows, contact, next: from, left: usize::MAX, bytes_left: usize::MAX }
    }

    /// Whether there are more changes above a position than are walked.
    pub const fn is_cut_above(&self, position: u64) -> bool {
        self.left == 0 && self.next > position
    }

    /// The position of the next batch, 0 at the end.
    pub const fn next_position(&self) -> u64 {
        if self.left == 0 { 0 } else { self.next }
    }

    /// Goes to the next batch and hands its changes of the contact to `visit`, the last first. False at the end.
    ///
    /// # Errors
    /// Where the store cannot be read, or `visit` fails.
    pub fn step(
        &mut self,
        mut visit: impl FnMut(&Entry, &Change<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        if self.next_position() == 0 {
            return Ok(false);
        }
        let place = Place { list: self.contact.0, position: self.next };
        let Some(entry) = self.rows.history_at(place)? else {
            // It is older than what is kept.
            self.next = 0;
            return Ok(false);
        };
        let changes = domain::history::read(&entry.changes)
            .map_err(|malformed| Error::Damaged(format!("history at {place:?}: {malformed}")))?;
        let mut previous = 0;
        for change in changes.iter().rev().filter(|change| change.number == self.contact.1) {
            visit(&entry, change)?;
            previous = if change.kind == ChangeKind::Erased { 0 } else { change.previous };
            self.left = self.left.saturating_sub(1);
        }
        self.bytes_left = self.bytes_left.saturating_sub(entry.changes.len());
        if self.bytes_left == 0 {
            self.left = 0;
        }
        // A chain only goes back: a damaged one ends.
        self.next = if previous < entry.position { previous } else { 0 };
        Ok(true)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::id::ObjectId;
    use domain::journal::BatchKind;

    /// A contact that was changed by each of the batches from 1 to this.
    struct Changed(u64);

    impl Changes for Changed {
        fn history_at(&self, place: Place) -> Result<Option<Entry>, Error> {
            let position = place.position;
            let mut changes = Vec::new();
            let kind = ChangeKind::Updated;
            Change { number: ContactNo(1), kind, previous: position - 1, before: &[], after: None }
                .put(&mut changes);
            let entry = Entry {
                position,
                request: ObjectId::from_bytes([0; 12]),
                kind: BatchKind::Update,
                token: "key".to_owned(),
                applied_at: Timestamp::from_millis(0),
                changes,
            };
            Ok((1..=self.0).contains(&position).then_some(entry))
        }
    }

    fn steps(mut walk: Walk<'_, Changed>, all: &mut Allowance) -> (usize, bool) {
        let mut count = 0;
        while walk.step(|_, _| Ok(())).unwrap() {
            count += 1;
        }
        walk.charge(all);
        (count, walk.is_cut_above(0))
    }

    #[test]
    fn walks_go_together_as_far_as_they_may() {
        let store = Changed(5);
        let walk = |all: &Allowance| Walk::within(&store, (ListNo(1), ContactNo(1)), 5, all);
        let mut all = Allowance { changes: 8, bytes: usize::MAX };
        assert_eq!(steps(walk(&all), &mut all), (5, false));
        assert_eq!(steps(walk(&all), &mut all), (3, true));
        assert_eq!(steps(walk(&all), &mut all), (0, true));
        let mut all = Allowance { changes: 100, bytes: 1 };
        assert_eq!(steps(walk(&all), &mut all), (1, true), "the batch that goes over is read, and no other");
        assert_eq!(steps(walk(&all), &mut all), (0, true));
    }
}
