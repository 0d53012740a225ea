//! What a store promises about the members of segments.

use async_trait::async_trait;

use super::{
    DueContact, Error, FollowedSegment, MemberBlock, SegmentDay, SegmentEvents, SegmentFeed, SegmentList,
    SegmentWrite,
};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Members of segments, and the events about them. They follow the contacts: see [`loops::segments`].
#[async_trait]
pub trait SegmentMembers: Send + Sync + 'static {
    /// Whether this process is the one that follows segments. Another that had this and lives has it still.
    async fn claim_segments(&self) -> Result<bool, Error>;

    /// The lists that have segments, by number.
    async fn segment_lists(&self) -> Result<Vec<SegmentList>, Error>;

    /// The state of each list that is known, also of those that were removed or have no segments any more.
    async fn segment_feeds(&self) -> Result<Vec<SegmentFeed>, Error>;

    /// The segments of a list that are followed, by number.
    async fn followed_segments(&self, list: ListNo) -> Result<Vec<FollowedSegment>, Error>;

    /// The members in these ranges of numbers, of all segments of a list.
    async fn member_blocks(&self, list: ListNo, blocks: Vec<u64>) -> Result<Vec<MemberBlock>, Error>;

    /// Contacts whose time has come, the earliest first.
    async fn due_contacts(
        &self,
        list: ListNo,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueContact>, Error>;

    /// Stores a step, in one transaction. Whether it was stored: it is not if another step was stored before it.
    async fn write_segments(&self, write: SegmentWrite) -> Result<bool, Error>;

    /// Deletes a part of what is stored of a list. Whether there is more.
    async fn forget_segments(&self, list: ListNo) -> Result<bool, Error>;

    /// The events of an account behind a number, in their order.
    async fn segment_events(
        &self,
        account: AccountNo,
        after: u64,
        limit: u32,
    ) -> Result<SegmentEvents, Error>;

    /// The stored days of a segment from one on, and the last before it.
    async fn segment_days(
        &self,
        list: ListNo,
        segment: ObjectId,
        since: i64,
    ) -> Result<Vec<SegmentDay>, Error>;
}
