//! What a store promises to loops that look for changes by other processes.

use std::time::Duration;

use async_trait::async_trait;

/// What another process may have changed. Each topic has one loop, which alone takes its signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Tokens, lists, sources, users and accounts.
    Catalogue,
    /// Jobs that wait, or that another node has given back.
    Jobs,
    /// Account webhooks.
    Webhooks,
    /// Contacts, for the search index.
    Search,
    /// Contacts, for followers that wait.
    Followers,
    /// Contacts and segments, for the members of segments.
    Segments,
}

impl Topic {
    /// All topics, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Catalogue, Self::Jobs, Self::Webhooks, Self::Search, Self::Followers, Self::Segments];
}

/// Signals of other processes. A signal is sent after the commit, or with it. It may come without a change, and a change
/// of this process may come back as a signal.
#[async_trait]
pub trait Signals: Send + Sync + 'static {
    /// Returns once another process may have changed something of the topic, and never if the store has no signals. One
    /// that comes while the loop does not wait returns at once from its next call. All topics get one when signals begin
    /// or end, and when another process has ended.
    async fn signalled(&self, _topic: Topic) {
        std::future::pending().await
    }

    /// How long a loop may wait without a signal: `poll` if the store has no signals at present.
    fn look_after(&self, poll: Duration) -> Duration {
        poll
    }
}
