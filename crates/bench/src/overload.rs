//! Twice what the server can do, on schedule: whether it says so, stays within its bounds, and gets over it.

use serde::Serialize;

use super::phase::Phase;

/// Accept p99, in milliseconds: what is accepted is accepted soon, however much is offered and for how long.
const ACCEPT_P99: f64 = 2_000.0;
/// Memory in the last third of the load may be that many times what it was in the second, and this more. In the
/// first third the page cache may still fill.
const MEMORY_FACTOR: f64 = 1.1;
const MEMORY_SLACK: f64 = 16.0;
/// The backlog is gone within the time that the load lasted, this many times.
const DRAIN: f64 = 2.0;

const MIB: f64 = 1024.0 * 1024.0;

/// One thing that must hold.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// In words.
    pub what: String,
    /// What was measured.
    pub value: f64,
    /// What it must not exceed, or must reach.
    pub bound: f64,
    /// Whether it holds.
    pub holds: bool,
}

fn at_most(what: &str, value: f64, bound: f64) -> Verdict {
    Verdict { what: what.to_owned(), value, bound, holds: value <= bound }
}

/// What must hold of a phase that was offered too much.
pub fn judge(phase: &Phase) -> Vec<Verdict> {
    let mut verdicts = vec![
        Verdict {
            what: "contacts refused with 503: the backlog reached its bound".to_owned(),
            value: phase.refused as f64,
            bound: 1.0,
            holds: phase.refused > 0,
        },
        at_most("refusals with another status or without Retry-After", phase.badly_refused as f64, 0.0),
        at_most("accept p99, ms from when it was due", phase.accept.p99, ACCEPT_P99),
        at_most("refuse p99, ms from when it was due", phase.refuse.p99, ACCEPT_P99),
    ];
    let loaded = phase.contacts as f64 / phase.accepted_per_second;
    verdicts.push(at_most("seconds until the backlog was gone", phase.drained_seconds, loaded * DRAIN));
    if let (Some(before), Some(late)) = (most_memory(phase, 1.0, loaded), most_memory(phase, 2.0, loaded)) {
        let bound = before * MEMORY_FACTOR + MEMORY_SLACK;
        verdicts.push(at_most("MiB resident at most in the last third of the load", late, bound));
    }
    verdicts
}

/// The most MiB that were resident in a third of the load, counted from 0; `loaded`: the seconds that it lasted.
fn most_memory(phase: &Phase, third: f64, loaded: f64) -> Option<f64> {
    let start = phase.timeline.first()?.seconds;
    let of_load = |seconds: f64| (seconds - start) / loaded * 3.0;
    let within = phase.timeline.iter().filter(|point| (third..third + 1.0).contains(&of_load(point.seconds)));
    within.filter_map(|point| point.rss_bytes).max().map(|bytes| bytes as f64 / MIB)
}
