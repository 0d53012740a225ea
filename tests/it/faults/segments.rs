//! Members of segments: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::{
    DueContact, Error, FollowedSegment, MemberBlock, SegmentDay, SegmentEvents, SegmentFeed, SegmentList,
    SegmentMembers, SegmentWrite,
};

use super::{Faulty, forward};

forward! { SegmentMembers:
    change fn claim_segments() -> Result<bool, Error>;
    read fn segment_lists() -> Result<Vec<SegmentList>, Error>;
    read fn segment_feeds() -> Result<Vec<SegmentFeed>, Error>;
    read fn followed_segments(list: ListNo) -> Result<Vec<FollowedSegment>, Error>;
    read fn member_blocks(list: ListNo, blocks: Vec<u64>) -> Result<Vec<MemberBlock>, Error>;
    read fn due_contacts(list: ListNo, until: Timestamp, limit: u32) -> Result<Vec<DueContact>, Error>;
    change fn write_segments(write: SegmentWrite) -> Result<bool, Error>;
    change fn forget_segments(list: ListNo) -> Result<bool, Error>;
    read fn segment_events(account: AccountNo, after: u64, limit: u32) -> Result<SegmentEvents, Error>;
    read fn segment_days(list: ListNo, segment: ObjectId, since: i64) -> Result<Vec<SegmentDay>, Error>;
}
