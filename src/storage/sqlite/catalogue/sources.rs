//! Contact sources.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::{error, signed, unsigned};
use super::change;
use crate::clock::Timestamp;
use crate::contact::amount::Cac;
use crate::id::ObjectId;
use crate::journal::AccountNo;
use crate::storage::{AddError, Error, NewSource, Source, SourceRef};

const COLUMNS: &str = "no, id, name, customer_source_id, cac";

/// The account's source with that name.
pub fn find(intake: &Connection, account: AccountNo, source: &SourceRef) -> Result<Option<Source>, Error> {
    let found = match source {
        SourceRef::Id(id) => {
            let select = format!("SELECT {COLUMNS} FROM source WHERE account = ?1 AND id = ?2");
            intake
                .prepare_cached(&select)
                .and_then(|mut select| select.query_row(params![account.0, id.to_bytes()], read).optional())
        }
        SourceRef::Customer(id) => {
            let select =
                format!("SELECT {COLUMNS} FROM source WHERE account = ?1 AND customer_source_id = ?2");
            intake
                .prepare_cached(&select)
                .and_then(|mut select| select.query_row(params![account.0, id], read).optional())
        }
    };
    found.map_err(error)
}

/// The account's source with that number.
pub fn get(intake: &Connection, account: AccountNo, no: u64) -> Result<Option<Source>, Error> {
    intake
        .prepare_cached(&format!("SELECT {COLUMNS} FROM source WHERE account = ?1 AND no = ?2"))
        .and_then(|mut select| select.query_row([account.0, signed(no)], read).optional())
        .map_err(error)
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
    change(intake, |transaction| {
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
