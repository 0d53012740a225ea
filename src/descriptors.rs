//! File descriptors: each connection takes one, in and out.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than the bounds of a server and its store come to.
const WANTED: u64 = 65_536;

/// Lets this process have as many as it may give itself, up to a bound. Returns how many it may have.
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    // `None` is no limit.
    let Some(current) = current.filter(|current| *current < wanted) else {
        return current.unwrap_or(u64::MAX);
    };
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, current, "server: raising the limit of open files failed");
            current
        }
    }
}
