//! The server as its users meet it: over HTTP, on a real store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test fails by panicking, and its name says what it is for"
)]

mod access;
mod account;
mod bad_input;
mod busy;
mod clerk;
mod cli;
mod compression;
mod contact_get;
mod contact_list;
mod contact_source;
mod contacts_find;
mod contacts_update;
mod demo;
mod disk_full;
mod faults;
mod files;
mod files_faults;
mod files_resume;
mod files_round_trip;
mod harness;
mod http2;
mod kill;
mod limits;
mod list_methods;
mod list_variables;
mod log;
mod php;
mod process;
mod receiver;
mod request_find;
mod request_list;
mod routes;
mod settings;
mod source_methods;
mod stop;
mod storage_contract;
mod token_scope;
mod too_large;
mod update_errors;
mod update_fields;
mod update_identity;
mod update_model;
mod update_order;
mod update_reading;
mod update_refusals;
mod update_sources;
mod update_times;
mod update_variables;
mod vendor_errors;
mod wait_for;
mod webhook;
mod wire;
