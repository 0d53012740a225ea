//! The state of handlers.

use std::sync::Arc;

use crate::auth_throttle::AuthThrottle;
use crate::concurrency_limit::ConcurrencyLimit;
use crate::last_used::LastUsed;
use crate::login::Console;
use crate::rejections::Rejections;
use jobs::JobRuntime;

/// The state of handlers.
pub struct App {
    /// The use cases, what they work with, and jobs.
    pub server: Arc<JobRuntime>,
    /// Counts requests per token.
    pub concurrency_limit: ConcurrencyLimit,
    /// Counts wrong tokens per address.
    pub auth_throttle: AuthThrottle,
    /// Counts wrong unsubscribe links per address.
    pub link_throttle: AuthThrottle,
    /// When tokens were used last.
    pub last_used: LastUsed,
    /// Requests that were rejected.
    pub rejections: Rejections,
    /// What signing in needs.
    pub console: Console,
}

impl std::ops::Deref for App {
    type Target = JobRuntime;

    fn deref(&self) -> &JobRuntime {
        &self.server
    }
}
