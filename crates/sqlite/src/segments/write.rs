//! Writing the members of segments.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::signed;
use domain::journal::ListNo;
use storage::SegmentWrite;
use storage::rows::segments::CHUNK;

/// Stores a step.
pub fn write(store: &mut Connection, write: &SegmentWrite) -> rusqlite::Result<bool> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !put_feed(&transaction, write)? {
        return Ok(false);
    }
    for no in &write.gone {
        delete_segment(&transaction, write.feed.list, *no)?;
    }
    put_members(&transaction, write)?;
    put_events(&transaction, write)?;
    put_days(&transaction, write)?;
    let due =
        "UPDATE segment_feed SET due = (SELECT min(at) FROM segment_due WHERE list = ?1) WHERE list = ?1";
    transaction.prepare_cached(due)?.execute([write.feed.list.0])?;
    transaction.commit()?;
    Ok(true)
}

fn put_feed(store: &Transaction<'_>, write: &SegmentWrite) -> rusqlite::Result<bool> {
    let feed = &write.feed;
    let statement = match write.before {
        None => {
            "INSERT INTO segment_feed (list, account, step, cursor, saved, suppressed, next_no, building) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING"
        }
        Some(_) => {
            "UPDATE segment_feed SET account = ?2, step = ?3, cursor = ?4, saved = ?5, suppressed = ?6, next_no = ?7, \
             building = ?8 WHERE list = ?1 AND step = ?9"
        }
    };
    let (list, account, suppressed) = (feed.list.0, feed.account.0, feed.suppressed.map(signed));
    let mut statement = store.prepare_cached(statement)?;
    let values =
        params![list, account, feed.step, feed.cursor, feed.saved, suppressed, feed.next_no, feed.building];
    let rows = match write.before {
        None => statement.execute(values)?,
        Some(before) => {
            let values: Vec<&dyn rusqlite::ToSql> = values.iter().copied().chain([&before as _]).collect();
            statement.execute(values.as_slice())?
        }
    };
    Ok(rows > 0)
}

/// Deletes a bounded part of a segment that is followed no more.
fn delete_segment(store: &Transaction<'_>, list: ListNo, no: i64) -> rusqlite::Result<()> {
    // Of no segment: one that has the same filter again must not take up what is left.
    let unname = "UPDATE followed_segment SET segment = zeroblob(12) WHERE list = ?1 AND no = ?2";
    store.execute(unname, [list.0, no])?;
    store.execute("DELETE FROM segment_block WHERE list = ?1 AND no = ?2", [list.0, no])?;
    let due = "DELETE FROM segment_due WHERE list = ?1 AND no = ?2 AND number IN \
               (SELECT number FROM segment_due WHERE list = ?1 AND no = ?2 LIMIT ?3)";
    if store.execute(due, [list.0, no, CHUNK])? < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
        store.execute("DELETE FROM followed_segment WHERE list = ?1 AND no = ?2", [list.0, no])?;
    }
    Ok(())
}

fn put_members(store: &Transaction<'_>, write: &SegmentWrite) -> rusqlite::Result<()> {
    let list = write.feed.list.0;
    let mut put =
        store.prepare_cached("INSERT OR REPLACE INTO followed_segment VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for segment in &write.followed {
        let scanned = segment.scanned.map(|number| signed(number.0));
        let members = signed(segment.members);
        put.execute(params![list, segment.no, segment.segment.to_bytes(), segment.hash, scanned, members])?;
    }
    let mut put = store.prepare_cached("INSERT OR REPLACE INTO segment_block VALUES (?1, ?2, ?3, ?4)")?;
    let mut delete =
        store.prepare_cached("DELETE FROM segment_block WHERE list = ?1 AND block = ?2 AND no = ?3")?;
    for block in &write.blocks {
        match block.bits.is_empty() {
            true => delete.execute([list, signed(block.block), block.no])?,
            false => put.execute(params![list, signed(block.block), block.no, block.bits])?,
        };
    }
    let mut put = store.prepare_cached("INSERT OR REPLACE INTO segment_due VALUES (?1, ?2, ?3, ?4)")?;
    let mut delete =
        store.prepare_cached("DELETE FROM segment_due WHERE list = ?1 AND no = ?2 AND number = ?3")?;
    for due in &write.due {
        match due.at {
            Some(at) => put.execute([list, due.no, signed(due.number.0), at.millis()])?,
            None => delete.execute([list, due.no, signed(due.number.0)])?,
        };
    }
    Ok(())
}

