//! The bounds of a running server.

use std::time::Duration;

use ipnet::IpNet;

use super::suppressions::SuppressionExpiry;
use storage::Backlog;

/// The bounds of a running server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Decompressed bytes of a body.
    pub body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Requests of one token at a time.
    pub in_flight: usize,
    /// What may wait to be applied.
    pub backlog: Backlog,
    /// How long histories of contacts are kept.
    pub history: Duration,
    /// Where proxies stand that are believed for whom they ask.
    pub proxies: Vec<IpNet>,
    /// How long suppressions last.
    pub suppression_expiry: SuppressionExpiry,
    /// The address of the server in unsubscribe links; `None` makes none.
    pub unsubscribe_url: Option<String>,
}
