//! The core: what contacts, batches, lists and filters are, and the rules of how a batch changes contacts. Pure: no
//! input, no output, no clock but the one that is passed in.

pub mod apply;
pub mod argument;
pub mod clock;
pub mod contact;
pub mod filter;
pub mod history;
pub mod id;
pub mod journal;
pub mod json;
pub mod list;
pub mod problem;
pub mod schema;
pub mod search;
pub mod secret;
pub mod sort;
pub mod token;
pub mod version;
