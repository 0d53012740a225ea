//! What goes into a store and comes out of it.

mod access;
mod activity;
mod attempt;
mod change;
mod contact;
mod delivery;
mod job;
mod list;
mod login;
mod page;
mod rejection;
mod request;
mod search;
mod source;
mod space;
mod suppression;
mod user;
mod webhook;

pub use self::access::*;
pub use self::activity::*;
pub use self::attempt::*;
pub use self::change::*;
pub use self::contact::*;
pub use self::delivery::*;
pub use self::job::*;
pub use self::list::*;
pub use self::login::*;
pub use self::page::*;
pub use self::rejection::*;
pub use self::request::*;
pub use self::search::*;
pub use self::source::*;
pub use self::space::*;
pub use self::suppression::*;
pub use self::user::*;
pub use self::webhook::*;
