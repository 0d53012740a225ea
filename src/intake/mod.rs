//! Taking batches in: decode, validate with every error, make durable.

pub mod accept;
pub mod check;
pub mod contacts;
pub mod erase;
pub mod fields;
pub mod identifiers;
pub mod list;
pub mod merge;
pub mod problem;
pub mod proof;
pub mod remove;
pub mod top;
pub mod undo;
pub mod variables;
pub mod writer;
