//! Variables of lists.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::change_of;
use crate::session::{Session, get, get_number, get_small};
use domain::clock::Timestamp;
use domain::journal::ListNo;
use storage::rows::changed::Changed;
use storage::{AddError, Error, Renamed, Variable, VariableKind};

/// The variables of lists, in the order in which they were added.
pub fn all(session: &Session, lists: &[i64]) -> Result<Vec<(ListNo, Variable)>, Error> {
    let select = "SELECT list, number, name, type FROM variable WHERE list = ANY($1) ORDER BY list, number";
    let read = |row: &tokio_postgres::Row| {
        let kind = if get::<&str>(row, 3)? == "date" { VariableKind::Date } else { VariableKind::String };
        Ok((ListNo(get(row, 0)?), Variable { number: get_small(row, 1)?, name: get(row, 2)?, kind }))
    };
    session.query(select, &[&lists])?.iter().map(read).collect()
}

/// Reads the numbers of the variables of the list `$1`.
pub const NUMBERS: &str = "SELECT v.number FROM list l LEFT JOIN variable v ON v.list = l.no WHERE l.no = $1";

/// The numbers of a list's variables; `None` where there is no such list.
pub fn read_numbers(rows: &[Row]) -> Result<Option<HashSet<u32>>, Error> {
    if rows.is_empty() {
        return Ok(None);
    }
    let mut numbers = HashSet::with_capacity(rows.len());
    for row in rows {
        // A list without variables is one row without a number.
        if get::<Option<i64>>(row, 0)?.is_some() {
            numbers.insert(get_small(row, 0)?);
        }
    }
    Ok(Some(numbers))
}

/// Adds variables to a list, all or none.
pub fn add(
    session: &Session,
    list: ListNo,
    variables: &[(String, VariableKind)],
    max: usize,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(session, Changed::List(list))?;
    let select =
        "SELECT next_variable, (SELECT count(*) FROM variable WHERE list = $1) FROM list WHERE no = $1";
    let Some(row) = session.query_opt(select, &[&list.0])? else { return Err(AddError::Gone) };
    let (next, count): (i64, u64) = (get(&row, 0)?, get_number(&row, 1)?);
    if count + variables.len() as u64 > max as u64 {
        return Err(AddError::TooMany(max));
    }
    for (number, (name, kind)) in (next..).zip(variables) {
        let kind = match kind {
            VariableKind::String => "string",
            VariableKind::Date => "date",
        };
        let insert = "INSERT INTO variable VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        if session.execute(insert, &[&list.0, &number, name, &kind])? == 0 {
            return Err(AddError::Exists(name.clone()));
        }
    }
    let added = i64::try_from(variables.len()).unwrap_or(i64::MAX);
    let update = "UPDATE list SET next_variable = next_variable + $2, updated_at = $3 WHERE no = $1";
    session.execute(update, &[&list.0, &added, &now.millis()])?;
    Ok(())
}

/// Removes variables of a list, all or none, and marks their values for pruning. Returns the names that the list
/// does not have.
pub fn remove(
    session: &Session,
    list: ListNo,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    change_of(session, Changed::List(list))?;
    let mut numbers = Vec::with_capacity(names.len());
    let mut unknown = Vec::new();
    for name in names {
        match number(session, list, name)? {
            Some(number) => numbers.push(number),
            None => unknown.push(name.clone()),
        }
    }
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    for statement in [
        "INSERT INTO removed_variable (list, number) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING",
        "DELETE FROM variable WHERE list = $1 AND number = ANY($2)",
    ] {
        session.execute(statement, &[&list.0, &numbers])?;
    }
    touch(session, list, now)?;
    Ok(unknown)
}

/// Gives a variable another name; its number, and so its values, stay.
pub fn rename(
    session: &Session,
    list: ListNo,
    name: &str,
    new_name: &str,
    now: Timestamp,
) -> Result<Renamed, Error> {
    change_of(session, Changed::List(list))?;
    let Some(this) = number(session, list, name)? else { return Ok(Renamed::NotFound) };
    match number(session, list, new_name)? {
        Some(other) if other != this => return Ok(Renamed::Taken),
        // It has that name already.
        Some(_) => return Ok(Renamed::Done),
        None => {}
    }
    let update = "UPDATE variable SET name = $3 WHERE list = $1 AND number = $2";
    session.execute(update, &[&list.0, &this, &new_name])?;
    touch(session, list, now)?;
    Ok(Renamed::Done)
}

fn number(session: &Session, list: ListNo, name: &str) -> Result<Option<i64>, Error> {
    let select = "SELECT number FROM variable WHERE list = $1 AND name = $2";
    session.query_opt(select, &[&list.0, &name])?.map(|row| get(&row, 0)).transpose()
}

fn touch(session: &Session, list: ListNo, now: Timestamp) -> Result<(), Error> {
    session.execute("UPDATE list SET updated_at = $2 WHERE no = $1", &[&list.0, &now.millis()]).map(drop)
}
