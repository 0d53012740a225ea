//! Contact sources.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::change_of;
use crate::session::{Session, Values, get, get_id, get_number, get_time};
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::changed::Changed;
use storage::{AddError, Error, NewSource, Page, Source, SourceChange, SourceFilter, SourceRef, Window};

const COLUMNS: &str = "no, id, name, customer_source_id, cac, created_at, updated_at";

fn read(row: &Row) -> Result<Source, Error> {
    let cac: Option<&[u8]> = get(row, 4)?;
    Ok(Source {
        no: get_number(row, 0)?,
        id: get_id(row, 1)?,
        name: get(row, 2)?,
        customer_source_id: get(row, 3)?,
        cac: cac.and_then(Cac::from_bytes),
        created_at: get_time(row, 5)?,
        updated_at: get_time(row, 6)?,
    })
}

fn bytes(cac: Option<&Cac>) -> Option<Vec<u8>> {
    cac.map(|cac| cac.to_bytes().to_vec())
}

/// The account's source with that name.
pub fn find(session: &Session, account: AccountNo, source: &SourceRef) -> Result<Option<Source>, Error> {
    let id;
    let (column, value): (_, &(dyn ToSql + Sync)) = match source {
        SourceRef::Id(source) => {
            id = source.to_bytes().to_vec();
            ("id", &id)
        }
        SourceRef::Customer(id) => ("customer_source_id", id),
        SourceRef::Name(name) => ("name", name),
    };
    let select = format!("SELECT {COLUMNS} FROM source WHERE account = $1 AND {column} = $2");
    session.query_opt(&select, &[&account.0, value])?.map(|row| read(&row)).transpose()
}

/// The account's sources that fit, the oldest first.
pub fn page(
    session: &Session,
    account: AccountNo,
    filter: &SourceFilter,
    window: Window,
) -> Result<Page<Source>, Error> {
    let fits = "FROM source WHERE account = $1 AND ($2::text IS NULL OR name = $2) \
                AND ($3::text IS NULL OR customer_source_id = $3)";
    let values: Values<'_> = &[&account.0, &filter.name, &filter.customer_source_id];
    let total = session.query_opt(&format!("SELECT count(*) {fits}"), values)?;
    let total = total.map_or(Ok(0), |row| get_number(&row, 0))?;
    // As values: a statement for each window would stay prepared.
    let [limit, offset] = window.signed();
    let select = format!("SELECT {COLUMNS} {fits} ORDER BY no LIMIT $4 OFFSET $5");
    let rows =
        session.query(&select, &[&account.0, &filter.name, &filter.customer_source_id, &limit, &offset])?;
    Ok(Page { rows: rows.iter().map(read).collect::<Result<_, _>>()?, total })
}

/// The account's source with that number.
pub fn get_by_no(session: &Session, account: AccountNo, no: u64) -> Result<Option<Source>, Error> {
    let select = format!("SELECT {COLUMNS} FROM source WHERE account = $1 AND no = $2");
    session.query_opt(&select, &[&account.0, &no.cast_signed()])?.map(|row| read(&row)).transpose()
}

/// What a contact from the account's source with that number cost when the source was removed.
pub fn removed_cac(session: &Session, account: AccountNo, no: u64) -> Result<Option<Cac>, Error> {
    let select = "SELECT cac FROM removed_source WHERE account = $1 AND no = $2";
    let row = session.query_opt(select, &[&account.0, &no.cast_signed()])?;
    let bytes: Option<Vec<u8>> = row.map(|row| get(&row, 0)).transpose()?;
    Ok(bytes.as_deref().and_then(Cac::from_bytes))
}

/// Adds a source; its name and the caller's own id are each unique in the account.
pub fn add(
    session: &Session,
    account: AccountNo,
    id: ObjectId,
    source: &NewSource,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(session, Changed::Account(account))?;
    if session.query_opt("SELECT FROM account WHERE no = $1", &[&account.0])?.is_none() {
        return Err(AddError::Gone);
    }
    let insert = "INSERT INTO source (id, account, name, customer_source_id, cac, created_at, updated_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING";
    let (id, cac) = (id.to_bytes().to_vec(), bytes(source.cac.as_ref()));
    let values: Values<'_> =
        &[&id, &account.0, &source.name, &source.customer_source_id, &cac, &now.millis()];
    match session.execute(insert, values)? {
        0 => Err(AddError::Exists(source.name.clone())),
        _ => Ok(()),
    }
}

/// Changes a source, whose name and caller's own id stay unique in the account.
pub fn update(
    session: &Session,
    account: AccountNo,
    no: u64,
    wanted: &SourceChange,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(session, Changed::Account(account))?;
    let before = get_by_no(session, account, no)?.ok_or(AddError::Gone)?;
    let after = before.changed(wanted);
    if after == before {
        return Ok(());
    }
    // Changes of the catalogue are made one after the other: what is free now stays so.
    let taken =
        "SELECT FROM source WHERE account = $1 AND no <> $2 AND (name = $3 OR customer_source_id = $4)";
    let no = no.cast_signed();
    if session.query_opt(taken, &[&account.0, &no, &after.name, &after.customer_source_id])?.is_some() {
        return Err(AddError::Exists(after.name));
    }
    let update =
        "UPDATE source SET name = $2, customer_source_id = $3, cac = $4, updated_at = $5 WHERE no = $1";
    let cac = bytes(after.cac.as_ref());
    session.execute(update, &[&no, &after.name, &after.customer_source_id, &cac, &now.millis()])?;
    Ok(())
}

/// Removes the account's sources with these names, and returns how many there were. What their contacts cost stays.
pub fn remove(session: &Session, account: AccountNo, sources: &[SourceRef]) -> Result<usize, Error> {
    change_of(session, Changed::Account(account))?;
    let mut removed = 0;
    for source in sources {
        let Some(source) = find(session, account, source)? else { continue };
        for statement in [
            "INSERT INTO removed_source SELECT no, account, cac FROM source WHERE no = $1 AND cac IS NOT NULL",
            "DELETE FROM source WHERE no = $1",
        ] {
            session.execute(statement, &[&source.no.cast_signed()])?;
        }
        removed += 1;
    }
    Ok(removed)
}
