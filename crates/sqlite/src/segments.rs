//! Members of segments. One process serves a store: its loop is the only one that writes here.

mod write;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{SqliteStore, error, signed, unsigned};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::segments::checksum;
use storage::{
    DueContact, Error, FollowedSegment, MemberBlock, SavedKind, SegmentDay, SegmentEvent, SegmentEvents,
    SegmentFeed, SegmentList, SegmentMembers, SegmentWrite,
};

#[async_trait]
impl SegmentMembers for SqliteStore {
    async fn claim_segments(&self) -> Result<bool, Error> {
        Ok(true)
    }

    async fn segment_lists(&self) -> Result<Vec<SegmentList>, Error> {
        self.read(|pair, _| lists(&pair.intake).map_err(error)).await
    }

    async fn segment_feeds(&self) -> Result<Vec<SegmentFeed>, Error> {
        self.read(|pair, _| feeds(&pair.store).map_err(error)).await
    }

    async fn followed_segments(&self, list: ListNo) -> Result<Vec<FollowedSegment>, Error> {
        self.read(move |pair, _| followed(&pair.store, list).map_err(error)).await
    }

    async fn member_blocks(&self, list: ListNo, blocks: Vec<u64>) -> Result<Vec<MemberBlock>, Error> {
        self.read(move |pair, _| read_blocks(&pair.store, list, &blocks).map_err(error)).await
    }

