//! Lists.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::change_of;
use crate::append::fence_new_list;
use crate::session::{Session, Values, get, get_id, get_number, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::changed::Changed;
use storage::{
    AddError, Error, List, ListAbout, ListChange, ListFilter, ListOwner, MAX_LISTS_PER_ACCOUNT, NewList,
    OptOut, Page, Variable, Window,
};

const COLUMNS: &str =
    "l.no, l.id, l.account, l.name, l.is_default, l.created_at, l.updated_at, l.opt_out, a.opt_out";

/// Citus plans no correlated subquery beside a reference table: what the account says comes by a join.
const LISTS: &str = "FROM list l LEFT JOIN account a ON a.no = l.account";

/// The list with that id, and its variables.
pub fn find(session: &Session, id: ObjectId) -> Result<Option<List>, Error> {
    let select = format!("SELECT {COLUMNS} {LISTS} WHERE l.id = $1");
    let rows = session.query(&select, &[&id.to_bytes().as_slice()])?;
    Ok(with_variables(session, &rows)?.into_iter().next())
}

/// The list with that number and its account.
pub fn owner(session: &Session, list: ListNo) -> Result<Option<ListOwner>, Error> {
    let select = "SELECT a.no, a.name, l.id FROM list l JOIN account a ON a.no = l.account WHERE l.no = $1";
    let row = session.query_opt(select, &[&list.0])?;
    row.map(|row| {
        Ok(ListOwner {
            account: AccountNo(get(&row, 0)?),
            account_name: get(&row, 1)?,
            list_id: get_id(&row, 2)?,
        })
    })
    .transpose()
}

/// The account's lists that fit, the oldest first.
pub fn page(
    session: &Session,
    account: AccountNo,
    filter: &ListFilter,
    window: Window,
) -> Result<Page<List>, Error> {
    let only: Option<Vec<_>> =
        filter.only.as_ref().map(|only| only.iter().map(|id| id.to_bytes().to_vec()).collect());
    let id = filter.id.map(|id| id.to_bytes().to_vec());
    let fits = format!(
        "{LISTS} WHERE l.account = $1 AND ($2::bytea IS NULL OR l.id = $2) AND ($3::text IS NULL OR l.name = $3) \
         AND ($4::bytea[] IS NULL OR l.id = ANY($4)) AND (l.is_default OR NOT $5)"
    );
    let values: Values<'_> = &[&account.0, &id, &filter.name, &only, &filter.default];
    let total = session.query_opt(&format!("SELECT count(*) {fits}"), values)?;
    let total = total.map_or(Ok(0), |row| get_number(&row, 0))?;
    // As values: a statement for each window would stay prepared.
    let [limit, offset] = window.signed();
    let select = format!("SELECT {COLUMNS} {fits} ORDER BY l.no LIMIT $6 OFFSET $7");
    let values: Values<'_> = &[&account.0, &id, &filter.name, &only, &filter.default, &limit, &offset];
    let rows = session.query(&select, values)?;
    Ok(Page { rows: with_variables(session, &rows)?, total })
}

fn with_variables(session: &Session, rows: &[Row]) -> Result<Vec<List>, Error> {
    let numbers = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    let mut variables: HashMap<ListNo, Vec<Variable>> = HashMap::new();
    if !numbers.is_empty() {
        for (list, variable) in super::variables::all(session, &numbers)? {
            variables.entry(list).or_default().push(variable);
        }
    }
    let read = |row: &Row| {
        let no = ListNo(get(row, 0)?);
        let about = ListAbout {
            name: get(row, 3)?,
            is_default: get(row, 4)?,
            created_at: get_time(row, 5)?,
            updated_at: get_time(row, 6)?,
            opt_out: get::<Option<i64>>(row, 7)?.map(OptOut::of_code),
            account_opt_out: OptOut::of_code(get::<Option<i64>>(row, 8)?.unwrap_or_default()),
        };
        let variables = variables.remove(&no).unwrap_or_default();
        Ok(List::new(no, get_id(row, 1)?, AccountNo(get(row, 2)?), about, variables))
    };
    rows.iter().map(read).collect()
}

/// Makes the rows in which a list's batches are numbered and its progress is kept. They stay when the list goes.
pub fn add_queue(session: &Session, list: i64) -> Result<(), Error> {
    session.execute("INSERT INTO queue (list) VALUES ($1)", &[&list])?;
    session.execute("INSERT INTO progress (list) VALUES ($1)", &[&list]).map(drop)
}

/// Adds a list.
pub fn add(
    session: &Session,
    account: AccountNo,
    id: ObjectId,
    list: &NewList,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(session, Changed::Account(account))?;
    // Citus plans no correlated subquery beside a reference table: the lists are counted by a join.
    let insert = "INSERT INTO list (id, account, name, is_default, created_at, updated_at, opt_out) \
                  SELECT $1, a.no, $3, count(l.no) = 0, $4, $4, $5::bigint \
                  FROM account a LEFT JOIN list l ON l.account = a.no WHERE a.no = $2 GROUP BY a.no RETURNING no";
    let id = id.to_bytes().to_vec();
    let row = session
        .query_opt(insert, &[&id, &account.0, &list.name, &now.millis(), &list.opt_out.map(OptOut::code)])?;
    let Some(row) = row else { return Err(AddError::Gone) };
    let no = get(&row, 0)?;
    add_queue(session, no)?;
    fence_new_list(session, account, no)?;
    let count = session.query_opt("SELECT count(*) FROM list WHERE account = $1", &[&account.0])?;
    let count = count.map_or(Ok(0), |row| get_number(&row, 0))?;
    if count > MAX_LISTS_PER_ACCOUNT as u64 {
        return Err(AddError::TooMany(MAX_LISTS_PER_ACCOUNT));
    }
    Ok(())
}

/// Changes a list; whether it is there.
pub fn update(session: &Session, list: ListNo, change: &ListChange, now: Timestamp) -> Result<bool, Error> {
    change_of(session, Changed::List(list))?;
    let update = "UPDATE list SET updated_at = CASE WHEN name = coalesce($2::text, name) \
                  AND ($4::boolean OR opt_out IS NOT DISTINCT FROM $5::bigint) THEN updated_at ELSE $3 END, \
                  name = coalesce($2::text, name), opt_out = CASE WHEN $4 THEN opt_out ELSE $5 END WHERE no = $1";
    let (keeps, opt_out) = (change.opt_out.is_none(), change.opt_out.flatten().map(OptOut::code));
    let values: Values<'_> = &[&list.0, &change.name, &now.millis(), &keeps, &opt_out];
    session.execute(update, values).map(|rows| rows > 0)
}

/// Removes a list that has that name; whether it was there. Where it was the default, the account's oldest is next.
pub fn remove(session: &Session, list: ListNo, name: &str) -> Result<bool, Error> {
    change_of(session, Changed::List(list))?;
    let select = "SELECT account, is_default FROM list WHERE no = $1 AND name = $2";
    let Some(row) = session.query_opt(select, &[&list.0, &name])? else { return Ok(false) };
    let (account, was_default): (i64, bool) = (get(&row, 0)?, get(&row, 1)?);
    for statement in [
        "DELETE FROM variable WHERE list = $1",
        "DELETE FROM removed_variable WHERE list = $1",
        "DELETE FROM saved_query WHERE list = $1",
        "DELETE FROM list WHERE no = $1",
    ] {
        session.execute(statement, &[&list.0])?;
    }
    if was_default {
        let next =
            "UPDATE list SET is_default = true WHERE no = (SELECT min(no) FROM list WHERE account = $1)";
        session.execute(next, &[&account])?;
    }
    Ok(true)
}
