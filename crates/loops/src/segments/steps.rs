//! One step of a list: what follows the changes, the suppressions and the time.

mod silent;

use std::collections::HashMap;
use std::sync::Arc;

use super::draft::Draft;
use super::follower::Follower;
use super::judge::{Followed, Verdict, fields, judge};
use super::past::{After, states};
use app::find::suppressed::suppressions;
use app::{Caller, Refusal};
use domain::clock::Timestamp;
use domain::filter::Matcher;
use domain::journal::ContactNo;
use storage::{
    ChangeAction, ChangeCursor, ChangeQuery, ChangesError, ChangesFrom, Contact, Detail, Error,
    FollowedSegment, List, SegmentFeed, SegmentList, Suppression, Way,
};

/// Changes or contacts of one step, and of a list with many segments.
const PAGE: u32 = 1_000;
const SMALL_PAGE: u32 = 100;

/// Segments from which on a page is small.
const MANY: usize = 10;

/// Bytes of the contacts that a step reads.
const BYTES: usize = 8 << 20;

/// A place behind all changes of suppressions.
const END: u64 = i64::MAX.unsigned_abs();

/// A step that is being made.
pub struct Step<'a> {
    follower: &'a Follower,
    list: &'a SegmentList,
    info: List,
    caller: Caller,
    now: Timestamp,
    draft: Draft,
    /// Filters at other times than now, by segment.
    matchers: HashMap<(usize, Timestamp), Arc<Matcher>>,
}

impl<'a> Step<'a> {
    /// Makes a step of a list; `feed` is its stored state. `None`: the list was removed.
    ///
    /// # Errors
    /// The store fails.
    pub async fn make(
        follower: &'a Follower,
        list: &'a SegmentList,
        feed: Option<SegmentFeed>,
    ) -> Result<Option<(Draft, bool)>, Error> {
        let Some(info) = follower.storage.find_list(list.id).await? else { return Ok(None) };
        let before = feed.as_ref().map(|feed| feed.step);
        let feed = match feed {
            Some(feed) => feed,
            None => SegmentFeed {
                list: list.list,
                account: list.account,
                step: 0,
                cursor: follower.now(list).await?,
                saved: 0,
                suppressed: None,
                next_no: 1,
                building: true,
                due: None,
            },
        };
        let (draft, caller) = (Draft::new(feed, before), follower.caller(list.account));
        let now = follower.clock.now();
        let mut step = Self { follower, list, info, caller, now, draft, matchers: HashMap::new() };
        step.reconcile().await?;
        let behind = step.follow().await?;
        // What follows has times of its own, which may be of a day that is over.
        step.draft.counted_at = Some(now);
        let suppressed = !behind && step.follow_suppressions().await?;
        let due = !behind && step.follow_time().await?;
        step.scan(behind).await?;
        Ok(Some((step.draft, behind || suppressed || due)))
    }

    /// Takes up segments that are new or have another filter, and gives up those that are gone.
    async fn reconcile(&mut self) -> Result<(), Error> {
        let stored = self.follower.storage.followed_segments(self.list.list).await?;
        let saved = self.follower.queries.saved_segments(&self.info).await?;
        for (segment, hash) in saved {
            let known = stored.iter().find(|known| (known.segment, known.hash) == (segment.id, hash));
            let state = known.cloned().unwrap_or_else(|| {
                let no = self.draft.feed.next_no;
                self.draft.feed.next_no += 1;
                let scanned = Some(ContactNo(0));
                FollowedSegment { no, segment: segment.id, hash, scanned, members: 0 }
            });
            let matcher = self.compile(&segment.filter, self.now).await?;
            self.draft.followed.push(Followed { state, tree: segment.filter, matcher });
        }
        let stays = |no| self.draft.followed.iter().any(|followed| followed.state.no == no);
        self.draft.gone = stored.iter().map(|known| known.no).filter(|no| !stays(*no)).collect();
        self.draft.feed.saved = self.list.saved;
        let asks = self.draft.followed.iter().any(|followed| followed.matcher.asks_suppressed());
        self.draft.feed.suppressed = match (asks, self.draft.feed.suppressed) {
            (false, _) => None,
            (true, Some(after)) => Some(after),
            (true, None) => {
                let storage = &self.follower.storage;
                Some(storage.added_suppressions(self.list.account, END, 1, self.now).await?.next)
            }
        };
        Ok(())
    }

    async fn compile(&self, tree: &domain::filter::Tree, at: Timestamp) -> Result<Arc<Matcher>, Error> {
        let queries = &self.follower.queries;
        match queries.compile_at(&self.caller, Some(&self.info), tree, at).await {
            Ok(filter) => Ok(filter.matcher),
            Err(Refusal::Store(error)) => Err(error),
            // The filter of a segment names no segment, so nothing of it can be missing.
            Err(_) => Err(Error::Damaged("the filter of a segment is rejected".to_owned())),
        }
    }

    const fn page(&self) -> u32 {
        if self.draft.followed.len() > MANY { SMALL_PAGE } else { PAGE }
    }

