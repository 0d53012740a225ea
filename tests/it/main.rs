//! The server as its users meet it: over HTTP, on a real store.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod clerk;
mod cli;
mod contacts_update;
mod demo;
mod disk_full;
mod harness;
mod http2;
mod kill;
mod limits;
mod log;
mod php;
mod process;
mod receiver;
mod settings;
mod stop;
mod webhook;
mod wire;
