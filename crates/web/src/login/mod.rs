//! Signing in: passwords, the throttle of failed attempts, and the address that browsers know.

pub mod password;
pub mod secret;
mod setting;
pub mod throttle;

pub use self::setting::{Console, PublicUrl};
