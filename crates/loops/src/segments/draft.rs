//! A step of the segments of a list while it is made. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::judge::{Followed, Verdict};
use super::{DAYS, EVENTS};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use storage::rows::segments::day;
use storage::{BLOCK, DueContact, MemberBlock, SegmentDay, SegmentEvent, SegmentFeed, SegmentWrite};

/// What a step will store.
pub struct Draft {
    /// The state behind the step.
    pub feed: SegmentFeed,
    /// The segments.
    pub followed: Vec<Followed>,
    /// Numbers that are followed no more.
    pub gone: Vec<i64>,
    before: Option<i64>,
    /// Members that were read, and whether they changed.
    blocks: BTreeMap<(i64, u64), (Vec<u8>, bool)>,
    due: BTreeMap<(i64, ContactNo), Option<Timestamp>>,
    events: Vec<SegmentEvent>,
    days: BTreeMap<(ObjectId, i64), SegmentDay>,
    erased: Vec<ContactNo>,
    /// The time whose day counts what is found, if it is not that of the event: days are written in their order.
    pub counted_at: Option<Timestamp>,
}

impl Draft {
    /// A step from a state; `before` is its number, if it is stored.
    pub const fn new(feed: SegmentFeed, before: Option<i64>) -> Self {
        Self {
            feed,
            followed: Vec::new(),
            gone: Vec::new(),
            before,
            blocks: BTreeMap::new(),
            due: BTreeMap::new(),
            events: Vec::new(),
            days: BTreeMap::new(),
            erased: Vec::new(),
            counted_at: None,
        }
    }

    /// The ranges of these contacts that were not read yet.
    pub fn missing(&self, numbers: impl Iterator<Item = ContactNo>) -> Vec<u64> {
        let Some(first) = self.followed.first() else { return Vec::new() };
        let mut blocks: Vec<_> = numbers.map(|number| number.0 / BLOCK).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks.retain(|block| !self.blocks.contains_key(&(first.state.no, *block)));
        blocks
    }

    /// Takes the members of ranges that were missing.
    pub fn load(&mut self, missing: &[u64], stored: Vec<MemberBlock>) {
        for block in stored {
            self.blocks.insert((block.no, block.block), (block.bits, false));
        }
        for block in missing {
            for followed in &self.followed {
                self.blocks.entry((followed.state.no, *block)).or_default();
            }
        }
    }

    /// Stores what was found of a contact in the segment at that place. A contact that the first membership has not come
    /// to is left to it.
    pub fn put(&mut self, place: usize, number: ContactNo, found: Verdict, at: Timestamp) {
        let Some(followed) = self.followed.get(place) else { return };
        if followed.state.scanned.is_some_and(|scanned| number > scanned) {
            return;
        }
        if followed.has_due() {
            self.due.insert((followed.state.no, number), found.due);
        }
        self.set(place, number, found.member, Some(at));
    }

    /// Stores what was found of a contact while the first membership is computed.
    pub fn put_first(&mut self, place: usize, number: ContactNo, found: Verdict) {
        let Some(followed) = self.followed.get(place) else { return };
        if found.due.is_some() {
            self.due.insert((followed.state.no, number), found.due);
        }
        self.set(place, number, found.member, None);
    }

    /// An erased contact leaves without events, and earlier events lose its number.
    pub fn erase(&mut self, number: ContactNo, at: Timestamp) {
        self.events.retain(|event| event.number != number);
        self.erased.push(number);
        for place in 0..self.followed.len() {
            let (no, has_due) = (self.followed[place].state.no, self.followed[place].has_due());
            if has_due {
                self.due.insert((no, number), None);
            }
            if self.set(place, number, false, None) {
                self.count(place, at, false);
            }
        }
    }

    /// The first membership of a segment is complete.
    pub fn complete(&mut self, place: usize, at: Timestamp) {
        if let Some(followed) = self.followed.get_mut(place) {
            followed.state.scanned = None;
            let (segment, members) = (followed.state.segment, followed.state.members);
            self.day(segment, at).members = members;
        }
    }

    /// Changes a membership; whether it was another. With a time, it is an event.
    fn set(&mut self, place: usize, number: ContactNo, member: bool, at: Option<Timestamp>) -> bool {
        let Some(followed) = self.followed.get_mut(place) else { return false };
        let (no, segment) = (followed.state.no, followed.state.segment);
        let (bits, changed) = self.blocks.entry((no, number.0 / BLOCK)).or_default();
        let (byte, bit) = ((number.0 % BLOCK / 8) as usize, 1 << (number.0 % 8));
        if bits.get(byte).is_some_and(|byte| byte & bit != 0) == member {
            return false;
        }
        *changed = true;
        if member {
            if bits.len() <= byte {
                bits.resize(byte + 1, 0);
            }
            bits[byte] |= bit;
            followed.state.members += 1;
        } else {
            bits[byte] &= !bit;
            while bits.last() == Some(&0) {
                bits.pop();
            }
            followed.state.members = followed.state.members.saturating_sub(1);
        }
        if let Some(at) = at.filter(|_| followed.state.scanned.is_none()) {
            let list = self.feed.list;
            self.events.push(SegmentEvent { serial: 0, list, segment, number, joined: member, at });
            self.count(place, at, member);
        }
        true
    }

    /// Counts a change of membership in its day.
    fn count(&mut self, place: usize, at: Timestamp, joined: bool) {
        let state = &self.followed[place].state;
        if state.scanned.is_some() {
            return;
        }
        let (segment, members) = (state.segment, state.members);
        let day = self.day(segment, self.counted_at.unwrap_or(at));
        day.members = members;
        match joined {
            true => day.joined += 1,
            false => day.left += 1,
        }
    }

    fn day(&mut self, segment: ObjectId, at: Timestamp) -> &mut SegmentDay {
        let day = day(at);
        match self.days.entry((segment, day)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(SegmentDay { day, ..SegmentDay::default() }),
        }
    }

    /// The step.
    pub fn finish(self, now: Timestamp) -> SegmentWrite {
        let mut feed = self.feed;
        feed.step = self.before.unwrap_or_default() + 1;
        feed.building = !self.gone.is_empty() || self.followed.iter().any(|one| one.state.scanned.is_some());
        let blocks = self.blocks.into_iter().filter(|(_, (_, changed))| *changed);
        let blocks = blocks.map(|((no, block), (bits, _))| MemberBlock { no, block, bits });
        SegmentWrite {
            before: self.before,
            feed,
            followed: self.followed.into_iter().map(|followed| followed.state).collect(),
            gone: self.gone,
            blocks: blocks.collect(),
            due: self.due.into_iter().map(|((no, number), at)| DueContact { no, number, at }).collect(),
            events: self.events,
            days: self.days.into_iter().map(|((segment, _), day)| (segment, day)).collect(),
            erased: self.erased,
            events_since: now.before(EVENTS),
            days_since: day(now) - DAYS,
        }
    }
}
