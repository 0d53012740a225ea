//! The rows of the database.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;

use super::catalogue;
use super::queue::NEXT;
use super::session::{Session, Values, get, get_array, get_id, get_number, get_small, get_time};
use super::shared::Shared;
use domain::apply::unit_of_work::{EraseForm, Erased, ListState};
use domain::contact::amount::Cac;
use domain::contact::choice::Flags;
use domain::contact::document::HEAD;
use domain::contact::identifier::HashKey;
use domain::history;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::results::kind;
use storage::rows::{Changes, ContactId, Entry, ErasedHash, FormerRow, Rows};
use storage::{Error, Place, Source, Way};

/// Keys that one statement is asked for at most: more gain nothing, and take memory on both sides.
pub const CHUNK: usize = 5_000;

/// The contacts of a list with these numbers, each looked up by its key. `OFFSET 0` keeps the planner from anything
/// else: of `number = ANY($2)`, in a table that has grown since it was last analyzed, it may think it cheaper to read the
/// whole list, and to compare each contact with each number.
const CONTACTS: &str = "FROM unnest($2::bigint[]) AS u (number) CROSS JOIN LATERAL \
                        (SELECT number, document FROM contact WHERE list = $1 AND number = u.number OFFSET 0) c";

/// The database in one transaction.
pub struct View<'a> {
    /// The transaction.
    pub session: &'a Session,
    /// What the node knows.
    pub shared: &'a Shared,
    /// What was read with the batches that are applied.
    pub read: Option<&'a ListRead>,
}

/// What every transaction that applies needs of its list, read in the round trip that locks it.
pub struct ListRead {
    list: ListNo,
    next: Vec<Row>,
    variables: Vec<Row>,
    has_erased: bool,
}

impl ListRead {
    /// The statements, each about a list as its only value.
    pub const STATEMENTS: [&str; 3] =
        [NEXT, catalogue::variables::NUMBERS, "SELECT FROM erased WHERE $1::bigint IS NOT NULL LIMIT 1"];

    /// Of what these have returned.
    pub fn new(list: ListNo, [next, variables, erased]: [Vec<Row>; 3]) -> Self {
        Self { list, next, variables, has_erased: !erased.is_empty() }
    }

    fn state(&self) -> Result<ListState, Error> {
        let variables = catalogue::variables::read_numbers(&self.variables)?;
        let next = self.next.first().map_or(Ok(1), |row| get_number(row, 0))?;
        let alive = variables.is_some();
        Ok(ListState { alive, next, variables: variables.unwrap_or_default(), ..ListState::default() })
    }
}

impl<'a> View<'a> {
    /// A view that reads all that it shows.
    pub const fn new(session: &'a Session, shared: &'a Shared) -> Self {
        Self { session, shared, read: None }
    }
}

/// How many contacts lists have.
pub fn count_contacts(session: &Session, lists: &[ListNo]) -> Result<HashMap<ListNo, u64>, Error> {
    let lists: Vec<_> = lists.iter().map(|list| list.0).collect();
    let rows = session.query("SELECT list, contacts FROM progress WHERE list = ANY($1)", &[&lists])?;
    rows.iter().map(|row| Ok((ListNo(get(row, 0)?), get_number(row, 1)?))).collect()
}

/// How many contacts all lists of an account have.
pub fn count_all_contacts(session: &Session, account: AccountNo) -> Result<u64, Error> {
    let select = "SELECT coalesce(sum(p.contacts), 0)::bigint FROM progress p JOIN list l ON l.no = p.list \
                  WHERE l.account = $1";
    session.query_opt(select, &[&account.0])?.map_or(Ok(0), |row| get_number(&row, 0))
}

/// The numbers as PostgreSQL keeps them.
pub fn signed(numbers: &[ContactNo]) -> Vec<i64> {
    numbers.iter().map(|number| number.0.cast_signed()).collect()
}

