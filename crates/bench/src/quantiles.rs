//! How long things took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies, counted with three digits each: a run of any length takes the same memory.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// An hour, in microseconds: what takes longer counts as that.
const MOST: u64 = 3_600_000_000;

impl Default for Latencies {
    fn default() -> Self {
        // Only bounds that do not fit together fail; these do.
        Self(Histogram::new_with_bounds(1, MOST, 3).unwrap_or_else(|_| unreachable!()))
    }
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(MOST).clamp(1, MOST));
    }

    /// Counts those of another in.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds, so it cannot fail.
        let _ = self.0.add(&other.0);
    }

    /// In short.
    pub fn quantiles(&self) -> Quantiles {
        let at = |share| self.0.value_at_quantile(share) as f64 / 1000.0;
        Quantiles {
            samples: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1000.0,
        }
    }
}

/// Milliseconds; the smallest value that this share of the samples does not exceed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Quantiles {
    pub samples: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}