    async fn due_contacts(
        &self,
        list: ListNo,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueContact>, Error> {
        self.read(move |pair, _| due(&pair.store, list, until, limit).map_err(error)).await
    }

    async fn write_segments(&self, write: SegmentWrite) -> Result<bool, Error> {
        self.write(move |pair, _| write::write(&mut pair.store, &write).map_err(error)).await
    }

    async fn forget_segments(&self, list: ListNo) -> Result<bool, Error> {
        self.write(move |pair, _| write::forget(&mut pair.store, list).map_err(error)).await
    }

    async fn segment_events(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
    ) -> Result<SegmentEvents, Error> {
        self.read(move |pair, _| events(&mut pair.store, account, after, limit).map_err(error)).await
    }

    async fn segment_days(
        &self,
        list: ListNo,
        segment: ObjectId,
        since: i64,
    ) -> Result<Vec<SegmentDay>, Error> {
        self.read(move |pair, _| days(&pair.store, list, segment, since).map_err(error)).await
    }
}

pub(super) use self::write::prune;

fn lists(intake: &Connection) -> rusqlite::Result<Vec<SegmentList>> {
    let mut select = intake.prepare_cached(
        "SELECT l.account, l.no, l.id, q.id, q.updated_at FROM saved_query q JOIN list l ON l.no = q.list \
         WHERE q.kind = ?1 ORDER BY l.no, q.id",
    )?;
    let rows = select.query_map([SavedKind::Segment.code()], |row| {
        let (account, list) = (AccountNo(row.get(0)?), ListNo(row.get(1)?));
        Ok(((account, list, ObjectId::from_bytes(row.get(2)?)), (row.get(3)?, row.get(4)?)))
    })?;
    Ok(checksum(rows.collect::<rusqlite::Result<Vec<_>>>()?))
}

fn feeds(store: &Connection) -> rusqlite::Result<Vec<SegmentFeed>> {
    let mut select = store.prepare_cached(
        "SELECT list, account, step, cursor, saved, suppressed, next_no, building, due FROM segment_feed ORDER BY list",
    )?;
    let rows = select.query_map([], |row| {
        Ok(SegmentFeed {
            list: ListNo(row.get(0)?),
            account: AccountNo(row.get(1)?),
            step: row.get(2)?,
            cursor: row.get(3)?,
            saved: row.get(4)?,
            suppressed: row.get::<_, Option<i64>>(5)?.map(unsigned),
            next_no: row.get(6)?,
            building: row.get(7)?,
            due: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        })
    })?;
    rows.collect()
}

fn followed(store: &Connection, list: ListNo) -> rusqlite::Result<Vec<FollowedSegment>> {
    let mut select = store.prepare_cached(
        "SELECT no, segment, hash, scanned, members FROM followed_segment WHERE list = ?1 ORDER BY no",
    )?;
    let rows = select.query_map([list.0], |row| {
        Ok(FollowedSegment {
            no: row.get(0)?,
            segment: ObjectId::from_bytes(row.get(1)?),
            hash: row.get(2)?,
            scanned: row.get::<_, Option<i64>>(3)?.map(|number| ContactNo(unsigned(number))),
            members: unsigned(row.get(4)?),
        })
    })?;
    rows.collect()
}

fn read_blocks(store: &Connection, list: ListNo, blocks: &[u64]) -> rusqlite::Result<Vec<MemberBlock>> {
    let mut select = store
        .prepare_cached("SELECT no, bits FROM segment_block WHERE list = ?1 AND block = ?2 ORDER BY no")?;
    let mut found = Vec::new();
    for block in blocks {
        let read = |row: &Row<'_>| Ok(MemberBlock { no: row.get(0)?, block: *block, bits: row.get(1)? });
        for row in select.query_map([list.0, signed(*block)], read)? {
            found.push(row?);
        }
    }
    Ok(found)
}

fn due(store: &Connection, list: ListNo, until: Timestamp, limit: u32) -> rusqlite::Result<Vec<DueContact>> {
    let mut select = store.prepare_cached(
        "SELECT no, number, at FROM segment_due WHERE list = ?1 AND at <= ?2 ORDER BY at, number, no LIMIT ?3",
    )?;
    let rows = select.query_map(params![list.0, until.millis(), limit], |row| {
        Ok(DueContact {
            no: row.get(0)?,
            number: ContactNo(unsigned(row.get(1)?)),
            at: Some(Timestamp::from_millis(row.get(2)?)),
        })
    })?;
    rows.collect()
}

fn events(
    store: &mut Connection,
    account: AccountNo,
    after: u64,
    limit: u32,
) -> rusqlite::Result<SegmentEvents> {
    let store = store.transaction()?;
    let of_account = -account.0;
    let mut last =
        store.prepare_cached("SELECT coalesce(max(serial), 0) FROM segment_serial WHERE list = ?1")?;
    let last = unsigned(last.query_row([of_account], |row| row.get(0))?);
    let mut select = store.prepare_cached(
        "SELECT serial, of_list, segment, number, joined, at FROM segment_event WHERE list = ?1 AND serial > ?2 \
         ORDER BY serial LIMIT ?3",
    )?;
    let rows = select.query_map(params![of_account, signed(after), limit], |row| {
        Ok(SegmentEvent {
            serial: unsigned(row.get(0)?),
            list: ListNo(row.get(1)?),
            segment: ObjectId::from_bytes(row.get(2)?),
            number: ContactNo(unsigned(row.get(3)?)),
            joined: row.get(4)?,
            at: Timestamp::from_millis(row.get(5)?),
        })
    })?;
    let events = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(SegmentEvents::behind(after, last, events))
}

fn days(
    store: &Connection,
    list: ListNo,
    segment: ObjectId,
    since: i64,
) -> rusqlite::Result<Vec<SegmentDay>> {
    let mut select = store.prepare_cached(
        "SELECT day, members, joined, gone FROM segment_day WHERE list = ?1 AND segment = ?2 AND day >= \
         coalesce((SELECT max(day) FROM segment_day WHERE list = ?1 AND segment = ?2 AND day < ?3), ?3) ORDER BY day",
    )?;
    let rows = select.query_map(params![list.0, segment.to_bytes(), since], |row| {
        let [members, joined, left] = [row.get(1)?, row.get(2)?, row.get(3)?].map(unsigned);
        Ok(SegmentDay { day: row.get(0)?, members, joined, left })
    })?;
    rows.collect()
}
