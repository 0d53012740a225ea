//! The rows of the two files.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::contacts::{Head, MAX_NUMBER, contact_id, head, numbers, split_id, stored};
use super::{Shared, catalogue, error, signed, unsigned};
use domain::apply::unit_of_work::{EraseForm, Erased, ListState};
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::contact::choice::Flags;
use domain::contact::identifier::HashKey;
use domain::history;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::changes::{ChangeRows, Ends, Place as ChangePlace, Tombstone};
use storage::rows::results::kind;
use storage::rows::{Changes, ContactId, Entry, ErasedHash, FormerRow, Rows};
use storage::{Error, Place, Source, Way};

/// Both files, the contacts as of one moment.
pub struct View<'a> {
    /// The main file, in a transaction.
    pub store: &'a Connection,
    /// The intake file.
    pub intake: &'a Connection,
    /// What all threads know.
    pub shared: &'a Shared,
}

impl Changes for View<'_> {
    fn history_at(&self, place: Place) -> Result<Option<Entry>, Error> {
        self.store
            .prepare_cached(&format!("SELECT {ENTRY} FROM history WHERE position = ?1"))
            .and_then(|mut select| select.query_row([signed(place.position)], read_entry).optional())
            .map_err(error)
    }
}

impl Rows for View<'_> {
    fn key(&self) -> &HashKey {
        &self.shared.key
    }

    fn list_state(&self, list: ListNo) -> Result<ListState, Error> {
        let variables = catalogue::variables::numbers(self.intake, list)?;
        let next = self
            .store
            .prepare_cached("SELECT next FROM list WHERE list = ?1")
            .and_then(|mut select| select.query_row([list.0], |row| row.get(0)).optional())
            .map_err(error)?
            .map_or(1, unsigned);
        let alive = variables.is_some();
        Ok(ListState { alive, next, variables: variables.unwrap_or_default(), ..ListState::default() })
    }

    fn known_sources(&self, sources: &[u64]) -> Result<HashSet<u64>, Error> {
        let mut known = HashSet::with_capacity(sources.len());
        for source in sources {
            if catalogue::sources::exists(self.intake, *source)? {
                known.insert(*source);
            }
        }
        Ok(known)
    }

    fn source(&self, account: AccountNo, no: u64) -> Result<Option<Source>, Error> {
        catalogue::sources::get(self.intake, account, no)
    }

    fn removed_cac(&self, account: AccountNo, no: u64) -> Result<Option<Cac>, Error> {
        catalogue::sources::removed_cac(self.intake, account, no)
    }

    fn variable_names(&self, list: ListNo) -> Result<HashMap<u32, String>, Error> {
        catalogue::variables::names(self.intake, list)
    }

    fn has_erased(&self) -> Result<bool, Error> {
        let any = self.store.prepare_cached("SELECT 1 FROM erased LIMIT 1");
        any.and_then(|mut any| any.exists([])).map_err(error)
    }

    fn known_erased(&self, mut hashes: Vec<ErasedHash>) -> Result<Erased, Error> {
        let select = "SELECT form FROM erased WHERE account = ?1 AND hash = ?2";
        let mut select = self.store.prepare_cached(select).map_err(error)?;
        let mut known = Erased::new();
        hashes.sort_unstable();
        for (account, hash) in hashes {
            let form = select.query_row(params![account.0, hash], |row| row.get(0)).optional();
            known.extend(form.map_err(error)?.map(|form| ((account, hash), EraseForm::of_code(form))));
        }
        Ok(known)
    }

    fn holders(&self, hashes: &[(u64, ListNo)]) -> Result<Vec<(ContactId, u64)>, Error> {
        if let [(hash, list)] = hashes {
            let numbers = numbers(self.store, *hash).map_err(error)?;
            return Ok(numbers.into_iter().map(|number| ((*list, ContactNo(number)), *hash)).collect());
        }
        holders(self.store, hashes).map_err(error)
    }

    fn documents(
        &self,
        contacts: &[ContactId],
        visit: &mut dyn FnMut(ContactId, &[u8]) -> bool,
    ) -> Result<(), Error> {
        let mut select =
            self.store.prepare_cached("SELECT document FROM contact WHERE id = ?1").map_err(error)?;
        for contact in contacts {
            let mut rows = select.query([contact_id(contact.0, contact.1.0)]).map_err(error)?;
            let Some(row) = rows.next().map_err(error)? else { continue };
            let stored = row.get_ref(0).map_err(error)?.as_blob().unwrap_or_default();
            if !visit(*contact, self.shared.damage.open(*contact, stored)) {
                break;
            }
        }
        Ok(())
    }

    fn documents_on(
        &self,
        list: ListNo,
        way: Way,
        limit: u32,
        visit: &mut dyn FnMut(ContactNo, &[u8]) -> bool,
    ) -> Result<(), Error> {
        let (order, from, to) = match way {
            Way::Up(after) => ("ASC", contact_id(list, after.0), contact_id(ListNo(list.0 + 1), 0)),
            Way::Down(before) => ("DESC", contact_id(list, 0), contact_id(list, before.0.min(MAX_NUMBER))),
        };
        let select = format!(
            "SELECT id, document FROM contact WHERE id > ?1 AND id < ?2 ORDER BY id {order} LIMIT ?3"
        );
        let mut select = self.store.prepare_cached(&select).map_err(error)?;
        let mut rows = select.query(params![from, to, limit]).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            let number = split_id(row.get(0).map_err(error)?).1;
            let stored = row.get_ref(1).map_err(error)?.as_blob().unwrap_or_default();
            if !visit(number, self.shared.damage.open((list, number), stored)) {
                break;
            }
        }
        Ok(())
    }

    fn document(&self, contact: ContactId) -> Result<Option<Vec<u8>>, Error> {
        let stored = stored(self.store, contact_id(contact.0, contact.1.0))?;
        Ok(stored.map(|stored| self.shared.damage.open_owned(contact, stored)))
    }

    fn heads(&self, list: ListNo, numbers: &[ContactNo]) -> Result<HashMap<ContactNo, Vec<u8>>, Error> {
        let mut heads = HashMap::with_capacity(numbers.len());
        for number in numbers {
            let Some(head) = head(self.store, contact_id(list, number.0))? else { continue };
            let (contact, damage) = ((list, *number), &self.shared.damage);
            heads.insert(
                *number,
                match head {
                    Head::Whole(stored) => damage.open_owned(contact, stored),
                    Head::First(stored) => damage.open_head(contact, &stored).to_vec(),
                },
            );
        }
        Ok(heads)
    }

    fn former_identifiers(
        &self,
        list: ListNo,
        numbers: &[ContactNo],
        position: u64,
    ) -> Result<Vec<FormerRow>, Error> {
        let here = "SELECT position, item, identifiers FROM former_identifiers \
                    WHERE contact = ?1 AND position = ?2 ORDER BY item";
        let next = "SELECT position, item, identifiers FROM former_identifiers \
                    WHERE contact = ?1 AND position > ?2 ORDER BY position, item LIMIT 1";
        let mut found = Vec::new();
        for number in numbers {
            for statement in [here, next] {
                let read = |row: &Row<'_>| {
                    let place = (unsigned(row.get(0)?), row.get(1)?);
                    Ok(FormerRow { number: *number, place, identifiers: row.get(2)? })
                };
                let values = [contact_id(list, number.0), signed(position)];
                let rows = self.store.prepare_cached(statement).and_then(|mut select| {
                    select.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>()
                });
                found.extend(rows.map_err(error)?);
            }
        }
        Ok(found)
    }

    fn lists_of(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
        catalogue::lists::of_account(self.intake, account)
    }

    fn history_of(&self, _: ListNo, request: ObjectId) -> Result<Option<Entry>, Error> {
        self.store
            .prepare_cached(&format!("SELECT {ENTRY} FROM history WHERE request = ?1"))
            .and_then(|mut select| select.query_row([request.to_bytes()], read_entry).optional())
            .map_err(error)
    }

    fn removed_at(&self, contact: ContactId) -> Result<u64, Error> {
        self.store
            .prepare_cached("SELECT position FROM departed WHERE contact = ?1")
            .and_then(|mut select| {
                let id = contact_id(contact.0, contact.1.0);
                select.query_row([id], |row| row.get(0).map(unsigned)).optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(error)
    }

    fn consent_at(&self, place: Place) -> Result<Option<Vec<u8>>, Error> {
        self.store
            .prepare_cached("SELECT records FROM consent WHERE position = ?1")
            .and_then(|mut select| select.query_row([signed(place.position)], |row| row.get(0)).optional())
            .map_err(error)
    }

    fn tombstone_consent(&self, contact: ContactId) -> Result<u64, Error> {
        self.store
            .prepare_cached("SELECT consent FROM departed WHERE contact = ?1")
            .and_then(|mut select| {
                let id = contact_id(contact.0, contact.1.0);
                select.query_row([id], |row| row.get(0).map(unsigned)).optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(error)
    }

    fn opted_out(&self, contact: ContactId) -> Result<Flags, Error> {
        self.store
            .prepare_cached("SELECT opted_out FROM departed WHERE contact = ?1")
            .and_then(|mut select| {
                let id = contact_id(contact.0, contact.1.0);
                select.query_row([id], |row| row.get(0)).optional()
            })
            .map(|bits: Option<u8>| bits.and_then(Flags::of_bits).unwrap_or_default())
            .map_err(error)
    }

    fn winners(&self, list: ListNo, losers: &[ContactNo]) -> Result<Vec<(ContactNo, ContactNo)>, Error> {
        let select = "SELECT winner FROM merged_into WHERE loser = ?1 AND undone_at = 0";
        let mut select = self.store.prepare_cached(select).map_err(error)?;
        let mut winners = Vec::new();
        for loser in losers {
            let id = contact_id(list, loser.0);
            let winner = select.query_row([id], |row| row.get(0).map(split_id)).optional().map_err(error)?;
            winners.extend(winner.map(|(_, winner)| (*loser, winner)));
        }
        Ok(winners)
    }

    fn former_holders(&self, _: ListNo, hash: u64) -> Result<Vec<(ContactNo, u64)>, Error> {
        self.store
            .prepare_cached(
                "SELECT contact, position FROM former_bearer WHERE hash = ?1 ORDER BY position DESC",
            )
            .and_then(|mut select| {
                let read = |row: &Row<'_>| Ok((split_id(row.get(0)?).1, unsigned(row.get(1)?)));
                select.query_map([signed(hash)], read)?.collect()
            })
            .map_err(error)
    }
}

const ENTRY: &str = "position, request, kind, token, applied_at, changes";

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        position: unsigned(row.get(0)?),
        request: ObjectId::from_bytes(row.get(1)?),
        kind: kind(row.get(2)?),
        token: row.get(3)?,
        applied_at: Timestamp::from_millis(row.get(4)?),
        changes: history::unpack(row.get(5)?),
    })
}