impl Changes for View<'_> {
    fn history_at(&self, place: Place) -> Result<Option<Entry>, Error> {
        let select = format!("SELECT {ENTRY} FROM history WHERE list = $1 AND position = $2");
        let row = self.session.query_opt(&select, &[&place.list.0, &place.position.cast_signed()])?;
        row.map(|row| read_entry(&row)).transpose()
    }
}

impl Rows for View<'_> {
    fn key(&self) -> &HashKey {
        &self.shared.key
    }

    fn list_state(&self, list: ListNo) -> Result<ListState, Error> {
        if let Some(read) = self.read.filter(|read| read.list == list) {
            return read.state();
        }
        let [next, variables] =
            [NEXT, catalogue::variables::NUMBERS].map(|text| self.session.query(text, &[&list.0]));
        ListRead { list, next: next?, variables: variables?, has_erased: false }.state()
    }

    fn known_sources(&self, sources: &[u64]) -> Result<HashSet<u64>, Error> {
        if sources.is_empty() {
            return Ok(HashSet::new());
        }
        let numbers: Vec<_> = sources.iter().map(|no| no.cast_signed()).collect();
        let rows = self.session.query("SELECT no FROM source WHERE no = ANY($1)", &[&numbers])?;
        rows.iter().map(|row| get_number(row, 0)).collect()
    }

    fn source(&self, account: AccountNo, no: u64) -> Result<Option<Source>, Error> {
        catalogue::sources::get_by_no(self.session, account, no)
    }

    fn removed_cac(&self, account: AccountNo, no: u64) -> Result<Option<Cac>, Error> {
        catalogue::sources::removed_cac(self.session, account, no)
    }

    fn variable_names(&self, list: ListNo) -> Result<HashMap<u32, String>, Error> {
        let variables = catalogue::variables::all(self.session, &[list.0])?;
        Ok(variables.into_iter().map(|(_, variable)| (variable.number, variable.name)).collect())
    }

    fn has_erased(&self) -> Result<bool, Error> {
        if let Some(read) = self.read {
            return Ok(read.has_erased);
        }
        Ok(self.session.query_opt("SELECT 1 FROM erased LIMIT 1", &[])?.is_some())
    }

    fn known_erased(&self, hashes: Vec<ErasedHash>) -> Result<Erased, Error> {
        let mut known = Erased::new();
        for chunk in hashes.chunks(CHUNK) {
            let accounts: Vec<_> = chunk.iter().map(|(account, _)| account.0).collect();
            let bytes: Vec<_> = chunk.iter().map(|(_, hash)| hash.as_slice()).collect();
            let select = "SELECT e.account, e.hash, e.form FROM erased e \
                          JOIN unnest($1::bigint[], $2::bytea[]) AS a (account, hash) USING (account, hash)";
            for row in self.session.query(select, &[&accounts, &bytes])? {
                let hash = (AccountNo(get(&row, 0)?), get_array(&row, 1)?);
                known.insert(hash, EraseForm::of_code(get(&row, 2)?));
            }
        }
        Ok(known)
    }

    fn holders(&self, hashes: &[(u64, ListNo)]) -> Result<Vec<(ContactId, u64)>, Error> {
        let mut found = Vec::with_capacity(hashes.len() / 2);
        let mut sorted = hashes.to_vec();
        sorted.sort_unstable_by_key(|(hash, list)| (*list, *hash));
        for of_list in sorted.chunk_by(|(_, one), (_, other)| one == other) {
            for chunk in of_list.chunks(CHUNK) {
                let list = chunk.first().map_or(ListNo::NONE, |(_, list)| *list);
                let wanted: Vec<_> = chunk.iter().map(|(hash, _)| hash.cast_signed()).collect();
                // In the form of `CONTACTS`, for its reason.
                let select = "SELECT i.hash, i.number FROM unnest($2::bigint[]) AS u (hash) \
                              CROSS JOIN LATERAL (SELECT hash, number FROM identifier \
                              WHERE list = $1 AND hash = u.hash OFFSET 0) i";
                self.session.stream(select, &[&list.0, &wanted], |row| {
                    found.push(((list, ContactNo(get_number(row, 1)?)), get_number(row, 0)?));
                    Ok(true)
                })?;
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn documents(
        &self,
        contacts: &[ContactId],
        visit: &mut dyn FnMut(ContactId, &[u8]) -> bool,
    ) -> Result<(), Error> {
        for of_list in contacts.chunk_by(|(one, _), (other, _)| one == other) {
            for chunk in of_list.chunks(CHUNK) {
                let list = chunk.first().map_or(ListNo::NONE, |(list, _)| *list);
                let wanted: Vec<_> = chunk.iter().map(|(_, number)| number.0.cast_signed()).collect();
                let select = format!("SELECT c.number, c.document {CONTACTS}");
                let goes_on = self.session.stream(&select, &[&list.0, &wanted], |row| {
                    let contact = (list, ContactNo(get_number(row, 0)?));
                    Ok(visit(contact, self.shared.damage.open(contact, get(row, 1)?)))
                })?;
                if !goes_on {
                    return Ok(());
                }
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
        let (is, order, from) = match way {
            Way::Up(after) => (">", "ASC", after),
            Way::Down(before) => ("<", "DESC", before),
        };
        let select = format!(
            "SELECT number, document FROM contact WHERE list = $1 AND number {is} $2 ORDER BY number {order} LIMIT $3"
        );
        let from = i64::try_from(from.0).unwrap_or(i64::MAX);
        let values: Values<'_> = &[&list.0, &from, &i64::from(limit)];
        self.session
            .stream(&select, values, |row| {
                let number = ContactNo(get_number(row, 0)?);
                Ok(visit(number, self.shared.damage.open((list, number), get(row, 1)?)))
            })
            .map(drop)
    }

    fn document(&self, contact: ContactId) -> Result<Option<Vec<u8>>, Error> {
        let select = "SELECT document FROM contact WHERE list = $1 AND number = $2";
        let row = self.session.query_opt(select, &[&contact.0.0, &contact.1.0.cast_signed()])?;
        row.map(|row| Ok(self.shared.damage.open_owned(contact, get(&row, 0)?))).transpose()
    }

    fn heads(&self, list: ListNo, numbers: &[ContactNo]) -> Result<HashMap<ContactNo, Vec<u8>>, Error> {
        let select = format!("SELECT c.number, substring(c.document FOR $3) {CONTACTS}");
        let head = i32::try_from(HEAD).unwrap_or(i32::MAX);
        let mut heads = HashMap::with_capacity(numbers.len());
        for row in self.session.query(&select, &[&list.0, &signed(numbers), &head])? {
            let number = ContactNo(get_number(&row, 0)?);
            let (stored, damage): (&[u8], _) = (get(&row, 1)?, &self.shared.damage);
            let document = match stored.len() < HEAD {
                true => damage.open((list, number), stored),
                false => damage.open_head((list, number), stored),
            };
            heads.insert(number, document.to_vec());
        }
        Ok(heads)
    }

    fn former_identifiers(
        &self,
        list: ListNo,
        numbers: &[ContactNo],
        position: u64,
    ) -> Result<Vec<FormerRow>, Error> {
        let select = "SELECT number, position, item, identifiers FROM former_identifiers \
                      WHERE list = $1 AND number = ANY($2) AND position = $3 \
                      UNION ALL \
                      SELECT f.number, f.position, f.item, f.identifiers FROM unnest($2) AS n (number) \
                      CROSS JOIN LATERAL (SELECT * FROM former_identifiers f WHERE f.list = $1 \
                      AND f.number = n.number AND f.position > $3 ORDER BY f.position, f.item LIMIT 1) f \
                      ORDER BY 1, 2, 3";
        let rows = self.session.query(select, &[&list.0, &signed(numbers), &position.cast_signed()])?;
        let read = |row: &Row| {
            let place = (get_number(row, 1)?, get_small(row, 2)?);
            Ok(FormerRow { number: ContactNo(get_number(row, 0)?), place, identifiers: get(row, 3)? })
        };
        rows.iter().map(read).collect()
    }

    fn lists_of(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
        let rows =
            self.session.query("SELECT no, id FROM list WHERE account = $1 ORDER BY no", &[&account.0])?;
        rows.iter().map(|row| Ok((ListNo(get(row, 0)?), get_id(row, 1)?))).collect()
    }

    fn history_of(&self, list: ListNo, request: ObjectId) -> Result<Option<Entry>, Error> {
        let select = format!("SELECT {ENTRY} FROM history WHERE list = $1 AND request = $2");
        let row = self.session.query_opt(&select, &[&list.0, &request.to_bytes().as_slice()])?;
        row.map(|row| read_entry(&row)).transpose()
    }

    fn removed_at(&self, contact: ContactId) -> Result<u64, Error> {
        let select = "SELECT position FROM departed WHERE list = $1 AND number = $2";
        let row = self.session.query_opt(select, &[&contact.0.0, &contact.1.0.cast_signed()])?;
        row.map_or(Ok(0), |row| get_number(&row, 0))
    }

    fn consent_at(&self, place: Place) -> Result<Option<Vec<u8>>, Error> {
        let select = "SELECT records FROM consent WHERE list = $1 AND position = $2";
        let row = self.session.query_opt(select, &[&place.list.0, &place.position.cast_signed()])?;
        row.map(|row| get(&row, 0)).transpose()
    }

    fn tombstone_consent(&self, contact: ContactId) -> Result<u64, Error> {
        let select = "SELECT consent FROM departed WHERE list = $1 AND number = $2";
        let row = self.session.query_opt(select, &[&contact.0.0, &contact.1.0.cast_signed()])?;
        row.map_or(Ok(0), |row| get_number(&row, 0))
    }

    fn opted_out(&self, contact: ContactId) -> Result<Flags, Error> {
        let select = "SELECT opted_out FROM departed WHERE list = $1 AND number = $2";
        let row = self.session.query_opt(select, &[&contact.0.0, &contact.1.0.cast_signed()])?;
        let bits = row.map_or(Ok(0), |row| get_number(&row, 0))?;
        Ok(u8::try_from(bits).ok().and_then(Flags::of_bits).unwrap_or_default())
    }

    fn winners(&self, list: ListNo, losers: &[ContactNo]) -> Result<Vec<(ContactNo, ContactNo)>, Error> {
        if losers.is_empty() {
            return Ok(Vec::new());
        }
        let select =
            "SELECT loser, winner FROM merged_into WHERE list = $1 AND loser = ANY($2) AND undone_at = 0";
        let numbers: Vec<_> = losers.iter().map(|loser| loser.0.cast_signed()).collect();
        let rows = self.session.query(select, &[&list.0, &numbers])?;
        let read = |row: &Row| Ok((ContactNo(get_number(row, 0)?), ContactNo(get_number(row, 1)?)));
        rows.iter().map(read).collect()
    }

    fn former_holders(&self, list: ListNo, hash: u64) -> Result<Vec<(ContactNo, u64)>, Error> {
        let select = "SELECT number, position FROM former_bearer WHERE list = $1 AND hash = $2 \
                      ORDER BY position DESC";
        let rows = self.session.query(select, &[&list.0, &hash.cast_signed()])?;
        rows.iter().map(|row| Ok((ContactNo(get_number(row, 0)?), get_number(row, 1)?))).collect()
    }
}

/// What [`read_entry`] reads.
pub const ENTRY: &str = "position, request, kind, token, applied_at, changes";

/// Reads a row of the table history.
pub fn read_entry(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        position: get_number(row, 0)?,
        request: get_id(row, 1)?,
        kind: kind(get(row, 2)?),
        token: get(row, 3)?,
        applied_at: get_time(row, 4)?,
        changes: history::unpack(get(row, 5)?),
    })
}
