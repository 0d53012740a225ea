//! Finding people by what is typed: how texts are folded into words, what is indexed of a contact, and what a search
//! asks for. The loop that follows the change feed is another module.

mod entry;
pub mod fold;
mod query;
mod status;

pub use self::entry::{Entry, Phone};
pub use self::query::{MAX_LENGTH, MAX_WORDS, PREFIX_LETTERS, Query, QueryError, Tier};
pub use self::status::Status;

/// The version of the words that are indexed: another one builds the index again.
pub const VERSION: u32 = 1;

/// The least age of a change that is not indexed at which a person has to look.
pub const LATE: std::time::Duration = std::time::Duration::from_secs(60);
