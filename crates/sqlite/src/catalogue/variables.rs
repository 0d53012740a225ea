//! Variables of lists.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::super::error;
use super::change_of;
use domain::clock::Timestamp;
use domain::journal::ListNo;
use storage::rows::changed::Changed;
use storage::{AddError, Error, Renamed, Variable, VariableKind};

/// The variables of a list, in the order in which they were added.
pub fn all(intake: &Connection, list: ListNo) -> rusqlite::Result<Vec<Variable>> {
    let mut select =
        intake.prepare_cached("SELECT number, name, type FROM variable WHERE list = ?1 ORDER BY number")?;
    let rows = select.query_map([list.0], |row| {
        let kind: String = row.get(2)?;
        let kind = if kind == "date" { VariableKind::Date } else { VariableKind::String };
        Ok(Variable { number: row.get(0)?, name: row.get(1)?, kind })
    })?;
    rows.collect()
}

/// The numbers of a list's variables; `None` where there is no such list.
pub fn numbers(intake: &Connection, list: ListNo) -> Result<Option<HashSet<u32>>, Error> {
    if !super::lists::exists(intake, list)? {
        return Ok(None);
    }
    let variables = all(intake, list).map_err(error)?;
    Ok(Some(variables.into_iter().map(|variable| variable.number).collect()))
}

/// The names of a list's variables by their numbers.
pub fn names(intake: &Connection, list: ListNo) -> Result<HashMap<u32, String>, Error> {
    let variables = all(intake, list).map_err(error)?;
    Ok(variables.into_iter().map(|variable| (variable.number, variable.name)).collect())
}

/// Adds variables to a list, all or none.
pub fn add(
    intake: &mut Connection,
    list: ListNo,
    variables: &[(String, VariableKind)],
    max: usize,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(intake, Changed::List(list), |transaction| {
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
            add_one(transaction, list, number, name, *kind)?;
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

fn add_one(
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

/// Removes variables of a list, all or none, and marks their values for pruning. Returns the names that the list
/// does not have.
pub fn remove(
    intake: &mut Connection,
    list: ListNo,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    change_of(intake, Changed::List(list), |transaction| {
        let mut unknown = Vec::new();
        let mut numbers = Vec::with_capacity(names.len());
        for name in names {
            match number(transaction, list, name)? {
                Some(number) => numbers.push(number),
                None => unknown.push(name.clone()),
            }
        }
        if !unknown.is_empty() {
            return Ok(unknown);
        }
        for number in numbers {
            for statement in [
                "INSERT OR IGNORE INTO removed_variable (list, number) VALUES (?1, ?2)",
                "DELETE FROM variable WHERE list = ?1 AND number = ?2",
            ] {
                transaction.execute(statement, params![list.0, number]).map_err(error)?;
            }
        }
        touch(transaction, list, now)?;
        Ok(unknown)
    })
}

/// Gives a variable another name; its number, and so its values, stay.
pub fn rename(
    intake: &mut Connection,
    list: ListNo,
    name: &str,
    new_name: &str,
    now: Timestamp,
) -> Result<Renamed, Error> {
    change_of(intake, Changed::List(list), |transaction| {
        let Some(this) = number(transaction, list, name)? else { return Ok(Renamed::NotFound) };
        match number(transaction, list, new_name)? {
            Some(other) if other != this => return Ok(Renamed::Taken),
            // It has that name already.
            Some(_) => return Ok(Renamed::Done),
            None => {}
        }
        let update = "UPDATE variable SET name = ?3 WHERE list = ?1 AND number = ?2";
        transaction.execute(update, params![list.0, this, new_name]).map_err(error)?;
        touch(transaction, list, now)?;
        Ok(Renamed::Done)
    })
}

fn number(transaction: &Transaction<'_>, list: ListNo, name: &str) -> Result<Option<u32>, Error> {
    transaction
        .prepare_cached("SELECT number FROM variable WHERE list = ?1 AND name = ?2")
        .and_then(|mut select| select.query_row(params![list.0, name], |row| row.get(0)).optional())
        .map_err(error)
}

fn touch(transaction: &Transaction<'_>, list: ListNo, now: Timestamp) -> Result<(), Error> {
    let update = "UPDATE list SET updated_at = ?2 WHERE no = ?1";
    transaction.execute(update, params![list.0, now.millis()]).map(drop).map_err(error)
}

/// Removed variables of one list whose values are still to be looked for.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The list.
    pub list: ListNo,
    /// The numbers, in rising order.
    pub numbers: Vec<u32>,
    /// The contacts with a row id up to this hold none of them.
    pub cursor: i64,
}

/// A list with variables that were removed, if there is one.
pub fn removed(intake: &Connection) -> Result<Option<Removed>, Error> {
    let select = || {
        let mut rows = intake.prepare_cached(
            "SELECT list, number, cursor FROM removed_variable \
             WHERE list = (SELECT min(list) FROM removed_variable) ORDER BY number",
        )?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<Vec<(i64, u32, i64)>>>()
    };
    let rows = select().map_err(error)?;
    let Some(cursor) = rows.iter().map(|(_, _, cursor)| *cursor).min() else { return Ok(None) };
    let list = ListNo(rows.first().map_or(0, |(list, _, _)| *list));
    let numbers = rows.iter().map(|(_, number, _)| *number).collect();
    Ok(Some(Removed { list, numbers, cursor }))
}

/// Writes down how far their values were looked for; `None` where there are no contacts left to look at.
pub fn scrubbed(intake: &mut Connection, removed: &Removed, reached: Option<i64>) -> Result<(), Error> {
    let transaction = intake.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let statement = match reached {
        Some(_) => "UPDATE removed_variable SET cursor = max(cursor, ?3) WHERE list = ?1 AND number = ?2",
        None => "DELETE FROM removed_variable WHERE list = ?1 AND number = ?2 AND ?3 IS NULL",
    };
    for number in &removed.numbers {
        transaction.execute(statement, params![removed.list.0, number, reached]).map_err(error)?;
    }
    transaction.commit().map_err(error)
}
