//! What one history may meet: drawn before it begins, so that some are quiet, and each storm is another.

use super::dice::Dice;

/// How a receiver of webhooks behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Takes all.
    Good,
    /// Takes some.
    Fickle,
    /// Takes none.
    Dead,
    /// May not be sent to.
    Private,
}

/// Chances are out of a thousand, for each transaction.
#[derive(Clone, Debug)]
pub struct Plan {
    pub lists: usize,
    pub clients: usize,
    /// What each client sets about.
    pub deeds: u64,
    pub receivers: Vec<Manner>,
    pub slow: u64,
    /// It is not begun, and whoever asked is told that it failed.
    pub not_begun: u64,
    /// It fails half-way, in SQLite.
    pub spoiled: u64,
    /// It is done, and whoever asked is told that it failed.
    pub told_failed: u64,
    /// The process dies before or after it.
    pub crash: u64,
    /// How often the clock jumps on, for hours or days, or is set back.
    pub jumps: u64,
    pub set_back: bool,
    /// How many crashes there are at most.
    pub crashes: u32,
}

impl Plan {
    pub fn draw(dice: &mut Dice) -> Self {
        let manner =
            [Manner::Good, Manner::Good, Manner::Fickle, Manner::Fickle, Manner::Dead, Manner::Private];
        let quiet = dice.chance(150);
        let mut often = |per_mille: u64| if quiet || dice.chance(500) { 0 } else { per_mille };
        let (not_begun, spoiled, told_failed) = (often(15), often(25), often(15));
        let (crash, slow, jumps) = (often(8), often(60), often(350));
        Self {
            lists: usize::try_from(dice.between(1, 3)).unwrap(),
            clients: usize::try_from(dice.between(1, 4)).unwrap(),
            deeds: dice.between(3, 9),
            receivers: (0..dice.between(1, 3)).map(|_| dice.pick(&manner)).collect(),
            slow,
            not_begun,
            spoiled,
            told_failed,
            crash,
            jumps,
            set_back: dice.chance(300),
            crashes: 4,
        }
    }

    /// Whether a client may be told that something went wrong.
    pub const fn is_stormy(&self) -> bool {
        self.not_begun + self.spoiled + self.told_failed + self.crash > 0
    }
}
