//! How segments grow: counts of days.

use super::Queries;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::rows::segments::day;
use storage::{Error, List, SegmentDay};

/// Days that can be asked for.
pub const MAX_DAYS: u32 = 400;

impl Queries {
    /// The counts of a segment for each of the last days, the oldest first; days from before its first count are left
    /// out.
    ///
    /// # Errors
    /// The store fails.
    pub async fn segment_growth(
        &self,
        list: &List,
        segment: ObjectId,
        days: u32,
    ) -> Result<Vec<SegmentDay>, Error> {
        let today = day(self.0.clock.now());
        let since = today - i64::from(days.clamp(1, MAX_DAYS)) + 1;
        let stored = self.0.storage.segment_days(list.no, segment, since).await?;
        Ok(fill(&stored, since, today))
    }
}

/// A day without a row had no change. The first row may be of an earlier day.
fn fill(stored: &[SegmentDay], since: i64, today: i64) -> Vec<SegmentDay> {
    let (mut rows, mut last) = (stored.iter().peekable(), None);
    let mut days = Vec::new();
    for day in since..=today {
        let mut of_day = None;
        while let Some(row) = rows.next_if(|row| row.day <= day) {
            last = Some(row.members);
            of_day = Some(*row).filter(|row| row.day == day);
        }
        let unchanged = last.map(|members| SegmentDay { day, members, joined: 0, left: 0 });
        days.extend(of_day.or(unchanged));
    }
    days
}

/// The date of a day, `YYYY-MM-DD`.
pub fn date(day: i64) -> String {
    let text = Timestamp::from_millis(day.saturating_mul(86_400_000)).to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_a_change_have_the_count_of_the_day_before() {
        let row = |day, members, joined, left| SegmentDay { day, members, joined, left };
        let stored = [row(3, 5, 9, 9), row(11, 7, 3, 1), row(13, 6, 0, 1)];
        let expected =
            [row(10, 5, 0, 0), row(11, 7, 3, 1), row(12, 7, 0, 0), row(13, 6, 0, 1), row(14, 6, 0, 0)];
        assert_eq!(fill(&stored, 10, 14), expected);
        assert_eq!(fill(&stored[1..], 10, 11), expected[1..2]);
        assert_eq!(fill(&[], 10, 14), []);
        assert_eq!(date(20_376), "2025-10-15");
    }
}
