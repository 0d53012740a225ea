//! What the server counts, for those who watch it.
//!
//! Labels are words of the program (paths of methods, statuses, codes), never anything that a caller sent: so the
//! number of series is bounded, and no series names a person.

mod account_webhooks;

use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use self::account_webhooks::{AccountWebhooksMetrics, EventsSent};
use domain::apply::outcome::{Action, Failure, Tally};
use storage::{Applied, Backlog};

/// Counters by one label.
type ByWord = Family<[(&'static str, &'static str); 1], Counter>;

/// Histograms by one label.
type Times = Family<[(&'static str, &'static str); 1], Histogram>;

/// From a tenth of a millisecond to about 26 s, each bound twice the one before.
const BOUNDS: usize = 19;

/// From a millisecond to about 2 hours: how long batches have waited.
const WAITED_BOUNDS: usize = 24;

fn times() -> Histogram {
    Histogram::new(doubling(0.000_1, BOUNDS))
}

fn doubling(first: f64, count: usize) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), |bound| Some(bound * 2.0)).take(count)
}

/// Changes of suppressions.
const ADDED: &str = "added";
const REMOVED: &str = "removed";

/// Where the store is worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Making batches durable.
    Append,
    /// Applying them.
    Apply,
    /// Forgetting what was kept for a time.
    Prune,
    /// Reading and writing down webhooks.
    Deliver,
    /// Answering a request that only looks.
    Read,
    /// Changing a list, a source or a variable.
    Change,
    /// Bringing the search index up to date.
    Index,
    /// Following the members of segments.
    Segments,
}

impl Work {
    const ALL: [Self; 8] = [
        Self::Append,
        Self::Apply,
        Self::Prune,
        Self::Deliver,
        Self::Read,
        Self::Change,
        Self::Index,
        Self::Segments,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Apply => "apply",
            Self::Prune => "prune",
            Self::Deliver => "deliver",
            Self::Read => "read",
            Self::Change => "change",
            Self::Index => "index",
            Self::Segments => "segments",
        }
    }
}

/// What became of an attempt to send a status webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A receiver has answered 2xx.
    Delivered,
    /// It has not, and will be tried again.
    Failed,
    /// It has not, and that was the last time.
    GivenUp,
    /// It may not be sent to its address.
    Forbidden,
}

impl Sent {
    const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::GivenUp, Self::Forbidden];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Forbidden => "forbidden",
        }
    }
}

