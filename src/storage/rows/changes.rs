//! The changes of lists in their order, after a cursor: what the change feed is read from.
//!
//! A list's changes lie in the rows of its history, by position, and its erased contacts in tombstones between them.
//! Positions of a list become visible in their order (see decision 27), so a reader that has come to one has passed all
//! below it for good.

use std::collections::{HashMap, HashSet};

use super::contacts::{look_up_source, source_of};
use super::derived::{Derived, derive};
use super::{ContactId, Entry, Rows, history};
use crate::clock::Timestamp;
use crate::contact::document::{self, Document};
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::Malformed;
use crate::history as stored;
use crate::history::{ChangeKind, FieldChange};
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ContactNo, ListNo};
use crate::storage::{
    Change, ChangeAction, ChangeCursor, ChangePage, ChangeQuery, ChangesError, ChangesFrom, Contact, Detail,
    Error, Mark,
};

/// Rows of the history that are read at once, and their bytes: the first is read in any case.
const CHUNK_ROWS: u32 = 256;
const CHUNK_BYTES: usize = 4 << 20;

/// Bytes of changes that one page looks at: with a filter that few fit, it ends without them.
const MAX_LOOKED_AT: usize = 32 << 20;

/// Rows that one page looks at: a batch that changed nothing has one too.
const MAX_ROWS: usize = 20_000;

/// Contacts that are loaded at once: each may have megabytes.
const CONTACTS: usize = 16;

/// A batch of a list: its position and request.
pub type Place = (u64, ObjectId);

/// Where the changes of a list begin and end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// The last batch or erase.
    pub last: Option<Place>,
    /// The last that retention has deleted.
    pub floor: Option<Place>,
}

/// The identifiers after a change, and what it did to each field.
type Taken = (Identifiers<Option<String>>, Vec<FieldChange>);

impl Ends {
    /// Behind all changes; nothing where there never was one.
    fn end(&self) -> Option<Place> {
        self.last.max(self.floor)
    }

    /// The position behind all changes, 0 where there never was one.
    pub fn position(&self) -> u64 {
        self.end().map_or(0, |(position, _)| position)
    }
}

/// An erased contact.
#[derive(Clone, Debug)]
pub struct Tombstone {
    /// The position of the erase in the list.
    pub position: u64,
    /// The contact.
    pub number: ContactNo,
    /// The erase.
    pub request: ObjectId,
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was applied.
    pub erased_at: Timestamp,
}

/// The rows that changes are read from.
pub trait ChangeRows: Rows {
    /// Where the changes of each list begin and end.
    fn ends(&self, lists: &[ListNo]) -> Result<Vec<Ends>, Error>;

    /// The rows of a list's history from a position on, in their order: at most so many, and of so many bytes but for
    /// the first.
    fn entries_from(&self, list: ListNo, from: u64, rows: u32, bytes: usize) -> Result<Vec<Entry>, Error>;

