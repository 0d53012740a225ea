//! How many requests of each token are in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts; a token without requests in flight takes no room.
#[derive(Clone, Debug)]
pub struct Flights {
    max: usize,
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

/// A request in flight; it has landed when this is dropped.
#[derive(Debug)]
pub struct Flight {
    flights: Flights,
    token: String,
}

impl Flights {
    /// At most `max` for each token.
    pub fn new(max: usize) -> Self {
        Self { max, counts: Arc::default() }
    }

    /// Counts a request in; `None` where there are too many already.
    pub fn take_off(&self, token: &str) -> Option<Flight> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(token.to_owned()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Flight { flights: self.clone(), token: token.to_owned() })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut counts = self.flights.counts.lock().unwrap_or_else(PoisonError::into_inner);
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
        let flights = Flights::new(2);
        let (one, two) = (flights.take_off("a"), flights.take_off("a"));
        assert!(one.is_some() && two.is_some());
        assert!(flights.take_off("a").is_none());
        assert!(flights.take_off("b").is_some());
        drop(one);
        assert!(flights.take_off("a").is_some());
    }
}
