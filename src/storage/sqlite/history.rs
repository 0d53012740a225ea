//! The histories of contacts: what each batch changed, walked from now back.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::contacts::{contact_id, document, locate, split_id};
use super::{Pair, Shared, catalogue, error, signed, unsigned};
use crate::clock::Timestamp;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::identifier::IdentifierKind;
use crate::contact::record::Malformed;
use crate::history::{Backwards, Change, ChangeKind, FieldChange};
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ContactNo, ListNo};
use crate::storage::{ContactChange, Error, History, Source, Window};

/// Changes of one contact that are walked at most: each takes the reading of a batch's changes.
pub const MAX_WALK: usize = 10_000;

/// Bytes of batches' changes that are read for that at most: a change of one contact may stand in a row with many
/// large ones.
const MAX_WALKED_BYTES: usize = 256 << 20;

/// Bytes of old and new values that are told at most, the last change in full: a contact may have megabytes of
/// variables, and change all of them each time.
pub const MAX_TOLD_BYTES: usize = 16 << 20;

/// What a batch changed.
pub struct Entry {
    /// Its position.
    pub position: u64,
    /// Its request.
    pub request: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was applied.
    pub applied_at: Timestamp,
    /// See [`crate::history`].
    pub changes: Vec<u8>,
}

const COLUMNS: &str = "position, request, kind, token, applied_at, changes";

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        position: unsigned(row.get(0)?),
        request: ObjectId::from_bytes(row.get(1)?),
        kind: BatchKind::from_code(row.get(2)?).unwrap_or(BatchKind::Update),
        token: row.get(3)?,
        applied_at: Timestamp::from_millis(row.get(4)?),
        changes: row.get(5)?,
    })
}

/// What the batch at a position changed, where that is still kept.
pub fn at(store: &Connection, position: u64) -> Result<Option<Entry>, Error> {
    store
        .prepare_cached(&format!("SELECT {COLUMNS} FROM history WHERE position = ?1"))
        .and_then(|mut select| select.query_row([signed(position)], read).optional())
        .map_err(error)
}

/// What a request changed, where that is still kept.
pub fn of_request(store: &Connection, request: ObjectId) -> Result<Option<Entry>, Error> {
    store
        .prepare_cached(&format!("SELECT {COLUMNS} FROM history WHERE request = ?1"))
        .and_then(|mut select| select.query_row([request.to_bytes()], read).optional())
        .map_err(error)
}

/// The position where the history of a contact begins that was removed; 0 where nothing of it is kept.
pub fn departed_at(store: &Connection, list: ListNo, number: ContactNo) -> Result<u64, Error> {
    store
        .prepare_cached("SELECT position FROM departed WHERE contact = ?1")
        .and_then(|mut select| {
            select.query_row([contact_id(list, number.0)], |row| row.get(0).map(unsigned)).optional()
        })
        .map(Option::unwrap_or_default)
        .map_err(error)
}

/// A part of the history of the contact that bears one of the identifiers, or did last.
pub fn find(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
    window: Window,
) -> Result<Option<History>, Error> {
    // One transaction: the chain and its beginning are read as of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let Some((number, document)) = find_bearer(&store, shared, list, identifiers)? else { return Ok(None) };
    let told = changes(&store, list, number, document.as_deref(), window)?;
    let sources = sources(&pair.intake, account, &told.changes)?;
    Ok(Some(History { number, changes: told.changes, total: told.total, complete: told.complete, sources }))
}

/// A contact that is there or was once, with its stored form where it is.
type Bearer = (ContactNo, Option<Vec<u8>>);

/// The contact that bears one of the identifiers, or else that bore one last.
fn find_bearer(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Option<Bearer>, Error> {
    if let Some((number, document)) = locate(store, shared, list, identifiers)? {
        return Ok(Some((number, Some(document))));
    }
    for (kind, text) in identifiers {
        if let Some(&number) = former_bearers(store, shared, list, *kind, text)?.first() {
            return Ok(Some((number, document(store, contact_id(list, number.0))?)));
        }
    }
    Ok(None)
}

/// The contacts of a list that bore an identifier once, the last first.
pub fn former_bearers(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<Vec<ContactNo>, Error> {
    let hash = signed(shared.key.hash(unsigned(list.0), kind, text));
    let candidates = store
        .prepare_cached("SELECT contact, position FROM former_bearer WHERE hash = ?1 ORDER BY position DESC")
        .and_then(|mut select| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1).map(unsigned)?));
            select.query_map([hash], read)?.collect::<rusqlite::Result<Vec<(i64, u64)>>>()
        })
        .map_err(error)?;
    let mut bearers = Vec::new();
    for (contact, position) in candidates {
        let (_, number) = split_id(contact);
        // A hash may be shared, and a contact may have borne it more than once.
        if !bearers.contains(&number) && gave_up(store, position, number, kind, text)? {
            bearers.push(number);
        }
    }
    Ok(bearers)
}

