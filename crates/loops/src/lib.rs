//! The loops that work on what the store holds: batches, the search index, the members of segments, webhooks.

pub mod applier;
pub mod indexer;
pub mod segments;
pub mod webhooks;