impl ChangeRows for View<'_> {
    fn ends(&self, lists: &[ListNo]) -> Result<Vec<Ends>, Error> {
        lists.iter().map(|list| ends(self.store, *list)).collect::<rusqlite::Result<_>>().map_err(error)
    }

    fn entries_from(&self, list: ListNo, from: u64, rows: u32, bytes: usize) -> Result<Vec<Entry>, Error> {
        let select = format!(
            "SELECT {ENTRY} FROM history WHERE list = ?1 AND position >= ?2 ORDER BY position LIMIT ?3"
        );
        let read = || {
            let mut select = self.store.prepare_cached(&select)?;
            let mut found = select.query(params![list.0, signed(from), rows])?;
            let (mut entries, mut read) = (Vec::new(), 0);
            while read < bytes || entries.is_empty() {
                let Some(row) = found.next()? else { break };
                let entry = read_entry(row)?;
                read += entry.changes.len();
                entries.push(entry);
            }
            Ok(entries)
        };
        read().map_err(error)
    }

    fn tombstones_from(&self, list: ListNo, from: u64) -> Result<Vec<Tombstone>, Error> {
        let select = "SELECT position, number, request, token, erased_at FROM tombstone \
                      WHERE list = ?1 AND position >= ?2 ORDER BY position, number";
        let read = |row: &Row<'_>| {
            Ok(Tombstone {
                position: unsigned(row.get(0)?),
                number: ContactNo(unsigned(row.get(1)?)),
                request: ObjectId::from_bytes(row.get(2)?),
                token: row.get(3)?,
                erased_at: Timestamp::from_millis(row.get(4)?),
            })
        };
        let select = self.store.prepare_cached(select);
        select.and_then(|mut select| select.query_map([list.0, signed(from)], read)?.collect()).map_err(error)
    }
}

