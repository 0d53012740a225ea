//! How many requests of each token are in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts; a token without requests in flight takes no room.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    max: usize,
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

/// A request in flight; it has landed when this is dropped.
#[derive(Debug)]
pub struct Permit {
    concurrency_limit: ConcurrencyLimit,
    token: String,
}

impl ConcurrencyLimit {
    /// At most `max` for each token.
    pub fn new(max: usize) -> Self {
        Self { max, counts: Arc::default() }
    }

    /// Counts a request in; `None` where there are too many already.
    pub fn acquire(&self, token: &str) -> Option<Permit> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(token.to_owned()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Permit { concurrency_limit: self.clone(), token: token.to_owned() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.concurrency_limit.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_so_many_in_flight_and_others_are_not_counted() {
        let concurrency_limit = ConcurrencyLimit::new(2);
        let (one, two) = (concurrency_limit.acquire("a"), concurrency_limit.acquire("a"));
        assert!(one.is_some() && two.is_some());
        assert!(concurrency_limit.acquire("a").is_none());
        assert!(concurrency_limit.acquire("b").is_some());
        drop(one);
        assert!(concurrency_limit.acquire("a").is_some());
    }
}
