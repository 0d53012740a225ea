//! Applying: accepted batches become changes of contacts.
//!
//! [`plan`] reads what waits and says which contacts it touches; the store loads those into a [`world`]; the
//! [`rule`] decides item by item, in the order of acceptance; the store writes what the unit of work says has changed.
//! All of that is pure and may be called again. The loop around it is [`loops::applier`].

pub mod consent;
pub mod item_context;
pub mod ledger;
pub mod merge;
pub mod outcome;
pub mod plan;
pub mod rule;
pub mod undo;
pub mod unit_of_work;
