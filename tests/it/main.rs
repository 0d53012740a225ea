//! The server as its users meet it: over HTTP, on a real store.

mod contacts_update;
mod harness;
mod storage_contract;
