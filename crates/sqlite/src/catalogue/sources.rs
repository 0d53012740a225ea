//! Contact sources.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use super::super::{error, signed, unsigned};
use super::change_of;
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use storage::rows::changed::Changed;
use storage::{AddError, Error, NewSource, Page, Source, SourceChange, SourceFilter, SourceRef, Window};

const COLUMNS: &str = "no, id, name, customer_source_id, cac, created_at, updated_at";

/// The account's source with that name.
pub fn find(intake: &Connection, account: AccountNo, source: &SourceRef) -> Result<Option<Source>, Error> {
    let (column, value): (_, &dyn ToSql) = match source {
        SourceRef::Id(id) => ("id", &id.to_bytes()),
        SourceRef::Customer(id) => ("customer_source_id", id),
        SourceRef::Name(name) => ("name", name),
    };
    intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM source WHERE account = ?1 AND {column} = ?2"))
        .and_then(|mut select| select.query_row(params![account.0, value], read).optional())
        .map_err(error)
}

/// The account's sources that fit, the oldest first.
pub fn page(
    intake: &mut Connection,
    account: AccountNo,
    filter: &SourceFilter,
    window: Window,
) -> Result<Page<Source>, Error> {
    // One transaction: the count and the rows are read as of one moment.
    let intake = intake.transaction().map_err(error)?;
    let fits = "FROM source WHERE account = ?1 AND (?2 IS NULL OR name = ?2) \
                AND (?3 IS NULL OR customer_source_id = ?3)";
    let values = params![account.0, filter.name, filter.customer_source_id];
    let total = intake
        .prepare_cached(&format!("SELECT count(*) {fits}"))
        .and_then(|mut select| select.query_row(values, |row| row.get(0).map(unsigned)))
        .map_err(error)?;
    let limits = format!("LIMIT {} OFFSET {}", window.limit, window.offset.min(i64::MAX.unsigned_abs()));
    let rows = intake
        .prepare(&format!("SELECT {COLUMNS} {fits} ORDER BY no {limits}"))
        .and_then(|mut select| select.query_map(values, read)?.collect())
        .map_err(error)?;
    Ok(Page { rows, total })
}

/// The account's source with that number.
pub fn get(intake: &Connection, account: AccountNo, no: u64) -> Result<Option<Source>, Error> {
    intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM source WHERE account = ?1 AND no = ?2"))
        .and_then(|mut select| select.query_row([account.0, signed(no)], read).optional())
        .map_err(error)
}

/// What a contact from the account's source with that number cost when the source was removed.
pub fn removed_cac(intake: &Connection, account: AccountNo, no: u64) -> Result<Option<Cac>, Error> {
    let found: Option<Vec<u8>> = intake
        .prepare_cached("SELECT cac FROM removed_source WHERE account = ?1 AND no = ?2")
        .and_then(|mut select| select.query_row([account.0, signed(no)], |row| row.get(0)).optional())
        .map_err(error)?;
    Ok(found.as_deref().and_then(Cac::from_bytes))
}

/// Whether the source is there.
pub fn exists(intake: &Connection, no: u64) -> Result<bool, Error> {
    intake
        .prepare_cached("SELECT 1 FROM source WHERE no = ?1")
        .and_then(|mut select| select.exists([signed(no)]))
        .map_err(error)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Source> {
    let cac: Option<Vec<u8>> = row.get(4)?;
    Ok(Source {
        no: unsigned(row.get(0)?),
        id: ObjectId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        customer_source_id: row.get(3)?,
        cac: cac.as_deref().and_then(Cac::from_bytes),
        created_at: Timestamp::from_millis(row.get(5)?),
        updated_at: Timestamp::from_millis(row.get(6)?),
    })
}

/// Adds a source; its name and the caller's own id are each unique in the account.
pub fn add(
    intake: &mut Connection,
    account: AccountNo,
    id: ObjectId,
    source: &NewSource,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(intake, Changed::Account(account), |transaction| {
        let known = transaction
            .prepare_cached("SELECT 1 FROM account WHERE no = ?1")
            .and_then(|mut select| select.exists([account.0]))
            .map_err(error)?;
        if !known {
            return Err(AddError::Gone);
        }
        let added = transaction
            .execute(
                "INSERT INTO source (id, account, name, customer_source_id, cac, created_at, updated_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
                params![
                    id.to_bytes(),
                    account.0,
                    source.name,
                    source.customer_source_id,
                    source.cac.as_ref().map(Cac::to_bytes),
                    now.millis(),
                ],
            )
            .map_err(error)?;
        if added == 0 { Err(AddError::Exists(source.name.clone())) } else { Ok(()) }
    })
}

/// Changes a source, whose name and caller's own id stay unique in the account.
pub fn update(
    intake: &mut Connection,
    account: AccountNo,
    no: u64,
    wanted: &SourceChange,
    now: Timestamp,
) -> Result<(), AddError> {
    change_of(intake, Changed::Account(account), |transaction| {
        let before = get(transaction, account, no)?.ok_or(AddError::Gone)?;
        let after = before.changed(wanted);
        if after == before {
            return Ok(());
        }
        let rows = transaction
            .execute(
                "UPDATE OR IGNORE source SET name = ?2, customer_source_id = ?3, cac = ?4, updated_at = ?5 \
                 WHERE no = ?1",
                params![
                    signed(no),
                    after.name,
                    after.customer_source_id,
                    after.cac.as_ref().map(Cac::to_bytes),
                    now.millis(),
                ],
            )
            .map_err(error)?;
        if rows == 0 { Err(AddError::Exists(after.name)) } else { Ok(()) }
    })
}

/// Removes the account's sources with these names, and returns how many there were. What their contacts cost stays.
pub fn remove(intake: &mut Connection, account: AccountNo, sources: &[SourceRef]) -> Result<usize, Error> {
    change_of(intake, Changed::Account(account), |transaction| {
        let mut removed = 0;
        for source in sources {
            if let Some(source) = find(transaction, account, source)? {
                remove_one(transaction, source.no).map_err(error)?;
                removed += 1;
            }
        }
        Ok(removed)
    })
}

fn remove_one(transaction: &Transaction<'_>, no: u64) -> rusqlite::Result<()> {
    let keep =
        "INSERT INTO removed_source SELECT no, account, cac FROM source WHERE no = ?1 AND cac IS NOT NULL";
    transaction.prepare_cached(keep)?.execute([signed(no)])?;
    transaction.prepare_cached("DELETE FROM source WHERE no = ?1")?.execute([signed(no)]).map(drop)
}
