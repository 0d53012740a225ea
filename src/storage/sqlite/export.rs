//! Everything that is kept about one person.

use rusqlite::{Connection, params};

use super::contacts::{contact_id, document, locate, with_source};
use super::history::{self, MAX_TOLD_BYTES, MAX_WALK};
use super::{Pair, Shared, catalogue, error, signed, unsigned};
use crate::apply::outcome::{self, Outcome};
use crate::clock::Timestamp;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::id::ObjectId;
use crate::journal::{self, AccountNo, BatchKind, ContactNo, ListNo};
use crate::storage::{Error, History, Mention, Mentions, Person, PersonContact, Subject, Window};

/// Positions that one call looks at: other readers wait no longer than that.
const CHUNK: u64 = 2_000;

/// Batches that one call reads from the journal: they may be large.
const WAITING_CHUNK: i64 = 50;

/// The contacts that bear one of the identifiers or bore it once, in all lists of the account.
pub fn person(
    pair: &mut Pair,
    shared: &Shared,
    account: AccountNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Person, Error> {
    let lists = catalogue::lists::of_account(&pair.intake, account)?;
    // One transaction: all is read as of one moment.
    let store = pair.store.transaction().map_err(error)?;
    let (mut contacts, mut bytes) = (Vec::new(), 0);
    for (list, id) in lists {
        for number in bearers(&store, shared, list, identifiers)? {
            let stored = document(&store, contact_id(list, number.0))?;
            // A person may have a large contact in each of many lists: all of them together have room for so much.
            let limit = if bytes < MAX_TOLD_BYTES { MAX_WALK } else { 0 };
            let all = Window { offset: 0, limit: u32::try_from(limit).unwrap_or(u32::MAX) };
            let told = history::changes(&store, list, number, stored.as_deref(), all)?;
            let history::Told { changes, total, complete } = told;
            bytes += changes.iter().map(|change| history::size(&change.fields)).sum::<usize>();
            let sources = history::sources(&pair.intake, account, &changes)?;
            contacts.push(PersonContact {
                list_id: id,
                list,
                contact: stored.map(|stored| with_source(&pair.intake, account, stored)).transpose()?,
                history: History { number, changes, total, complete, sources },
            });
        }
    }
    let mut erased = false;
    for (kind, text) in identifiers {
        let hash = shared.key.erased(account.0.unsigned_abs(), *kind, text);
        erased |= store
            .prepare_cached("SELECT 1 FROM erased WHERE account = ?1 AND hash = ?2")
            .and_then(|mut select| select.exists(params![account.0, hash]))
            .map_err(error)?;
    }
    Ok(Person { contacts, erased })
}

fn bearers(
    store: &Connection,
    shared: &Shared,
    list: ListNo,
    identifiers: &[(IdentifierKind, String)],
) -> Result<Vec<ContactNo>, Error> {
    let mut bearers = Vec::new();
    for (kind, text) in identifiers {
        let now = locate(store, shared, list, &[(*kind, text.clone())])?.map(|(number, _)| number);
        let once = history::former_bearers(store, shared, list, *kind, text)?;
        for number in now.into_iter().chain(once) {
            if !bearers.contains(&number) {
                bearers.push(number);
            }
        }
    }
    Ok(bearers)
}

fn is_asked(subject: &Subject, asked: &Identifiers<Option<&str>>) -> bool {
    let same = |(kind, text): &(IdentifierKind, String)| {
        asked.get(*kind).is_some_and(|asked| kind.same(asked, text))
    };
    subject.identifiers.iter().any(same)
}

/// The requests behind a position that mention the person: a chunk of them, processed ones first.
pub fn mentions(pair: &Pair, account: AccountNo, subject: &Subject, after: u64) -> Result<Mentions, Error> {
    // What is applied is looked up there, and what waits in the journal: the same border for both.
    let mut applied = super::append::applied_position(&pair.store)?;
    if after >= applied {
        let waiting = waiting(&pair.intake, account, subject, after)?;
        let border = std::mem::replace(&mut applied, super::append::applied_position(&pair.store)?);
        if applied == border {
            return Ok(waiting);
        }
        // What was applied meanwhile may have left the journal before it was read: it is looked up where it is now.
    }
    // Most positions were pruned long ago.
    let first = "SELECT coalesce(min(position), ?2) FROM request WHERE position > ?1";
    let first = pair
        .store
        .prepare_cached(first)
        .and_then(|mut first| first.query_row([signed(after), signed(applied)], |row| row.get(0)))
        .map_err(error)?;
    let end = unsigned(first).saturating_add(CHUNK).min(applied);
    let select = "SELECT id, kind, list, list_id, accepted_at, results FROM request \
                  WHERE position > ?1 AND position <= ?2 AND account = ?3 ORDER BY position";
    let mut select = pair.store.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([signed(after), signed(end), account.0]).map_err(error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let list = ListNo(row.get(2).map_err(error)?);
        let results = row.get_ref(5).map_err(error)?.as_blob().unwrap_or_default();
        let Ok(outcomes) = outcome::read(results) else { continue };
        let is_about = |outcome: &Outcome<'_>| match outcome {
            Outcome::Done(_, number) | Outcome::Undone(_, number, _) => {
                subject.contacts.contains(&(list, *number))
            }
            Outcome::Failed(_, asked) => is_asked(subject, asked),
            Outcome::Erased(_) => false,
        };
        let positions = places(&outcomes, is_about);
        if !positions.is_empty() {
            found.push(mention(row, positions, true).map_err(error)?);
        }
    }
    Ok(Mentions { found, next: Some(end) })
}

fn waiting(
    intake: &Connection,
    account: AccountNo,
    subject: &Subject,
    after: u64,
) -> Result<Mentions, Error> {
    let select = "SELECT request, kind, list, list_id, accepted_at, items, position, account FROM batch \
                  WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut select = intake.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([signed(after), WAITING_CHUNK]).map_err(error)?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next().map_err(error)? {
        next = Some(unsigned(row.get(6).map_err(error)?));
        if AccountNo(row.get(7).map_err(error)?) != account {
            continue;
        }
        let items = row.get_ref(5).map_err(error)?.as_blob().unwrap_or_default();
        let Ok(items) = journal::read_items(items) else { continue };
        let positions = places(&items, |item| {
            let named = item.asked().is_ok_and(|asked| is_asked(subject, &asked));
            // contacts/update looks for any text as a userId too.
            let looked_up = Identifiers { user_id: Some(item.contact), ..Identifiers::default() };
            named || is_asked(subject, &looked_up)
        });
        if !positions.is_empty() {
            found.push(mention(row, positions, false).map_err(error)?);
        }
    }
    Ok(Mentions { found, next })
}

fn places<T>(items: &[T], is_about: impl Fn(&T) -> bool) -> Vec<usize> {
    items.iter().enumerate().filter(|(_, item)| is_about(item)).map(|(place, _)| place).collect()
}

fn mention(row: &rusqlite::Row<'_>, positions: Vec<usize>, processed: bool) -> rusqlite::Result<Mention> {
    Ok(Mention {
        request: ObjectId::from_bytes(row.get(0)?),
        kind: BatchKind::from_code(row.get(1)?).unwrap_or(BatchKind::Update),
        list_id: ObjectId::from_bytes(row.get(3)?),
        accepted_at: Timestamp::from_millis(row.get(4)?),
        processed,
        positions,
    })
}
