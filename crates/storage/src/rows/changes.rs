//! The changes of lists in their order, after a cursor: what the change feed is read from.
//!
//! A list's changes lie in the rows of its history, by position, and its erased contacts in tombstones between them.
//! Positions of a list become visible in their order (see decision 27), so a reader that has come to one has passed all
//! below it for good.

mod contacts;
mod ends;
mod values;

use std::collections::HashMap;

use self::ends::has_more;
pub use self::ends::{ChangeRows, Ends, Place, Tombstone};
use self::values::{created, removed, updated};
use super::derived::{Derived, derive};
use super::{ContactId, Entry, Rows, history};
use crate::{
    Change, ChangeAction, ChangeCursor, ChangePage, ChangeQuery, ChangesError, ChangesFrom, Detail, Error,
    Mark,
};
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::record::Malformed;
use domain::history as stored;
use domain::history::{ChangeKind, FieldChange};
use domain::journal::{AccountNo, BatchKind, ContactNo, ListNo};

/// Rows of the history that are read at once at most, and their bytes: the first is read in any case.
const CHUNK_ROWS: usize = 256;
const CHUNK_BYTES: usize = 4 << 20;

/// Changes that a row is thought to have before one was read: as many as a batch may have.
const LARGE_BATCH: usize = 100;

/// Bytes of changes that one page looks at: with a filter that few fit, it ends without them.
const MAX_LOOKED_AT: usize = 32 << 20;

/// Rows that one page looks at: a batch that changed nothing has one too.
const MAX_ROWS: usize = 20_000;

/// The identifiers after a change, and what it did to each field.
type Taken = (Identifiers<Option<String>>, Vec<FieldChange>);

/// Reads a page of changes.
///
/// # Errors
/// See [`ChangesError`].
pub fn read(rows: &impl ChangeRows, query: &ChangeQuery) -> Result<ChangePage, ChangesError> {
    let mut lists = query.lists.clone();
    lists.sort_unstable();
    lists.dedup();
    let ends = rows.ends(&lists)?;
    let store = tag(rows, query.account);
    let mut cursor = ChangeCursor::new(store, query.scope);
    match &query.from {
        ChangesFrom::Now => {
            for (list, (position, request)) in
                lists.iter().zip(&ends).filter_map(|(l, e)| Some((l, e.end()?)))
            {
                cursor.advance(Mark::behind(*list, position, request));
            }
            let next = cursor.clone();
            return Ok(ChangePage {
                changes: Vec::new(),
                first: cursor,
                next,
                more: false,
                sources: HashMap::new(),
            });
        }
        ChangesFrom::Start => {
            for (list, (position, request)) in
                lists.iter().zip(&ends).filter_map(|(l, e)| Some((l, e.floor?)))
            {
                cursor.advance(Mark::behind(*list, position, request));
            }
        }
        ChangesFrom::After(after) if after.is_of(store, query.scope) => {
            cursor = after.clone();
            cursor.retain(&lists);
        }
        ChangesFrom::After(_) => return Err(ChangesError::Unknown),
    }
    let mut reading = Reading {
        rows,
        query,
        first: cursor.clone(),
        cursor,
        changes: Vec::new(),
        more: false,
        bytes: 0,
        looked_at: (0, 0),
        derived: HashMap::new(),
    };
    reading.read_lists(&lists, &ends)?;
    reading.finish()
}

/// What tells the cursors of an account of a store from all others.
fn tag(rows: &impl Rows, account: AccountNo) -> u32 {
    let hash = rows.key().hash(account.0.unsigned_abs(), IdentifierKind::UserId, "cursor of changes");
    u32::try_from(hash >> 32).unwrap_or_default()
}

fn damaged(malformed: Malformed) -> Error {
    Error::Damaged(malformed.to_string())
}

/// A page that is being read.
struct Reading<'a, R> {
    rows: &'a R,
    query: &'a ChangeQuery,
    first: ChangeCursor,
    cursor: ChangeCursor,
    changes: Vec<Change>,
    more: bool,
    bytes: usize,
    /// Rows, and bytes of them.
    looked_at: (usize, usize),
    /// What rows of earlier versions changed, by contact.
    derived: HashMap<ContactId, Derived>,
}

