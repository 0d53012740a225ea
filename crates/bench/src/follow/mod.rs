//! The load `follow`: what following the changes costs the server, and how fast followers and webhooks get them.

pub mod events;
pub mod feed;
pub mod probe;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::events::EventRate;
use self::feed::{Feed, Follower};
use self::probe::Probe;
use super::compare::Comparison;
use super::load::{Pace, Work};
use super::process::Process;
use super::quantiles::{Latencies, Quantiles};
use super::{Result, Run};

/// Connections of the last token that a load leaves to the follower and the probe.
pub const SPARE: u32 = 4;

/// What a reader asks for beside the ids.
const INCLUDES: [&str; 3] = ["ids", "changes", "contact"];

/// What was measured of following.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Follow {
    /// One reader that reads all changes from the oldest on, in pages of 1,000.
    pub reading: Vec<Reading>,
    /// Milliseconds from the moment at which a contact/get with `waitFor` saw a change, to the long poll that had it; at
    /// half rate. 0 where the follower was first.
    pub applied_to_follower: Quantiles,
    /// The same from the 200 of the change.
    pub accepted_to_follower: Quantiles,
    /// Account webhooks to a receiver of this machine; empty where the server does not send there.
    pub events: Vec<EventRate>,
}

/// What one reader read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// `include` of the requests.
    pub include: &'static str,
    /// Changes that were read.
    pub changes: u64,
    /// From the first request to the last answer.
    pub changes_per_second: f64,
    /// CPU of the server for a change, where its process is known.
    pub server_micros_per_change: Option<f64>,
    /// Bytes of the answers for a change.
    pub bytes_per_change: f64,
}

/// Measures all of it. The phases are among those of the run.
///
/// # Errors
/// Where the server goes away, or answers what it should not.
pub fn measure(run: &mut Run) -> Result<()> {
    let first = run.phases.len();
    let closed = Pace::Closed { duration: run.plan.duration };
    run.phase_beside("alone", Work::Update, closed, SPARE)?;
    followed(run, "followed", closed)?;
    followed(run, "followed", closed)?;
    run.phase_beside("alone", Work::Update, closed, SPARE)?;
    let [one, two, three, four, ..] = &run.phases[first..] else { return Err("a phase is missing".into()) };
    let comparison = Comparison::new("updates with a follower", [one, two, three, four]);
    let half = comparison.without.applied_per_second / 2.0;
    run.comparisons.push(comparison);
    let interval = run.interval(half);
    let pace = Pace::Scheduled { interval, duration: run.plan.duration, patient: true };
    let probe = Probe::start(&run.place, &run.target)?;
    let seen = followed(run, "half", pace);
    let samples = probe.end()?;
    let seen = seen?;
    let [mut applied, mut accepted] = [Latencies::default(), Latencies::default()];
    for sample in samples {
        // The last may have come behind the follower's end.
        let Some(at) = seen.get(&sample.request) else { continue };
        applied.record(at.saturating_duration_since(sample.applied));
        accepted.record(at.saturating_duration_since(sample.accepted));
    }
    let reading = INCLUDES.map(|include| read_all(run, include)).into_iter().collect::<Result<_>>()?;
    let (applied_to_follower, accepted_to_follower) = (applied.quantiles(), accepted.quantiles());
    let events = events::measure(run)?;
    run.follow = Some(Follow { reading, applied_to_follower, accepted_to_follower, events });
    Ok(())
}

/// One load with a follower, which must get each of its changes once. When it saw each change of the probe.
fn followed(run: &mut Run, name: &str, pace: Pace) -> Result<HashMap<String, Instant>> {
    let follower = Follower::start(&run.place, &run.target)?;
    let contacts = run.phase_beside(name, Work::Update, pace, SPARE).map(|phase| phase.contacts);
    let followed = follower.end()?;
    let contacts = contacts?;
    if followed.changes != contacts {
        let text =
            format!("{name}: {contacts} contacts were changed, and the follower got {}", followed.changes);
        run.failures.push(text);
    }
    Ok(followed.probes)
}

/// Reads the changes from the oldest on, to their end or for as long as a load lasts.
fn read_all(run: &Run, include: &'static str) -> Result<Reading> {
    let mut feed = Feed::from_start(&run.place, &run.target, include)?;
    let process = run.place.process.as_ref();
    let before = process.map(Process::cpu_seconds).transpose()?;
    let (begun, mut changes, mut bytes) = (Instant::now(), 0_u64, 0);
    while begun.elapsed() < run.plan.duration {
        let page = feed.page(Duration::ZERO, |_| {})?;
        changes += page.changes;
        bytes += page.bytes;
        if page.changes == 0 {
            break;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = match (process, before) {
        (Some(process), Some(before)) => Some(process.cpu_seconds()? - before),
        _ => None,
    };
    let count = changes.max(1) as f64;
    Ok(Reading {
        include,
        changes,
        changes_per_second: changes as f64 / seconds,
        server_micros_per_change: cpu.map(|seconds| seconds * 1e6 / count),
        bytes_per_change: bytes as f64 / count,
    })
}

impl fmt::Display for Follow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reading in &self.reading {
            let Reading { include, changes, changes_per_second, bytes_per_change, .. } = reading;
            write!(out, "reading changes, {include}: {changes_per_second:.0} a second ({changes}, ")?;
            write!(out, "{bytes_per_change:.0} bytes each")?;
            if let Some(micros) = reading.server_micros_per_change {
                write!(out, ", server {micros:.2} µs each")?;
            }
            writeln!(out, ")")?;
        }
        for (from, quantiles) in [("applied", &self.applied_to_follower), ("200", &self.accepted_to_follower)]
        {
            let Quantiles { samples, p50, p99, max, .. } = quantiles;
            writeln!(
                out,
                "{from} to follower: p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms ({samples} samples)"
            )?;
        }
        if self.events.is_empty() {
            writeln!(
                out,
                "webhooks: not measured, the server does not send to this machine (webhook_allow)"
            )?;
        }
        for EventRate { form, events, events_per_second } in &self.events {
            writeln!(out, "webhooks, {form}: {events_per_second:.0} events a second ({events})")?;
        }
        Ok(())
    }
}
