//! Writing the members of segments. Each statement names its list, and so its shard.

use crate::session::{Session, Values, get};
use domain::journal::ListNo;
use storage::rows::segments::CHUNK;
use storage::{DueContact, Error, MemberBlock, SegmentWrite};

/// Stores a step.
pub fn write(session: &Session, write: &SegmentWrite) -> Result<bool, Error> {
    if !put_feed(session, write)? {
        return Ok(false);
    }
    for no in &write.gone {
        delete_segment(session, write.feed.list, *no)?;
    }
    put_members(session, write)?;
    put_due(session, write)?;
    put_events(session, write)?;
    put_days(session, write)?;
    let due =
        "UPDATE segment_feed SET due = (SELECT min(at) FROM segment_due WHERE list = $1) WHERE list = $1";
    session.execute(due, &[&write.feed.list.0])?;
    Ok(true)
}

/// The row is locked until the commit: of two nodes, the second finds another step.
fn put_feed(session: &Session, write: &SegmentWrite) -> Result<bool, Error> {
    let feed = &write.feed;
    let suppressed = feed.suppressed.map(u64::cast_signed);
    let rows = match write.before {
        None => {
            let insert = "INSERT INTO segment_feed (list, account, step, cursor, saved, suppressed, next_no, building) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
            let values: Values<'_> = &[
                &feed.list.0,
                &feed.account.0,
                &feed.step,
                &feed.cursor,
                &feed.saved,
                &suppressed,
                &feed.next_no,
                &feed.building,
            ];
            session.execute(insert, values)?
        }
        Some(before) => {
            let update = "UPDATE segment_feed SET account = $2, step = $3, cursor = $4, saved = $5, suppressed = $6, \
                          next_no = $7, building = $8 WHERE list = $1 AND step = $9";
            let values: Values<'_> = &[
                &feed.list.0,
                &feed.account.0,
                &feed.step,
                &feed.cursor,
                &feed.saved,
                &suppressed,
                &feed.next_no,
                &feed.building,
                &before,
            ];
            session.execute(update, values)?
        }
    };
    Ok(rows > 0)
}

/// Deletes a bounded part of a segment that is followed no more.
fn delete_segment(session: &Session, list: ListNo, no: i64) -> Result<(), Error> {
    // Of no segment: one that has the same filter again must not take up what is left.
    let unname = "UPDATE followed_segment SET segment = $3 WHERE list = $1 AND no = $2";
    session.execute(unname, &[&list.0, &no, &[0_u8; 12].as_slice()])?;
    session.execute("DELETE FROM segment_block WHERE list = $1 AND no = $2", &[&list.0, &no])?;
    let due = "DELETE FROM segment_due WHERE list = $1 AND no = $2 AND number IN \
               (SELECT number FROM segment_due WHERE list = $1 AND no = $2 LIMIT $3)";
    if session.execute(due, &[&list.0, &no, &CHUNK])? < CHUNK.unsigned_abs() {
        session.execute("DELETE FROM followed_segment WHERE list = $1 AND no = $2", &[&list.0, &no])?;
    }
    Ok(())
}

fn put_members(session: &Session, write: &SegmentWrite) -> Result<(), Error> {
    let list = write.feed.list.0;
    let put = "INSERT INTO followed_segment (list, no, segment, hash, scanned, members) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (list, no) DO UPDATE SET scanned = excluded.scanned, members = excluded.members";
    for segment in &write.followed {
        let scanned = segment.scanned.map(|number| number.0.cast_signed());
        let (id, members) = (segment.segment.to_bytes(), segment.members.cast_signed());
        session.execute(put, &[&list, &segment.no, &id.as_slice(), &segment.hash, &scanned, &members])?;
    }
    let (full, empty): (Vec<&MemberBlock>, Vec<&MemberBlock>) =
        write.blocks.iter().partition(|block| !block.bits.is_empty());
    if !full.is_empty() {
        let put = "INSERT INTO segment_block (list, block, no, bits) SELECT $1, u.block, u.no, u.bits \
                   FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS u (block, no, bits) \
                   ON CONFLICT (list, block, no) DO UPDATE SET bits = excluded.bits";
        let blocks: Vec<_> = full.iter().map(|block| block.block.cast_signed()).collect();
        let numbers: Vec<_> = full.iter().map(|block| block.no).collect();
        let bits: Vec<_> = full.iter().map(|block| block.bits.as_slice()).collect();
        session.execute(put, &[&list, &blocks, &numbers, &bits])?;
    }
    if !empty.is_empty() {
        let delete = "DELETE FROM segment_block b USING unnest($2::bigint[], $3::bigint[]) AS u (block, no) \
                      WHERE b.list = $1 AND b.block = u.block AND b.no = u.no";
        let blocks: Vec<_> = empty.iter().map(|block| block.block.cast_signed()).collect();
        let numbers: Vec<_> = empty.iter().map(|block| block.no).collect();
        session.execute(delete, &[&list, &blocks, &numbers])?;
    }
    Ok(())
}

