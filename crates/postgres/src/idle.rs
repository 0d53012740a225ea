//! How often a node looks over all lists while nothing happens.
//!
//! Such a look asks every shard of a Citus. A node knows what it has accepted and made due itself, so a look finds what
//! other nodes left behind: it may come late where there was nothing for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::clock::Timestamp;

/// The longest time between two looks, if not all nodes send signals.
pub const LONGEST: Duration = Duration::from_secs(5);

/// What the last look at the deliveries has found: when the next is due.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When that was, and the time of the next delivery that can be claimed; `None` if there are no deliveries at all.
    found: Option<(Instant, Option<Timestamp>)>,
    changes: u64,
}

impl Deliveries {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next is due, if a look has found that within `longest` and this node has made none due since.
    pub fn next(&self, longest: Duration) -> Option<Option<Timestamp>> {
        self.state().found.filter(|(at, _)| at.elapsed() < longest).map(|(_, next)| next)
    }

    /// How often this node has made some due. Read before a look, for [`Deliveries::found`].
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// A look has found this. It does not count if some were made due while it was made.
    pub fn found(&self, changes: u64, next: Option<Timestamp>) {
        let mut state = self.state();
        if state.changes == changes {
            state.found = Some((Instant::now(), next));
        }
    }

    /// This node has committed a delivery that may be due, or has claimed some.
    pub fn changed(&self) {
        let mut state = self.state();
        state.changes += 1;
        state.found = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_due_during_a_look_is_not_missed() {
        let (deliveries, at) = (Deliveries::default(), Some(Timestamp::from_millis(5)));
        assert_eq!(deliveries.next(LONGEST), None);
        let changes = deliveries.changes();
        deliveries.changed();
        deliveries.found(changes, at);
        assert_eq!(deliveries.next(LONGEST), None);
        for next in [None, at] {
            deliveries.found(deliveries.changes(), next);
            assert_eq!(deliveries.next(LONGEST), Some(next));
            assert_eq!(deliveries.next(Duration::ZERO), None);
        }
        deliveries.changed();
        assert_eq!(deliveries.next(LONGEST), None);
    }
}
