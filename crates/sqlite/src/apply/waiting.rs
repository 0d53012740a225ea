//! What waits in the journal, read as far as one transaction takes it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};

use super::super::backlog::Chosen;
use super::super::{error, signed, unsigned};
use storage::Error;
use storage::rows::group::{Group, JournalRow, Origin};

/// What [`read_row`] reads.
pub const COLUMNS: &str = "position, list, kind, items_check, items, request, account, list_id, accepted_at, \
                           webhook, webhook_receiver, token, restore_erased";

/// The batches with these positions, in their order; one that stands alone is the only one. Those that stand side by side
/// are read together: where one account waits, these are all.
pub fn read(intake: &Connection, chosen: &[Chosen]) -> Result<Group, Error> {
    let select = format!("SELECT {COLUMNS} FROM batch WHERE position BETWEEN ?1 AND ?2 ORDER BY position");
    let mut select = intake.prepare_cached(&select).map_err(error)?;
    let mut group = Group::default();
    for run in chosen.chunk_by(|(_, one), (_, next)| one + 1 == *next) {
        let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) else { continue };
        let mut rows = select.query([signed(*first), signed(*last)]).map_err(error)?;
        while let Some(row) = rows.next().map_err(error)? {
            let (batch, origin) = read_row(row).map_err(error)?.verified();
            if !group.add(batch, origin) {
                return Ok(group);
            }
        }
    }
    Ok(group)
}

/// Reads a row whatever the disk has done to it.
///
/// # Errors
/// Where it has no position.
pub fn read_row(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    let mut damaged = false;
    let items: Vec<u8> = readable(row, 4, &mut damaged);
    let read = JournalRow {
        position: unsigned(row.get(0)?),
        list: readable(row, 1, &mut damaged),
        kind: readable(row, 2, &mut damaged),
        row_checksum: readable(row, 3, &mut damaged),
        request: readable(row, 5, &mut damaged),
        account: readable(row, 6, &mut damaged),
        restore_erased: readable(row, 12, &mut damaged),
        origin: Origin {
            list_id: readable(row, 7, &mut damaged),
            accepted_at: readable(row, 8, &mut damaged),
            webhook: readable(row, 9, &mut damaged),
            receiver: readable(row, 10, &mut damaged),
            token: readable(row, 11, &mut damaged),
            bytes: items.len() as u64,
        },
        items,
        damaged: false,
    };
    Ok(JournalRow { damaged, ..read })
}

fn readable<T: FromSql + Default>(row: &Row<'_>, column: usize, damaged: &mut bool) -> T {
    row.get(column).unwrap_or_else(|_| {
        *damaged = true;
        T::default()
    })
}
