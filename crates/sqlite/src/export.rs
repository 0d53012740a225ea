//! The requests that mention a person.

use rusqlite::Connection;

use super::{Pair, error, signed, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, BatchKind, ListNo};
use storage::rows::person::{mentions_in_items, mentions_in_results};
use storage::{Error, Mention, Mentions, Subject};

/// Positions that one call looks at: other readers wait no longer than that.
const CHUNK: u64 = 2_000;

/// Batches that one call reads from the journal: they may be large.
const WAITING_CHUNK: i64 = 50;

/// The requests behind a position that mention the person: a chunk of them, processed ones first.
pub fn mentions(pair: &Pair, account: AccountNo, subject: &Subject, after: u64) -> Result<Mentions, Error> {
    // What is applied is looked up there, and what waits in the journal: the same border for both.
    let mut applied = super::marks::applied_of(&pair.store, account)?;
    if after >= applied {
        let waiting = waiting(&pair.intake, account, subject, after)?;
        let border = std::mem::replace(&mut applied, super::marks::applied_of(&pair.store, account)?);
        if applied == border {
            return Ok(waiting);
        }
        // What was applied meanwhile may have left the journal before it was read: it is looked up where it is now.
    }
    // Most positions were pruned long ago.
    let first = "SELECT coalesce(min(position), ?2) FROM request WHERE position > ?1";
    let first = pair
        .store
        .prepare_cached(first)
        .and_then(|mut first| first.query_row([signed(after), signed(applied)], |row| row.get(0)))
        .map_err(error)?;
    let end = unsigned(first).saturating_add(CHUNK).min(applied);
    let select = "SELECT id, kind, list, list_id, accepted_at, results FROM request \
                  WHERE position > ?1 AND position <= ?2 AND account = ?3 ORDER BY position";
    let mut select = pair.store.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([signed(after), signed(end), account.0]).map_err(error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let list = ListNo(row.get(2).map_err(error)?);
        let results = row.get_ref(5).map_err(error)?.as_blob().unwrap_or_default();
        let positions = mentions_in_results(subject, list, results);
        if !positions.is_empty() {
            found.push(mention(row, positions, true).map_err(error)?);
        }
    }
    Ok(Mentions { found, next: Some(end) })
}

fn waiting(
    intake: &Connection,
    account: AccountNo,
    subject: &Subject,
    after: u64,
) -> Result<Mentions, Error> {
    let select = "SELECT request, kind, list, list_id, accepted_at, items, position, account FROM batch \
                  WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut select = intake.prepare_cached(select).map_err(error)?;
    let mut rows = select.query([signed(after), WAITING_CHUNK]).map_err(error)?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next().map_err(error)? {
        next = Some(unsigned(row.get(6).map_err(error)?));
        if AccountNo(row.get(7).map_err(error)?) != account {
            continue;
        }
        let items = row.get_ref(5).map_err(error)?.as_blob().unwrap_or_default();
        let kind = BatchKind::from_code(row.get(1).map_err(error)?).unwrap_or(BatchKind::Update);
        let list = ListNo(row.get(2).map_err(error)?);
        let positions = mentions_in_items(subject, list, kind, items);
        if !positions.is_empty() {
            found.push(mention(row, positions, false).map_err(error)?);
        }
    }
    Ok(Mentions { found, next })
}

fn mention(row: &rusqlite::Row<'_>, positions: Vec<usize>, processed: bool) -> rusqlite::Result<Mention> {
    Ok(Mention {
        request: ObjectId::from_bytes(row.get(0)?),
        kind: BatchKind::from_code(row.get(1)?).unwrap_or(BatchKind::Update),
        list_id: ObjectId::from_bytes(row.get(3)?),
        accepted_at: Timestamp::from_millis(row.get(4)?),
        processed,
        positions,
    })
}
