//! A contact: its fields, how each is read and kept, and how a change is merged. Pure throughout.

pub mod amount;
pub mod choice;
pub mod date;
pub mod document;
pub mod email;
pub mod field;
pub mod gender;
pub mod http_url;
pub mod identifier;
pub mod invisible;
mod key;
pub mod language;
pub mod likeness;
pub mod link;
pub mod number;
pub mod phone;
pub mod proof;
pub mod record;
pub mod sealed;
pub mod suppression;
pub mod timezone;
pub mod webhook_uri;