fn ends(store: &Connection, list: ListNo) -> rusqlite::Result<Ends> {
    let place = |select: &str| {
        let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), ObjectId::from_bytes(row.get(1)?)));
        store.prepare_cached(select)?.query_row([list.0], read).optional()
    };
    let last = "SELECT position, request FROM history WHERE list = ?1 ORDER BY position DESC LIMIT 1";
    let erased = "SELECT position, request FROM tombstone WHERE list = ?1 ORDER BY position DESC LIMIT 1";
    let last: Option<ChangePlace> = place(last)?.max(place(erased)?);
    Ok(Ends { last, floor: place("SELECT position, request FROM history_floor WHERE list = ?1")? })
}

/// The contacts under the hashes, which are sorted, each with the hash: sorted.
fn holders(store: &Connection, hashes: &[(u64, ListNo)]) -> rusqlite::Result<Vec<(ContactId, u64)>> {
    let mut select = store.prepare_cached("SELECT number FROM identifier WHERE hash = ?1")?;
    let mut found = Vec::with_capacity(hashes.len() / 2);
    // The index is in signed order: there the upper half of them comes first.
    let (lower, upper) = hashes.split_at(hashes.partition_point(|(hash, _)| signed(*hash) >= 0));
    for (hash, list) in upper.iter().chain(lower) {
        let mut rows = select.query([signed(*hash)])?;
        while let Some(row) = rows.next()? {
            found.push(((*list, ContactNo(unsigned(row.get(0)?))), *hash));
        }
    }
    found.sort_unstable();
    Ok(found)
}
