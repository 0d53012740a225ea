//! The loop that sends the webhooks that are due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinError, JoinSet};

use app::webhook::backoff;
use app::webhook::send::{Message, Transport};
use app::webhook::sign::{self, Secret};
use domain::clock::{Clock, Timestamp};
use domain::id::Ids;
use domain::journal::AccountNo;
use observe::metrics::{Metrics, Sent, Work};
use observe::spans::Spans;
use storage::{Attempt, Delivery, DeliveryEnd, DeliveryState, Error, Response, Storage};
use wire::request as report;

/// Attempts that are under way at once. Each takes a file descriptor, and up to 1.5 s where its receiver hangs. An
/// account gets no more of these places than are left free: one account alone half of them, of two a third each. So
/// there is always a place for another account.
const MAX_OUT: usize = 1_024;

/// Those of one receiver: one that hangs holds no more of the places.
const PER_RECEIVER: usize = 10;

/// The longest time without a look at the outbox: a command may have made something due.
const LOOK: Duration = Duration::from_secs(1);

/// The wait after the store could not be read or written, and before a place is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// The wait where something is due and was not given out: another transaction is about to be done with it.
const HELD: Duration = Duration::from_millis(20);

/// An account's deliveries that found no place come again one after the other, so far apart. That is as often as places
/// get free where all receivers of the account hang.
const PLACE_EVERY: Duration = Duration::from_millis(3);

/// The same for those that found no look-up free: names that hang block theirs for several seconds.
const LOOKUP_EVERY: Duration = Duration::from_millis(30);

/// What the loop works with.
#[derive(Clone)]
pub struct Deliverer {
    /// Where deliveries wait.
    pub storage: Arc<dyn Storage>,
    /// Tells when one is due.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of attempts.
    pub ids: Arc<Ids>,
    /// Sends.
    pub transport: Arc<dyn Transport>,
    /// Told when a batch was applied that is to be reported.
    pub reported: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where spans go.
    pub spans: Spans,
}

/// What became of the task that makes an attempt.
enum Tried {
    /// The attempt was made.
    Ended(Response),
    /// The account has no look-up left: nothing was tried.
    NoLookup,
    /// The store could not be read: nothing was tried.
    NotRead,
}

type Joined = Result<(task::Id, Tried), JoinError>;

/// Attempts that are under way.
#[derive(Default)]
struct Out {
    tasks: JoinSet<Tried>,
    /// What each task is about, also for one that panics.
    deliveries: HashMap<task::Id, (Delivery, Instant)>,
    /// How many of each account.
    accounts: HashMap<AccountNo, usize>,
    /// When the last delivery of an account comes again that found no place.
    put_off: HashMap<AccountNo, Timestamp>,
}

impl Out {
    fn start(&mut self, delivery: Delivery, attempt: impl Future<Output = Tried> + Send + 'static) {
        *self.accounts.entry(delivery.account).or_default() += 1;
        let task = self.tasks.spawn(attempt);
        self.deliveries.insert(task.id(), (delivery, Instant::now()));
    }

    /// Whether the account may have one more: see [`MAX_OUT`].
    fn has_place(&self, account: AccountNo) -> bool {
        let held = self.accounts.get(&account).copied().unwrap_or_default();
        held < MAX_OUT.saturating_sub(self.tasks.len())
    }

    /// The delivery of a task that has ended.
    fn take(&mut self, task: task::Id) -> Option<(Delivery, Instant)> {
        let (delivery, start) = self.deliveries.remove(&task)?;
        if let Some(held) = self.accounts.get_mut(&delivery.account) {
            *held -= 1;
            if *held == 0 {
                self.accounts.remove(&delivery.account);
            }
        }
        Some((delivery, start))
    }

    /// When the next delivery of the account comes again that was not tried. They are spread out: the number that
    /// waits does not become the load.
    fn put_off(&mut self, account: AccountNo, now: Timestamp, every: Duration) -> Timestamp {
        self.put_off.retain(|_, until| *until > now);
        let last = self.put_off.get(&account).copied().unwrap_or(now);
        let next = last.max(now.after(PAUSE)).after(every);
        self.put_off.insert(account, next);
        next
    }
}

