//! Taking batches in: decode, validate with every error, make durable.

pub mod check;
pub mod fields;
pub mod problem;
pub mod update;
pub mod variables;
pub mod writer;
