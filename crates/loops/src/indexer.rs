//! The loop that keeps the search index: a consumer of the change feed with a position of its own for each list.
//!
//! A list without a state is read whole, a page of contacts at a time, from the cursor of the moment before its first
//! page. Then its changes are followed. Each step is one transaction with the cursor behind it, so a step is done once
//! or again, and never half. The index holds each contact as it was when its step read it, which is never older than the
//! cursor.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use domain::clock::{Clock, Timestamp};
use domain::contact::document::Document;
use domain::contact::field::Field;
use domain::journal::{AccountNo, ContactNo, ListNo};
use domain::search::{Entry, Status, VERSION};
use observe::metrics::{Metrics, Work};
use storage::{
    ChangeAction, ChangeCursor, ChangeQuery, ChangesError, ChangesFrom, Detail, Error, SearchState,
    SearchWrite, Storage, Topic, Way,
};

/// Changes or contacts of one step: a larger one costs less for each, since the words of a step are written sorted.
const STEP: usize = 4_000;

/// Contacts that are read at once.
const PAGE: u32 = 1_000;

/// Bytes of the contacts that a step reads.
const BYTES: usize = 8 << 20;

/// Steps of one list before the others have theirs.
const STEPS: usize = 8;

/// Lists whose last change is read at once.
const LISTS: usize = 500;

/// Lists for each of which a round pauses a millisecond longer: a server of many lists is not read all the time.
const LISTS_PER_MILLISECOND: usize = 20;

/// How many times its own length a step is followed by a pause while batches wait, and while more wait than do at half
/// the full rate. Indexing writes as much as applying does, and delays commits on the same disk: without pauses it halves
/// the rate.
const REST: u32 = 3;
const LONG_REST: u32 = 9;

/// Waiting batches from which on the pause is the longer one.
const BUSY: u64 = 1_000;

/// The interval of looks for changes by other processes, and for lists that were removed.
const LOOK: Duration = Duration::from_secs(1);

/// What is applied within this is indexed together.
const GATHER: Duration = Duration::from_millis(200);

/// The loop.
pub struct Indexer {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Notified whenever batches were applied.
    pub applied: Arc<Notify>,
    /// What is reported of it.
    pub status: Arc<Status>,
    /// The counters.
    pub metrics: Arc<Metrics>,
}

/// What a round has left to do.
#[derive(Debug, Default)]
struct Round {
    lists: usize,
    more: bool,
    building: u64,
    /// The time of the oldest change that is known not to be in the index.
    behind: Option<Timestamp>,
}

