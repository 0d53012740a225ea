//! What waits, counted in memory.
//!
//! The journal is written by this process and by commands beside it, and read by the applier, who may be done with
//! a batch before the thread that appended it goes on. So each row is counted by its position, once.

use super::Shared;
use crate::storage::Backlog;

/// The rows above the applied position and up to `reached`.
#[derive(Debug)]
pub struct Counted {
    reached: u64,
    backlog: Backlog,
}

impl Counted {
    /// With what the journal held when it was opened, up to its last row.
    pub const fn new(reached: u64, backlog: Backlog) -> Self {
        Self { reached, backlog }
    }

    /// The position up to which rows were counted, by whomever they were appended.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// What waits.
    pub const fn backlog(&self) -> Backlog {
        self.backlog
    }

    /// A row waits; rows must come in rising order. One that the applier was done with first is not counted.
    pub const fn appended(&mut self, position: u64, bytes: u64) {
        if position > self.reached {
            self.reached = position;
            self.backlog.batches += 1;
            self.backlog.bytes += bytes;
        }
    }

    /// A row waits no more.
    pub const fn applied(&mut self, position: u64, bytes: u64) {
        if position > self.reached {
            self.reached = position;
        } else {
            self.backlog.batches = self.backlog.batches.saturating_sub(1);
            self.backlog.bytes = self.backlog.bytes.saturating_sub(bytes);
        }
    }
}

/// The count, for as short as it takes.
pub fn counted(shared: &Shared) -> std::sync::MutexGuard<'_, Counted> {
    super::lock(&shared.counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_a_row_is_counted_once() {
        let mut counted = Counted::new(3, Backlog { batches: 1, bytes: 10 });
        counted.applied(3, 10);
        assert_eq!(counted.backlog(), Backlog::default());
        // Appended by another process, and applied before anybody here heard of it.
        counted.applied(4, 5);
        counted.appended(4, 5);
        counted.appended(5, 7);
        assert_eq!((counted.reached(), counted.backlog()), (5, Backlog { batches: 1, bytes: 7 }));
        counted.applied(5, 7);
        assert_eq!(counted.backlog(), Backlog::default());
    }
}
