//! Metrics and traces, in words of the program.

pub mod metrics;
pub mod spans;
