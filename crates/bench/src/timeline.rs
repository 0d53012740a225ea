//! What had been done at which moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::process::Process;

/// From one look to the next.
const EVERY: Duration = Duration::from_millis(500);
/// The end is noticed within this.
const NOTICE: Duration = Duration::from_millis(20);

/// Contacts since the start of the run.
#[derive(Debug, Default)]
pub struct Progress {
    /// Those that were accepted.
    pub accepted: AtomicU64,
    /// Those that are applied, as far as requests were watched.
    pub applied: AtomicU64,
}

/// The state of things at a moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Since the start of the run.
    pub seconds: f64,
    /// See [`Progress`].
    pub accepted: u64,
    /// See [`Progress`].
    pub applied: u64,
    /// Resident memory of the server, where it can be looked at.
    pub rss_bytes: Option<u64>,
}

impl Progress {
    /// The state now; `start` is that of the run.
    pub fn now(&self, start: Instant, process: Option<&Process>) -> Point {
        Point {
            seconds: start.elapsed().as_secs_f64(),
            accepted: self.accepted.load(Relaxed),
            applied: self.applied.load(Relaxed),
            rss_bytes: process.and_then(|process| process.rss().ok()),
        }
    }

    /// Looks again and again until it is over.
    pub fn watch(&self, start: Instant, process: Option<&Process>, over: &AtomicBool) -> Vec<Point> {
        let mut points = vec![self.now(start, process)];
        let mut last = Instant::now();
        while !over.load(Relaxed) {
            sleep(NOTICE);
            if last.elapsed() >= EVERY {
                points.push(self.now(start, process));
                last = Instant::now();
            }
        }
        points.push(self.now(start, process));
        points
    }
}
