//! Rollbook keeps the contacts of many lists, and speaks the v3 contact API of Wooxy.
//!
//! This crate is the program: arguments, settings, and what starts and stops the server. ARCHITECTURE.md shows the
//! path of a batch through the other crates.

pub mod cli;
pub mod config;
pub mod descriptors;
#[cfg(all(test, feature = "extra-field"))]
mod every_field;
pub mod runtime;
