//! Two kinds of load in one run: each is sent twice, in the order one, other, other, one. So a store that grows and a
//! machine that slows down weigh on both in the same way.

use std::fmt;

use serde::Serialize;

use super::phase::Phase;

/// The figures of one kind of load.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Contacts applied a second, of both phases.
    pub applied_per_second: f64,
    /// CPU of the server for a contact, where its process is known.
    pub server_micros_per_contact: Option<f64>,
}

impl Cost {
    fn of(phases: [&Phase; 2]) -> Self {
        let contacts = phases.iter().map(|phase| phase.contacts as f64).sum::<f64>().max(1.0);
        let weighted = |cost: fn(&Phase) -> Option<f64>| {
            let costs = phases.iter().map(|phase| Some(cost(phase)? * phase.contacts as f64));
            costs.sum::<Option<f64>>().map(|sum| sum / contacts)
        };
        let seconds = weighted(|phase| Some(1.0 / phase.applied_per_second));
        Self {
            applied_per_second: seconds.map_or(0.0, f64::recip),
            server_micros_per_contact: weighted(|phase| phase.server_micros_per_contact),
        }
    }
}

/// What one kind of load costs beside another.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// In words.
    pub what: String,
    /// Of the load that is compared.
    pub measured: Cost,
    /// Of the load without it.
    pub without: Cost,
    /// CPU of the server for a contact, by that without it.
    pub cpu_ratio: Option<f64>,
    /// Contacts applied a second, by those without it.
    pub rate_ratio: f64,
}

impl Comparison {
    /// Of phases in the order without, measured, measured, without.
    pub fn new(what: &str, [first, second, third, fourth]: [&Phase; 4]) -> Self {
        let (without, measured) = (Cost::of([first, fourth]), Cost::of([second, third]));
        let cpu = measured.server_micros_per_contact.zip(without.server_micros_per_contact);
        Self {
            what: what.to_owned(),
            measured,
            without,
            cpu_ratio: cpu.map(|(measured, without)| measured / without),
            rate_ratio: measured.applied_per_second / without.applied_per_second,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, measured, without, cpu_ratio, rate_ratio } = self;
        let (rate, other) = (measured.applied_per_second, without.applied_per_second);
        write!(out, "{what}: {rate:.0} applied a second, {other:.0} without: ratio {rate_ratio:.3}")?;
        let micros = measured.server_micros_per_contact.zip(without.server_micros_per_contact);
        if let Some(((measured, without), ratio)) = micros.zip(*cpu_ratio) {
            write!(out, "; server {measured:.2} µs a contact, {without:.2} without: ratio {ratio:.3}")?;
        }
        writeln!(out)
    }
}
