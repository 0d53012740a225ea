//! Use cases, typed in and out. The API, the console and the jobs call them, each for a [`Caller`].
//!
//! # How a use case is added
//!
//! 1. An [`Operation`] in the file of its resource: the path by which the API and the metrics know it, and the rights
//!    that it needs.
//! 2. A method of [`Commands`] if it changes something, or of [`Queries`] if it reads. Its arguments are valid by type:
//!    a type with a `parse` is the only way to make them. Its errors are [`Refusal`]s.
//! 3. A command runs in [`Services::run`], which checks the rights, and counts the calls of users.
//! 4. The HTTP handler decodes a body, calls, and encodes the answer. The page reads a form, calls, and renders.

pub mod accept;
pub mod account_webhooks;
pub mod api_activity;
mod caller;
pub mod catalogue;
pub mod changes;
pub mod consents;
pub mod contacts;
pub mod duplicates;
pub mod feed;
mod filters;
pub mod find;
mod limits;
pub mod lists;
mod operation;
pub mod person;
mod refusal;
pub mod requests;
pub mod retention;
mod run;
mod saved_names;
pub mod segment_events;
pub mod segment_growth;
pub mod segments;
pub mod sources;
pub mod suppressed_contacts;
pub mod suppressions;
pub mod undo;
pub mod unsubscribe;
pub mod variables;
pub mod views;
pub mod webhook;
pub mod webhooks;
pub mod writer;

use std::sync::Arc;

use tokio::sync::Notify;

pub use self::caller::{Caller, JOB, read_only};
use self::feed::Followers;
pub use self::limits::Limits;
pub use self::operation::{ACCESS, Access, Operation, Reach};
pub use self::refusal::Refusal;
use self::suppressions::SuppressionExpiry;
use self::unsubscribe::Links;
use crate::catalogue::Catalogue;
use crate::retention::RetentionClock;
use crate::webhook::send::Transport;
use crate::writer::Writer;
use domain::clock::Clock;
use domain::id::Ids;
use domain::search::Status;
use observe::metrics::Metrics;
use observe::spans::Spans;
use storage::Storage;

/// What a use case comes to.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// What use cases work with.
pub struct Services {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The cache of tokens, lists and sources.
    pub catalogue: Catalogue,
    /// Makes batches durable.
    pub writer: Writer,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The traces.
    pub spans: Spans,
    /// Notified whenever batches were applied.
    pub applied: Arc<Notify>,
    /// Those who wait for changes of contacts.
    pub followers: Followers,
    /// How far the search index is behind.
    pub search: Arc<Status>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Time for retention.
    pub retention: RetentionClock,
    /// Makes ids.
    pub ids: Arc<Ids>,
    /// Makes the ids of attempts to send webhooks.
    pub attempt_ids: Arc<Ids>,
    /// How long suppressions last.
    pub suppression_expiry: SuppressionExpiry,
    /// Unsubscribe links.
    pub links: Links,
    /// Sends webhooks.
    pub transport: Arc<dyn Transport>,
}

/// The use cases that change something. A clone is cheap.
#[derive(Clone)]
pub struct Commands(Arc<Services>);

/// The use cases that read. A clone is cheap.
#[derive(Clone)]
pub struct Queries(Arc<Services>);

impl Commands {
    /// Over these services.
    pub const fn new(services: Arc<Services>) -> Self {
        Self(services)
    }
}

impl Queries {
    /// Over these services.
    pub const fn new(services: Arc<Services>) -> Self {
        Self(services)
    }
}
