//! How far the index is behind, for those who watch the server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the loop reports. A node that leaves the index to another reports nothing to do.
#[derive(Debug, Default)]
pub struct Status {
    lag_millis: AtomicU64,
    building: AtomicU64,
}

impl Status {
    /// After a round.
    pub fn report(&self, lag: Duration, building: u64) {
        self.lag_millis.store(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.building.store(building, Ordering::Relaxed);
    }

    /// The age of the last change that was indexed while others wait; zero if none waits.
    pub fn lag(&self) -> Duration {
        Duration::from_millis(self.lag_millis.load(Ordering::Relaxed))
    }

    /// Lists whose index is being built from their contacts.
    pub fn building(&self) -> u64 {
        self.building.load(Ordering::Relaxed)
    }
}
