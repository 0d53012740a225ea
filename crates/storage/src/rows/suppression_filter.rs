//! What is known in memory of suppressed addresses: that most addresses are not.
//!
//! A Bloom filter for each account has the hashes of its suppressions. An address that the filter does not know is not
//! suppressed, and the store is not asked about it. A filter only grows: a suppression that was removed or has expired costs
//! a question to the store, until the filter is built again. Each row has the number (`serial`) of the change that added it.
//! A filter that is behind the number of its account reads the rows since then, whatever node added them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::journal::AccountNo;

/// The hash of an address of an account.
pub type AddressHash = [u8; 16];

/// Bits for each hash that there is room for: about one address of 400 is asked about in vain where a filter is full.
const BITS: usize = 16;

/// The room of the smallest filter, in hashes.
const SMALLEST: usize = 4_096;

/// Bytes of all filters of a process. The filter of the largest account has 32 MiB.
const MAX_BYTES: usize = 48 << 20;

/// A filter, and the change up to which it is complete.
#[derive(Debug)]
struct Filter {
    /// As many as a power of two.
    words: Vec<u64>,
    held: usize,
    serial: u64,
}

impl Filter {
    /// With room for that many hashes, and half as many more.
    fn with_room(hashes: usize) -> Self {
        let room = (hashes + hashes / 2).max(SMALLEST).next_power_of_two();
        Self { words: vec![0; room * BITS / 64], held: 0, serial: 0 }
    }

    fn has_room(&self, more: usize) -> bool {
        (self.held + more) * BITS <= self.words.len() * 64
    }

    fn add(&mut self, hash: &AddressHash) {
        for (word, bit) in self.places(hash) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
        self.held += 1;
    }

    fn may_hold(&self, hash: &AddressHash) -> bool {
        let mut places = self.places(hash).into_iter();
        places.all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Four bits, each chosen by a part of the hash: it is keyed, and as good as random.
    fn places(&self, hash: &AddressHash) -> [(usize, u64); 4] {
        let number = u128::from_le_bytes(*hash);
        [0, 32, 64, 96].map(|shift| {
            // 32 bits fit.
            let part = usize::try_from((number >> shift) & u128::from(u32::MAX)).unwrap_or_default();
            ((part >> 6) & (self.words.len() - 1), 1 << (part & 63))
        })
    }
}

/// The filters of a process.
#[derive(Debug)]
pub struct Filters {
    all: Mutex<HashMap<AccountNo, Filter>>,
    max_bytes: usize,
}

impl Default for Filters {
    fn default() -> Self {
        Self::bounded(MAX_BYTES)
    }
}

impl Filters {
    fn bounded(max_bytes: usize) -> Self {
        Self { all: Mutex::default(), max_bytes }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AccountNo, Filter>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places of the hashes that may be suppressed; `None` if the account has no filter that is complete up to that
    /// change.
    pub fn sift(&self, account: AccountNo, serial: u64, hashes: &[AddressHash]) -> Option<Vec<usize>> {
        let filters = self.all();
        let filter = filters.get(&account).filter(|filter| filter.serial >= serial)?;
        let places = hashes.iter().enumerate().filter(|(_, hash)| filter.may_hold(hash));
        Some(places.map(|(place, _)| place).collect())
    }

    /// The change up to which the account's filter is complete; `None` if it has none.
    pub fn serial(&self, account: AccountNo) -> Option<u64> {
        self.all().get(&account).map(|filter| filter.serial)
    }

    /// Adds the hashes of the changes behind `base` up to `serial`; without a base, these are all of the account. A filter
    /// without room for them is dropped, and the next look-up builds it again.
    pub fn extend(&self, account: AccountNo, base: Option<u64>, serial: u64, hashes: &[AddressHash]) {
        let mut filters = self.all();
        let mut filter = match (base, filters.remove(&account)) {
            (None, _) => Filter::with_room(hashes.len()),
            (Some(base), Some(filter)) if filter.serial >= base && filter.has_room(hashes.len()) => filter,
            (Some(_), _) => return,
        };
        hashes.iter().for_each(|hash| filter.add(hash));
        filter.serial = filter.serial.max(serial);
        let others: usize = filters.values().map(|filter| filter.words.len() * 8).sum();
        if others + filter.words.len() * 8 > self.max_bytes {
            filters.clear();
        }
        filters.insert(account, filter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> AddressHash {
        // As good as random: a number that was mixed.
        let mixed = |number: u64| {
            let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        };
        let number = u128::from(mixed(number)) << 64 | u128::from(mixed(number ^ u64::MAX));
        number.to_le_bytes()
    }

    fn hashes(numbers: std::ops::Range<u64>) -> Vec<AddressHash> {
        numbers.map(hash).collect()
    }

    const ONE: AccountNo = AccountNo(1);

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let filters = Filters::default();
        assert_eq!(filters.sift(ONE, 0, &hashes(0..1)), None);
        filters.extend(ONE, None, 3, &hashes(0..100_000));
        assert_eq!(filters.serial(ONE), Some(3));
        let all = filters.sift(ONE, 3, &hashes(0..100_000)).unwrap_or_default();
        assert_eq!(all.len(), 100_000);
        let others = filters.sift(ONE, 2, &hashes(1_000_000..1_100_000)).unwrap_or_default();
        assert!(others.len() < 500, "{} of 100,000", others.len());
        assert_eq!(filters.sift(AccountNo(2), 0, &hashes(0..1)), None);
    }

    #[test]
    fn a_filter_that_is_behind_is_not_asked_and_continues() {
        let filters = Filters::default();
        filters.extend(ONE, None, 1, &hashes(0..10));
        assert_eq!(filters.sift(ONE, 2, &hashes(0..1)), None);
        filters.extend(ONE, Some(1), 2, &hashes(10..20));
        assert_eq!(filters.sift(ONE, 2, &hashes(5..15)), Some((0..10).collect()));
        // What was read from another filter's end on would leave a gap.
        filters.extend(ONE, Some(7), 9, &hashes(20..21));
        assert_eq!(filters.serial(ONE), None);
    }

    #[test]
    fn a_full_filter_is_dropped_and_all_have_a_bound() {
        let filters = Filters::bounded(50_000);
        filters.extend(ONE, None, 1, &hashes(0..10));
        filters.extend(ONE, Some(1), 2, &hashes(10..10_000));
        assert_eq!(filters.serial(ONE), None, "it had room for 4,096");
        for account in 1..100 {
            filters.extend(AccountNo(account), None, 1, &hashes(0..10));
        }
        let bytes: usize = filters.all().values().map(|filter| filter.words.len() * 8).sum();
        assert!(bytes <= 50_000, "{bytes}");
        assert_eq!(filters.serial(AccountNo(99)), Some(1));
    }
}
