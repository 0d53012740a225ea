//! Erasing a person: what is written in the database.

use super::queue::COUNT_ERASED;
use super::rows::{View, signed};
use super::session::{Session, Values, get, get_number, get_small};
use domain::apply::plan::Waiting;
use domain::apply::unit_of_work::EraseForm;
use domain::clock::Timestamp;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::check::index::entries;
use storage::rows::{ContactId, ErasedHash, Erasing, FormerRow, Rows as _};
use storage::{Error, Place};

impl Erasing for View<'_> {
    fn put_changes(&self, place: Place, changes: &[u8]) -> Result<(), Error> {
        let update = "UPDATE history SET changes = $3 WHERE list = $1 AND position = $2";
        self.session.execute(update, &[&place.list.0, &place.position.cast_signed(), &changes]).map(drop)
    }

    fn consent_positions(&self, list: ListNo) -> Result<Vec<u64>, Error> {
        let rows = self.session.query("SELECT position FROM consent WHERE list = $1", &[&list.0])?;
        rows.iter().map(|row| get_number(row, 0)).collect()
    }

    fn put_consent(&self, place: Place, records: &[u8]) -> Result<(), Error> {
        let update = "UPDATE consent SET records = $3 WHERE list = $1 AND position = $2";
        self.session.execute(update, &[&place.list.0, &place.position.cast_signed(), &records]).map(drop)
    }

    fn remove_contact(&self, (list, number): ContactId, document: &[u8]) -> Result<(), Error> {
        let mut hashes = Vec::new();
        entries(self.key(), (list, number), document, |(hash, _)| hashes.push(hash));
        let number = number.0.cast_signed();
        let index = "DELETE FROM identifier WHERE list = $1 AND hash = ANY($2) AND number = $3";
        self.session.execute(index, &[&list.0, &hashes, &number])?;
        self.session.execute("DELETE FROM contact WHERE list = $1 AND number = $2", &[&list.0, &number])?;
        self.session.execute(COUNT_ERASED, &[&list.0]).map(drop)
    }

    fn forget_traces(&self, (list, number): ContactId) -> Result<(), Error> {
        for table in ["former_identifiers", "former_bearer", "departed"] {
            let delete = format!("DELETE FROM {table} WHERE list = $1 AND number = $2");
            self.session.execute(&delete, &[&list.0, &number.0.cast_signed()])?;
        }
        // Also of those that were merged into one that was merged into this one.
        let merges = "DELETE FROM merged_into WHERE list = $1 AND (loser = ANY($2) OR winner = ANY($2)) \
                      RETURNING loser";
        let mut gone = vec![number.0.cast_signed()];
        while !gone.is_empty() {
            let rows = self.session.query(merges, &[&list.0, &gone])?;
            gone = rows.iter().map(|row| get(row, 0)).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn forget_former_holders(&self, list: ListNo, hash: u64) -> Result<(), Error> {
        let delete = "DELETE FROM former_bearer WHERE list = $1 AND hash = $2";
        self.session.execute(delete, &[&list.0, &hash.cast_signed()]).map(drop)
    }

    fn put_tombstones(
        &self,
        batch: &Waiting,
        token: &str,
        list: ListNo,
        numbers: &[ContactNo],
        now: Timestamp,
    ) -> Result<(), Error> {
        // The place of the erase in the list is that of its fence: all before it is applied, and nothing behind it.
        let insert = "INSERT INTO tombstone (list, position, number, request, token, erased_at) \
                      SELECT $1, b.position, u.number, b.request, $4, $5 \
                      FROM batch b CROSS JOIN unnest($3::bigint[]) AS u (number) \
                      WHERE b.list = $1 AND b.request = $2 AND b.fence";
        let request = batch.request.to_bytes();
        let values: Values<'_> = &[&list.0, &request.as_slice(), &signed(numbers), &token, &now.millis()];
        if self.session.execute(insert, values)? == numbers.len() as u64 {
            let events =
                "UPDATE segment_event SET number = 0 WHERE list = $1 AND of_list = $2 AND number = ANY($3)";
            let values: Values<'_> = &[&-batch.account.0, &list.0, &signed(numbers)];
            return self.session.execute(events, values).map(drop);
        }
        Err(Error::Damaged(format!("list {} has no fence of an erase", list.0)))
    }

    fn add_erased(&self, (account, hash): ErasedHash, form: EraseForm, now: Timestamp) -> Result<(), Error> {
        // What the first version has kept may stand for other spellings too, and still does.
        let insert = "INSERT INTO erased (account, hash, erased_at, form) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (account, hash) DO UPDATE SET erased_at = excluded.erased_at";
        self.session.execute(insert, &[&account.0, &hash.as_slice(), &now.millis(), &form.code()]).map(drop)
    }

    fn forget_suppressed(&self, (account, hash): ErasedHash) -> Result<(), Error> {
        let update = "UPDATE suppression SET address = NULL, raw_log = NULL WHERE list = $1 AND hash = $2";
        self.session.execute(update, &[&-account.0, &hash.as_slice()]).map(drop)
    }

    fn has_earlier_nodes(&self) -> bool {
        self.shared.has_earlier_nodes()
    }

    fn all_former_identifiers(
        &self,
        list: ListNo,
        visit: &mut dyn FnMut(FormerRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let select = "SELECT number, position, item, identifiers FROM former_identifiers WHERE list = $1";
        self.session
            .stream(select, &[&list.0], |row| {
                let place = (get_number(row, 1)?, get_small(row, 2)?);
                visit(FormerRow {
                    number: ContactNo(get_number(row, 0)?),
                    place,
                    identifiers: get(row, 3)?,
                })?;
                Ok(true)
            })
            .map(drop)
    }

    fn put_former_identifiers(&self, list: ListNo, row: &FormerRow) -> Result<(), Error> {
        let update = "UPDATE former_identifiers SET identifiers = $5 \
                      WHERE list = $1 AND number = $2 AND position = $3 AND item = $4";
        let (number, (position, item)) = (row.number.0.cast_signed(), row.place);
        let (position, item) = (position.cast_signed(), i64::from(item));
        self.session.execute(update, &[&list.0, &number, &position, &item, &row.identifiers]).map(drop)
    }

    fn failed_results(&self, account: AccountNo, visit: &mut dyn FnMut(Place, &[u8])) -> Result<(), Error> {
        let select = "SELECT list, position, results FROM request WHERE account = $1 AND failed > 0";
        self.session
            .stream(select, &[&account.0], |row| {
                let place = Place { list: ListNo(get(row, 0)?), position: get_number(row, 1)? };
                visit(place, get(row, 2)?);
                Ok(true)
            })
            .map(drop)
    }

    fn put_results(&self, place: Place, results: &[u8]) -> Result<(), Error> {
        let update = "UPDATE request SET results = $3 WHERE list = $1 AND position = $2";
        self.session.execute(update, &[&place.list.0, &place.position.cast_signed(), &results]).map(drop)
    }

    fn forget_answers(&self, account: AccountNo) -> Result<(), Error> {
        let update = "UPDATE delivery_attempt SET answer = NULL WHERE account = $1 AND answer IS NOT NULL";
        self.session.execute(update, &[&account.0]).map(drop)
    }
}

/// When somebody of the account was erased last.
pub fn last(session: &Session, account: AccountNo) -> Result<Option<Timestamp>, Error> {
    let row = session.query_opt("SELECT max(erased_at) FROM erased WHERE account = $1", &[&account.0])?;
    let millis: Option<i64> = row.map_or(Ok(None), |row| get(&row, 0))?;
    Ok(millis.map(Timestamp::from_millis))
}
