//! The console as a browser meets it, without the browser: what is answered, with which headers, and to whom.

mod accounts;
mod forms;
mod languages;
mod pages;
mod roles;
mod searches;
mod sign_in;
mod sorts;
mod visitor;

pub use self::visitor::{PASSWORD, Visitor, add, let_in};
