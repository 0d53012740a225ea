//! The loop that sends the events of account webhooks. Each webhook has a worker, which follows the changes of its
//! account from a position of its own: a receiver that is slow or away delays no other webhook, and no applying.

mod attempt;
mod silent;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::messages::{self, Events, is_lost};
use app::catalogue::AccessScope;
use app::changes::{ChangesRead, ChangesRequest};
use app::webhook::backoff;
use app::webhook::position::Position;
use app::webhook::send::Transport;
use app::{Caller, Queries, Refusal};
use domain::clock::{Clock, Timestamp};
use domain::id::Ids;
use observe::metrics::{EventsSent, Metrics, Work};
use storage::{
    AccountWebhook, ChangesFrom, DeliveryEnd, Detail, Error, Storage, Topic, WebhookKey, WebhookProgress,
};

/// How often webhooks are claimed without signals: one that was made, resumed or removed is noticed within this.
const LOOK: Duration = Duration::from_secs(1);

/// The wait after the store could not be read, and before a connection is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest wait for changes.
const REREAD: Duration = Duration::from_secs(5);

/// The same for a webhook with events about suppressions or segments: a new one gives no signal.
const REREAD_SILENT: Duration = Duration::from_secs(1);

/// The wait after changes could not be read for a reason that lasts, such as too many lists.
const REFUSED: Duration = Duration::from_secs(60);

/// The wait before new changes are read.
const GATHER: Duration = Duration::from_millis(20);

/// How often a worker stores that it has read changes without events.
const STORE: Duration = Duration::from_secs(10);

/// Changes that a worker reads at a time.
const PAGE: u32 = 500;

/// Messages after which a worker stores how far it has come: what a crash repeats is no more than this.
const REPORT: usize = 100;

/// Messages of one webhook that are out at a time, if it is parallel.
const PARALLEL: usize = 8;

/// Messages of all webhooks that are out at a time. Each takes a file descriptor, and up to 1.5 s.
const MAX_OUT: usize = 1_024;

/// Workers that read changes at a time: reading must leave threads of the store to others.
const MAX_READING: usize = 4;

/// A webhook that failed for so long is paused.
pub const PAUSE_AFTER: Duration = Duration::from_secs(3 * 24 * 3_600);

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(3_600);

/// HTTP 410: Standard Webhooks asks senders to stop then.
const GONE: DeliveryEnd = DeliveryEnd::Status(410);

/// Changes as contacts/changes shows them, with the old and the new values: a JSON object each, in their order, and null
/// for a change that is not shown any more. They are taken out of the page.
pub type Show = fn(&mut ChangesRead) -> Result<Vec<Value>, Error>;

/// What the loop works with.
#[derive(Clone)]
pub struct EventSender {
    /// The form of changes in events.
    pub show: Show,
    /// Where webhooks are.
    pub storage: Arc<dyn Storage>,
    /// Reads the changes.
    pub queries: Queries,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of attempts.
    pub ids: Arc<Ids>,
    /// Sends.
    pub transport: Arc<dyn Transport>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    out: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

/// A worker, and the claim under which it works.
struct Worker {
    lease: i64,
    task: JoinHandle<()>,
}

impl EventSender {
    /// With no message out.
    pub fn new(
        show: Show,
        storage: Arc<dyn Storage>,
        queries: Queries,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
        transport: Arc<dyn Transport>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let [out, reading] = [MAX_OUT, MAX_READING].map(|places| Arc::new(Semaphore::new(places)));
        Self { show, storage, queries, clock, ids, transport, metrics, out, reading }
    }

    /// Sends until told to stop; messages that are out are finished and stored.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut workers: HashMap<WebhookKey, Worker> = HashMap::new();
        while !*stop.borrow() {
            let mut wait = self.storage.look_after(LOOK);
            match self.storage.claim_webhooks().await {
                Ok(claimed) => self.employ(&mut workers, claimed, &stop),
                Err(error) => {
                    tracing::error!(%error, "webhooks: claiming account webhooks failed");
                    self.metrics.store_error(Work::Deliver);
                    wait = LOOK;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.storage.signalled(Topic::Webhooks) => {}
                _ = stop.changed() => {}
            }
        }
        for worker in workers.into_values() {
            if let Err(error) = worker.task.await {
                tracing::error!(%error, "webhooks: worker panicked");
            }
        }
    }

