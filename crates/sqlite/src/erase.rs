//! Erasing a person: what is written in the two files.

use rusqlite::{Transaction, params};

use super::contacts::contact_id;
use super::rows::View;
use super::{Pair, Shared, error, prune, signed, unsigned};
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::apply::unit_of_work::EraseForm;
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::{ContactId, ErasedHash, Erasing, FormerRow, erase};
use storage::{Error, Place};

/// Erases whom a batch names, and tells which contacts that were. An error leaves the store as it was.
pub fn erase(
    transaction: &mut Transaction<'_>,
    intake: &rusqlite::Connection,
    shared: &Shared,
    (batch, token): (&Waiting, &str),
    now: Timestamp,
) -> Result<Decided, Error> {
    // Dropped before it is committed, it takes back what was written in it.
    let store = transaction.savepoint().map_err(error)?;
    let decided = erase::erase(&View { store: &store, intake, shared }, batch, token, now)?;
    store.execute("INSERT OR IGNORE INTO scrub VALUES (?1)", [batch.account.0]).map_err(error)?;
    store.commit().map_err(error)?;
    Ok(decided)
}

impl View<'_> {
    fn execute(&self, statement: &str, values: impl rusqlite::Params) -> Result<(), Error> {
        let statement = self.store.prepare_cached(statement);
        statement.and_then(|mut statement| statement.execute(values)).map(drop).map_err(error)
    }
}

