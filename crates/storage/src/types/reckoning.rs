//! How far time has come, as the store remembers it. Pure.

use std::time::Duration;

use domain::clock::Timestamp;

/// How long servers must observe a jump of the clock before it counts.
pub const HOLD: Duration = Duration::from_secs(24 * 3_600);

/// A difference that counts at once: a restart, the steps by which a clock is kept right.
pub const STEP: Duration = Duration::from_secs(60);

/// How far time has come, as the store remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reckoning {
    /// The time that has really passed.
    pub reached: Timestamp,
    /// The jump that is held.
    pub held: Option<Held>,
}

/// A jump of the system's clock that does not count yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The time that the clock shows if it is right, moved on with the time that passes.
    pub shown: Timestamp,
    /// How long it was observed while a server ran.
    pub observed: Duration,
}

impl Reckoning {
    /// The next reckoning. `stored` is that of the store, which other nodes move too; `seen` is what this process
    /// stored last, `elapsed` before now by its monotonic clock. So nodes that look in turn do not add up their times.
    pub fn next(stored: Option<Self>, seen: Option<Self>, elapsed: Duration, system: Timestamp) -> Self {
        // A new store, or one of a version that had no such clock.
        let Some(stored) = stored else { return Self { reached: system, held: None } };
        // Where another node has set it back, that counts.
        let own = seen.filter(|seen| seen.reached <= stored.reached);
        let reached = own.map_or(stored.reached, |own| stored.reached.max(own.reached.after(elapsed)));
        if difference(reached, system) <= STEP {
            return Self { reached: system, held: None };
        }
        let held = stored.held.map(|held| held.moved(seen.and_then(|seen| seen.held), elapsed));
        // One that shows less than it would, had it been right since, has jumped again.
        let held = held.filter(|held| system.after(STEP) >= held.shown);
        match held.unwrap_or(Held { shown: system, observed: Duration::ZERO }) {
            Held { shown, observed } if observed >= HOLD => Self { reached: shown.min(system), held: None },
            held => Self { reached, held: Some(held) },
        }
    }

    /// 24 bytes; [`Self::from_bytes`] reads them.
    pub fn to_bytes(self) -> [u8; 24] {
        let (shown, observed) = match self.held {
            Some(held) => (held.shown.millis(), i64::try_from(held.observed.as_millis()).unwrap_or(i64::MAX)),
            None => (0, -1),
        };
        let mut bytes = [0; 24];
        for (place, number) in bytes.chunks_exact_mut(8).zip([self.reached.millis(), shown, observed]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None` where they have another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 24] = bytes.try_into().ok()?;
        let mut numbers = [0; 3];
        for (number, place) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = i64::from_le_bytes(place.try_into().ok()?);
        }
        let [reached, shown, observed] = numbers;
        let held = u64::try_from(observed).ok().map(|observed| Held {
            shown: Timestamp::from_millis(shown),
            observed: Duration::from_millis(observed),
        });
        Some(Self { reached: Timestamp::from_millis(reached), held })
    }
}

impl Held {
    /// The stored one, or what this process makes of the one that it saw last: whichever was observed for longer.
    fn moved(self, seen: Option<Self>, elapsed: Duration) -> Self {
        match seen.filter(|seen| seen.observed <= self.observed) {
            Some(seen) if seen.observed + elapsed > self.observed => {
                Self { shown: seen.shown.after(elapsed), observed: seen.observed + elapsed }
            }
            _ => self,
        }
    }
}

/// The time between two moments.
pub fn difference(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    const START: Timestamp = Timestamp::from_millis(1_792_022_400_000);

    /// A process that looks each minute, with the clock so far ahead.
    fn run(mut stored: Option<Reckoning>, start: Timestamp, minutes: u32) -> Reckoning {
        let mut seen = None;
        for minute in 0..=minutes {
            let elapsed = if seen.is_some() { Duration::from_secs(60) } else { Duration::ZERO };
            let system = start.after(Duration::from_secs(60) * minute);
            seen = Some(Reckoning::next(stored, seen, elapsed, system));
            stored = seen;
        }
        stored.unwrap_or(Reckoning { reached: start, held: None })
    }

    #[test]
    fn a_clock_that_agrees_is_followed() {
        let reached = run(None, START, 90);
        assert_eq!(reached, Reckoning { reached: START.after(HOUR + HOUR / 2), held: None });
        let restarted = run(Some(reached), reached.reached.after(STEP), 0);
        assert_eq!(restarted, Reckoning { reached: reached.reached.after(STEP), held: None });
    }

    #[test]
    fn a_jump_counts_after_it_was_observed_for_a_day_and_not_before() {
        let before = Reckoning { reached: START, held: None };
        for (jumped, ahead) in [(START.after(DAY * 100), true), (START.before(DAY * 100), false)] {
            let held = run(Some(before), jumped, 24 * 60 - 1);
            assert_eq!(held.reached, START.after(DAY - Duration::from_secs(60)), "{ahead}");
            assert!(held.held.is_some());
            let counts = run(Some(before), jumped, 24 * 60);
            assert_eq!(counts, Reckoning { reached: jumped.after(DAY), held: None }, "{ahead}");
        }
    }

    #[test]
    fn a_jump_that_was_wrong_leaves_no_trace() {
        let before = Reckoning { reached: START, held: None };
        let held = run(Some(before), START.after(DAY * 100), 5);
        let right = run(Some(held), held.reached.after(Duration::from_secs(5)), 0);
        assert_eq!(right, Reckoning { reached: START.after(Duration::from_secs(305)), held: None });
    }

    #[test]
    fn a_machine_that_is_off_every_night_is_behind_by_days_and_not_for_ever() {
        let (mut stored, mut morning) = (Some(Reckoning { reached: START, held: None }), START);
        for _ in 0..30 {
            stored = Some(run(stored, morning, 8 * 60));
            morning = morning.after(DAY);
        }
        let behind = morning.since(stored.map_or(START, |stored| stored.reached));
        assert!(behind < DAY * 5, "{behind:?}");
    }

    #[test]
    fn nodes_that_look_in_turn_do_not_add_up_their_times() {
        let minute = Duration::from_secs(60);
        let mut stored = Reckoning { reached: START, held: None };
        let mut seen = [None; 3];
        let jumped = START.after(DAY * 30);
        for number in 1..=600 {
            for node in &mut seen {
                let elapsed = if node.is_some() { minute } else { Duration::ZERO };
                stored = Reckoning::next(Some(stored), *node, elapsed, jumped.after(minute * number));
                *node = Some(stored);
            }
        }
        assert_eq!(stored.reached, START.after(minute * 599));
        assert_eq!(stored.held.map(|held| held.observed), Some(minute * 599));
    }

    #[test]
    fn one_node_with_a_right_clock_ends_what_another_holds() {
        let wrong = Reckoning::next(
            Some(Reckoning { reached: START, held: None }),
            None,
            Duration::ZERO,
            START.after(DAY),
        );
        assert!(wrong.held.is_some());
        let right = Reckoning::next(Some(wrong), None, Duration::ZERO, START.after(Duration::from_secs(1)));
        assert_eq!(right, Reckoning { reached: START.after(Duration::from_secs(1)), held: None });
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let held = Some(Held { shown: START.after(DAY), observed: HOUR });
        for reckoning in [Reckoning { reached: START, held: None }, Reckoning { reached: START, held }] {
            assert_eq!(Reckoning::from_bytes(&reckoning.to_bytes()), Some(reckoning));
        }
        assert_eq!(Reckoning::from_bytes(b"short"), None);
    }
}
