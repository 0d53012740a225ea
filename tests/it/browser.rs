//! The console in a real browser: Chromium, driven by its own driver.

mod command;
mod driver;
mod keyboard;
mod pictures;
mod story;

pub use self::driver::Browser;