impl Erasing for View<'_> {
    fn put_changes(&self, place: Place, changes: &[u8]) -> Result<(), Error> {
        let update = "UPDATE history SET changes = ?2 WHERE position = ?1";
        self.execute(update, params![signed(place.position), changes])
    }

    fn consent_positions(&self, list: ListNo) -> Result<Vec<u64>, Error> {
        let mut select =
            self.store.prepare_cached("SELECT position FROM consent WHERE list = ?1").map_err(error)?;
        let positions = select.query_map([list.0], |row| row.get(0).map(unsigned)).map_err(error)?;
        positions.collect::<rusqlite::Result<_>>().map_err(error)
    }

    fn put_consent(&self, place: Place, records: &[u8]) -> Result<(), Error> {
        let update = "UPDATE consent SET records = ?2 WHERE position = ?1";
        self.execute(update, params![signed(place.position), records])
    }

    fn remove_contact(&self, contact: ContactId, document: &[u8]) -> Result<(), Error> {
        let id = contact_id(contact.0, contact.1.0);
        prune::remove_contact(self.store, self.shared, contact.0, id, document)?;
        self.execute("UPDATE list SET contacts = contacts - 1 WHERE list = ?1", [contact.0.0])
    }

    fn forget_traces(&self, contact: ContactId) -> Result<(), Error> {
        let id = contact_id(contact.0, contact.1.0);
        for table in ["former_identifiers", "former_bearer", "departed"] {
            self.execute(&format!("DELETE FROM {table} WHERE contact = ?1"), [id])?;
        }
        // Also of those that were merged into one that was merged into this one.
        let merges = "WITH RECURSIVE gone (loser) AS (SELECT ?1 UNION \
                      SELECT m.loser FROM merged_into m JOIN gone ON m.winner = gone.loser) \
                      DELETE FROM merged_into WHERE loser IN (SELECT loser FROM gone)";
        self.execute(merges, [id])
    }

    fn forget_former_holders(&self, _: ListNo, hash: u64) -> Result<(), Error> {
        self.execute("DELETE FROM former_bearer WHERE hash = ?1", [signed(hash)])
    }

    fn put_tombstones(
        &self,
        batch: &Waiting,
        token: &str,
        list: ListNo,
        numbers: &[ContactNo],
        now: Timestamp,
    ) -> Result<(), Error> {
        let insert = "INSERT OR REPLACE INTO tombstone VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (position, request) = (signed(batch.position), batch.request.to_bytes());
        for number in numbers {
            let values = params![list.0, position, signed(number.0), request, token, now.millis()];
            self.execute(insert, values)?;
            let events =
                "UPDATE segment_event SET number = 0 WHERE list = ?1 AND of_list = ?2 AND number = ?3";
            self.execute(events, [-batch.account.0, list.0, signed(number.0)])?;
        }
        Ok(())
    }

    fn add_erased(&self, (account, hash): ErasedHash, form: EraseForm, now: Timestamp) -> Result<(), Error> {
        // What the first version has kept may stand for other spellings too, and still does.
        let insert = "INSERT INTO erased (account, hash, erased_at, form) VALUES (?1, ?2, ?3, ?4) \
                      ON CONFLICT DO UPDATE SET erased_at = excluded.erased_at";
        self.execute(insert, params![account.0, hash, now.millis(), form.code()])
    }

    fn forget_suppressed(&self, (account, hash): ErasedHash) -> Result<(), Error> {
        let update = "UPDATE suppression SET address = NULL, raw_log = NULL WHERE account = ?1 AND hash = ?2";
        self.execute(update, params![account.0, hash])
    }

    fn all_former_identifiers(
        &self,
        list: ListNo,
        visit: &mut dyn FnMut(FormerRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let select = "SELECT contact, position, item, identifiers FROM former_identifiers \
                      WHERE contact BETWEEN ?1 AND ?2";
        let mut select = self.store.prepare_cached(select).map_err(error)?;
        let range = [contact_id(list, 0), contact_id(list, (1 << 40) - 1)];
        let read = |row: &rusqlite::Row<'_>| {
            let number = super::contacts::split_id(row.get(0)?).1;
            let place = (unsigned(row.get(1)?), row.get(2)?);
            Ok(FormerRow { number, place, identifiers: row.get(3)? })
        };
        for row in select.query_map(range, read).map_err(error)? {
            visit(row.map_err(error)?)?;
        }
        Ok(())
    }

    fn put_former_identifiers(&self, list: ListNo, row: &FormerRow) -> Result<(), Error> {
        let ContactNo(number) = row.number;
        let (position, item) = row.place;
        self.execute(
            "UPDATE former_identifiers SET identifiers = ?4 WHERE contact = ?1 AND position = ?2 AND item = ?3",
            params![contact_id(list, number), signed(position), item, row.identifiers],
        )
    }

    fn failed_results(&self, account: AccountNo, visit: &mut dyn FnMut(Place, &[u8])) -> Result<(), Error> {
        let select = "SELECT position, list, results FROM request WHERE account = ?1 AND failed > 0";
        let mut select = self.store.prepare_cached(select).map_err(error)?;
        let mut rows = select.query([account.0]).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            let (position, list) = (row.get(0).map_err(error)?, row.get(1).map_err(error)?);
            let place = Place { list: ListNo(list), position: unsigned(position) };
            visit(place, row.get_ref(2).map_err(error)?.as_blob().unwrap_or_default());
        }
        Ok(())
    }

    fn put_results(&self, place: Place, results: &[u8]) -> Result<(), Error> {
        let update = "UPDATE request SET results = ?2 WHERE position = ?1";
        self.execute(update, params![signed(place.position), results])
    }

    fn forget_answers(&self, account: AccountNo) -> Result<(), Error> {
        let update = "UPDATE delivery_attempt SET answer = NULL WHERE account = ?1 AND answer IS NOT NULL";
        self.execute(update, [account.0])
    }
}

/// When somebody of the account was erased last.
pub fn last(pair: &Pair, account: AccountNo) -> Result<Option<Timestamp>, Error> {
    let mut select =
        pair.store.prepare_cached("SELECT max(erased_at) FROM erased WHERE account = ?1").map_err(error)?;
    let millis: Option<i64> = select.query_row([account.0], |row| row.get(0)).map_err(error)?;
    Ok(millis.map(Timestamp::from_millis))
}