/// The connections of a server.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Those that are open.
    pub open: Gauge,
    /// Those that were closed because another needed their slot.
    pub closed: Counter,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, String); 2], Counter>,
    request_seconds: Times,
    refused_tokens: ByWord,
    commit_seconds: Histogram,
    apply_seconds: Histogram,
    waited_seconds: Histogram,
    batches: Counter,
    items: ByWord,
    webhooks: ByWord,
    store_errors: ByWord,
    waiting_batches: Gauge,
    waiting_bytes: Gauge,
    oldest_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    /// Those of the API and the console.
    pub connections: Connections,
    damaged_contacts: Gauge,
    held_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    log_bytes: Gauge,
    suppressions: ByWord,
    search_lag_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    search_building: Gauge,
    /// Those of account webhooks.
    pub account_webhooks: AccountWebhooksMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// With nothing counted yet. What may never happen is shown as 0 from the start, so that its first time is seen
    /// as a change.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("rollbook"),
            requests: Family::default(),
            request_seconds: Times::new_with_constructor(times),
            refused_tokens: Family::default(),
            commit_seconds: times(),
            apply_seconds: times(),
            waited_seconds: Histogram::new(doubling(0.001, WAITED_BOUNDS)),
            batches: Counter::default(),
            items: Family::default(),
            webhooks: Family::default(),
            store_errors: Family::default(),
            waiting_batches: Gauge::default(),
            waiting_bytes: Gauge::default(),
            oldest_seconds: Gauge::default(),
            connections: Connections::default(),
            damaged_contacts: Gauge::default(),
            held_seconds: Gauge::default(),
            log_bytes: Gauge::default(),
            suppressions: Family::default(),
            search_lag_seconds: Gauge::default(),
            search_building: Gauge::default(),
            account_webhooks: AccountWebhooksMetrics::default(),
        };
        for change in [ADDED, REMOVED] {
            drop(metrics.suppressions.get_or_create(&[("change", change)]));
        }
        for work in Work::ALL {
            drop(metrics.store_errors.get_or_create(&[("doing", work.word())]));
        }
        for sent in Sent::ALL {
            drop(metrics.webhooks.get_or_create(&[("outcome", sent.word())]));
        }
        for outcome in Action::ALL.map(Action::name).into_iter().chain(Failure::ALL.map(Failure::code)) {
            drop(metrics.items.get_or_create(&[("outcome", outcome)]));
        }
        metrics.register()
    }

    fn register(mut self) -> Self {
        let (seconds, bytes) = (Unit::Seconds, Unit::Bytes);
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register("requests", "Requests that were answered", self.requests.clone());
        registry.register_with_unit(
            "request",
            "From the headers of a request to its answer",
            seconds.clone(),
            self.request_seconds.clone(),
        );
        registry.register("tokens_refused", "Requests whose token was refused", self.refused_tokens.clone());
        registry.register_with_unit(
            "commit",
            "Making a group of accepted batches durable",
            seconds.clone(),
            self.commit_seconds.clone(),
        );
        registry.register_with_unit(
            "apply",
            "Applying a group of batches, in one transaction",
            seconds.clone(),
            self.apply_seconds.clone(),
        );
        registry.register_with_unit(
            "waited",
            "From the acceptance of a batch until it was applied: of the oldest of each group",
            seconds.clone(),
            self.waited_seconds.clone(),
        );
        registry.register("batches_applied", "Batches that were applied", self.batches.clone());
        registry.register("contacts", "What became of the items of batches", self.items.clone());
        registry.register("webhooks", "Attempts to send a status webhook", self.webhooks.clone());
        self.account_webhooks.register(registry);
        registry.register("store_errors", "What the store could not do", self.store_errors.clone());
        registry.register("waiting_batches", "Accepted and not applied yet", self.waiting_batches.clone());
        registry.register_with_unit(
            "waiting",
            "The items of batches that are not applied yet",
            bytes.clone(),
            self.waiting_bytes.clone(),
        );
        let help = "The write-ahead logs of a store in files";
        registry.register_with_unit("log", help, bytes, self.log_bytes.clone());
        registry.register_with_unit(
            "oldest_waiting",
            "How long the oldest batch that is not applied yet has waited",
            seconds.clone(),
            self.oldest_seconds.clone(),
        );
        let Connections { open, closed } = self.connections.clone();
        registry.register("connections", "Connections that are open", open);
        let help = "Connections closed at the connection limit, for one that is new";
        registry.register("connections_closed", help, closed);
        registry.register(
            "damaged_contacts",
            "Contacts found damaged on disk since the start, 1,000 at most",
            self.damaged_contacts.clone(),
        );
        registry.register(
            "suppressions",
            "Suppressions of addresses that were added or removed",
            self.suppressions.clone(),
        );
        registry.register_with_unit(
            "search_lag",
            "The age of the last change that the search index has, while it has not all",
            seconds.clone(),
            self.search_lag_seconds.clone(),
        );
        registry.register(
            "search_building_lists",
            "Lists whose search index is being built from their contacts",
            self.search_building.clone(),
        );
        registry.register_with_unit(
            "clock_jump",
            "How far the system clock is from the time that has passed, while that does not count yet",
            seconds,
            self.held_seconds.clone(),
        );
        self
    }

    /// A request was answered. `method` is the path of a method of ours, or a word for all others.
    pub fn answered(&self, method: &'static str, status: u16, took: Duration) {
        let labels = [("method", method.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&[("method", method)]).observe(took.as_secs_f64());
    }

    /// A token was refused with this code.
    pub fn token_refused(&self, code: &'static str) {
        self.refused_tokens.get_or_create(&[("code", code)]).inc();
    }

    /// A group of batches was made durable, or was not.
    pub fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// A group of batches was applied.
    pub fn applied(&self, applied: &Applied, took: Duration, waited: Duration) {
        self.apply_seconds.observe(took.as_secs_f64());
        self.waited_seconds.observe(waited.as_secs_f64());
        self.batches.inc_by(applied.batches as u64);
        let Tally { done, failed } = &applied.tally;
        let done = Action::ALL.map(Action::name).into_iter().zip(done);
        let failed = Failure::ALL.map(Failure::code).into_iter().zip(failed);
        for (outcome, count) in done.chain(failed).filter(|(_, count)| **count > 0) {
            self.items.get_or_create(&[("outcome", outcome)]).inc_by(*count);
        }
    }

    /// A status webhook was sent, or was not.
    pub fn sent(&self, sent: Sent) {
        self.webhooks.get_or_create(&[("outcome", sent.word())]).inc();
    }

    /// Suppressions were added or removed.
    pub fn suppressions_changed(&self, added: bool, count: usize) {
        let change = if added { ADDED } else { REMOVED };
        self.suppressions.get_or_create(&[("change", change)]).inc_by(count as u64);
    }

    /// The store could not do something.
    pub fn store_error(&self, work: Work) {
        self.store_errors.get_or_create(&[("doing", work.word())]).inc();
    }

    /// How long the write-ahead logs are.
    pub fn log_size(&self, bytes: u64) {
        self.log_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// How far the search index is behind, and how many lists it is built for.
    pub fn search_behind(&self, lag: Duration, building: u64) {
        self.search_lag_seconds.set(lag.as_secs_f64());
        self.search_building.set(i64::try_from(building).unwrap_or(i64::MAX));
    }

    /// How far the clock has jumped, while that is held.
    pub fn clock_held(&self, jump: Duration) {
        self.held_seconds.set(jump.as_secs_f64());
    }

    /// Everything as Prometheus reads it, with what waits now, how long the oldest of it has waited, and how many
    /// contacts were found to be damaged.
    pub fn to_text(&self, waiting: Backlog, oldest: Duration, damaged: usize) -> String {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.waiting_batches.set(gauge(waiting.batches));
        self.waiting_bytes.set(gauge(waiting.bytes));
        self.oldest_seconds.set(oldest.as_secs_f64());
        self.damaged_contacts.set(gauge(damaged as u64));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
