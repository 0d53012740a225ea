//! Values that conditions compare with.

use crate::clock::Timestamp;
use crate::contact::number;

/// A day or a time, as it was written. A day is all of it, and a time is the whole second that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As it was written.
    pub text: String,
    /// Its first millisecond.
    pub first: Timestamp,
    /// Its last millisecond.
    pub last: Timestamp,
}

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

impl Moment {
    /// Reads `YYYY-MM-DD hh:mm:ss` or `YYYY-MM-DD`, UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let first = Timestamp::parse(text)?;
        let length = if text.len() == 10 { DAY } else { 1_000 };
        let last = Timestamp::from_millis(first.millis() + length - 1);
        Some(Self { text: text.to_owned(), first, last })
    }

    /// Whether it is a day.
    pub fn is_day(&self) -> bool {
        self.text.len() == 10
    }

    /// Whether a time lies in it.
    pub fn has(&self, time: Timestamp) -> bool {
        (self.first..=self.last).contains(&time)
    }
}

/// A number, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// As it was written.
    pub text: String,
    /// Its value, see [`number::units`].
    pub units: i128,
}

impl Number {
    /// Reads a JSON number.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { text: text.to_owned(), units: number::units(text)? })
    }
}

/// The time that a stored text says: a day as its beginning. Most texts are none, so their length is looked at first.
pub fn time_of(text: &str) -> Option<Timestamp> {
    matches!(text.len(), 10 | 19).then(|| Timestamp::parse(text)).flatten()
}
