//! Both beside each other.

use std::fmt;
use std::time::Duration;

use bench::phase::Phase;
use bench::report::Report;
use serde::Serialize;

use crate::bare::Cost;

/// What the server and the bare engine made of one load.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    pub name: String,
    pub contacts: u64,
    pub transactions: usize,
    pub batches_per_transaction: f64,
    /// With the database's, where that is a process of its own; so is the bare engine's.
    pub server_micros_per_contact: f64,
    pub bare_micros_per_contact: f64,
    /// The figure that counts, and the next one too.
    pub cpu_ratio: f64,
    pub server_applied_per_second: f64,
    pub bare_applied_per_second: f64,
    pub rate_ratio: f64,
}

impl Pair {
    /// `database` is the CPU of a database beside the server.
    pub fn new(phase: &Phase, database: Duration, bare: Cost, groups: &[u32]) -> Self {
        let server = phase.server_micros_per_contact.unwrap_or(f64::NAN)
            + database.as_secs_f64() * 1e6 / phase.contacts as f64;
        Self {
            name: phase.name.clone(),
            contacts: phase.contacts,
            transactions: groups.len(),
            batches_per_transaction: groups.iter().sum::<u32>() as f64 / groups.len() as f64,
            server_micros_per_contact: server,
            bare_micros_per_contact: bare.micros_per_contact(),
            cpu_ratio: server / bare.micros_per_contact(),
            server_applied_per_second: phase.applied_per_second,
            bare_applied_per_second: bare.per_second(),
            rate_ratio: phase.applied_per_second / bare.per_second(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub pairs: Vec<Pair>,
    pub bare_bytes_per_contact: f64,
    pub bare_failures: Vec<String>,
    pub server: Report,
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.server)?;
        writeln!(out, "\nthe server beside the bare engine, in transactions of the same sizes")?;
        write!(out, "{:<9}", "load")?;
        let header = [
            "contacts",
            "batches/tx",
            "server µs/c",
            "bare µs/c",
            "CPU ratio",
            "server/s",
            "bare/s",
            "rate ratio",
        ];
        header.iter().try_for_each(|title| write!(out, " {title:>11}"))?;
        writeln!(out)?;
        for pair in &self.pairs {
            writeln!(
                out,
                "{:<9} {:>11} {:>11.0} {:>11.2} {:>11.2} {:>11.2} {:>11.0} {:>11.0} {:>11.2}",
                pair.name,
                pair.contacts,
                pair.batches_per_transaction,
                pair.server_micros_per_contact,
                pair.bare_micros_per_contact,
                pair.cpu_ratio,
                pair.server_applied_per_second,
                pair.bare_applied_per_second,
                pair.rate_ratio
            )?;
        }
        writeln!(out, "the bare engine's file: {:.0} bytes a contact", self.bare_bytes_per_contact)?;
        self.bare_failures.iter().try_for_each(|failure| writeln!(out, "  failed: {failure}"))
    }
}
