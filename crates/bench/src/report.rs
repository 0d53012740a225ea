//! The figures, as one JSON object or as tables. It reports; it does not judge, but for the checks.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Plan;
use super::check::Checks;
use super::compare::Comparison;
use super::disk::Disk;
use super::follow::Follow;
use super::overload::Verdict;
use super::phase::Phase;
use super::quantiles::Quantiles;
use super::target::Target;

const MIB: f64 = 1024.0 * 1024.0;
/// Tables and indexes with less of the main file than that are not worth a line.
const SHOWN_SHARE: f64 = 0.01;

/// What a run came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Contacts that the lists began with.
    pub contacts: u32,
    /// The ids of the lists.
    pub lists: Value,
    /// Connections of the loads that are not on schedule.
    pub connections: u32,
    /// Contacts of a request.
    pub batch: u32,
    /// Of each load but the insert.
    pub seconds: f64,
    /// Of this machine.
    pub cores: usize,
    /// The loads, in their order.
    pub phases: Vec<Phase>,
    /// What must hold under overload.
    pub overload: Vec<Verdict>,
    /// Loads that were compared.
    pub comparisons: Vec<Comparison>,
    /// What was measured of following.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow: Option<Follow>,
    /// Whether the figures are of a run in which everything was done.
    pub checks: Checks,
    /// Of a server that was started for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerTimes>,
}

/// Of a server that was started for the run.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTimes {
    /// Resident memory when it had answered for the first time.
    pub idle_rss_bytes: u64,
    /// From its start until it answered, on an empty store.
    pub first_start_seconds: f64,
    /// From asking it to stop until it was gone, on the full store.
    pub stop_seconds: f64,
    /// From its start until it answered, on the full store.
    pub start_seconds: f64,
}

impl Report {
    /// Of a run that is over.
    pub fn new(
        plan: &Plan,
        target: &Target,
        phases: Vec<Phase>,
        overload: Vec<Verdict>,
        checks: Checks,
    ) -> Self {
        Self {
            contacts: target.contacts(),
            lists: target.ids(),
            connections: plan.connections,
            batch: plan.batch,
            seconds: plan.duration.as_secs_f64(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            phases,
            overload,
            comparisons: Vec::new(),
            follow: None,
            checks,
            server: None,
        }
    }

    /// What went wrong: checks that failed, and what did not hold.
    pub fn failures(&self) -> Vec<String> {
        let broken = self.overload.iter().filter(|verdict| !verdict.holds);
        let broken = broken.map(|Verdict { what, value, bound, .. }| format!("{what}: {value} ({bound})"));
        self.checks.failures.iter().cloned().chain(broken).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contacts, connections, batch, seconds, cores, .. } = self;
        let lists = self.lists.as_array().map_or(0, Vec::len);
        writeln!(
            out,
            "{contacts} contacts in {lists} list(s), {batch} a request, {connections} connections, {seconds} s a load, \
             {cores} cores\n"
        )?;
        write_phases(out, &self.phases)?;
        write_latencies(out, &self.phases)?;
        // The store grows from load to load: the last tells most.
        for phase in self.phases.iter().rev().take(1) {
            phase.disk.iter().try_for_each(|disk| write_disk(out, &phase.name, disk))?;
        }
        if let Some(server) = &self.server {
            server.write(out)?;
        }
        for verdict in &self.overload {
            let Verdict { what, value, bound, holds } = verdict;
            let holds = if *holds { "holds" } else { "DOES NOT HOLD" };
            writeln!(out, "overload: {what}: {value:.1} (bound {bound:.1}): {holds}")?;
        }
        self.comparisons.iter().try_for_each(|comparison| write!(out, "{comparison}"))?;
        self.follow.iter().try_for_each(|follow| write!(out, "{follow}"))?;
        self.checks.write(out)
    }
}