fn put_events(store: &Transaction<'_>, write: &SegmentWrite) -> rusqlite::Result<()> {
    let (list, account) = (write.feed.list.0, -write.feed.account.0);
    if !write.erased.is_empty() {
        let numbers: Vec<_> = write.erased.iter().map(|number| number.0).collect();
        let erase = "UPDATE segment_event SET number = 0 WHERE list = ?1 AND of_list = ?2 \
                     AND number IN (SELECT value FROM json_each(?3))";
        let numbers = serde_json::json!(numbers).to_string();
        store.prepare_cached(erase)?.execute(params![account, list, numbers])?;
    }
    if write.events.is_empty() {
        return Ok(());
    }
    let count = signed(write.events.len() as u64);
    let next = "INSERT INTO segment_serial (list, serial) VALUES (?1, ?2) \
                ON CONFLICT (list) DO UPDATE SET serial = serial + ?2 RETURNING serial";
    let last: i64 = store.prepare_cached(next)?.query_row([account, count], |row| row.get(0))?;
    let mut put = store.prepare_cached("INSERT INTO segment_event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (serial, event) in (last - count + 1..).zip(&write.events) {
        let (segment, number) = (event.segment.to_bytes(), signed(event.number.0));
        put.execute(params![account, serial, list, segment, number, event.joined, event.at.millis()])?;
    }
    // The oldest, as far as they are too old: serials and times grow together.
    let delete = "DELETE FROM segment_event WHERE list = ?1 AND serial IN (SELECT serial FROM (SELECT serial, at \
                  FROM segment_event WHERE list = ?1 ORDER BY serial LIMIT ?2) WHERE at < ?3)";
    store.prepare_cached(delete)?.execute([account, CHUNK, write.events_since.millis()]).map(drop)
}

fn put_days(store: &Transaction<'_>, write: &SegmentWrite) -> rusqlite::Result<()> {
    let list = write.feed.list.0;
    let mut put = store.prepare_cached(
        "INSERT INTO segment_day (list, segment, day, members, joined, gone) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (list, segment, day) DO UPDATE SET members = excluded.members, \
         joined = joined + excluded.joined, gone = gone + excluded.gone",
    )?;
    for (segment, day) in &write.days {
        let segment = segment.to_bytes();
        let [members, joined, left] = [day.members, day.joined, day.left].map(signed);
        put.execute(params![list, segment, day.day, members, joined, left])?;
    }
    // Also those of segments that were deleted.
    if !write.days.is_empty() {
        let delete = "DELETE FROM segment_day WHERE list = ?1 AND day < ?2";
        store.prepare_cached(delete)?.execute([list, write.days_since])?;
    }
    Ok(())
}

/// Deletes a part of what is stored of a list.
pub fn forget(store: &mut Connection, list: ListNo) -> rusqlite::Result<bool> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut gone = 0;
    for (table, key) in
        [("segment_due", "no, number"), ("segment_block", "block, no"), ("segment_day", "segment, day")]
    {
        let delete = format!(
            "DELETE FROM {table} WHERE list = ?1 AND ({key}) IN (SELECT {key} FROM {table} WHERE list = ?1 LIMIT ?2)"
        );
        gone += transaction.execute(&delete, [list.0, CHUNK])?;
    }
    if gone == 0 {
        transaction.execute("DELETE FROM followed_segment WHERE list = ?1", [list.0])?;
        transaction.execute("DELETE FROM segment_feed WHERE list = ?1", [list.0])?;
    }
    transaction.commit()?;
    Ok(gone > 0)
}

/// Deletes a chunk of the events of an account that was removed, `known` says which are not.
pub fn prune(
    store: &Transaction<'_>,
    mut known: impl FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<usize> {
    let mut accounts = store.prepare_cached("SELECT list FROM segment_serial")?;
    let accounts = accounts.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for account in accounts {
        if known(-account)? {
            continue;
        }
        let delete = "DELETE FROM segment_event WHERE list = ?1 AND serial IN \
                      (SELECT serial FROM segment_event WHERE list = ?1 LIMIT ?2)";
        let gone = store.execute(delete, [account, CHUNK])?;
        return match gone {
            0 => store.execute("DELETE FROM segment_serial WHERE list = ?1", [account]),
            gone => Ok(gone),
        };
    }
    Ok(0)
}
