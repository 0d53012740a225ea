//! The clock by which stored things are deleted: it counts time that has really passed.
//!
//! A wrong system clock is corrected sooner or later; what was deleted because of it does not come back. So the store
//! remembers how far time has come, and a running server moves that on by its monotonic clock. If the system's clock
//! shows another time, that jump is held: it counts only after servers have observed it for [`HOLD`](storage::HOLD). A server that
//! was off for a month deletes with that delay, and one whose clock was wrong for a day deletes nothing early.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::clock::{Clock, Timestamp};
use storage::{Error, Reckoning, Retention, difference};

/// A jump of more than this is a warning in the log: a restart does not take as long.
const LONG: Duration = Duration::from_secs(3_600);

/// The clock of a running server. Before its first look nothing is old: nothing is deleted then.
#[derive(Debug, Default)]
pub struct RetentionClock {
    last: Mutex<Option<Look>>,
    /// Whether the store could not be written at the last look.
    failing: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    reckoning: Reckoning,
    /// When that was, by the monotonic clock.
    at: Duration,
}

impl RetentionClock {
    /// The time before which things that are stored for a while are old.
    pub fn now(&self, clock: &dyn Clock) -> Timestamp {
        let Some(look) = self.last() else { return Timestamp::from_millis(0) };
        let passed = clock.monotonic().saturating_sub(look.at);
        // What is made now bears the clock's time: it must not be old as soon as it is there.
        look.reckoning.reached.after(passed).min(clock.now())
    }

    /// How far the system's clock is from the time that has passed, while that is held.
    pub fn held(&self, clock: &dyn Clock) -> Duration {
        let look = self.last().filter(|look| look.reckoning.held.is_some());
        look.map_or(Duration::ZERO, |look| difference(look.reckoning.reached, clock.system()))
    }

    /// Moves the store's reckoning on.
    ///
    /// # Errors
    /// Where the store cannot be read or written: time stands then.
    pub async fn look(&self, storage: &dyn Retention, clock: &dyn Clock) -> Result<(), Error> {
        let (last, at, system) = (self.last(), clock.monotonic(), clock.system());
        let elapsed = last.map_or(Duration::ZERO, |last| at.saturating_sub(last.at));
        let seen = last.map(|last| last.reckoning);
        let reckoning = storage.reckon(seen, elapsed, system).await;
        self.failing.store(reckoning.is_err(), Ordering::Relaxed);
        let reckoning = reckoning?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Look { reckoning, at });
        tell(seen, reckoning, system);
        Ok(())
    }

    /// The last look.
    fn last(&self) -> Option<Look> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store could not be written at the last look: a write a minute, also if no request comes.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

/// Logs where a jump begins to be held, and where that ends.
fn tell(seen: Option<Reckoning>, now: Reckoning, system: Timestamp) {
    let jump = difference(now.reached, system);
    let (seconds, ahead) = (jump.as_secs(), now.reached < system);
    match (seen.and_then(|seen| seen.held), now.held) {
        (None, Some(held)) if jump > LONG => tracing::warn!(
            seconds,
            ahead,
            observed_seconds = held.observed.as_secs(),
            "retention: the system clock jumped; the jump counts after 24 hours, and nothing is deleted early"
        ),
        (None, Some(_)) => tracing::info!(
            seconds,
            ahead,
            "retention: the system clock jumped; the jump counts after 24 hours"
        ),
        (Some(_), None) => tracing::info!("retention: the system clock and the time that passed agree again"),
        _ => {}
    }
}
