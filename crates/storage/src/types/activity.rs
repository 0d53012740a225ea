//! What was done, by the minute: what charts are made of.

use domain::clock::Timestamp;

/// How much was done in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Contacts that were made.
    pub created: u64,
    /// Contacts that were changed.
    pub updated: u64,
    /// Items that found their contact as they wanted it.
    pub unchanged: u64,
    /// Contacts that were removed or erased.
    pub removed: u64,
    /// Items that could not be applied.
    pub failed: u64,
    /// Batches that were applied.
    pub applied: u64,
    /// Batches that were accepted.
    pub accepted: u64,
    /// Attempts to send a webhook that a receiver has taken.
    pub delivered: u64,
    /// Attempts to send a webhook that came to nothing.
    pub undelivered: u64,
}

impl Activity {
    /// Everything, in the order of the columns of both stores.
    pub const fn to_array(self) -> [u64; 9] {
        let Self { created, updated, unchanged, removed, failed, applied, accepted, delivered, undelivered } =
            self;
        [created, updated, unchanged, removed, failed, applied, accepted, delivered, undelivered]
    }

    /// The other way.
    pub const fn from_array(counts: [u64; 9]) -> Self {
        let [created, updated, unchanged, removed, failed, applied, accepted, delivered, undelivered] =
            counts;
        Self { created, updated, unchanged, removed, failed, applied, accepted, delivered, undelivered }
    }

    /// Adds what was done besides.
    pub fn add(&mut self, other: Self) {
        let mut sum = self.to_array();
        sum.iter_mut().zip(other.to_array()).for_each(|(sum, more)| *sum += more);
        *self = Self::from_array(sum);
    }
}

/// Which stretches of time are wanted: from one on, until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityWindow {
    /// From then on; what began before in its stretch counts too.
    pub since: Timestamp,
    /// How many minutes a stretch has; they begin at multiples of that since 1970.
    pub minutes: u32,
}

/// What an account has had done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activities {
    /// By the stretch's beginning; stretches in which nothing was done are left out. What was accepted and waits is
    /// counted as accepted.
    pub spans: Vec<(Timestamp, Activity)>,
    /// Batches that wait now.
    pub waiting: u64,
}
