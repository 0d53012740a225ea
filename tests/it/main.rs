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
mod bench_command;
mod busy;
mod clerk;
mod cli;
mod compression;
mod contact_get;
mod contact_list;
mod contact_source;
mod contacts_add;
mod contacts_model;
mod contacts_order;
mod contacts_remove;
mod contacts_update;
mod demo;
mod disk_full;
mod dry_run;
mod erase;
mod erase_bytes;
mod erase_kill;
mod erase_later;
mod erase_refusals;
mod erase_traces;
mod export;
mod faults;
mod first_release;
mod harness;
mod history;
mod history_finding;
mod history_kept;
mod http2;
mod idempotency;
mod idempotency_kill;
mod idempotency_race;
mod kill;
mod large_histories;
mod limits;
mod list_methods;
mod list_variables;
mod log;
mod past;
mod php;
mod problem_order;
mod process;
mod python;
mod receiver;
mod reference;
mod reference_codes;
mod reference_examples;
mod reference_fuzz;
mod request_find;
mod request_list;
mod routes;
mod settings;
mod source_methods;
mod stop;
mod storage_contract;
mod token_scope;
mod too_large;
mod undo;
mod undo_asking;
mod undo_kept;
mod undo_kill;
mod undo_model;
mod update_errors;
mod update_fields;
mod update_identity;
mod update_order;
mod update_reading;
mod update_refusals;
mod update_sources;
mod update_times;
mod update_variables;
mod vendor_errors;
mod wait_for;
mod watch;
mod webhook;
mod wire;
