//! Those who wait for changes of contacts: they hold no thread and no connection, and are bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use domain::clock::Clock;
use domain::journal::ListNo;
use storage::{Storage, Topic};

/// Waiting requests of one token at a time.
pub const MAX_PER_TOKEN: usize = 20;

/// The interval of looks for changes by other processes while a follower waits and the store has no signals.
const LOOK: Duration = Duration::from_millis(100);

/// Where each list stood when its reader came to its end.
pub type Positions = Vec<(ListNo, u64)>;

/// All who wait.
#[derive(Debug, Default)]
pub struct Followers {
    waiting: Mutex<Waiting>,
    /// A follower has begun to wait.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    /// By number, and so by age.
    followers: BTreeMap<u64, Follower>,
    /// The numbers of each token, the oldest first.
    tokens: HashMap<String, VecDeque<u64>>,
}

#[derive(Debug)]
struct Follower {
    scope: Option<ListNo>,
    /// What it waits behind; empty while it reads.
    positions: Positions,
    changed: Arc<Notify>,
    gives_way: Arc<Notify>,
}

/// A place among those who wait, until it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    followers: &'a Followers,
    number: u64,
    token: String,
    changed: Arc<Notify>,
    gives_way: Arc<Notify>,
}

impl Followers {
    /// Takes a place. If the token has [`MAX_PER_TOKEN`], the oldest of the same scope gives way, else its oldest: its
    /// client may have left, which some proxies do not report.
    pub fn take_place(&self, token: &str, scope: Option<ListNo>) -> Place<'_> {
        let mut waiting = self.waiting();
        waiting.last += 1;
        let number = waiting.last;
        let Waiting { followers, tokens, .. } = &mut *waiting;
        let numbers = tokens.entry(token.to_owned()).or_default();
        if numbers.len() >= MAX_PER_TOKEN {
            let same =
                numbers.iter().position(|number| followers.get(number).is_some_and(|f| f.scope == scope));
            let oldest = numbers.remove(same.unwrap_or_default());
            if let Some(oldest) = oldest.and_then(|number| followers.get(&number)) {
                oldest.gives_way.notify_one();
            }
        }
        numbers.push_back(number);
        let [changed, gives_way] = [(); 2].map(|()| Arc::new(Notify::new()));
        let (positions, of_follower) = (Positions::new(), [Arc::clone(&changed), Arc::clone(&gives_way)]);
        let [changed_too, gives_way_too] = of_follower;
        let follower = Follower { scope, positions, changed: changed_too, gives_way: gives_way_too };
        followers.insert(number, follower);
        Place { followers: self, number, token: token.to_owned(), changed, gives_way }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting().followers.len()
    }

    /// Wakes followers whose lists have changed, for ever. One read of the store serves all of them, whichever node applied.
    pub async fn wake_all(&self, storage: &dyn Storage, applied: &Notify, clock: &dyn Clock) {
        loop {
            // Listening begins before the look, so that nothing is missed in between.
            let mut applied = pin!(applied.notified());
            applied.as_mut().enable();
            let lists = self.lists();
            if lists.is_empty() {
                self.arrived.notified().await;
                continue;
            }
            let mut wait = storage.look_after(LOOK);
            match storage.last_changes(lists.clone()).await {
                Ok(positions) => self.wake(&lists.into_iter().zip(positions).collect()),
                Err(error) => {
                    tracing::debug!(%error, "feed: reading positions failed, retrying");
                    wait = LOOK;
                }
            }
            tokio::select! {
                biased;
                () = applied => {}
                () = self.arrived.notified() => {}
                () = storage.signalled(Topic::Followers) => {}
                () = clock.sleep(wait) => {}
            }
        }
    }

    fn lists(&self) -> Vec<ListNo> {
        let waiting = self.waiting();
        let lists = waiting.followers.values().flat_map(|follower| &follower.positions);
        let lists: BTreeSet<_> = lists.map(|(list, _)| *list).collect();
        lists.into_iter().collect()
    }

    fn wake(&self, positions: &HashMap<ListNo, u64>) {
        for follower in self.waiting().followers.values_mut() {
            let is_behind = |(list, position): &(ListNo, u64)| {
                positions.get(list).is_some_and(|present| present != position)
            };
            if follower.positions.iter().any(is_behind) {
                follower.positions.clear();
                follower.changed.notify_one();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Returns once one of the lists is further than this.
    pub async fn changed(&self, positions: Positions) {
        if let Some(follower) = self.followers.waiting().followers.get_mut(&self.number) {
            follower.positions = positions;
        }
        self.followers.arrived.notify_one();
        self.changed.notified().await;
    }

    /// Returns once another request of the token has taken this place.
    pub async fn given_way(&self) {
        self.gives_way.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.followers.waiting();
        waiting.followers.remove(&self.number);
        if let Some(numbers) = waiting.tokens.get_mut(&self.token) {
            numbers.retain(|number| *number != self.number);
            if numbers.is_empty() {
                waiting.tokens.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_oldest_of_the_same_token_and_scope_gives_way() {
        let followers = Followers::default();
        let (one, two) = (Some(ListNo(1)), Some(ListNo(2)));
        let mut places: Vec<_> = (0..MAX_PER_TOKEN).map(|_| followers.take_place("a", one)).collect();
        places[3] = followers.take_place("b", one);
        places[3] = followers.take_place("a", two);
        assert!(places.iter().all(|place| place.given_way().now_or_never().is_none()));
        let more = followers.take_place("a", two);
        let gave_way = |places: &[Place<'_>]| {
            let gone = |place: &Place<'_>| place.given_way().now_or_never().is_some();
            places
                .iter()
                .enumerate()
                .filter(|(_, place)| gone(place))
                .map(|(index, _)| index)
                .collect::<Vec<_>>()
        };
        assert_eq!(gave_way(&places), [3]);
        let others = [None, one].map(|scope| followers.take_place("a", scope));
        assert_eq!(gave_way(&places), [0, 1], "of a scope that none waits for, the oldest of all");
        drop((places, more, others));
        assert!(followers.waiting().tokens.is_empty() && followers.waiting().followers.is_empty());
    }

    #[tokio::test]
    async fn those_are_woken_whose_lists_have_moved() {
        let followers = Followers::default();
        let (one, two) = (followers.take_place("a", None), followers.take_place("a", None));
        let mut waits = pin!(one.changed(vec![(ListNo(1), 5), (ListNo(2), 0)]));
        let mut other = pin!(two.changed(vec![(ListNo(1), 5)]));
        assert!(waits.as_mut().now_or_never().is_none() && other.as_mut().now_or_never().is_none());
        assert_eq!(followers.lists(), [ListNo(1), ListNo(2)]);
        followers.wake(&HashMap::from([(ListNo(1), 5), (ListNo(2), 1)]));
        assert!(waits.now_or_never().is_some());
        assert!(other.now_or_never().is_none());
        assert_eq!(followers.lists(), [ListNo(1)]);
    }
}
