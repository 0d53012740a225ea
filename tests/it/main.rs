//! The server as its users meet it: over HTTP, on a real store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test fails by panicking, and its name says what it is for"
)]

<<<<<<< HEAD
mod access;
mod account;
mod contact_get;
mod contact_list;
mod contact_source;
mod contacts_update;
mod faults;
mod harness;
mod request_find;
mod storage_contract;
mod update_errors;
mod update_fields;
mod update_identity;
mod update_reading;
mod update_refusals;
mod update_sources;
mod update_times;
mod update_variables;
mod vendor_errors;
=======
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
>>>>>>> w2
