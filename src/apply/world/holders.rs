//! Who stands under a hash.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

/// Slots by the hashes of what they bear.
#[derive(Debug, Default)]
pub struct Holders(HashMap<u64, Shared, BuildHasherDefault<AsItIs>>);

/// Slots that share a hash: nearly always one.
#[derive(Debug)]
struct Shared {
    first: u32,
    others: Vec<u32>,
}

impl Holders {
    /// The slots under a hash.
    pub fn of(&self, hash: u64) -> impl Iterator<Item = u32> {
        let slots = self.0.get(&hash).into_iter();
        slots.flat_map(|shared| std::iter::once(shared.first).chain(shared.others.iter().copied()))
    }

    /// Puts a slot under a hash, once.
    pub fn hold(&mut self, hash: u64, slot: u32) {
        match self.0.entry(hash) {
            Entry::Vacant(place) => {
                place.insert(Shared { first: slot, others: Vec::new() });
            }
            Entry::Occupied(mut place) => {
                let shared = place.get_mut();
                if shared.first != slot && !shared.others.contains(&slot) {
                    shared.others.push(slot);
                }
            }
        }
    }

    /// Takes a slot away from under a hash.
    pub fn release(&mut self, hash: u64, slot: u32) {
        let Some(shared) = self.0.get_mut(&hash) else { return };
        shared.others.retain(|other| *other != slot);
        if shared.first == slot {
            match shared.others.pop() {
                Some(other) => shared.first = other,
                None => drop(self.0.remove(&hash)),
            }
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