impl Indexer {
    /// Follows the changes, for ever.
    pub async fn run(self) {
        loop {
            let mut applied = pin!(self.applied.notified());
            applied.as_mut().enable();
            // A panic is of one step, whose transaction is gone: the loop goes on.
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let round = round.unwrap_or_else(|_| Err(Error::Failed("a step panicked".to_owned())));
            let mut wait = self.storage.look_after(LOOK);
            let pause = match round {
                Ok(round) => {
                    let lag = round.behind.map_or(Duration::ZERO, |at| self.clock.now().since(at));
                    self.status.report(lag, round.building);
                    if round.more {
                        tokio::task::yield_now().await;
                        continue;
                    }
                    let lists = u64::try_from(round.lists / LISTS_PER_MILLISECOND).unwrap_or_default();
                    GATHER + Duration::from_millis(lists)
                }
                Err(error) => {
                    tracing::error!(%error, "search: indexing failed, retrying");
                    self.metrics.store_error(Work::Index);
                    wait = Duration::ZERO;
                    LOOK
                }
            };
            tokio::select! {
                biased;
                () = applied => {}
                () = self.storage.signalled(Topic::Search) => {}
                () = tokio::time::sleep(wait) => {}
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes some steps of each list that is behind.
    async fn round(&self) -> Result<Round, Error> {
        let mut round = Round::default();
        if !self.storage.claim_search().await? {
            return Ok(round);
        }
        let lists = self.storage.all_lists().await?;
        let mut states: HashMap<_, _> = self.storage.search_states().await?.into_iter().collect();
        round.lists = lists.len();
        for chunk in lists.chunks(LISTS) {
            let last = self.storage.last_changes(chunk.iter().map(|(_, list)| *list).collect()).await?;
            for ((account, list), position) in chunk.iter().zip(last) {
                let state = states.remove(list);
                if is_behind(*list, state.as_ref(), position) {
                    self.steps(&mut round, *account, *list, state).await?;
                }
            }
        }
        // What is left is of lists that were removed.
        for list in states.into_keys() {
            round.more |= self.storage.forget_search(list).await?;
        }
        // To its end: FTS5 leaves a merge that has begun for a while where new segments come between.
        while self.storage.tidy_search().await? {}
        Ok(round)
    }

    async fn steps(
        &self,
        round: &mut Round,
        account: AccountNo,
        list: ListNo,
        mut state: Option<SearchState>,
    ) -> Result<(), Error> {
        for _ in 0..STEPS {
            let start = Instant::now();
            let step = match &state {
                Some(SearchState { version: VERSION, scanned: None, cursor }) => {
                    match ChangeCursor::from_bytes(cursor) {
                        Ok(cursor) => self.follow(account, list, cursor).await?,
                        Err(_) => None,
                    }
                }
                Some(SearchState { version: VERSION, scanned: Some(scanned), cursor }) => {
                    Some(self.scan(account, list, cursor.clone(), *scanned).await?)
                }
                _ => None,
            };
            let step = match step {
                Some(step) => step,
                None => {
                    // Before the first contact is read: a change in between is in the page, in the changes, or in both.
                    let cursor = self.storage.change_cursor(account, Some(list), vec![list]).await?;
                    self.scan(account, list, cursor.to_bytes(), ContactNo(0)).await?
                }
            };
            let Step { mut write, more, behind } = step;
            write.before = state;
            let after = write.after.clone();
            if !self.storage.write_search(write).await? {
                // Another process was faster, or the index was reset: the next round reads the state again.
                round.more = true;
                return Ok(());
            }
            state = Some(after);
            let rest = match self.storage.backlog().batches {
                0 => 0,
                1..BUSY => REST,
                _ => LONG_REST,
            };
            if rest > 0 {
                tokio::time::sleep((start.elapsed() * rest).min(LOOK)).await;
            }
            if !more {
                return Ok(());
            }
            round.behind = [round.behind, behind].into_iter().flatten().min();
        }
        round.more = true;
        round.building += u64::from(state.is_some_and(|state| state.scanned.is_some()));
        Ok(())
    }

    /// The next contacts of a list that is indexed from its beginning.
    async fn scan(
        &self,
        account: AccountNo,
        list: ListNo,
        cursor: Vec<u8>,
        scanned: ContactNo,
    ) -> Result<Step, Error> {
        let (mut entries, mut last) = (Vec::new(), Some(scanned));
        while let Some(behind) = last
            && entries.len() < STEP
        {
            let page = self.storage.page_contacts(account, list, Way::Up(behind), PAGE).await?;
            let numbers = page.rows.iter().map(|(number, _)| *number).chain(page.damaged.iter().copied());
            last = numbers.max().filter(|_| page.more);
            entries.extend(page.rows.iter().map(|(number, contact)| (*number, entry(&contact.document))));
        }
        let write = SearchWrite {
            list,
            before: None,
            after: SearchState { version: VERSION, cursor, scanned: last },
            entries,
            range: Some((scanned, last.unwrap_or(ContactNo(u64::MAX >> 1)))),
            erased: false,
        };
        Ok(Step { write, more: true, behind: None })
    }

    /// The next changes of a list; `None` if they are not stored any more, or are of another past.
    async fn follow(
        &self,
        account: AccountNo,
        list: ListNo,
        cursor: ChangeCursor,
    ) -> Result<Option<Step>, Error> {
        let searched = Field::ALL.into_iter().filter(|field| field.is_searched());
        let keys: HashSet<_> = searched.map(Field::key).collect();
        let query = ChangeQuery {
            scope: Some(list),
            from: ChangesFrom::After(cursor),
            limit: STEP,
            bytes: BYTES,
            detail: Detail::Contact,
            fields: Some(HashMap::from([(list, keys)])),
            ..ChangeQuery::new(account, vec![list])
        };
        let page = match self.storage.read_changes(query).await {
            Ok(page) => page,
            Err(ChangesError::Store(error)) => return Err(error),
            Err(lost) => {
                tracing::warn!(list = list.0, %lost, "search: following changes failed, building the list again");
                return Ok(None);
            }
        };
        let behind = page.changes.last().map(|change| change.at).filter(|_| page.more);
        let erased = page.changes.iter().any(|change| change.action == ChangeAction::Erased);
        let entries: BTreeMap<_, _> = page
            .changes
            .iter()
            .map(|change| {
                (change.number, change.contact.as_ref().and_then(|contact| entry(&contact.document)))
            })
            .collect();
        let write = SearchWrite {
            list,
            before: None,
            after: SearchState { version: VERSION, cursor: page.next.to_bytes(), scanned: None },
            entries: entries.into_iter().collect(),
            range: None,
            erased,
        };
        Ok(Some(Step { write, more: page.more, behind }))
    }
}

/// A step that was read.
struct Step {
    write: SearchWrite,
    more: bool,
    /// The time of the last change of the step, if there are others behind it.
    behind: Option<Timestamp>,
}

/// Whether a list has something to index. A state of a later version is left to the nodes of that version.
fn is_behind(list: ListNo, state: Option<&SearchState>, position: u64) -> bool {
    let Some(state) = state else { return true };
    if state.version != VERSION {
        return state.version < VERSION;
    }
    let cursor = ChangeCursor::from_bytes(&state.cursor);
    let reached = cursor.ok().map(|cursor| cursor.mark(list).map_or(0, |mark| mark.position));
    state.scanned.is_some() || reached != Some(position)
}

/// What is indexed of a stored contact. One that is damaged on disk is not found.
fn entry(document: &[u8]) -> Option<Entry> {
    Document::read(document).and_then(|document| Entry::of(&document)).ok()
}
