//! The status webhook leaves: where it may go ([`address`]), how it is signed ([`sign`]), one attempt ([`send`]),
//! and how long to wait for the next ([`backoff`]).

pub mod address;
pub mod backoff;
mod connect;
pub mod deliver;
pub mod event;
pub mod events;
mod messages;
pub mod position;
mod resolve;
pub mod send;
pub mod sign;
mod stream;
pub mod tls;
