//! What a store promises: whole transactions, not rows. Each port has its own file.
//!
//! No transaction leaks out: each method is one, and is done or not done when it returns.

mod account_webhooks;
mod applier;
mod catalogue;
mod changes;
mod contacts;
mod error;
mod health;
mod identity;
mod jobs;
mod journal;
mod logins;
mod outbox;
mod rejections;
mod requests;
mod retention;
pub mod rows;
mod saved_queries;
mod search;
mod segments;
mod signals;
mod suppressions;
pub mod transfer;
mod types;
mod webhooks;

pub use self::account_webhooks::AccountWebhooks;
pub use self::applier::Applier;
pub use self::catalogue::Catalogue;
pub use self::changes::ChangeReader;
pub use self::contacts::ContactReader;
pub use self::error::{AddError, AppendError, Error, NotAccepted, TokenError};
pub use self::health::Health;
pub use self::identity::Identity;
pub use self::jobs::Jobs;
pub use self::journal::Journal;
pub use self::logins::{Logins, MAX_FIRST_LINKS, MAX_SESSIONS};
pub use self::outbox::Outbox;
pub use self::rejections::ApiActivity;
pub use self::requests::RequestReader;
pub use self::retention::Retention;
pub use self::saved_queries::SavedQueries;
pub use self::search::SearchIndex;
pub use self::segments::SegmentMembers;
pub use self::signals::{Signals, Topic};
pub use self::suppressions::Suppressions;
pub use self::types::*;
pub use self::webhooks::{MAX_ATTEMPTS, MAX_ENDPOINTS, Webhooks};

/// The most lists of one account: numbers of lists are finite, and all accounts share them.
pub const MAX_LISTS_PER_ACCOUNT: usize = 10_000;

/// What the key of unsubscribe links is derived for. Another text would make all links invalid.
pub const LINK_KEY: &str = "rollbook unsubscribe links";

/// Who opens a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one process that serves it.
    Server,
    /// A command that makes small changes, whether or not it is being served.
    Command,
}

/// A store: all of its ports. A use case that needs few of them takes those.
pub trait Storage:
    AccountWebhooks
    + ApiActivity
    + Applier
    + Catalogue
    + ChangeReader
    + ContactReader
    + Health
    + Identity
    + Jobs
    + Journal
    + Logins
    + Outbox
    + RequestReader
    + Retention
    + SavedQueries
    + SearchIndex
    + SegmentMembers
    + Signals
    + Suppressions
    + Webhooks
{
}

impl<S> Storage for S where
    S: AccountWebhooks
        + ApiActivity
        + Applier
        + Catalogue
        + ChangeReader
        + ContactReader
        + Health
        + Identity
        + Jobs
        + Journal
        + Logins
        + Outbox
        + RequestReader
        + Retention
        + SavedQueries
        + SearchIndex
        + SegmentMembers
        + Signals
        + Suppressions
        + Webhooks
{
}

/// All ports, for callers that hold a store of a concrete type.
pub mod ports {
    pub use super::{
        AccountWebhooks, ApiActivity, Applier, Catalogue, ChangeReader, ContactReader, Health, Identity,
        Jobs, Journal, Logins, Outbox, RequestReader, Retention, SearchIndex, SegmentMembers, Signals,
        Suppressions, Webhooks,
    };
}
