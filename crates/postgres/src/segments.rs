//! Members of segments. One node at a time has the work; the number of the step decides if two believe that they have it.

mod write;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::PostgresStore;
use super::search::claim;
use super::session::{Session, get, get_id, get_number, get_time};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use storage::rows::segments::checksum;
use storage::{
    DueContact, Error, FollowedSegment, MemberBlock, SavedKind, SegmentDay, SegmentEvent, SegmentEvents,
    SegmentFeed, SegmentList, SegmentMembers, SegmentWrite,
};

#[async_trait]
impl SegmentMembers for PostgresStore {
    async fn claim_segments(&self) -> Result<bool, Error> {
        self.write(|session, shared| claim(session, shared, "segments")).await
    }

    async fn segment_lists(&self) -> Result<Vec<SegmentList>, Error> {
        self.read(|session, _| lists(session)).await
    }

    async fn segment_feeds(&self) -> Result<Vec<SegmentFeed>, Error> {
        self.read(|session, _| {
            let select = "SELECT list, account, step, cursor, saved, suppressed, next_no, building, due \
                          FROM segment_feed ORDER BY list";
            session.query(select, &[])?.iter().map(read_feed).collect()
        })
        .await
    }

    async fn followed_segments(&self, list: ListNo) -> Result<Vec<FollowedSegment>, Error> {
        self.read(move |session, _| {
            let select =
                "SELECT no, segment, hash, scanned, members FROM followed_segment WHERE list = $1 ORDER BY no";
            let read = |row: &Row| {
                Ok(FollowedSegment {
                    no: get(row, 0)?,
                    segment: get_id(row, 1)?,
                    hash: get(row, 2)?,
                    scanned: optional(row, 3)?.map(ContactNo),
                    members: get_number(row, 4)?,
                })
            };
            session.query(select, &[&list.0])?.iter().map(read).collect()
        })
        .await
    }

    async fn member_blocks(&self, list: ListNo, blocks: Vec<u64>) -> Result<Vec<MemberBlock>, Error> {
        let blocks: Vec<_> = blocks.into_iter().map(u64::cast_signed).collect();
        self.read(move |session, _| {
            let select = "SELECT no, block, bits FROM segment_block WHERE list = $1 AND block = ANY($2) \
                          ORDER BY block, no";
            let read = |row: &Row| {
                Ok(MemberBlock { no: get(row, 0)?, block: get_number(row, 1)?, bits: get(row, 2)? })
            };
            session.query(select, &[&list.0, &blocks])?.iter().map(read).collect()
        })
        .await
    }

    async fn due_contacts(
        &self,
        list: ListNo,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueContact>, Error> {
        self.read(move |session, _| {
            let select = "SELECT no, number, at FROM segment_due WHERE list = $1 AND at <= $2 \
                          ORDER BY at, number, no LIMIT $3";
            let read = |row: &Row| {
                let (no, number) = (get(row, 0)?, ContactNo(get_number(row, 1)?));
                Ok(DueContact { no, number, at: Some(get_time(row, 2)?) })
            };
            let rows = session.query(select, &[&list.0, &until.millis(), &i64::from(limit)])?;
            rows.iter().map(read).collect()
        })
        .await
    }

    async fn write_segments(&self, write: SegmentWrite) -> Result<bool, Error> {
        self.write(move |session, _| write::write(session, &write)).await
    }

    async fn forget_segments(&self, list: ListNo) -> Result<bool, Error> {
        self.write(move |session, _| write::forget(session, list)).await
    }

    async fn segment_events(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
    ) -> Result<SegmentEvents, Error> {
        self.read(move |session, _| events(session, account, after, limit)).await
    }

    async fn segment_days(
        &self,
        list: ListNo,
        segment: ObjectId,
        since: i64,
    ) -> Result<Vec<SegmentDay>, Error> {
        self.read(move |session, _| days(session, list, segment, since)).await
    }
}

pub(super) use self::write::prune;

fn optional(row: &Row, column: usize) -> Result<Option<u64>, Error> {
    Ok(get::<Option<i64>>(row, column)?.map(i64::cast_unsigned))
}

fn lists(session: &Session) -> Result<Vec<SegmentList>, Error> {
    let select = "SELECT l.account, l.no, l.id, q.id, q.updated_at FROM saved_query q JOIN list l ON l.no = q.list \
                  WHERE q.kind = $1 ORDER BY l.no, q.id";
    let read = |row: &Row| {
        let list = (AccountNo(get(row, 0)?), ListNo(get(row, 1)?), get_id(row, 2)?);
        Ok((list, (get_id(row, 3)?.to_bytes(), get(row, 4)?)))
    };
    let rows = session.query(select, &[&SavedKind::Segment.code()])?;
    Ok(checksum(rows.iter().map(read).collect::<Result<_, Error>>()?))
}

fn read_feed(row: &Row) -> Result<SegmentFeed, Error> {
    Ok(SegmentFeed {
        list: ListNo(get(row, 0)?),
        account: AccountNo(get(row, 1)?),
        step: get(row, 2)?,
        cursor: get(row, 3)?,
        saved: get(row, 4)?,
        suppressed: optional(row, 5)?,
        next_no: get(row, 6)?,
        building: get(row, 7)?,
        due: get::<Option<i64>>(row, 8)?.map(Timestamp::from_millis),
    })
}

fn events(session: &Session, account: AccountNo, after: u64, limit: u32) -> Result<SegmentEvents, Error> {
    let of_account = -account.0;
    let last = session.query_opt("SELECT serial FROM segment_serial WHERE list = $1", &[&of_account])?;
    let last = last.map_or(Ok(0), |row| get_number(&row, 0))?;
    let select = "SELECT serial, of_list, segment, number, joined, at FROM segment_event \
                  WHERE list = $1 AND serial > $2 ORDER BY serial LIMIT $3";
    let read = |row: &Row| {
        Ok(SegmentEvent {
            serial: get_number(row, 0)?,
            list: ListNo(get(row, 1)?),
            segment: get_id(row, 2)?,
            number: ContactNo(get_number(row, 3)?),
            joined: get(row, 4)?,
            at: get_time(row, 5)?,
        })
    };
    let rows = session.query(select, &[&of_account, &after.cast_signed(), &i64::from(limit)])?;
    let events = rows.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    Ok(SegmentEvents::behind(after, last, events))
}

fn days(session: &Session, list: ListNo, segment: ObjectId, since: i64) -> Result<Vec<SegmentDay>, Error> {
    let select = "SELECT day, members, joined, gone FROM segment_day WHERE list = $1 AND segment = $2 AND day >= \
                  coalesce((SELECT max(day) FROM segment_day WHERE list = $1 AND segment = $2 AND day < $3), $3) \
                  ORDER BY day";
    let read = |row: &Row| {
        Ok(SegmentDay {
            day: get(row, 0)?,
            members: get_number(row, 1)?,
            joined: get_number(row, 2)?,
            left: get_number(row, 3)?,
        })
    };
    let rows = session.query(select, &[&list.0, &segment.to_bytes().as_slice(), &since])?;
    rows.iter().map(read).collect()
}
