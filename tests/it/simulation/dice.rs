//! All that is left to chance, from one number.

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.roll() % count as u64).unwrap()
    }

    pub fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.index(among.len())].clone()
    }

    /// So many times out of a thousand.
    pub const fn chance(&mut self, per_mille: u64) -> bool {
        self.roll() % 1_000 < per_mille
    }
}
