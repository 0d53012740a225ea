//! What waits in the journal of a list, read as far as one transaction takes it.

use tokio_postgres::Row;

use crate::queue::WAITING;
use crate::session::{get, get_array, get_number};
use domain::journal::ListNo;
use storage::Error;
use storage::rows::group::{Group, JournalRow, Origin};

/// What [`read_row`] reads.
pub const COLUMNS: &str = "position, kind, items_check, items, request, account, list_id, accepted_at, webhook, \
                           receiver, token, restore_erased";

/// The first batches of the list `$1`, at most `$2`. Those behind the first `$3` bytes are not sent: there would be no
/// room for them.
pub fn select() -> String {
    format!(
        "SELECT {COLUMNS}, fence FROM \
         (SELECT *, (sum(bytes) OVER (ORDER BY position) - bytes)::bigint AS before FROM \
         (SELECT * FROM batch WHERE list = $1 AND {WAITING} ORDER BY position LIMIT $2) first) b \
         WHERE before <= $3 ORDER BY position"
    )
}

/// The batches that a transaction takes; one that stands alone is the only one. None are behind a fence.
pub fn group(rows: &[Row], list: ListNo) -> Result<Group, Error> {
    let mut group = Group::default();
    for row in rows {
        if get(row, 12)? {
            break;
        }
        let (batch, origin) = read_row(row, list)?.verified();
        if !group.add(batch, origin) {
            break;
        }
    }
    Ok(group)
}

/// Reads a row of the list.
///
/// # Errors
/// Where a column is not of its form.
pub fn read_row(row: &Row, list: ListNo) -> Result<JournalRow, Error> {
    let items: Vec<u8> = get(row, 3)?;
    Ok(JournalRow {
        position: get_number(row, 0)?,
        // What is in the queue of an account is about no list.
        list: list.0.max(ListNo::NONE.0),
        kind: get(row, 1)?,
        row_checksum: get(row, 2)?,
        request: get_array(row, 4)?,
        account: get(row, 5)?,
        restore_erased: get(row, 11)?,
        origin: Origin {
            list_id: get_array(row, 6)?,
            accepted_at: get(row, 7)?,
            webhook: get(row, 8)?,
            receiver: get(row, 9)?,
            token: get(row, 10)?,
            bytes: items.len() as u64,
        },
        items,
        damaged: false,
    })
}