    /// Reads the next changes. Whether there are more.
    async fn follow(&mut self) -> Result<bool, Error> {
        let (account, list) = (self.list.account, self.list.list);
        let Ok(cursor) = ChangeCursor::from_bytes(&self.draft.feed.cursor) else {
            return self.restart().await;
        };
        let keys = fields(self.draft.followed.iter().map(|followed| &followed.tree));
        let query = ChangeQuery {
            scope: Some(list),
            from: ChangesFrom::After(cursor),
            limit: self.page() as usize,
            bytes: BYTES,
            detail: Detail::Both,
            fields: keys.map(|keys| HashMap::from([(list, keys)])),
            ..ChangeQuery::new(account, vec![list])
        };
        let page = match self.follower.storage.read_changes(query).await {
            Ok(page) => page,
            Err(ChangesError::Store(error)) => return Err(error),
            Err(lost) => {
                tracing::warn!(list = list.0, %lost, "segments: following changes failed, computing members again");
                return self.restart().await;
            }
        };
        self.load(page.changes.iter().map(|change| change.number)).await?;
        let contacts =
            page.changes.iter().filter_map(|change| Some((change.number, change.contact.as_ref()?)));
        let suppressed = self.suppressed(contacts).await?;
        for (change, after) in page.changes.iter().zip(states(&page.changes, page.more)) {
            let (number, at) = (change.number, change.at);
            if change.action == ChangeAction::Erased {
                self.draft.erase(number, at);
                continue;
            }
            let document = match &after {
                After::Unknown => continue,
                After::Gone => None,
                After::Is(document) => Some(document.as_slice()),
            };
            let of_contact = suppressed.get(&number).map_or(&[][..], Vec::as_slice);
            for place in 0..self.draft.followed.len() {
                let found = self.judge(place, document, of_contact, at).await?;
                self.draft.put(place, number, found, at);
            }
        }
        self.draft.feed.cursor = page.next.to_bytes();
        Ok(page.more)
    }

    /// Changes behind the cursor are not stored any more, or are of another past: members are computed again, without
    /// events.
    async fn restart(&mut self) -> Result<bool, Error> {
        self.draft.feed.cursor = self.follower.now(self.list).await?;
        for followed in &mut self.draft.followed {
            self.draft.gone.push(followed.state.no);
            followed.state.no = self.draft.feed.next_no;
            self.draft.feed.next_no += 1;
            followed.state.scanned = Some(ContactNo(0));
            followed.state.members = 0;
        }
        Ok(false)
    }

    async fn load(&mut self, numbers: impl Iterator<Item = ContactNo>) -> Result<(), Error> {
        let missing = self.draft.missing(numbers);
        if !missing.is_empty() {
            let blocks = self.follower.storage.member_blocks(self.list.list, missing.clone()).await?;
            self.draft.load(&missing, blocks);
        }
        Ok(())
    }

    /// What is suppressed of contacts, if a filter asks for it.
    async fn suppressed<'c>(
        &self,
        contacts: impl Iterator<Item = (ContactNo, &'c Contact)>,
    ) -> Result<HashMap<ContactNo, Vec<Suppression>>, Error> {
        if self.draft.feed.suppressed.is_none() {
            return Ok(HashMap::new());
        }
        let contacts: HashMap<_, _> = contacts.collect();
        let storage = self.follower.storage.as_ref();
        let found = suppressions(storage, self.list.account, contacts.values().copied(), self.now).await?;
        Ok(contacts.into_keys().zip(found).collect())
    }

    /// Asks the segment at a place about a contact as of a time; `None` is one that is gone.
    async fn judge(
        &mut self,
        place: usize,
        document: Option<&[u8]>,
        suppressed: &[Suppression],
        at: Timestamp,
    ) -> Result<Verdict, Error> {
        let Some(document) = document else { return Ok(Verdict { member: false, due: None }) };
        let followed = &self.draft.followed[place];
        if !followed.is_timed() || at == self.now {
            return Ok(judge(&followed.matcher, document, suppressed, at));
        }
        let matcher = match self.matchers.get(&(place, at)) {
            Some(matcher) => Arc::clone(matcher),
            None => {
                let matcher = self.compile(&followed.tree, at).await?;
                self.matchers.insert((place, at), Arc::clone(&matcher));
                matcher
            }
        };
        Ok(judge(&matcher, document, suppressed, at))
    }

    /// Reads the next contacts for the first membership of segments. `behind`: the changes from before are not all read,
    /// so no first membership is complete yet.
    async fn scan(&mut self, behind: bool) -> Result<(), Error> {
        let Some(scanned) = self.draft.followed.iter().filter_map(|followed| followed.state.scanned).min()
        else {
            return Ok(());
        };
        let (account, list) = (self.list.account, self.list.list);
        let page = self.follower.storage.page_contacts(account, list, Way::Up(scanned), self.page()).await?;
        let numbers = page.rows.iter().map(|(number, _)| *number);
        self.load(numbers.clone()).await?;
        let suppressed =
            self.suppressed(page.rows.iter().map(|(number, contact)| (*number, contact))).await?;
        let last = numbers.chain(page.damaged.iter().copied()).max().unwrap_or(scanned);
        for place in 0..self.draft.followed.len() {
            if self.draft.followed[place].state.scanned != Some(scanned) {
                continue;
            }
            for (number, contact) in &page.rows {
                let of_contact = suppressed.get(number).map_or(&[][..], Vec::as_slice);
                let found = self.judge(place, Some(&contact.document), of_contact, self.now).await?;
                self.draft.put_first(place, *number, found);
            }
            self.draft.followed[place].state.scanned = Some(last);
            if !page.more && !behind {
                self.draft.complete(place, self.now);
            }
        }
        Ok(())
    }
}
