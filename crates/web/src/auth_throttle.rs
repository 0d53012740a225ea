//! Who has tried many tokens that are none, and must wait before the next is looked at.
//!
//! Each wrong token costs its client's address a second; who owes more than a minute waits until it is less. A token
//! that this server knows already, with the right secret, is never asked to wait, whoever else fails from the same
//! address: so nobody can lock out those who share it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a wrong token costs.
const COST: Duration = Duration::from_secs(1);

/// What an address may owe.
const CREDIT: Duration = Duration::from_secs(60);

/// Addresses that are told apart; all beyond them are as one.
const ADDRESSES: usize = 8_192;

/// Stands for all addresses beyond.
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What each address owes, as the time at which it owes nothing any more.
#[derive(Debug, Default)]
pub struct AuthThrottle(Mutex<HashMap<IpAddr, Instant>>);

impl AuthThrottle {
    /// How long that address must wait before another token of it is looked at; `None` where it need not.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = household(address);
        // Who is not told apart while there is no room owes with the others.
        let full = owed.len() >= ADDRESSES;
        let until = owed.get(&address).or_else(|| owed.get(&OTHERS).filter(|_| full))?;
        let wait = until.saturating_duration_since(now).saturating_sub(CREDIT);
        (!wait.is_zero()).then_some(wait)
    }

    /// That address has tried a token that is none.
    pub fn wrong(&self, address: IpAddr, now: Instant) {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut address = household(address);
        if owed.len() >= ADDRESSES && !owed.contains_key(&address) {
            owed.retain(|_, until| *until > now);
            if owed.len() >= ADDRESSES {
                address = OTHERS;
            }
        }
        let until = owed.entry(address).or_insert(now);
        *until = (*until).max(now) + COST;
    }
}

/// What one client can have many of counts as one: of IPv6 a network of 64 bits.
pub fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn v4(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn who_guesses_on_waits_and_others_do_not() {
        let (auth_throttle, now) = (AuthThrottle::default(), Instant::now());
        for _ in 0..60 {
            assert_eq!(auth_throttle.wait(v4(1), now), None);
            auth_throttle.wrong(v4(1), now);
        }
        assert_eq!(auth_throttle.wait(v4(1), now), None, "a minute is owed, and no more");
        auth_throttle.wrong(v4(1), now);
        assert_eq!(auth_throttle.wait(v4(1), now), Some(COST));
        assert_eq!(auth_throttle.wait(v4(2), now), None);
        assert_eq!(auth_throttle.wait(v4(1), now + COST), None, "it goes by");
        auth_throttle.wrong(v4(1), now + COST);
        assert_eq!(auth_throttle.wait(v4(1), now + COST), Some(COST), "one a second");
        let later = now + Duration::from_secs(3_600);
        auth_throttle.wrong(v4(1), later);
        assert_eq!(auth_throttle.wait(v4(1), later), None, "nothing is owed for long");
    }

    #[test]
    fn however_many_addresses_guess_the_memory_is_bounded() {
        let (auth_throttle, now) = (AuthThrottle::default(), Instant::now());
        let addresses = u32::try_from(ADDRESSES).unwrap_or(u32::MAX);
        for number in 1..addresses + 1_000 {
            auth_throttle.wrong(v4(number), now);
        }
        let known = auth_throttle.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert!(known <= ADDRESSES + 1, "{known}");
        assert!(auth_throttle.wait(v4(u32::MAX), now).is_some(), "those beyond are as one");
        assert_eq!(auth_throttle.wait(v4(1), now), None, "those who are told apart owe what they owe");
        // What is not owed any more makes room.
        let later = now + COST + COST;
        auth_throttle.wrong(v4(u32::MAX), later + CREDIT * 100);
        assert_eq!(auth_throttle.0.lock().unwrap_or_else(PoisonError::into_inner).len(), 1);
    }

    #[test]
    fn a_network_of_64_bits_is_one_client() {
        let same = |one: &str, two: &str| household(one.parse().unwrap()) == household(two.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
