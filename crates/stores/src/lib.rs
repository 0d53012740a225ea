//! What needs both stores: opening the one that an address names, and copying one to the other.

pub mod copy;
pub mod database;
