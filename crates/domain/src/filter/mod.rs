//! Filters over the contacts of a list: one typed tree that contacts/find, exports, bulk changes, pages and segments
//! share.
//!
//! A [`Tree`] is read from JSON once, with the variables of its list. [`Tree::compile`] makes a [`Matcher`] of it: ids of
//! sources and segments are resolved, and the time is fixed. A matcher reads the stored bytes of a contact in one walk, as
//! far as the last field that it needs.

mod decode;
mod matcher;
mod operand;
mod param;
mod subject;
mod tree;

pub use self::decode::{MAX_DEPTH, MAX_LEAVES, MAX_TEXT, MAX_VALUES, decode};
pub use self::matcher::{Fit, Matcher, Resolved};
pub use self::operand::{Moment, Number};
pub use self::param::FILTER;
pub use self::subject::{Domain, Op, Subject};
pub use self::tree::{Leaf, Node, Test, Tree};

#[cfg(test)]
mod tests;
