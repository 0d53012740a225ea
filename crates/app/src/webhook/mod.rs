//! One webhook: where it may go ([`address`]), how it is signed ([`sign`]), one attempt ([`send`]), how long to wait
//! for the next ([`backoff`]), and the events of account webhooks ([`event`]). The loops are another module.

pub mod address;
pub mod backoff;
mod connect;
pub mod event;
pub mod position;
mod resolve;
pub mod send;
pub mod sign;
mod stream;
pub mod tls;
