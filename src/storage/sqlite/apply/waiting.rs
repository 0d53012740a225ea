//! What waits in the journal, read as far as one transaction takes it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};

use super::super::seal::Head;
use super::super::{error, signed, unsigned};
use crate::apply::plan::Waiting;
use crate::id::ObjectId;
use crate::journal::{AccountNo, BatchKind, ListNo};
use crate::storage::Error;

/// Items of more bytes than this are left to the next transaction: it bounds the memory of one.
const MAX_BYTES: usize = 24 << 20;

/// What of a journal row is carried over to the rows of its results as it is.
pub struct Origin {
    pub list_id: [u8; 12],
    pub token: String,
    pub accepted_at: i64,
    pub webhook: Option<String>,
    pub receiver: Option<String>,
    /// The length of its items, as they were accepted.
    pub bytes: u64,
}

/// The batches above the applied position, at most `max`; one that stands alone is the only one.
pub fn read(intake: &Connection, applied: u64, max: usize) -> Result<(Vec<Waiting>, Vec<Origin>), Error> {
    let mut select = intake
        .prepare_cached(
            "SELECT position, list, kind, items_check, items, request, account, list_id, accepted_at, \
             webhook, webhook_receiver, token, restore_erased FROM batch WHERE position > ?1 \
             ORDER BY position LIMIT ?2",
        )
        .map_err(error)?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = select.query([signed(applied), limit]).map_err(error)?;
    let (mut waiting, mut origins, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(row) = rows.next().map_err(error)? {
        let (batch, origin) = read_row(row).map_err(error)?;
        bytes += batch.items.len();
        let alone = batch.kind.stands_alone();
        if !waiting.is_empty() && (alone || bytes > MAX_BYTES) {
            break;
        }
        waiting.push(batch);
        origins.push(origin);
        if alone {
            break;
        }
    }
    Ok((waiting, origins))
}

/// Reads a row whatever the disk has done to it: a batch that is damaged is told so, and those behind it go on.
fn read_row(row: &Row<'_>) -> rusqlite::Result<(Waiting, Origin)> {
    let position: u64 = unsigned(row.get(0)?);
    let mut damaged = false;
    let mut items: Vec<u8> = readable(row, 4, &mut damaged);
    let (list, kind): (i64, i64) = (readable(row, 1, &mut damaged), readable(row, 2, &mut damaged));
    let (request, account) = (readable(row, 5, &mut damaged), readable(row, 6, &mut damaged));
    let restore_erased = readable(row, 12, &mut damaged);
    let mut origin = Origin {
        list_id: readable(row, 7, &mut damaged),
        accepted_at: readable(row, 8, &mut damaged),
        webhook: readable(row, 9, &mut damaged),
        receiver: readable(row, 10, &mut damaged),
        token: readable(row, 11, &mut damaged),
        bytes: items.len() as u64,
    };
    let head = Head {
        request: &request,
        account,
        list,
        list_id: &origin.list_id,
        token: &origin.token,
        kind,
        accepted_at: origin.accepted_at,
        webhook: origin.webhook.as_deref(),
        receiver: origin.receiver.as_deref(),
        restore_erased,
    };
    let intact = head.verify(readable(row, 3, &mut damaged), &items);
    let known = BatchKind::from_code(kind);
    if damaged || known.is_none() || !intact.head || !intact.items {
        tracing::error!(position, "an accepted batch was damaged on disk");
        // It ends in STORE_DAMAGED.
        items = Vec::new();
    }
    if damaged || !intact.head {
        // Whom it is to be told is not known.
        origin.receiver = None;
    }
    let (request, account, list) = (ObjectId::from_bytes(request), AccountNo(account), ListNo(list));
    let kind = known.unwrap_or(BatchKind::Update);
    Ok((Waiting { position, request, account, list, kind, restore_erased, items }, origin))
}

fn readable<T: FromSql + Default>(row: &Row<'_>, column: usize, damaged: &mut bool) -> T {
    row.get(column).unwrap_or_else(|_| {
        *damaged = true;
        T::default()
    })
}
