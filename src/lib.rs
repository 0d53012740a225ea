//! Rollbook keeps the contacts of many lists, and speaks the v3 contact API of Wooxy.
//!
//! # The path of a batch
//!
//! A batch of contacts walks one way through the house, and each room does one thing to it:
//!
//! 1. [`http`] reads the headers, knows the token, counts the request, reads the body.
//! 2. [`intake`] decodes and validates it, tells everything that is wrong, and otherwise hands it to the
//!    group-commit writer.
//! 3. [`storage`] makes it durable as an entry of the [`journal`]. The 200 is sent here, and not before.
//! 4. The [`applier`] takes many batches at once, in the order of acceptance, decides with a pure rule what each item
//!    does to its contact, and writes contacts, results and the position that it has reached in one transaction.
//! 5. [`notify`] reports what became of it to the caller's webhook, signed, until it is heard.
//!
//! [`app`] holds the use cases: what the API, the console and the jobs can ask for. [`runtime`] runs the server.
//!
//! [`contact`] is what a contact is: its fields, how each is read, kept and merged. It is pure, as are the rule,
//! the signature and the back-off. [`clock`] is the only place that asks for the time.

pub mod app;
pub mod applier;
pub mod apply;
pub mod argument;
pub mod bench;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod contact;
pub mod descriptors;
#[cfg(test)]
mod every_field;
pub mod files;
pub mod filter;
pub mod find;
pub mod flights;
pub mod guesses;
pub mod history;
pub mod http;
pub mod id;
pub mod indexer;
pub mod intake;
pub mod jobs;
pub mod journal;
pub mod json;
pub mod list;
pub mod login;
pub mod mcp;
pub mod metrics;
pub mod notify;
pub mod param;
pub mod problem;
pub mod rejections;
pub mod retention;
pub mod runtime;
pub mod search;
pub mod secret;
pub mod segments;
pub mod spans;
pub mod storage;
pub mod token;
pub mod translate;
pub mod used;
pub mod version;
pub mod web;
pub mod webhook;
pub mod wire;
pub mod writer;

// Templates name these.
use translate::{t, tn};