fn put_due(session: &Session, write: &SegmentWrite) -> Result<(), Error> {
    let list = write.feed.list.0;
    let (set, unset): (Vec<&DueContact>, Vec<&DueContact>) =
        write.due.iter().partition(|due| due.at.is_some());
    if !set.is_empty() {
        let put = "INSERT INTO segment_due (list, no, number, at) SELECT $1, u.no, u.number, u.at \
                   FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u (no, number, at) \
                   ON CONFLICT (list, no, number) DO UPDATE SET at = excluded.at";
        let numbers: Vec<_> = set.iter().map(|due| due.no).collect();
        let contacts: Vec<_> = set.iter().map(|due| due.number.0.cast_signed()).collect();
        let times: Vec<_> = set.iter().filter_map(|due| due.at).map(|at| at.millis()).collect();
        session.execute(put, &[&list, &numbers, &contacts, &times])?;
    }
    if !unset.is_empty() {
        let delete = "DELETE FROM segment_due d USING unnest($2::bigint[], $3::bigint[]) AS u (no, number) \
                      WHERE d.list = $1 AND d.no = u.no AND d.number = u.number";
        let numbers: Vec<_> = unset.iter().map(|due| due.no).collect();
        let contacts: Vec<_> = unset.iter().map(|due| due.number.0.cast_signed()).collect();
        session.execute(delete, &[&list, &numbers, &contacts])?;
    }
    Ok(())
}

fn put_events(session: &Session, write: &SegmentWrite) -> Result<(), Error> {
    let (list, account) = (write.feed.list.0, -write.feed.account.0);
    if !write.erased.is_empty() {
        let erase =
            "UPDATE segment_event SET number = 0 WHERE list = $1 AND of_list = $2 AND number = ANY($3)";
        let numbers: Vec<_> = write.erased.iter().map(|number| number.0.cast_signed()).collect();
        session.execute(erase, &[&account, &list, &numbers])?;
    }
    if write.events.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(write.events.len()).unwrap_or(i64::MAX);
    // The row is locked until the commit: the numbers of an account become visible in their order.
    let next = "INSERT INTO segment_serial AS s (list, serial) VALUES ($1, $2) \
                ON CONFLICT (list) DO UPDATE SET serial = s.serial + $2 RETURNING serial";
    let row = session.query_opt(next, &[&account, &count])?;
    let last: i64 =
        row.map_or_else(|| Err(Error::Failed("no number of an event".to_owned())), |row| get(&row, 0))?;
    let put = "INSERT INTO segment_event (list, serial, of_list, segment, number, joined, at) \
               SELECT $1, u.serial, u.of_list, u.segment, u.number, u.joined, u.at \
               FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::boolean[], $7::bigint[]) \
               AS u (serial, of_list, segment, number, joined, at)";
    // As a value beside the first, Citus does not know its type.
    let lists = vec![list; write.events.len()];
    let serials: Vec<_> = (last - count + 1..=last).collect();
    let segments: Vec<_> = write.events.iter().map(|event| event.segment.to_bytes()).collect();
    let segments: Vec<_> = segments.iter().map(|id| id.as_slice()).collect();
    let numbers: Vec<_> = write.events.iter().map(|event| event.number.0.cast_signed()).collect();
    let joined: Vec<_> = write.events.iter().map(|event| event.joined).collect();
    let times: Vec<_> = write.events.iter().map(|event| event.at.millis()).collect();
    session.execute(put, &[&account, &serials, &lists, &segments, &numbers, &joined, &times])?;
    // The oldest, as far as they are too old: serials and times grow together.
    let delete = "DELETE FROM segment_event WHERE list = $1 AND serial IN (SELECT serial FROM (SELECT serial, at \
                  FROM segment_event WHERE list = $1 ORDER BY serial LIMIT $2) e WHERE at < $3)";
    session.execute(delete, &[&account, &CHUNK, &write.events_since.millis()]).map(drop)
}

fn put_days(session: &Session, write: &SegmentWrite) -> Result<(), Error> {
    let list = write.feed.list.0;
    let put = "INSERT INTO segment_day AS d (list, segment, day, members, joined, gone) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (list, segment, day) DO UPDATE SET members = excluded.members, \
               joined = d.joined + excluded.joined, gone = d.gone + excluded.gone";
    for (segment, day) in &write.days {
        let id = segment.to_bytes();
        let [members, joined, left] = [day.members, day.joined, day.left].map(u64::cast_signed);
        session.execute(put, &[&list, &id.as_slice(), &day.day, &members, &joined, &left])?;
    }
    // Also those of segments that were deleted.
    if !write.days.is_empty() {
        let delete = "DELETE FROM segment_day WHERE list = $1 AND day < $2";
        session.execute(delete, &[&list, &write.days_since])?;
    }
    Ok(())
}

/// Deletes a part of what is stored of a list.
pub fn forget(session: &Session, list: ListNo) -> Result<bool, Error> {
    let mut gone = 0;
    for (table, key) in
        [("segment_due", "no, number"), ("segment_block", "block, no"), ("segment_day", "segment, day")]
    {
        let delete = format!(
            "DELETE FROM {table} WHERE list = $1 AND ({key}) IN (SELECT {key} FROM {table} WHERE list = $1 LIMIT $2)"
        );
        gone += session.execute(&delete, &[&list.0, &CHUNK])?;
    }
    if gone == 0 {
        session.execute("DELETE FROM followed_segment WHERE list = $1", &[&list.0])?;
        session.execute("DELETE FROM segment_feed WHERE list = $1", &[&list.0])?;
    }
    Ok(gone > 0)
}

/// Deletes a chunk of the events of an account that was removed.
pub fn prune(session: &Session) -> Result<u64, Error> {
    let orphaned = "SELECT list FROM segment_serial s \
                    WHERE NOT EXISTS (SELECT FROM account a WHERE a.no = -s.list) LIMIT 1";
    let Some(row) = session.query_opt(orphaned, &[])? else { return Ok(0) };
    let list: i64 = get(&row, 0)?;
    let delete = "DELETE FROM segment_event WHERE list = $1 AND serial IN \
                  (SELECT serial FROM segment_event WHERE list = $1 LIMIT $2)";
    match session.execute(delete, &[&list, &CHUNK])? {
        0 => session.execute("DELETE FROM segment_serial WHERE list = $1", &[&list]),
        gone => Ok(gone),
    }
}
