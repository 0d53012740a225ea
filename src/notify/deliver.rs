//! The loop that sends the webhooks that are due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinError, JoinSet};

use super::backoff;
use super::send::{Carrier, Failure, Message, Outcome};
use super::sign::{self, Secret};
use crate::clock::{Clock, Timestamp};
use crate::metrics::{Metrics, Sent, Work};
use crate::report;
use crate::spans::Spans;
use crate::storage::{Attempt, Delivery, DeliveryEnd, DeliveryState, Error, Place, Storage};

/// Attempts that are under way at once. A receiver that hangs takes its place for 1.5 s: of ten thousand that do, all
/// have had their turn after some 15 s. Each takes a file descriptor.
const MAX_OUT: usize = 1_024;

/// Those of one receiver: one that hangs holds no more of the places.
const PER_RECEIVER: usize = 10;

/// The longest time without a look at the outbox: a command may have made something due.
const LOOK: Duration = Duration::from_secs(1);

/// The wait after the store could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);

/// The wait where something is due and was not given out: another transaction is about to be done with it.
const HELD: Duration = Duration::from_millis(20);

/// What the loop works with.
#[derive(Clone)]
pub struct Deliverer {
    /// Where deliveries wait.
    pub storage: Arc<dyn Storage>,
    /// Tells when one is due.
    pub clock: Arc<dyn Clock>,
    /// Sends.
    pub carrier: Arc<dyn Carrier>,
    /// Told when a batch was applied that is to be reported.
    pub reported: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where spans go.
    pub spans: Spans,
}

/// Attempts that are under way.
#[derive(Default)]
struct Out {
    tasks: JoinSet<Attempt>,
    /// What each task is about, for one that ends without saying so.
    places: HashMap<task::Id, Place>,
}

impl Out {
    fn start(&mut self, place: Place, attempt: impl Future<Output = Attempt> + Send + 'static) {
        let task = self.tasks.spawn(attempt);
        self.places.insert(task.id(), place);
    }

    /// The next attempt that ends; `None` where none is under way.
    async fn next(&mut self, clock: &dyn Clock) -> Option<Attempt> {
        let ended = self.tasks.join_next_with_id().await?;
        Some(self.read(ended, clock))
    }

    /// An attempt that has ended already.
    fn next_ended(&mut self, clock: &dyn Clock) -> Option<Attempt> {
        let ended = self.tasks.try_join_next_with_id()?;
        Some(self.read(ended, clock))
    }

    fn read(&mut self, ended: Result<(task::Id, Attempt), JoinError>, clock: &dyn Clock) -> Attempt {
        match ended {
            Ok((task, attempt)) => {
                self.places.remove(&task);
                attempt
            }
            Err(error) => {
                tracing::error!(%error, "an attempt to send a webhook has panicked");
                let place = self.places.remove(&error.id()).unwrap_or_default();
                let (at, end) = (clock.now(), Some(DeliveryEnd::Broken));
                Attempt { place, at, end, state: DeliveryState::Pending, next_at: at.after(PAUSE) }
            }
        }
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
                    tracing::error!(%error, "webhooks could not be read or written down; they wait");
                    self.metrics.store_error(Work::Deliver);
                    clock.now().after(PAUSE)
                }
            };
            tokio::select! {
                biased;
                // Asked before it waits: `notify_one` keeps a signal that came during the turn.
                () = self.reported.notified() => {}
                Some(attempt) = out.next(clock) => done.push(attempt),
                () = clock.sleep_until(next) => {}
                _ = stop.changed() => {}
            }
            // Those that have ended too are written down in the same transaction.
            while let Some(attempt) = out.next_ended(clock) {
                done.push(attempt);
            }
        }
        while let Some(attempt) = out.next(clock).await {
            done.push(attempt);
        }
        if let Err(error) = self.storage.finish_deliveries(done).await {
            tracing::error!(%error, "webhooks that were sent could not be written down; they will be sent again");
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
            out.start(delivery.place, self.clone().deliver(delivery));
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

    async fn deliver(self, delivery: Delivery) -> Attempt {
        let (request, start) = (delivery.request, Instant::now());
        tracing::debug!(%request, attempt = delivery.attempts + 1, "a webhook is sent");
        let outcome = match self.message(&delivery).await {
            Ok(Some(message)) => self.carrier.send(message).await,
            // The account or the request went while it waited.
            Ok(None) => return self.judge(&delivery, Outcome::Forbidden, DeliveryEnd::Unsigned, start),
            Err(error) => {
                tracing::error!(%request, %error, "a webhook could not be made; it waits");
                self.metrics.store_error(Work::Deliver);
                let (place, at) = (delivery.place, self.clock.now());
                let next_at = at.after(PAUSE);
                return Attempt { place, at, end: None, state: DeliveryState::Pending, next_at };
            }
        };
        self.judge(&delivery, outcome, end_of(outcome), start)
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
        let timestamp_seconds = now.seconds();
        Ok(Some(Message {
            uri: delivery.uri.clone(),
            signature: sign::signatures(&secrets, &id, timestamp_seconds, body.as_bytes()),
            id,
            timestamp_seconds,
            body: Bytes::from(body),
        }))
    }

    fn judge(&self, delivery: &Delivery, outcome: Outcome, end: DeliveryEnd, start: Instant) -> Attempt {
        let (now, request) = (self.clock.now(), delivery.request);
        let attempts = delivery.attempts + 1;
        let (sent, why, state, next_at) = match outcome {
            Outcome::Delivered => {
                tracing::debug!(%request, attempts, took = ?start.elapsed(), "a webhook was delivered");
                (Sent::Delivered, None, DeliveryState::Delivered, now)
            }
            Outcome::Forbidden => {
                tracing::warn!(%request, "a webhook may not be sent to its address; given up");
                (Sent::Forbidden, None, DeliveryState::Failed, now)
            }
            Outcome::Failed(failure) => match backoff::delay_after(attempts) {
                Some(delay) => {
                    tracing::info!(%request, attempts, %failure, "a webhook failed; it will be sent again");
                    (Sent::Failed, Some(failure), DeliveryState::Pending, now.after(delay))
                }
                None => {
                    tracing::warn!(%request, attempts, %failure, "a webhook failed for the last time");
                    (Sent::GivenUp, Some(failure), DeliveryState::Failed, now)
                }
            },
        };
        self.metrics.sent(sent);
        self.spans.sent(request, attempts, sent, why, start);
        Attempt { place: delivery.place, at: now, end: Some(end), state, next_at }
    }
}

/// What is kept of an outcome.
const fn end_of(outcome: Outcome) -> DeliveryEnd {
    match outcome {
        Outcome::Delivered => DeliveryEnd::Delivered,
        Outcome::Forbidden => DeliveryEnd::Forbidden,
        Outcome::Failed(Failure::TimedOut) => DeliveryEnd::TimedOut,
        Outcome::Failed(Failure::Status(status)) => DeliveryEnd::Status(status),
        Outcome::Failed(Failure::Connect) => DeliveryEnd::NoConnection,
        Outcome::Failed(Failure::Tls) => DeliveryEnd::NoTls,
        Outcome::Failed(Failure::Other) => DeliveryEnd::NoAnswer,
    }
}
