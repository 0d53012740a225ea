//! What everything that is served shares: the socket and its bounds, bodies, answers, files, the address of a client,
//! and the state of handlers.

pub mod admission;
pub mod answer;
pub mod assets;
pub mod auth_throttle;
pub mod body;
pub mod client;
pub mod compress;
pub mod concurrency_limit;
pub mod connection;
pub mod connection_limit;
pub mod drain;
pub mod file;
pub mod last_used;
pub mod login;
pub mod rejections;
pub mod serve;
mod state;
pub mod tls;
pub mod translate;
pub mod unparsed;

pub use self::state::App;
