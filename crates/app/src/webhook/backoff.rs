//! When a failed delivery is tried again. Pure.

use std::time::Duration;

/// The contract's retries (section 5, as the vendor documents them): how many, and the seconds before each.
const RETRIES: [(u32, u64); 3] = [(3, 100), (6, 600), (6, 3_600)];

/// How long to wait once `attempts` attempts have failed; `None` when no retry is left.
///
/// Nothing has failed after 0 attempts: the first one is due at once.
pub fn delay_after(attempts: u32) -> Option<Duration> {
    let Some(mut retry) = attempts.checked_sub(1) else {
        return Some(Duration::ZERO);
    };
    for (count, seconds) in RETRIES {
        if retry < count {
            return Some(Duration::from_secs(seconds));
        }
        retry -= count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_retries_follow_the_first_attempt() {
        let mut waits = Vec::new();
        while let Some(wait) = delay_after(waits.len() as u32 + 1) {
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [100, 100, 100, 600, 600, 600, 600, 600, 600, 3600, 3600, 3600, 3600, 3600, 3600]);
    }

    #[test]
    fn the_first_attempt_is_due_at_once_and_nothing_follows_the_last() {
        assert_eq!(delay_after(0), Some(Duration::ZERO));
        assert_eq!(delay_after(15), Some(Duration::from_secs(3_600)));
        assert_eq!(delay_after(16), None);
        assert_eq!(delay_after(u32::MAX), None);
    }
}
