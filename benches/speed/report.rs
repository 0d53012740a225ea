//! The figures, as one JSON object or as tables. It reports; it does not judge, but for the checks.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::check::Checks;
use crate::disk::Disk;

const MIB: f64 = 1024.0 * 1024.0;
/// What an update of a contact should cost the server, in µs of CPU.
const TARGET_MICROS: f64 = 18.0;
/// Tables and indexes with less of the main file than that are not worth a line.
const SHOWN_SHARE: f64 = 0.01;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub contacts: u32,
    pub connections: u32,
    pub seconds: u64,
    pub cores: usize,
    pub idle_rss_bytes: u64,
    pub target_micros_per_contact: f64,
    pub phases: Vec<Phase>,
    pub latencies: Latencies,
    pub checks: Checks,
    pub notes: Vec<String>,
}

/// CPU counts from the first request until everything is applied and the files have come to rest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    pub name: &'static str,
    pub requests: usize,
    pub contacts: u64,
    /// Answers 503 and 429, waited out.
    pub retries: u64,
    pub accepted_per_second: f64,
    pub applied_per_second: f64,
    pub server_micros_per_contact: f64,
    pub client_micros_per_contact: f64,
    pub rss_bytes: u64,
    pub peak_rss_bytes: u64,
    pub disk: Disk,
}

/// Of the phase at half the full rate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latencies {
    pub requests_per_second: f64,
    pub connections: u32,
    pub accept: Quantiles,
    pub schedule_lag: Quantiles,
    pub accepted_to_applied: Quantiles,
    pub fdatasync_quiet: Quantiles,
    pub fdatasync_loaded: Quantiles,
    /// Accept p99 over fdatasync p99: under load, and quiet.
    pub accept_per_fdatasync: [f64; 2],
}

/// Milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantiles {
    pub samples: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Report {
    pub fn new(
        contacts: u32,
        connections: u32,
        seconds: u64,
        idle_rss_bytes: u64,
        latencies: Latencies,
    ) -> Self {
        Self {
            contacts,
            connections,
            seconds,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            idle_rss_bytes,
            target_micros_per_contact: TARGET_MICROS,
            phases: Vec::new(),
            latencies,
            checks: Checks::default(),
            notes: Vec::new(),
        }
    }
}

impl Quantiles {
    /// By nearest rank: the smallest value that this share of the samples does not exceed.
    pub fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |share: f64| {
            let rank = (samples.len() as f64 * share).ceil() as usize;
            samples.get(rank.saturating_sub(1)).map_or(0.0, |value| value.as_secs_f64() * 1000.0)
        };
        Self {
            samples: samples.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contacts, connections, seconds, cores, .. } = self;
        writeln!(out, "{contacts} contacts, {connections} connections, {seconds} s a phase, {cores} cores")?;
        writeln!(out, "idle: {:.1} MiB resident\n", self.idle_rss_bytes as f64 / MIB)?;
        self.write_phases(out)?;
        for phase in &self.phases {
            phase.write_disk(out)?;
        }
        self.latencies.write(out)?;
        self.write_checks(out)
    }
}

impl Report {
    fn write_phases(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:<10} {:>9} {:>10} {:>11} {:>10} {:>12} {:>12} {:>8} {:>9} {:>8}",
            "phase",
            "requests",
            "contacts",
            "accepted/s",
            "applied/s",
            "server µs/c",
            "client µs/c",
            "RSS MiB",
            "peak MiB",
            "waited"
        )?;
        for phase in &self.phases {
            writeln!(
                out,
                "{:<10} {:>9} {:>10} {:>11.0} {:>10.0} {:>12.2} {:>12.2} {:>8.1} {:>9.1} {:>8}",
                phase.name,
                phase.requests,
                phase.contacts,
                phase.accepted_per_second,
                phase.applied_per_second,
                phase.server_micros_per_contact,
                phase.client_micros_per_contact,
                phase.rss_bytes as f64 / MIB,
                phase.peak_rss_bytes as f64 / MIB,
                phase.retries
            )?;
        }
        writeln!(out, "(target: {TARGET_MICROS} µs of the server's CPU for an update of a contact)\n")
    }

    fn write_checks(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = &self.checks;
        writeln!(
            out,
            "checked: {} of {} requests ({} items), {} contacts read back ({} of them updated): {}",
            checks.requests_checked,
            checks.requests_accepted,
            checks.items_checked,
            checks.contacts_read_back,
            checks.contacts_read_back_updated,
            if checks.failures.is_empty() { "all right" } else { "FAILED" }
        )?;
        for failure in &checks.failures {
            writeln!(out, "  failed: {failure}")?;
        }
        for note in &self.notes {
            writeln!(out, "note: {note}")?;
        }
        Ok(())
    }
}

impl Phase {
    fn write_disk(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disk = &self.disk;
        let per_contact = disk.bytes_per_contact / (disk.total.max(1) as f64);
        let mut line = |name: &str, bytes: u64| {
            writeln!(out, "  {name:<38} {bytes:>14} {:>9.1}", bytes as f64 * per_contact)
        };
        line(&format!("disk after {}", self.name), disk.total)?;
        line("  main file", disk.main)?;
        for (table, bytes) in &disk.tables {
            if *bytes as f64 > disk.main as f64 * SHOWN_SHARE {
                line(&format!("    {table}"), *bytes)?;
            }
        }
        line("  WAL", disk.wal)?;
        line("  intake", disk.intake)?;
        line("  other", disk.other)?;
        writeln!(out)
    }
}

impl Latencies {
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "half rate: {:.1} requests/s on schedule, {} connections; milliseconds",
            self.requests_per_second, self.connections
        )?;
        let header = ["samples", "p50", "p90", "p99", "p99.9", "max"];
        write!(out, "  {:<24}", "")?;
        for title in header {
            write!(out, " {title:>9}")?;
        }
        writeln!(out)?;
        for (name, times) in [
            ("accept, from due to 200", &self.accept),
            ("of it, sent late", &self.schedule_lag),
            ("200 to applied", &self.accepted_to_applied),
            ("fdatasync, under load", &self.fdatasync_loaded),
            ("fdatasync, quiet", &self.fdatasync_quiet),
        ] {
            let Quantiles { samples, p50, p90, p99, p999, max } = times;
            writeln!(
                out,
                "  {name:<24} {samples:>9} {p50:>9.3} {p90:>9.3} {p99:>9.3} {p999:>9.3} {max:>9.3}"
            )?;
        }
        let [loaded, quiet] = self.accept_per_fdatasync;
        writeln!(out, "  accept p99 / fdatasync p99: {loaded:.1} under load, {quiet:.1} quiet\n")
    }
}
