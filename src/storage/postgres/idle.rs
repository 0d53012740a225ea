//! How often a node looks over all lists while nothing happens.
//!
//! Such a look asks every shard of a Citus. A node knows what it has accepted and made due itself, so a look finds what
//! other nodes left behind: it may come late where there was nothing for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest time between two looks.
pub const LONGEST: Duration = Duration::from_secs(5);

/// Whether a look at the deliveries found none, due or not.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    empty_since: Option<Instant>,
    changes: u64,
}

impl Deliveries {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there were none a moment ago, and this node has made none since.
    pub fn are_none(&self) -> bool {
        self.state().empty_since.is_some_and(|since| since.elapsed() < LONGEST)
    }

    /// How often this node has made some due. Read before a look, for [`Deliveries::found_none`].
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// A look found none. It does not count if some were made due while it was made.
    pub fn found_none(&self, changes: u64) {
        let mut state = self.state();
        if state.changes == changes {
            state.empty_since = Some(Instant::now());
        }
    }

    /// This node has committed a delivery that may be due.
    pub fn changed(&self) {
        let mut state = self.state();
        state.changes += 1;
        state.empty_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_due_during_a_look_is_not_missed() {
        let deliveries = Deliveries::default();
        assert!(!deliveries.are_none());
        let changes = deliveries.changes();
        deliveries.changed();
        deliveries.found_none(changes);
        assert!(!deliveries.are_none());
        deliveries.found_none(deliveries.changes());
        assert!(deliveries.are_none());
        deliveries.changed();
        assert!(!deliveries.are_none());
    }
}
