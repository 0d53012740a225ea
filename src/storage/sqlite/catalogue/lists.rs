//! Lists and their variables.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::super::contacts::MAX_LISTS;
use super::super::error;
use super::change;
use crate::clock::Timestamp;
use crate::id::ObjectId;
use crate::journal::{AccountNo, ListNo};
use crate::storage::{AddError, Error, List, Variable, VariableKind};

/// The most lists of one account: numbers of lists are finite, and all accounts share them.
const MAX_LISTS_PER_ACCOUNT: usize = 10_000;

/// The list with that id, and its variables.
pub fn find(intake: &Connection, id: ObjectId) -> Result<Option<List>, Error> {
    let list = intake
        .prepare_cached("SELECT no, account FROM list WHERE id = ?1")
        .and_then(|mut select| {
            let row = |row: &rusqlite::Row<'_>| Ok((ListNo(row.get(0)?), AccountNo(row.get(1)?)));
            select.query_row([id.to_bytes()], row).optional()
        })
        .map_err(error)?;
    let Some((no, account)) = list else { return Ok(None) };
    let variables = variables(intake, no).map_err(error)?;
    Ok(Some(List::new(no, id, account, variables)))
}

fn variables(intake: &Connection, list: ListNo) -> rusqlite::Result<Vec<Variable>> {
    let mut select =
        intake.prepare_cached("SELECT number, name, type FROM variable WHERE list = ?1 ORDER BY number")?;
    let rows = select.query_map([list.0], |row| {
        let kind: String = row.get(2)?;
        let kind = if kind == "date" { VariableKind::Date } else { VariableKind::String };
        Ok(Variable { number: row.get(0)?, name: row.get(1)?, kind })
    })?;
    rows.collect()
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

/// The numbers of a list's variables; `None` where there is no such list.
pub fn variable_numbers(intake: &Connection, list: ListNo) -> Result<Option<HashSet<u32>>, Error> {
    if !exists(intake, list)? {
        return Ok(None);
    }
    let variables = variables(intake, list).map_err(error)?;
    Ok(Some(variables.into_iter().map(|variable| variable.number).collect()))
}

/// The names of a list's variables by their numbers.
pub fn variable_names(intake: &Connection, list: ListNo) -> Result<HashMap<u32, String>, Error> {
    let variables = variables(intake, list).map_err(error)?;
    Ok(variables.into_iter().map(|variable| (variable.number, variable.name)).collect())
}

/// Adds a list.
pub fn add(
    intake: &mut Connection,
    account: AccountNo,
    id: ObjectId,
    name: &str,
    now: Timestamp,
) -> Result<(), AddError> {
    change(intake, |transaction| {
        let added = transaction
            .execute(
                "INSERT INTO list (id, account, name, is_default, created_at, updated_at) \
                 SELECT ?1, no, ?3, NOT EXISTS (SELECT 1 FROM list WHERE account = ?2), ?4, ?4 \
                 FROM account WHERE no = ?2",
                params![id.to_bytes(), account.0, name, now.millis()],
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

/// Adds variables to a list, all or none.
pub fn add_variables(
    intake: &mut Connection,
    list: ListNo,
    variables: &[(String, VariableKind)],
    max: usize,
    now: Timestamp,
) -> Result<(), AddError> {
    change(intake, |transaction| {
        let next: Option<u32> = transaction
            .query_row("SELECT next_variable FROM list WHERE no = ?1", [list.0], |row| row.get(0))
            .optional()
            .map_err(error)?;
        let Some(next) = next else { return Err(AddError::Gone) };
        let count: u32 = transaction
            .query_row("SELECT count(*) FROM variable WHERE list = ?1", [list.0], |row| row.get(0))
            .map_err(error)?;
        if count as usize + variables.len() > max {
            return Err(AddError::TooMany(max));
        }
        for (number, (name, kind)) in (next..).zip(variables) {
            add_variable(transaction, list, number, name, *kind)?;
        }
        let added = u32::try_from(variables.len()).unwrap_or(u32::MAX);
        transaction
            .execute(
                "UPDATE list SET next_variable = ?2, updated_at = ?3 WHERE no = ?1",
                params![list.0, next.saturating_add(added), now.millis()],
            )
            .map_err(error)?;
        Ok(())
    })
}

fn add_variable(
    transaction: &Transaction<'_>,
    list: ListNo,
    number: u32,
    name: &str,
    kind: VariableKind,
) -> Result<(), AddError> {
    let kind = match kind {
        VariableKind::String => "string",
        VariableKind::Date => "date",
    };
    let added = transaction
        .execute(
            "INSERT INTO variable VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![list.0, number, name, kind],
        )
        .map_err(error)?;
    if added == 0 { Err(AddError::Exists(name.to_owned())) } else { Ok(()) }
}