    /// Starts a worker for each webhook that has none. One that was removed, paused or claimed anew has another lease or
    /// is not there: its worker learns so from its next report, and ends.
    fn employ(
        &self,
        workers: &mut HashMap<WebhookKey, Worker>,
        claimed: Vec<AccountWebhook>,
        stop: &watch::Receiver<bool>,
    ) {
        let leases: HashMap<_, _> = claimed.iter().map(|webhook| (webhook.key, webhook.lease)).collect();
        workers.retain(|key, worker| {
            let holds = leases.get(key) == Some(&worker.lease);
            if !holds {
                // It may be waiting for changes or for its next attempt; a message that is out is sent again.
                worker.task.abort();
            }
            holds && !worker.task.is_finished()
        });
        self.metrics.account_webhooks.retain(|key| leases.contains_key(key));
        for webhook in claimed {
            workers.entry(webhook.key).or_insert_with(|| {
                let (lease, sender, stop) = (webhook.lease, self.clone(), stop.clone());
                Worker { lease, task: tokio::spawn(sender.work(webhook, stop)) }
            });
        }
    }

    /// Follows the changes of a webhook's account until it is paused, loses its claim, or the server stops.
    async fn work(self, mut webhook: AccountWebhook, mut stop: watch::Receiver<bool>) {
        let key = webhook.key;
        let scope = AccessScope { account: key.account, lists: None };
        // Of its own name: what waits for changes is bounded by the name.
        let name = format!("webhook:{}:{}", key.account.0, key.no.0);
        let caller = Caller::token(name.clone(), name, scope, true, String::new());
        let (waiting, mut stored_at) = (stop.clone(), self.clock.now());
        while !*waiting.borrow() {
            let step = tokio::select! {
                biased;
                // Nothing is out while it waits.
                _ = stop.changed(), if webhook.progress.next_at > self.clock.now() => return,
                // A panic is of one step: what that has sent and not reported is sent again.
                step = AssertUnwindSafe(self.step(&mut webhook, &caller, &waiting, &mut stored_at)).catch_unwind() => {
                    step.unwrap_or_else(|_| Err(Error::Failed("a step panicked".to_owned())))
                }
            };
            match step {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(webhook = key.no.0, %error, "webhooks: sending events failed, retrying");
                    self.metrics.store_error(Work::Deliver);
                    pause(&waiting, PAUSE).await;
                }
            }
        }
    }

    /// Sends the events of one page of changes, or waits for changes. Whether the worker goes on.
    async fn step(
        &self,
        webhook: &mut AccountWebhook,
        caller: &Caller,
        stop: &watch::Receiver<bool>,
        stored_at: &mut Timestamp,
    ) -> Result<bool, Error> {
        self.clock.sleep_until(webhook.progress.next_at).await;
        if !self.send_suppressed(webhook, caller, stop, stored_at).await? {
            return Ok(false);
        }
        let Some(more) = self.send_segments(webhook, caller, stop, stored_at).await? else {
            return Ok(false);
        };
        if webhook.progress.attempts > 0 && webhook.progress.next_at > self.clock.now() {
            return Ok(true);
        }
        let position = Position::of(&webhook.progress);
        let from = position.from();
        let request = ChangesRequest { list: None, from, limit: PAGE, detail: Detail::Fields, fields: None };
        let read = {
            let _place = self.reading.acquire().await;
            self.queries.changes(caller, &request).await
        };
        let mut read = match read {
            Ok(read) => read,
            Err(Refusal::Store(error)) => return Err(error),
            // The cursor is too old, or of a time before a restored backup.
            Err(refusal) if request.from != ChangesFrom::Start && is_lost(&refusal) => {
                tracing::warn!(webhook = webhook.key.no.0, "webhooks: changes no longer stored, skipped");
                let skipped_at = Some(self.clock.now());
                let cursor = Position { changes: Vec::new(), ..position }.to_bytes();
                let progress = WebhookProgress { cursor, skipped_at, ..webhook.progress.clone() };
                return self.report(webhook, progress, Vec::new()).await;
            }
            Err(refusal) => {
                let codes: Vec<_> = refusal.into_problems().into_iter().map(|problem| problem.code).collect();
                tracing::error!(webhook = webhook.key.no.0, ?codes, "webhooks: reading changes refused");
                pause(stop, REFUSED).await;
                return Ok(true);
            }
        };
        let oldest = read.page.changes.first().map(|change| change.at);
        self.metrics.account_webhooks.reached(webhook.key, oldest);
        if read.page.changes.is_empty() {
            webhook.progress.cursor = Position { changes: read.page.next.to_bytes(), ..position }.to_bytes();
            if more {
                return Ok(true);
            }
            let is_silent = position.suppressed.is_some() || position.segments.is_some();
            let reread = if is_silent { REREAD_SILENT } else { REREAD };
            self.wait(caller, &request, &read, reread, stop).await;
            return Ok(true);
        }
        let messages = messages::of_changes(webhook, &position, &mut read, self.show)?;
        let end = Position { changes: read.page.next.to_bytes(), ..position };
        self.send_all(webhook, messages, end, stop, stored_at).await
    }

