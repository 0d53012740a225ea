//! Lists.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::contacts::MAX_LISTS;
use super::super::{error, unsigned};
use super::change_of;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::changed::Changed;
use storage::{
    AddError, Error, List, ListAbout, ListChange, ListFilter, ListOwner, MAX_LISTS_PER_ACCOUNT, NewList,
    OptOut, Page, Window,
};

const COLUMNS: &str = "no, id, account, name, is_default, created_at, updated_at, opt_out, \
                       (SELECT a.opt_out FROM account a WHERE a.no = list.account)";

/// The list with that id, and its variables.
pub fn find(intake: &Connection, id: ObjectId) -> Result<Option<List>, Error> {
    let row = intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM list WHERE id = ?1"))
        .and_then(|mut select| select.query_row([id.to_bytes()], read).optional());
    row.map_err(error)?.map(|row| with_variables(intake, row)).transpose()
}

/// The list with that number and its account.
pub fn owner(intake: &Connection, list: ListNo) -> Result<Option<ListOwner>, Error> {
    let select = "SELECT a.no, a.name, l.id FROM list l JOIN account a ON a.no = l.account WHERE l.no = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(ListOwner {
            account: AccountNo(row.get(0)?),
            account_name: row.get(1)?,
            list_id: ObjectId::from_bytes(row.get(2)?),
        })
    };
    intake
        .prepare_cached(select)
        .and_then(|mut select| select.query_row([list.0], read).optional())
        .map_err(error)
}

/// The account's lists that fit, the oldest first.
pub fn page(
    intake: &mut Connection,
    account: AccountNo,
    filter: &ListFilter,
    window: Window,
) -> Result<Page<List>, Error> {
    // One transaction: the count and the rows are read as of one moment.
    let intake = intake.transaction().map_err(error)?;
    let only = filter.only.as_ref().map(|only| serde_json::json!(only).to_string());
    let fits = "FROM list WHERE account = ?1 AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR name = ?3) \
                AND (?4 IS NULL OR lower(hex(id)) IN (SELECT value FROM json_each(?4))) \
                AND (is_default OR NOT ?5)";
    let values = params![account.0, filter.id.map(ObjectId::to_bytes), filter.name, only, filter.default];
    let total = intake
        .prepare_cached(&format!("SELECT count(*) {fits}"))
        .and_then(|mut select| select.query_row(values, |row| row.get(0).map(unsigned)))
        .map_err(error)?;
    let limits = format!("LIMIT {} OFFSET {}", window.limit, window.offset.min(i64::MAX.unsigned_abs()));
    let rows = intake
        .prepare(&format!("SELECT {COLUMNS} {fits} ORDER BY no {limits}"))
        .and_then(|mut select| select.query_map(values, read)?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(error)?;
    let rows = rows.into_iter().map(|row| with_variables(&intake, row)).collect::<Result<_, _>>()?;
    Ok(Page { rows, total })
}

type Row = (ListNo, ObjectId, AccountNo, ListAbout);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let about = ListAbout {
        name: row.get(3)?,
        is_default: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        updated_at: Timestamp::from_millis(row.get(6)?),
        opt_out: row.get::<_, Option<i64>>(7)?.map(OptOut::of_code),
        account_opt_out: OptOut::of_code(row.get::<_, Option<i64>>(8)?.unwrap_or_default()),
    };
    Ok((ListNo(row.get(0)?), ObjectId::from_bytes(row.get(1)?), AccountNo(row.get(2)?), about))
}

fn with_variables(intake: &Connection, (no, id, account, about): Row) -> Result<List, Error> {
    let variables = super::variables::all(intake, no).map_err(error)?;
    Ok(List::new(no, id, account, about, variables))
}

/// The lists of an account.
pub fn of_account(intake: &Connection, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error> {
    intake
        .prepare_cached("SELECT no, id FROM list WHERE account = ?1 ORDER BY no")
        .and_then(|mut select| {
            let read = |row: &rusqlite::Row<'_>| Ok((ListNo(row.get(0)?), ObjectId::from_bytes(row.get(1)?)));
            select.query_map([account.0], read)?.collect()
        })
        .map_err(error)
}

/// Whether the list is there.
pub fn exists(intake: &Connection, list: ListNo) -> Result<bool, Error> {
    intake
        .prepare_cached("SELECT 1 FROM list WHERE no = ?1")
        .and_then(|mut select| select.exists([list.0]))
        .map_err(error)
}

/// Adds a list.
pub fn add(
    intake: &mut Connection,
    account: AccountNo,
    id: ObjectId,
    list: &NewList,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(intake, Changed::Account(account), |transaction| {
        let added = transaction
            .execute(
                "INSERT INTO list (id, account, name, is_default, created_at, updated_at, opt_out) \
                 SELECT ?1, no, ?3, NOT EXISTS (SELECT 1 FROM list WHERE account = ?2), ?4, ?4, ?5 \
                 FROM account WHERE no = ?2",
                params![id.to_bytes(), account.0, list.name, now.millis(), list.opt_out.map(OptOut::code)],
            )
            .map_err(error)?;
        if added == 0 {
            return Err(AddError::Gone);
        }
        let count: usize = transaction
            .query_row("SELECT count(*) FROM list WHERE account = ?1", [account.0], |row| {
                row.get::<_, u32>(0)
            })
            .map_err(error)? as usize;
        if count > MAX_LISTS_PER_ACCOUNT {
            return Err(AddError::TooMany(MAX_LISTS_PER_ACCOUNT));
        }
        if transaction.last_insert_rowid() >= MAX_LISTS {
            return Err(AddError::TooMany(usize::try_from(MAX_LISTS).unwrap_or(usize::MAX)));
        }
        Ok(())
    })
}

/// Changes a list; whether it is there.
pub fn update(
    intake: &mut Connection,
    list: ListNo,
    change: &ListChange,
    now: Timestamp,
) -> Result<bool, Error> {
    change_of(intake, Changed::List(list), |transaction| {
        let update = "UPDATE list SET updated_at = iif(name IS coalesce(?2, name) AND (?4 OR opt_out IS ?5), updated_at, ?3), \
                      name = coalesce(?2, name), opt_out = iif(?4, opt_out, ?5) WHERE no = ?1";
        let (keeps, opt_out) = (change.opt_out.is_none(), change.opt_out.flatten().map(OptOut::code));
        let values = params![list.0, change.name, now.millis(), keeps, opt_out];
        transaction.execute(update, values).map(|rows| rows > 0).map_err(error)
    })
}

/// Removes a list that has that name; whether it was there. Where it was the default, the account's oldest is next.
pub fn remove(intake: &mut Connection, list: ListNo, name: &str) -> Result<bool, Error> {
    change_of(intake, Changed::List(list), |transaction| {
        let found = transaction
            .query_row(
                "SELECT account, is_default FROM list WHERE no = ?1 AND name = ?2",
                params![list.0, name],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
            )
            .optional()
            .map_err(error)?;
        let Some((account, was_default)) = found else { return Ok(false) };
        for statement in [
            "DELETE FROM variable WHERE list = ?1",
            "DELETE FROM removed_variable WHERE list = ?1",
            "DELETE FROM saved_query WHERE list = ?1",
            "DELETE FROM list WHERE no = ?1",
        ] {
            transaction.execute(statement, [list.0]).map_err(error)?;
        }
        if was_default {
            let next = "UPDATE list SET is_default = 1 WHERE no = \
                        (SELECT min(no) FROM list WHERE account = ?1)";
            transaction.execute(next, [account]).map_err(error)?;
        }
        Ok(true)
    })
}