/// A figure that may not be known.
fn known(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// The rates and what they cost.
///
/// # Errors
/// Those of `out`.
pub fn write_phases(out: &mut fmt::Formatter<'_>, phases: &[Phase]) -> fmt::Result {
    let header = [
        "contacts",
        "offered/s",
        "accepted/s",
        "applied/s",
        "server µs/c",
        "client µs/c",
        "peak MiB",
        "bytes/c",
        "refused",
        "not sent",
    ];
    write!(out, "{:<9}", "load")?;
    header.iter().try_for_each(|title| write!(out, " {title:>11}"))?;
    writeln!(out)?;
    for phase in phases {
        let columns = [
            phase.contacts.to_string(),
            known(phase.offered_per_second, 0),
            format!("{:.0}", phase.accepted_per_second),
            format!("{:.0}", phase.applied_per_second),
            known(phase.server_micros_per_contact, 2),
            format!("{:.2}", phase.client_micros_per_contact),
            known(phase.peak_rss_bytes.map(|bytes| bytes as f64 / MIB), 1),
            known(phase.disk.as_ref().map(|disk| disk.bytes_per_contact), 0),
            phase.refused.to_string(),
            phase.not_sent.to_string(),
        ];
        write!(out, "{:<9}", phase.name)?;
        columns.iter().try_for_each(|column| write!(out, " {column:>11}"))?;
        writeln!(out)?;
    }
    writeln!(out)
}

/// How long it took.
///
/// # Errors
/// Those of `out`.
pub fn write_latencies(out: &mut fmt::Formatter<'_>, phases: &[Phase]) -> fmt::Result {
    write!(out, "{:<28}", "milliseconds")?;
    ["samples", "p50", "p99", "p99.9", "max"].iter().try_for_each(|title| write!(out, " {title:>10}"))?;
    writeln!(out)?;
    for phase in phases {
        let rows = [
            ("accept", Some(&phase.accept)),
            ("refuse", Some(&phase.refuse)),
            ("of it, sent late", Some(&phase.late)),
            ("200 to applied", Some(&phase.accepted_to_applied)),
            ("fdatasync", phase.fdatasync.as_ref()),
        ];
        for (what, quantiles) in rows {
            let Some(Quantiles { samples, p50, p99, p999, max, .. }) = quantiles else { continue };
            if *samples > 0 {
                let name = format!("{} {what}", phase.name);
                writeln!(out, "{name:<28} {samples:>10} {p50:>10.2} {p99:>10.2} {p999:>10.2} {max:>10.2}")?;
            }
        }
    }
    writeln!(out)
}

/// What a store takes on disk.
///
/// # Errors
/// Those of `out`.
pub fn write_disk(out: &mut fmt::Formatter<'_>, after: &str, disk: &Disk) -> fmt::Result {
    let per_contact = disk.bytes_per_contact / (disk.total.max(1) as f64);
    let mut line =
        |name: &str, bytes: u64| writeln!(out, "{name:<38} {bytes:>14} {:>9.1}", bytes as f64 * per_contact);
    line(&format!("disk after {after}: bytes, by contact"), disk.total)?;
    line("  contacts' file", disk.main)?;
    for (table, bytes) in &disk.tables {
        if *bytes as f64 > disk.main as f64 * SHOWN_SHARE {
            line(&format!("    {table}"), *bytes)?;
        }
    }
    line("  its log", disk.wal)?;
    line("  journal's file and log", disk.intake)?;
    line("  other", disk.other)?;
    writeln!(out)
}

impl ServerTimes {
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle_rss_bytes, first_start_seconds, stop_seconds, start_seconds } = self;
        let idle = *idle_rss_bytes as f64 / MIB;
        writeln!(out, "the server when idle: {idle:.1} MiB resident")?;
        writeln!(
            out,
            "seconds until it answers: {first_start_seconds:.3} on an empty store, {start_seconds:.3} on this one; \
             to stop: {stop_seconds:.3}\n"
        )
    }
}

impl Checks {
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "checked: {} of {} requests ({} items), {} contacts read back ({} of them changed): {}",
            self.requests_checked,
            self.requests_accepted,
            self.items_checked,
            self.contacts_read_back,
            self.contacts_read_back_updated,
            if self.failures.is_empty() { "all right" } else { "FAILED" }
        )?;
        self.failures.iter().try_for_each(|failure| writeln!(out, "  failed: {failure}"))
    }
}
