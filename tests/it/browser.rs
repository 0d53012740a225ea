//! The console in a real browser: Chromium, driven by its own driver.

mod command;
mod connection;
mod driver;
mod filters;
mod keyboard;
mod pictures;
mod search;
mod story;
mod times;
mod unsubscribe;

pub use self::driver::Browser;
