//! The loop that follows the changes of lists with segments.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::steps::Step;
use app::catalogue::AccessScope;
use app::{Caller, Queries};
use domain::clock::{Clock, Timestamp};
use domain::journal::AccountNo;
use observe::metrics::{Metrics, Work};
use storage::{ChangeCursor, Error, SegmentFeed, SegmentList, Storage, Topic};

/// Steps of one list before the others have theirs.
const STEPS: usize = 8;

/// Lists whose last change is read at once.
const LISTS: usize = 500;

/// How many times its own length a step is followed by a pause while batches wait: steps write where applying does.
const REST: u32 = 3;

/// The interval of looks for new segments and changes by other processes if the store has no signals, and for
/// suppressions.
const LOOK: Duration = Duration::from_secs(1);

/// What is applied within this is read together.
const GATHER: Duration = Duration::from_millis(200);

/// What a round has left to do, and how long the next may wait without a signal.
struct Round {
    more: bool,
    wait: Duration,
}

/// The loop.
pub struct Follower {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// Reads and compiles the filters.
    pub queries: Queries,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Notified whenever batches were applied.
    pub applied: Arc<Notify>,
    /// The counters.
    pub metrics: Arc<Metrics>,
}

impl Follower {
    /// Follows the changes, for ever.
    pub async fn run(self) {
        loop {
            let mut applied = pin!(self.applied.notified());
            applied.as_mut().enable();
            // A panic is of one step, whose transaction is gone: the loop goes on.
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let round = round.unwrap_or_else(|_| Err(Error::Failed("a step panicked".to_owned())));
            let (wait, pause) = match round {
                Ok(Round { more: true, .. }) => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(round) => (round.wait, GATHER),
                Err(error) => {
                    self.failed(&error);
                    (Duration::ZERO, LOOK)
                }
            };
            tokio::select! {
                biased;
                () = applied => {}
                () = self.storage.signalled(Topic::Segments) => {}
                () = tokio::time::sleep(wait) => {}
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn failed(&self, error: &Error) {
        tracing::error!(%error, "segments: following changes failed, retrying");
        self.metrics.store_error(Work::Segments);
    }

    /// Takes some steps of each list that is behind.
    async fn round(&self) -> Result<Round, Error> {
        let lists = self.storage.segment_lists().await?;
        let feeds = self.storage.segment_feeds().await?;
        if (lists.is_empty() && feeds.is_empty()) || !self.storage.claim_segments().await? {
            return Ok(Round { more: false, wait: self.storage.look_after(LOOK) });
        }
        // As they are now: what was read before the claim may be of another node's time.
        let lists = self.storage.segment_lists().await?;
        let feeds = self.storage.segment_feeds().await?;
        let mut wait = self.wait(&feeds);
        let mut feeds: HashMap<_, _> = feeds.into_iter().map(|feed| (feed.list, feed)).collect();
        let mut more = false;
        for chunk in lists.chunks(LISTS) {
            let last = self.storage.last_changes(chunk.iter().map(|list| list.list).collect()).await?;
            for (list, position) in chunk.iter().zip(last) {
                let feed = feeds.remove(&list.list);
                if is_behind(list, feed.as_ref(), position, self.clock.now()) {
                    // The store has computed when a contact is next due.
                    wait = LOOK;
                    match self.steps(list, feed).await {
                        Ok(of_list) => more |= of_list,
                        // The other lists are followed all the same.
                        Err(error @ Error::Damaged(_)) => self.failed(&error),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        // What is left is of lists that were removed, or have no segments any more.
        for list in feeds.into_keys() {
            more |= self.storage.forget_segments(list).await?;
        }
        Ok(Round { more, wait })
    }

    /// How long the next look may wait. Suppressions give no signal, and neither does time.
    fn wait(&self, feeds: &[SegmentFeed]) -> Duration {
        let longest = self.storage.look_after(LOOK);
        if feeds.iter().any(|feed| feed.suppressed.is_some()) {
            return LOOK;
        }
        let due = feeds.iter().filter_map(|feed| feed.due).min();
        due.map_or(longest, |due| due.since(self.clock.now()).min(longest))
    }

    async fn steps(&self, list: &SegmentList, mut feed: Option<SegmentFeed>) -> Result<bool, Error> {
        for _ in 0..STEPS {
            let start = Instant::now();
            let stored = feed.clone();
            let Some((draft, more)) = Step::make(self, list, feed).await? else { return Ok(false) };
            let now = self.clock.now();
            let write = draft.finish(now);
            if write.is_idle(stored.as_ref()) {
                return Ok(false);
            }
            let after = write.feed.clone();
            if !self.storage.write_segments(write).await? {
                // Another node was faster: the next round reads the state again.
                return Ok(true);
            }
            if self.storage.backlog().batches > 0 {
                tokio::time::sleep((start.elapsed() * REST).min(LOOK)).await;
            }
            if !more && !after.building {
                return Ok(false);
            }
            feed = Some(after);
        }
        Ok(true)
    }

    /// The cursor behind the last change of a list.
    pub(super) async fn now(&self, list: &SegmentList) -> Result<Vec<u8>, Error> {
        let (account, list) = (list.account, list.list);
        let cursor = self.storage.change_cursor(account, Some(list), vec![list]).await?;
        Ok(cursor.to_bytes())
    }

    pub(super) fn caller(&self, account: AccountNo) -> Caller {
        let scope = AccessScope { account, lists: None };
        Caller::token("segments".to_owned(), "segments".to_owned(), scope, true, String::new())
    }
}

/// Whether a list has something to do.
fn is_behind(list: &SegmentList, feed: Option<&SegmentFeed>, position: u64, now: Timestamp) -> bool {
    let Some(feed) = feed else { return true };
    let cursor = ChangeCursor::from_bytes(&feed.cursor).ok();
    let reached = cursor.map(|cursor| cursor.mark(list.list).map_or(0, |mark| mark.position));
    feed.saved != list.saved
        || feed.building
        || feed.suppressed.is_some()
        || feed.due.is_some_and(|due| due <= now)
        || reached != Some(position)
}
