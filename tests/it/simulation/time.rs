//! A clock that goes with the runtime's own, which passes only while nobody has anything to do, and that can be moved.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::{Clock, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The time of day of a history, over all its runtimes.
#[derive(Clone)]
pub struct SimClock(Arc<Face>);

struct Face {
    now: Mutex<Shown>,
    /// Told whenever the clock was moved.
    moved: Notify,
}

struct Shown {
    /// What it shows at `since`.
    millis: i64,
    since: Option<Instant>,
    /// The latest that it has shown.
    latest: i64,
    /// By how much it was moved on: to the store that is time that passes, as in `ManualClock`.
    moved_on: i64,
}

impl SimClock {
    pub fn new(start: Timestamp) -> Self {
        let now = Shown { millis: start.millis(), since: None, latest: start.millis(), moved_on: 0 };
        Self(Arc::new(Face { now: Mutex::new(now), moved: Notify::new() }))
    }

    /// A runtime begins: time passes.
    pub fn begin(&self) {
        self.0.now.lock().unwrap().since = Some(Instant::now());
    }

    /// It ends: time stands.
    pub fn end(&self) {
        let millis = self.now().millis();
        let mut shown = self.0.now.lock().unwrap();
        (shown.millis, shown.since) = (millis, None);
    }

    /// Moves the clock, and wakes those whose time has come.
    pub fn jump(&self, millis: i64) {
        {
            let mut shown = self.0.now.lock().unwrap();
            shown.millis += millis;
            shown.moved_on += millis.max(0);
        }
        self.now();
        self.0.moved.notify_waiters();
    }

    /// The latest that it has ever shown.
    pub fn latest(&self) -> i64 {
        self.0.now.lock().unwrap().latest
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let mut shown = self.0.now.lock().unwrap();
        let passed = shown.since.map_or(0, |since| since.elapsed().as_millis());
        let now = shown.millis + i64::try_from(passed).unwrap();
        shown.latest = shown.latest.max(now);
        Timestamp::from_millis(now)
    }

    fn monotonic(&self) -> Duration {
        let shown = self.0.now.lock().unwrap();
        let moved = Duration::from_millis(shown.moved_on.unsigned_abs());
        moved + shown.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    async fn sleep_until(&self, time: Timestamp) {
        let left = (time.millis() - self.now().millis()).max(0);
        // As the machine's clock does it: one that is set back meanwhile makes nobody sleep longer.
        let end = Instant::now() + Duration::from_millis(left.unsigned_abs());
        loop {
            let moved = self.0.moved.notified();
            if time <= self.now() {
                return;
            }
            tokio::select! {
                biased;
                () = moved => {}
                () = tokio::time::sleep_until(end) => return,
            }
        }
    }
}