impl Deliverer {
    /// Delivers until told to stop; attempts that are under way are finished and written down.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut out = Out::default();
        let mut done: Vec<Attempt> = Vec::new();
        let clock = self.clock.as_ref();
        while !*stop.borrow() {
            let next = match self.turn(&mut out, &mut done).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "webhooks: reading or storing failed, deliveries wait");
                    self.metrics.store_error(Work::Deliver);
                    clock.now().after(PAUSE)
                }
            };
            tokio::select! {
                biased;
                // Asked before it waits: `notify_one` keeps a signal that came during the turn.
                () = self.reported.notified() => {}
                Some(joined) = out.tasks.join_next_with_id() => done.extend(self.ended(&mut out, joined)),
                () = clock.sleep_until(next) => {}
                _ = stop.changed() => {}
            }
            // Those that have ended too are written down in the same transaction.
            while let Some(joined) = out.tasks.try_join_next_with_id() {
                done.extend(self.ended(&mut out, joined));
            }
        }
        while let Some(joined) = out.tasks.join_next_with_id().await {
            done.extend(self.ended(&mut out, joined));
        }
        if let Err(error) = self.storage.finish_deliveries(done).await {
            tracing::error!(%error, "webhooks: storing outcomes failed, deliveries will repeat");
            self.metrics.store_error(Work::Deliver);
        }
    }

    /// Writes down what is done, sends what is due, and tells when to look again.
    async fn turn(&self, out: &mut Out, done: &mut Vec<Attempt>) -> Result<Timestamp, Error> {
        if !done.is_empty() {
            self.storage.finish_deliveries(done.clone()).await?;
            done.clear();
        }
        let now = self.clock.now();
        let free = MAX_OUT.saturating_sub(out.tasks.len());
        let mut claimed = Vec::new();
        if free > 0 {
            claimed = self.storage.claim_deliveries(now, free, PER_RECEIVER).await?;
        }
        let none = claimed.is_empty();
        for delivery in claimed {
            if out.has_place(delivery.account) {
                out.start(delivery.clone(), self.clone().deliver(delivery));
            } else {
                let next_at = out.put_off(delivery.account, now, PLACE_EVERY);
                done.push(self.not_tried(&delivery, now, next_at));
            }
        }
        if !done.is_empty() {
            return Ok(now);
        }
        let latest = now.after(LOOK);
        if out.tasks.len() >= MAX_OUT {
            return Ok(latest);
        }
        let next = self.storage.next_delivery_at(PER_RECEIVER).await?;
        Ok(match next {
            Some(next) if none && next <= now => now.after(HELD),
            next => next.map_or(latest, |next| next.min(latest)),
        })
    }

    async fn deliver(self, delivery: Delivery) -> Tried {
        let request = delivery.request;
        tracing::debug!(%request, attempt = delivery.attempts + 1, "webhooks: attempt sent");
        match self.message(&delivery).await {
            Ok(Some(message)) => self.transport.send(message).await.map_or(Tried::NoLookup, Tried::Ended),
            // The account or the request went while it waited.
            Ok(None) => Tried::Ended(DeliveryEnd::Unsigned.into()),
            // It may never read again: without an end to the attempts it would be tried each second for ever.
            Err(error) if !error.is_passing() => {
                tracing::error!(%request, %error, "webhooks: making a body failed");
                Tried::Ended(DeliveryEnd::Broken.into())
            }
            Err(error) => {
                tracing::error!(%request, %error, "webhooks: making a body failed, delivery waits");
                self.metrics.store_error(Work::Deliver);
                Tried::NotRead
            }
        }
    }

    /// The message of an attempt; `None` where nobody is left to sign it.
    async fn message(&self, delivery: &Delivery) -> Result<Option<Message>, Error> {
        let requests = self.storage.find_requests(delivery.account, vec![delivery.request]).await?;
        let now = self.clock.now();
        let secrets = self.storage.webhook_secrets(delivery.account, now).await?;
        let secrets: Vec<Secret> = secrets.iter().filter_map(|text| Secret::parse(text)).collect();
        let Some(request) = requests.first().filter(|_| !secrets.is_empty()) else { return Ok(None) };
        // Only a map with keys that are no strings could fail, and there is none.
        let body = serde_json::to_string(&report::webhook_object(request)).unwrap_or_default();
        let id = delivery.request.to_string();
        // Receivers compare it with their own clocks.
        let timestamp_seconds = self.clock.system().seconds();
        Ok(Some(Message {
            account: delivery.account,
            uri: delivery.uri.clone(),
            signature: sign::signatures(&secrets, &id, timestamp_seconds, body.as_bytes()),
            id,
            timestamp_seconds,
            body: Bytes::from(body),
        }))
    }

    /// What is written down of a task that has ended.
    fn ended(&self, out: &mut Out, joined: Joined) -> Option<Attempt> {
        let (task, tried) = match joined {
            Ok(joined) => joined,
            // It counts as any attempt that fails: what panics once may panic each time.
            Err(error) => {
                tracing::error!(%error, "webhooks: attempt panicked");
                (error.id(), Tried::Ended(DeliveryEnd::Broken.into()))
            }
        };
        let (delivery, start) = out.take(task)?;
        let now = self.clock.now();
        Some(match tried {
            Tried::Ended(response) => self.judge(&delivery, response, now, start),
            Tried::NoLookup => {
                let request = delivery.request;
                tracing::debug!(%request, "webhooks: no free name look-up for the account, delivery waits");
                let next_at = out.put_off(delivery.account, now, LOOKUP_EVERY);
                self.not_tried(&delivery, now, next_at)
            }
            Tried::NotRead => self.not_tried(&delivery, now, now.after(PAUSE)),
        })
    }

    fn judge(&self, delivery: &Delivery, response: Response, now: Timestamp, start: Instant) -> Attempt {
        let (request, end) = (delivery.request, response.end);
        let attempts = delivery.attempts + 1;
        let retry = if end.is_final() { None } else { backoff::delay_after(attempts) };
        let (sent, state, next_at) = match (end, retry) {
            (DeliveryEnd::Delivered, _) => {
                tracing::debug!(%request, attempts, took = ?start.elapsed(), "webhooks: delivered");
                (Sent::Delivered, DeliveryState::Delivered, now)
            }
            (DeliveryEnd::Forbidden | DeliveryEnd::Unsigned, _) => {
                tracing::warn!(%request, reason = %end, "webhooks: address forbidden, given up");
                (Sent::Forbidden, DeliveryState::Failed, now)
            }
            (_, Some(delay)) => {
                tracing::info!(%request, attempts, reason = %end, "webhooks: attempt failed, will retry");
                (Sent::Failed, DeliveryState::Pending, now.after(delay))
            }
            (_, None) => {
                tracing::warn!(%request, attempts, reason = %end, "webhooks: last attempt failed, given up");
                (Sent::GivenUp, DeliveryState::Failed, now)
            }
        };
        self.metrics.sent(sent);
        self.spans.sent(request, attempts, sent, end, start);
        let (place, generation, id) = (delivery.place, delivery.generation, self.ids.next(now));
        let (took, response) = (start.elapsed(), Some(response));
        Attempt { id, place, generation, at: now, took, response, state, next_at }
    }

    /// A delivery that is given back as it was, to come again later.
    fn not_tried(&self, delivery: &Delivery, at: Timestamp, next_at: Timestamp) -> Attempt {
        let (place, generation, id) = (delivery.place, delivery.generation, self.ids.next(at));
        let (took, state) = (Duration::ZERO, DeliveryState::Pending);
        Attempt { id, place, generation, at, took, response: None, state, next_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hang() -> Tried {
        std::future::pending().await
    }

    fn delivery(account: i64) -> Delivery {
        Delivery {
            place: storage::Place { list: domain::journal::ListNo(1), position: 1 },
            request: domain::id::ObjectId::from_bytes([1; 12]),
            account: AccountNo(account),
            uri: String::new(),
            receiver: String::new(),
            attempts: 0,
            generation: 0,
        }
    }

    #[tokio::test]
    async fn an_account_leaves_as_many_places_as_it_has() {
        let mut out = Out::default();
        let fill = |out: &mut Out, account| {
            while out.has_place(AccountNo(account)) {
                out.start(delivery(account), hang());
            }
            out.accounts[&AccountNo(account)]
        };
        assert_eq!(fill(&mut out, 1), MAX_OUT / 2);
        assert_eq!(fill(&mut out, 2), MAX_OUT / 4);
        out.tasks.abort_all();
        let tasks: Vec<_> = out.deliveries.keys().copied().collect();
        for task in tasks {
            assert!(out.take(task).is_some() && out.take(task).is_none());
        }
        assert!(out.accounts.is_empty(), "what has ended is not counted");
    }

    #[test]
    fn what_finds_no_place_comes_again_one_after_the_other() {
        let (mut out, now) = (Out::default(), Timestamp::from_millis(1_000_000));
        let mut next = |account, now| out.put_off(AccountNo(account), now, LOOKUP_EVERY).millis();
        assert_eq!([next(1, now), next(1, now), next(2, now)], [1_001_030, 1_001_060, 1_001_030]);
        let later = now.after(Duration::from_secs(60));
        assert_eq!(next(1, later), 1_061_030);
        assert_eq!(out.put_off.len(), 1, "those whose time is up are forgotten");
    }
}