    /// The tombstones of a list from a position on, by position and number.
    fn tombstones_from(&self, list: ListNo, from: u64) -> Result<Vec<Tombstone>, Error>;
}

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

    /// Reads a list until its end, or until the page is full.
    fn read_list(&mut self, list: ListNo, ends: &Ends) -> Result<(), ChangesError> {
        let Some((end, _)) = ends.last else { return Ok(()) };
        let mark = self.cursor.mark(list);
        let from = mark.map_or(0, |mark| mark.position);
        let mut tombstones = self.rows.tombstones_from(list, from)?.into_iter().peekable();
        let mut entries = self.rows.entries_from(list, from, CHUNK_ROWS, CHUNK_BYTES)?.into_iter().peekable();
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
                entries =
                    self.rows.entries_from(list, last + 1, CHUNK_ROWS, CHUNK_BYTES)?.into_iter().peekable();
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
        let detailed = self.query.detail == Detail::Fields;
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
        if self.query.detail == Detail::Contact {
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

    /// Loads the contacts as they are now. Where they are too large for one page, the page ends before them.
    fn load_contacts(&mut self) -> Result<(), ChangesError> {
        let mut loaded: HashMap<ContactId, Option<Contact>> = HashMap::new();
        let (mut bytes, mut done, mut sources) = (0, 0, HashMap::new());
        while done < self.changes.len() && (done == 0 || bytes < self.query.bytes) {
            let end = self.changes.len().min(done + CONTACTS);
            let wanted =
                self.changes[done..end].iter().filter(|change| change.action != ChangeAction::Erased);
            let wanted: HashSet<ContactId> = wanted.map(|change| (change.list, change.number)).collect();
            let mut wanted: Vec<_> =
                wanted.into_iter().filter(|contact| !loaded.contains_key(contact)).collect();
            wanted.sort_unstable();
            let mut documents = Vec::new();
            self.rows.documents(&wanted, &mut |contact, document| {
                bytes += document.len();
                documents.push((contact, document.to_vec()));
                true
            })?;
            loaded.extend(wanted.into_iter().map(|contact| (contact, None)));
            for (contact, document) in documents {
                let known = with_source(self.rows, self.query.account, document, &mut sources)?;
                loaded.insert(contact, known);
            }
            for change in &mut self.changes[done..end] {
                change.contact = loaded.get(&(change.list, change.number)).cloned().flatten();
            }
            done = end;
        }
        if done < self.changes.len() {
            self.changes.truncate(done);
            self.cursor = self.first.clone();
            for change in &self.changes {
                self.cursor.advance(change.mark);
            }
            self.more = true;
        }
        Ok(())
    }
}

fn same_batch(one: Mark, other: Mark) -> bool {
    (one.list, one.position) == (other.list, other.position)
}

/// What a source is and costs, by its number.
type Sources = HashMap<u64, (Option<crate::storage::Source>, Option<crate::contact::amount::Cac>)>;

/// A contact with its source; `None` for one that is damaged on disk.
fn with_source(
    rows: &impl Rows,
    account: AccountNo,
    document: Vec<u8>,
    sources: &mut Sources,
) -> Result<Option<Contact>, Error> {
    let Ok(no) = source_of(&document) else { return Ok(None) };
    let (source, source_cac) = match no {
        None => (None, None),
        Some(no) => match sources.get(&no) {
            Some(known) => known.clone(),
            None => sources.entry(no).insert_entry(look_up_source(rows, account, no)?).get().clone(),
        },
    };
    Ok(Some(Contact { document, source, source_cac }))
}

/// Whether there are changes behind a mark, as far as the ends of the list show.
fn has_more(mark: Option<Mark>, ends: &Ends) -> Result<bool, ChangesError> {
    let Some(mark) = mark else {
        return match ends.floor {
            // Changes of a list that the reader has never read are gone.
            Some(_) => Err(ChangesError::Expired),
            None => Ok(ends.last.is_some()),
        };
    };
    if ends.floor.is_some_and(|(floor, _)| floor > mark.position) {
        return Err(ChangesError::Expired);
    }
    match ends.end() {
        Some((position, request)) if position == mark.position => {
            if Mark::check(request) == mark.check {
                Ok(mark.index < Mark::ALL)
            } else {
                Err(ChangesError::Unknown)
            }
        }
        Some((position, _)) if position > mark.position => Ok(true),
        // The store has lost what the reader has seen: an older backup was restored.
        _ => Err(ChangesError::Unknown),
    }
}

/// The identifiers after a change, and what it did to the fields.
type Shown = Result<(Identifiers<Option<String>>, Vec<FieldChange>), Malformed>;

fn owned(identifiers: Identifiers<Option<&str>>) -> Identifiers<Option<String>> {
    identifiers.map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned))
}

fn removed(document: &[u8], detailed: bool) -> Shown {
    let record = Document::read(document)?.record;
    let fields = if detailed { stored::fields(record)? } else { stored::Fields::new() };
    let fields = fields.into_iter().map(|(key, old)| FieldChange { key, old, new: Vec::new() });
    Ok((owned(document::identifiers(record)?), fields.collect()))
}

fn created(after: &[u8], detailed: bool) -> Shown {
    let fields = if detailed { stored::fields(after)? } else { stored::Fields::new() };
    let fields = fields.into_iter().map(|(key, new)| FieldChange { key, old: Vec::new(), new });
    Ok((owned(document::identifiers(after)?), fields.collect()))
}

fn updated(before: &[u8], after: &[u8], detailed: bool) -> Shown {
    let identifiers = owned(document::identifiers(after)?);
    if !detailed {
        return Ok((identifiers, Vec::new()));
    }
    let mut new = stored::fields(after)?;
    let fields = stored::fields(before)?.into_iter().map(|(key, old)| {
        let new = new.remove(&key).unwrap_or_default();
        FieldChange { key, old, new }
    });
    Ok((identifiers, fields.collect()))
}
