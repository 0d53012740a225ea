//! Who stands under a hash.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

/// Slots by the hashes of what they bear. That two share a hash is so rare that those beside the first stand apart:
/// a group holds hundreds of thousands of entries.
#[derive(Debug, Default)]
pub struct Holders {
    first: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    others: HashMap<u64, Vec<u32>, BuildHasherDefault<AsItIs>>,
}

impl Holders {
    /// Room for so many hashes more.
    pub fn reserve(&mut self, hashes: usize) {
        self.first.reserve(hashes);
    }

    /// The slots under a hash.
    pub fn of(&self, hash: u64) -> impl Iterator<Item = u32> {
        let first = self.first.get(&hash).copied();
        let others = first.and_then(|_| self.others.get(&hash));
        first.into_iter().chain(others.into_iter().flatten().copied())
    }

    /// Puts a slot under a hash, once.
    pub fn hold(&mut self, hash: u64, slot: u32) {
        match self.first.entry(hash) {
            Entry::Vacant(place) => {
                place.insert(slot);
            }
            Entry::Occupied(place) if *place.get() == slot => {}
            Entry::Occupied(_) => {
                let others = self.others.entry(hash).or_default();
                if !others.contains(&slot) {
                    others.push(slot);
                }
            }
        }
    }

    /// Takes a slot away from under a hash.
    pub fn release(&mut self, hash: u64, slot: u32) {
        let mut others = self.others.remove(&hash).unwrap_or_default();
        others.retain(|other| *other != slot);
        if self.first.get(&hash) == Some(&slot) {
            match others.pop() {
                Some(other) => drop(self.first.insert(hash, other)),
                None => drop(self.first.remove(&hash)),
            }
        }
        if !others.is_empty() {
            self.others.insert(hash, others);
        }
    }
}

/// Keys that are keyed hashes need no more hashing.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only u64 is hashed here; this is right for anything, if slow.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_share_a_hash_are_held_once_each_and_released_in_any_order() {
        for order in [[1, 2, 3], [2, 3, 1], [3, 1, 2]] {
            let mut holders = Holders::default();
            for slot in [1, 2, 1, 3, 2, 1] {
                holders.hold(7, slot);
            }
            holders.hold(8, 4);
            let mut left = vec![1, 2, 3];
            for slot in order {
                holders.release(7, slot);
                holders.release(7, slot);
                left.retain(|other| *other != slot);
                let mut held: Vec<_> = holders.of(7).collect();
                held.sort_unstable();
                assert_eq!(held, left);
            }
            assert_eq!(holders.of(8).collect::<Vec<_>>(), [4]);
            assert!(holders.others.is_empty(), "nothing is left behind");
        }
    }
}
