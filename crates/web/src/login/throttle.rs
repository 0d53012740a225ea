//! How often somebody may try to sign in: so many failures of one address, and for one account, in a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::secret::hash;
use domain::clock::Timestamp;

/// After this a failure is forgotten.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failures for one e-mail address.
pub const PER_NAME: u32 = 10;

/// Failures from one network address; behind proxies of the operator, that of whom they ask for.
pub const PER_ADDRESS: u32 = 100;

/// How many counts are kept: some 2 MiB.
const MAX: usize = 20_000;

/// What failures are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    /// A network address; of IPv6 the half that a network is given.
    Address([u8; 8]),
    /// A hash of an e-mail address: names have no bound, and what is typed is not kept.
    Name([u8; 8]),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Timestamp,
    failures: u32,
}

/// The counts, in memory: each server counts for itself.
#[derive(Debug, Default)]
pub struct LoginThrottle(Mutex<HashMap<Whose, Count>>);

/// Somebody who tries.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    name: Whose,
    address: Option<Whose>,
}

impl Attempt {
    /// By an e-mail address, from a network address.
    pub fn new(name: &str, address: Option<IpAddr>) -> Self {
        let Some(address) = address else { return Self::inside(name) };
        let mut network = [0; 8];
        match address {
            IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
        }
        Self { address: Some(Whose::Address(network)), ..Self::inside(name) }
    }

    /// By somebody who is signed in, to whom that name was given.
    pub fn inside(name: &str) -> Self {
        let mut short = [0; 8];
        short.copy_from_slice(&hash(name)[..8]);
        Self { name: Whose::Name(short), address: None }
    }

    fn counted(self) -> impl Iterator<Item = (Whose, u32)> {
        [(self.name, PER_NAME)].into_iter().chain(self.address.map(|address| (address, PER_ADDRESS)))
    }
}

impl LoginThrottle {
    /// Counts an attempt as failed, before it is known: those that run side by side count too.
    ///
    /// # Errors
    /// How long to wait, where there were too many.
    pub fn begin(&self, attempt: Attempt, now: Timestamp) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, most) in attempt.counted() {
            let known = counts.get(&whose).filter(|count| now.since(count.since) < WINDOW);
            if let Some(count) = known.filter(|count| count.failures >= most) {
                return Err(WINDOW - now.since(count.since));
            }
        }
        if counts.len() + 2 > MAX {
            make_room(&mut counts, now);
        }
        for (whose, _) in attempt.counted() {
            let count = counts.entry(whose).or_insert(Count { since: now, failures: 0 });
            if now.since(count.since) >= WINDOW {
                *count = Count { since: now, failures: 0 };
            }
            count.failures += 1;
        }
        Ok(())
    }

    /// The attempt has succeeded: it counts for nothing, and what failed for the name is forgotten.
    pub fn succeeded(&self, attempt: Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&attempt.name);
        if let Some(count) = attempt.address.and_then(|address| counts.get_mut(&address)) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

/// Forgets what is over; where nothing is, the older half.
fn make_room(counts: &mut HashMap<Whose, Count>, now: Timestamp) {
    counts.retain(|_, count| now.since(count.since) < WINDOW);
    if counts.len() > MAX / 2 {
        let mut times: Vec<_> = counts.values().map(|count| count.since).collect();
        let (_, middle, _) = times.select_nth_unstable(counts.len() / 2);
        let middle = *middle;
        counts.retain(|_, count| count.since > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Timestamp = Timestamp::from_millis(3_600_000);

    fn from(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_name_is_closed_after_ten_failures_wherever_they_come_from_and_opens_again() {
        let attempts = LoginThrottle::default();
        for last in 0..10 {
            assert_eq!(attempts.begin(Attempt::new("user@example.com", from(last)), HOUR), Ok(()));
        }
        let later = HOUR.after(Duration::from_secs(60));
        let closed = attempts.begin(Attempt::new("user@example.com", from(99)), later);
        assert_eq!(closed, Err(Duration::from_secs(14 * 60)));
        assert_eq!(attempts.begin(Attempt::new("other@example.com", from(1)), later), Ok(()));
        assert_eq!(attempts.begin(Attempt::new("user@example.com", from(99)), HOUR.after(WINDOW)), Ok(()));
    }

    #[test]
    fn a_network_is_closed_whatever_names_it_tries() {
        let attempts = LoginThrottle::default();
        let address = |host: u16| Some(IpAddr::from([0x2001, 0xdb8, 1, 1, 0, 0, 0, host]));
        for number in 0..100 {
            let attempt = Attempt::new(&format!("{number}@example.com"), address(number));
            assert_eq!(attempts.begin(attempt, HOUR), Ok(()));
        }
        assert_eq!(attempts.begin(Attempt::new("x@example.com", address(7)), HOUR), Err(WINDOW));
        assert_eq!(attempts.begin(Attempt::new("x@example.com", from(7)), HOUR), Ok(()));
    }

    #[test]
    fn who_gets_in_is_not_counted() {
        let attempts = LoginThrottle::default();
        let attempt = Attempt::new("user@example.com", from(1));
        for _ in 0..500 {
            assert_eq!(attempts.begin(attempt, HOUR), Ok(()));
            attempts.succeeded(attempt);
        }
    }

    #[test]
    fn counts_are_bounded_and_the_newest_stay() {
        let attempts = LoginThrottle::default();
        for number in 0..60_000_i32 {
            let now = HOUR.after(Duration::from_millis(number.unsigned_abs().into()));
            let [a, b, c, d] = number.to_be_bytes();
            let attempt = Attempt::new(&number.to_string(), Some(IpAddr::from([a, b, c, d])));
            assert_eq!(attempts.begin(attempt, now), Ok(()));
            assert!(attempts.0.lock().is_ok_and(|counts| counts.len() <= MAX));
        }
    }
}