/// Whether the batch at a position took an identifier from a contact, as far as its changes are kept.
fn gave_up(
    store: &Connection,
    position: u64,
    number: ContactNo,
    kind: IdentifierKind,
    text: &str,
) -> Result<bool, Error> {
    let damaged = |malformed: Malformed| Error::Damaged(format!("history at {position}: {malformed}"));
    let Some(entry) = at(store, position)? else { return Ok(false) };
    for change in crate::history::read(&entry.changes).map_err(damaged)? {
        let bore = change.number == number
            && change.identifiers().map_err(damaged)?.get(kind).is_some_and(|bore| kind.same(bore, text));
        if bore {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Changes of a contact.
pub struct Told {
    /// Those in the window, the newest first.
    pub changes: Vec<ContactChange>,
    /// How many were looked at.
    pub total: u64,
    /// Whether these are all that are kept.
    pub complete: bool,
}

/// The changes of a contact in a window.
pub fn changes(
    store: &Connection,
    list: ListNo,
    number: ContactNo,
    stored: Option<&[u8]>,
    window: Window,
) -> Result<Told, Error> {
    let damaged = |malformed: Malformed| Error::Damaged(malformed.to_string());
    let head = match stored {
        Some(stored) => Document::read(stored).map_err(damaged)?.header.changed_at,
        None => departed_at(store, list, number)?,
    };
    let mut back = Backwards::from(stored).map_err(damaged)?;
    let (mut found, mut total) = (Vec::new(), 0);
    let mut walk = Walk::new(store, number, head);
    let end = window.offset.saturating_add(u64::from(window.limit));
    let (mut bytes, mut left_out) = (0, false);
    while walk.step(|entry, change| {
        let fields = back.step(change).map_err(damaged)?;
        if change.kind == ChangeKind::Erased {
            // Nothing is left of it to tell.
        } else if (window.offset..end).contains(&total) && bytes < MAX_TOLD_BYTES {
            bytes += size(&fields);
            found.push(ContactChange {
                at: entry.applied_at,
                kind: change.kind,
                request: entry.request,
                asked: entry.kind,
                token: entry.token.clone(),
                fields,
            });
        } else {
            left_out = true;
        }
        total += 1;
        Ok(())
    })? {}
    Ok(Told { changes: found, total, complete: !left_out && !walk.is_cut_above(0) })
}

/// Bytes of the values of a change.
pub fn size(fields: &[FieldChange]) -> usize {
    fields.iter().map(|field| field.old.len() + field.new.len()).sum()
}

/// The sources that changes name, as far as they are still there.
pub fn sources(
    intake: &Connection,
    account: AccountNo,
    changes: &[ContactChange],
) -> Result<HashMap<u64, Source>, Error> {
    let named = changes.iter().flat_map(|change| &change.fields);
    let named = named.filter(|field| field.key == Field::Source.key());
    let mut sources = HashMap::new();
    for value in named.flat_map(|field| [&field.old, &field.new]) {
        let Ok(no) = value.as_slice().try_into().map(u64::from_le_bytes) else { continue };
        if let Some(source) = catalogue::sources::get(intake, account, no)? {
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
pub struct Walk<'s> {
    store: &'s Connection,
    number: ContactNo,
    next: u64,
    left: usize,
    bytes_left: usize,
}

impl<'s> Walk<'s> {
    /// From the position of the contact's last change.
    pub const fn new(store: &'s Connection, number: ContactNo, from: u64) -> Self {
        Self { store, number, next: from, left: MAX_WALK, bytes_left: MAX_WALKED_BYTES }
    }

    /// The same, and no further than several walks may go together.
    pub fn within(store: &'s Connection, number: ContactNo, from: u64, all: &Allowance) -> Self {
        let left = if all.bytes == 0 { 0 } else { MAX_WALK.min(all.changes) };
        Self { store, number, next: from, left, bytes_left: all.bytes }
    }

    /// Takes what this walk has read away from what several may read together.
    pub fn charge(&self, all: &mut Allowance) {
        all.changes = all.changes.saturating_sub(MAX_WALK.min(all.changes) - self.left);
        all.bytes = self.bytes_left;
    }

    /// The same to the very end, however many there are: what is erased must be found.
    pub const fn unbounded(store: &'s Connection, number: ContactNo, from: u64) -> Self {
        Self { store, number, next: from, left: usize::MAX, bytes_left: usize::MAX }
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
        let Some(entry) = at(self.store, self.next)? else {
            // It is older than what is kept.
            self.next = 0;
            return Ok(false);
        };
        let changes = crate::history::read(&entry.changes)
            .map_err(|malformed| Error::Damaged(format!("history at {}: {malformed}", entry.position)))?;
        let mut previous = 0;
        for change in changes.iter().rev().filter(|change| change.number == self.number) {
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
    use rusqlite::params;

    use super::*;

    /// A contact that was changed by each of the batches from 1 to `last`.
    fn changed(last: u64) -> Connection {
        let store = Connection::open_in_memory().unwrap();
        store
            .execute_batch("CREATE TABLE history (position, request, kind, token, applied_at, changes)")
            .unwrap();
        for position in 1..=last {
            let mut changes = Vec::new();
            let kind = ChangeKind::Updated;
            Change { number: ContactNo(1), kind, previous: position - 1, before: &[] }.put(&mut changes);
            let request = ObjectId::from_bytes([0; 12]).to_bytes();
            let row = params![signed(position), request, BatchKind::Update.code(), "key", 0, changes];
            store.execute("INSERT INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
        }
        store
    }

    fn steps(mut walk: Walk<'_>, all: &mut Allowance) -> (usize, bool) {
        let mut count = 0;
        while walk.step(|_, _| Ok(())).unwrap() {
            count += 1;
        }
        walk.charge(all);
        (count, walk.is_cut_above(0))
    }

    #[test]
    fn walks_go_together_as_far_as_they_may() {
        let store = changed(5);
        let walk = |all: &Allowance| Walk::within(&store, ContactNo(1), 5, all);
        let mut all = Allowance { changes: 8, bytes: usize::MAX };
        assert_eq!(steps(walk(&all), &mut all), (5, false));
        assert_eq!(steps(walk(&all), &mut all), (3, true));
        assert_eq!(steps(walk(&all), &mut all), (0, true));
        let mut all = Allowance { changes: 100, bytes: 1 };
        assert_eq!(steps(walk(&all), &mut all), (1, true), "the batch that goes over is read, and no other");
        assert_eq!(steps(walk(&all), &mut all), (0, true));
    }
}