impl<R: ChangeRows> Reading<'_, R> {
    fn read_lists(&mut self, lists: &[ListNo], ends: &[Ends]) -> Result<(), ChangesError> {
        let mut waiting = Vec::new();
        for (list, ends) in lists.iter().zip(ends) {
            if has_more(self.cursor.mark(*list), ends)? {
                waiting.push((*list, *ends));
            }
        }
        // After the list that had the last turn.
        let turn = self.cursor.turn();
        waiting.sort_unstable_by_key(|(list, _)| (*list <= turn, *list));
        for (list, ends) in waiting {
            if self.ends() {
                self.more = true;
                break;
            }
            self.read_list(list, &ends)?;
        }
        Ok(())
    }

    /// Whether the page holds as much as it may.
    fn is_full(&self) -> bool {
        self.changes.len() >= self.query.limit || self.bytes >= self.query.bytes
    }

    /// Whether the page ends before the next batch: it is full, or has looked at enough.
    fn ends(&self) -> bool {
        let (rows, bytes) = self.looked_at;
        self.is_full() || rows >= MAX_ROWS || bytes >= MAX_LOOKED_AT
    }

    /// Rows that the rest of the page may need: those of large batches are not read in vain.
    fn chunk(&self) -> u32 {
        let (rows, _) = self.looked_at;
        let changes_of_row = self.changes.len().checked_div(rows).unwrap_or(LARGE_BATCH).max(1);
        let left = self.query.limit.saturating_sub(self.changes.len());
        // One more for the row of the cursor, and one to see that there are more.
        u32::try_from((left / changes_of_row + 2).min(CHUNK_ROWS)).unwrap_or(u32::MAX)
    }

    /// Reads a list until its end, or until the page is full.
    fn read_list(&mut self, list: ListNo, ends: &Ends) -> Result<(), ChangesError> {
        let Some((end, _)) = ends.last else { return Ok(()) };
        let mark = self.cursor.mark(list);
        let from = mark.map_or(0, |mark| mark.position);
        let mut tombstones = self.rows.tombstones_from(list, from)?.into_iter().peekable();
        let mut entries =
            self.rows.entries_from(list, from, self.chunk(), CHUNK_BYTES)?.into_iter().peekable();
        let first = entries.peek().map(|entry| (entry.position, entry.request));
        let first = [first, tombstones.peek().map(|erased| (erased.position, erased.request))]
            .into_iter()
            .flatten()
            .min();
        // The batch of the mark is there, or retention has deleted exactly so far.
        let is_there = |mark: Mark| {
            [first, ends.floor]
                .into_iter()
                .flatten()
                .any(|(position, request)| position == mark.position && Mark::check(request) == mark.check)
        };
        if mark.is_some_and(|mark| !is_there(mark)) {
            return Err(ChangesError::Unknown);
        }
        let mut last = from;
        loop {
            if entries.peek().is_none() && last < end {
                let chunk = self.chunk();
                entries = self.rows.entries_from(list, last + 1, chunk, CHUNK_BYTES)?.into_iter().peekable();
            }
            let position = match (entries.peek(), tombstones.peek()) {
                (None, None) => return Ok(()),
                (Some(entry), None) => entry.position,
                (None, Some(erased)) => erased.position,
                (Some(entry), Some(erased)) => entry.position.min(erased.position),
            };
            last = position;
            let skip = match mark {
                Some(mark) if mark.position == position => mark.index,
                _ => 0,
            };
            if skip < Mark::ALL && self.ends() {
                self.more = true;
                return Ok(());
            }
            let whole = match entries.next_if(|entry| entry.position == position) {
                Some(entry) => self.add_entry(list, &entry, skip)?,
                None => {
                    let mut erased = Vec::new();
                    while let Some(tombstone) = tombstones.next_if(|erased| erased.position == position) {
                        erased.push(tombstone);
                    }
                    self.add_tombstones(list, &erased, skip)
                }
            };
            if !whole {
                self.more = true;
                return Ok(());
            }
            if last >= end {
                return Ok(());
            }
        }
    }

    /// Adds the changes of a batch but for those that were read before; whether there was room for all.
    fn add_entry(&mut self, list: ListNo, entry: &Entry, skip: u32) -> Result<bool, ChangesError> {
        if skip == Mark::ALL {
            return Ok(true);
        }
        self.looked_at.0 += 1;
        self.looked_at.1 += entry.changes.len();
        let at = |malformed: Malformed| {
            Error::Damaged(format!("history of list {} at {}: {malformed}", list.0, entry.position))
        };
        let changes = stored::read(&entry.changes).map_err(at)?;
        let whole = Mark::behind(list, entry.position, entry.request);
        for (index, change) in (0_u32..).zip(&changes).skip(skip as usize) {
            if self.is_full() && !self.changes.is_empty() {
                self.cursor.advance(Mark { index, ..whole });
                return Ok(false);
            }
            let place = (entry, &changes[..index as usize]);
            if let Some(mut change) = self.show(list, place, change)? {
                change.mark = Mark { index: index + 1, ..whole };
                self.bytes += history::size(&change.fields) + 64;
                self.changes.push(change);
            }
        }
        if let Some(last) = self.changes.last_mut().filter(|last| same_batch(last.mark, whole)) {
            last.mark = whole;
        }
        self.cursor.advance(whole);
        Ok(true)
    }

    /// A change as it is reported; `None` where the filter leaves it out, or the person was erased since.
    fn show(
        &mut self,
        list: ListNo,
        (entry, before): (&Entry, &[stored::Change<'_>]),
        change: &stored::Change<'_>,
    ) -> Result<Option<Change>, ChangesError> {
        let wanted = self.query.fields.as_ref().map(|fields| fields.get(&list));
        let is_wanted = |key| wanted.is_none_or(|keys| keys.is_some_and(|keys| keys.contains(&key)));
        let detailed = matches!(self.query.detail, Detail::Fields | Detail::Both);
        let action = match change.kind {
            ChangeKind::Created => ChangeAction::Created,
            ChangeKind::Updated => ChangeAction::Updated,
            ChangeKind::Removed => ChangeAction::Removed,
            ChangeKind::Erased => return Ok(None),
        };
        if action == ChangeAction::Updated && wanted.is_some() {
            let touched = stored::fields(change.before).map_err(damaged)?;
            if !touched.into_keys().any(is_wanted) {
                return Ok(None);
            }
        }
        let (identifiers, mut fields) = match (change.kind, change.after) {
            (ChangeKind::Removed, _) => removed(change.before, detailed),
            (ChangeKind::Created, Some(after)) => created(after, detailed),
            (_, Some(after)) => updated(change.before, after, detailed),
            (_, None) => {
                let nth = before.iter().filter(|other| other.number == change.number).count();
                return match self.derived((list, change.number), entry.position, nth)? {
                    Some((identifiers, fields)) => {
                        let fields = fields
                            .into_iter()
                            .filter(|field| detailed && field.key.is_shown() && is_wanted(field.key));
                        Ok(Some(self.change(
                            list,
                            entry,
                            change.number,
                            action,
                            identifiers,
                            fields.collect(),
                        )))
                    }
                    // It was erased meanwhile, or its history is longer than can be followed.
                    None => Err(ChangesError::Expired),
                };
            }
        }
        .map_err(damaged)?;
        fields.retain(|field| field.key.is_shown() && is_wanted(field.key));
        Ok(Some(self.change(list, entry, change.number, action, identifiers, fields)))
    }

    fn derived(&mut self, contact: ContactId, position: u64, nth: usize) -> Result<Option<Taken>, Error> {
        if !self.derived.contains_key(&contact) {
            let derived = derive(self.rows, contact, position)?;
            self.derived.insert(contact, derived);
        }
        Ok(self.derived.get(&contact).and_then(|derived| derived.get(position, nth)))
    }

    fn change(
        &self,
        list: ListNo,
        entry: &Entry,
        number: ContactNo,
        action: ChangeAction,
        identifiers: Identifiers<Option<String>>,
        fields: Vec<FieldChange>,
    ) -> Change {
        Change {
            list,
            number,
            action,
            identifiers,
            request: entry.request,
            asked: entry.kind,
            token: entry.token.clone(),
            at: entry.applied_at,
            fields,
            contact: None,
            mark: Mark::behind(list, entry.position, entry.request),
        }
    }

    /// Adds the contacts of an erase but for those that were read before; whether there was room for all.
    fn add_tombstones(&mut self, list: ListNo, erased: &[Tombstone], skip: u32) -> bool {
        let Some(first) = erased.first().filter(|_| skip < Mark::ALL) else { return true };
        self.looked_at.0 += 1;
        let whole = Mark::behind(list, first.position, first.request);
        for (index, tombstone) in (0_u32..).zip(erased).skip(skip as usize) {
            if self.is_full() && !self.changes.is_empty() {
                self.cursor.advance(Mark { index, ..whole });
                return false;
            }
            self.bytes += 64;
            self.changes.push(Change {
                list,
                number: tombstone.number,
                action: ChangeAction::Erased,
                identifiers: Identifiers::default(),
                request: tombstone.request,
                asked: BatchKind::Erase,
                token: tombstone.token.clone(),
                at: tombstone.erased_at,
                fields: Vec::new(),
                contact: None,
                mark: Mark { index: index + 1, ..whole },
            });
        }
        if let Some(last) = self.changes.last_mut() {
            last.mark = whole;
        }
        self.cursor.advance(whole);
        true
    }

    fn finish(mut self) -> Result<ChangePage, ChangesError> {
        if matches!(self.query.detail, Detail::Contact | Detail::Both) {
            self.load_contacts()?;
        }
        let (rows, account) = (self.rows, self.query.account);
        let fields = self.changes.iter().flat_map(|change| &change.fields);
        let sources = history::sources_of(rows, account, fields)?;
        Ok(ChangePage {
            changes: self.changes,
            first: self.first,
            next: self.cursor,
            more: self.more,
            sources,
        })
    }
}

fn same_batch(one: Mark, other: Mark) -> bool {
    (one.list, one.position) == (other.list, other.position)
}