    /// Returns once there may be changes behind what was read, or the server stops.
    async fn wait(
        &self,
        caller: &Caller,
        request: &ChangesRequest,
        read: &ChangesRead,
        reread: Duration,
        stop: &watch::Receiver<bool>,
    ) {
        let place = self.queries.follower(caller, request, read);
        let mut stop = stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.queries.next_changes(&place, read) => {}
            // Lists that were made meanwhile are found with the next read.
            () = tokio::time::sleep(reread) => {}
        }
        // What is applied meanwhile is read with it, so that a busy account does not cost a commit for each batch.
        tokio::time::sleep(GATHER).await;
    }

    /// Sends messages in their order, and stores how far that has come. Whether the worker goes on.
    async fn send_all(
        &self,
        webhook: &mut AccountWebhook,
        messages: Vec<Events>,
        end: Position,
        stop: &watch::Receiver<bool>,
        stored_at: &mut Timestamp,
    ) -> Result<bool, Error> {
        for (index, group) in messages.chunks(REPORT).enumerate() {
            let first_attempt = webhook.progress.attempts + 1;
            let at_once = if webhook.config.parallel { PARALLEL } else { 1 };
            let secrets = self.secrets(webhook.key).await?;
            let sending: Vec<_> = group.iter().map(|events| self.send(webhook, events, &secrets)).collect();
            let mut sending = stream::iter(sending).buffered(at_once);
            let (mut log, mut progress) = (Vec::new(), webhook.progress.clone());
            let (mut failed, mut stopped) = (None, false);
            for (place, events) in group.iter().enumerate() {
                if *stop.borrow() {
                    stopped = true;
                    break;
                }
                let Some((response, took)) = sending.next().await else { break };
                let number = if place == 0 { first_attempt } else { 1 };
                let (at, end) = (self.clock.now(), response.end);
                log.push(self.logged(webhook, events, response, took, number, at));
                if end == DeliveryEnd::Delivered {
                    self.metrics.account_webhooks.sent(EventsSent::Delivered, events.count);
                    progress = WebhookProgress {
                        cursor: events.behind.to_bytes(),
                        segments: events.behind.segments,
                        attempts: 0,
                        failing_since: None,
                        ..progress
                    };
                } else {
                    failed = Some(end);
                    break;
                }
            }
            drop(sending);
            let is_last = (index + 1) * REPORT >= messages.len();
            match failed {
                Some(end) => progress = self.failed(webhook, progress, end),
                // Changes behind the last event are of no interest to it.
                None if is_last && !stopped => end.store(&mut progress),
                None => {}
            }
            let goes_on = self.report(webhook, progress, log).await?;
            if !goes_on || stopped || failed.is_some() {
                return Ok(goes_on && !stopped && webhook.progress.paused.is_none());
            }
        }
        if messages.is_empty() {
            end.store(&mut webhook.progress);
            let now = self.clock.now();
            if now.since(*stored_at) >= STORE {
                *stored_at = now;
                let progress = webhook.progress.clone();
                return self.report(webhook, progress, Vec::new()).await;
            }
        }
        Ok(true)
    }

    /// What becomes of a webhook whose message failed: it is tried again, or paused.
    fn failed(
        &self,
        webhook: &AccountWebhook,
        progress: WebhookProgress,
        end: DeliveryEnd,
    ) -> WebhookProgress {
        let (now, no) = (self.clock.now(), webhook.key.no.0);
        let attempts = progress.attempts.saturating_add(1);
        let since = progress.failing_since.unwrap_or(now);
        let paused = end == GONE || now.since(since) >= PAUSE_AFTER;
        if paused {
            tracing::warn!(webhook = no, attempts, reason = %end, "webhooks: account webhook paused");
            self.metrics.account_webhooks.sent(EventsSent::Paused, 0);
        } else {
            tracing::info!(webhook = no, attempts, reason = %end, "webhooks: attempt failed, will retry");
            self.metrics.account_webhooks.sent(EventsSent::Failed, 0);
        }
        WebhookProgress {
            attempts,
            next_at: now.after(backoff::delay_after(attempts).unwrap_or(LONGEST)),
            failing_since: Some(since),
            paused: paused.then_some((now, end)),
            ..progress
        }
    }
}

/// Waits, but not longer than the server runs.
async fn pause(stop: &watch::Receiver<bool>, wait: Duration) {
    let mut stop = stop.clone();
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(wait) => {}
    }
}
