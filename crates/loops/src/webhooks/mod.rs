//! The loops that send webhooks: of requests ([`deliver`]), and of accounts ([`events`]).

pub mod deliver;
pub mod events;
mod messages;
