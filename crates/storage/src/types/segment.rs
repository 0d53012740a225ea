//! The members of segments, as they are followed.

use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};

/// Contacts of one [`MemberBlock`].
pub const BLOCK: u64 = 2_048;

/// A list that has segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentList {
    /// The account.
    pub account: AccountNo,
    /// Its number.
    pub list: ListNo,
    /// Its id.
    pub id: ObjectId,
    /// A checksum of its segments: another one says that one was added, changed or removed.
    pub saved: i64,
}

/// How far the segments of a list have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFeed {
    /// The list.
    pub list: ListNo,
    /// Its account.
    pub account: AccountNo,
    /// Raised by each write.
    pub step: i64,
    /// The changes behind this cursor were not read yet: the bytes of a [`ChangeCursor`](super::ChangeCursor).
    pub cursor: Vec<u8>,
    /// [`SegmentList::saved`] of the segments that are followed.
    pub saved: i64,
    /// The last change of suppressions that was read; `None` if no filter asks for suppressions.
    pub suppressed: Option<u64>,
    /// The number of the next segment that is followed.
    pub next_no: i64,
    /// Whether a first membership is being computed, or an old one deleted.
    pub building: bool,
    /// When the first contact may enter or leave without a change of its own. Stores compute it.
    pub due: Option<Timestamp>,
}

/// A segment that is followed. A segment with another filter gets another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedSegment {
    /// Its number within the list, given once.
    pub no: i64,
    /// The segment.
    pub segment: ObjectId,
    /// A checksum of its filter.
    pub hash: i64,
    /// While its first membership is computed: the last contact that was read.
    pub scanned: Option<ContactNo>,
    /// How many members it has.
    pub members: u64,
}

/// The members among the contacts of one range of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberBlock {
    /// See [`FollowedSegment::no`].
    pub no: i64,
    /// The number of the range: that of a contact divided by [`BLOCK`].
    pub block: u64,
    /// A bit for each contact, without empty bytes at the end; empty for no member.
    pub bits: Vec<u8>,
}

/// When a contact may enter or leave a segment without a change of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueContact {
    /// See [`FollowedSegment::no`].
    pub no: i64,
    /// The contact.
    pub number: ContactNo,
    /// When; `None` deletes what is stored.
    pub at: Option<Timestamp>,
}

/// A contact joined or left a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEvent {
    /// Its number among those of the account. Stores assign it.
    pub serial: u64,
    /// The list.
    pub list: ListNo,
    /// The segment.
    pub segment: ObjectId,
    /// The contact; 0 for one that was erased since.
    pub number: ContactNo,
    /// Whether it joined.
    pub joined: bool,
    /// When.
    pub at: Timestamp,
}

/// Events that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentEvents {
    /// The events.
    pub events: Vec<SegmentEvent>,
    /// The number of the last event of the account.
    pub last: u64,
    /// Whether events behind the place were deleted before they were read.
    pub lost: bool,
}

impl SegmentEvents {
    /// Those that were read behind a number. No number of an event is left out but by deleting the oldest.
    pub fn behind(after: u64, last: u64, events: Vec<SegmentEvent>) -> Self {
        let lost = match events.first() {
            Some(first) => first.serial > after + 1,
            None => last != after,
        };
        Self { events, last, lost }
    }
}

/// The members of a segment on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentDay {
    /// Days since 1970, by UTC.
    pub day: i64,
    /// Members at its end.
    pub members: u64,
    /// Contacts that joined.
    pub joined: u64,
    /// Contacts that left.
    pub left: u64,
}

/// A step of the segments of a list: stored whole, or not at all.
#[derive(Clone, Debug)]
pub struct SegmentWrite {
    /// The step that it was made from: if the stored one is another, nothing is stored. `None` for a list that is new.
    pub before: Option<i64>,
    /// The state behind the step, with its number.
    pub feed: SegmentFeed,
    /// Segments whose state changed, or that are new.
    pub followed: Vec<FollowedSegment>,
    /// Numbers that are followed no more: a bounded part of what is stored of them is deleted, and at the end the number.
    pub gone: Vec<i64>,
    /// Blocks that changed.
    pub blocks: Vec<MemberBlock>,
    /// Times that changed.
    pub due: Vec<DueContact>,
    /// Events, in their order.
    pub events: Vec<SegmentEvent>,
    /// Days: members replace those that are stored, and the other counts are added to them.
    pub days: Vec<(ObjectId, SegmentDay)>,
    /// Contacts that were erased: earlier events lose their numbers.
    pub erased: Vec<ContactNo>,
    /// Events of the account that are older are deleted, a bounded part of them.
    pub events_since: Timestamp,
    /// Earlier days are deleted.
    pub days_since: i64,
}

impl SegmentWrite {
    /// Whether it would store what is stored: nothing was read, and nothing is being computed.
    pub fn is_idle(&self, stored: Option<&SegmentFeed>) -> bool {
        let is_same = stored.is_some_and(|stored| {
            let (step, due) = (self.feed.step, self.feed.due);
            SegmentFeed { step, due, ..stored.clone() } == self.feed
        });
        is_same
            && !self.feed.building
            && self.gone.is_empty()
            && self.blocks.is_empty()
            && self.due.is_empty()
            && self.events.is_empty()
            && self.days.is_empty()
            && self.erased.is_empty()
    }
}
