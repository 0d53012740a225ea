//! One comparison with a stored value.

use std::borrow::Cow;

use crate::clock::Timestamp;
use crate::contact::amount::Cac;
use crate::contact::date::Date;
use crate::contact::email;
use crate::contact::number;
use crate::contact::record::Malformed;
use crate::filter::operand::{DAY, time_of};

/// A comparison.
#[derive(Debug)]
pub enum Compare {
    /// Whether there is a value.
    Present(bool),
    /// Whether the source is one of these numbers.
    Source { numbers: Vec<u64>, negate: bool },
    /// Whether the text is one of these, which are sorted.
    Equal { as_text: AsText, texts: Vec<String>, negate: bool },
    /// Whether the text contains this one, which is in lower case.
    Contains(AsText, String),
    /// Whether the text begins with this one, which is in lower case.
    BeginsWith(AsText, String),
    /// Whether the number is in one of these ranges, both ends included.
    Ranges { scalar: Scalar, ranges: Vec<(i128, i128)>, negate: bool },
    /// Whether the time is in the last days before that time.
    Days { scalar: Scalar, days: u32, now: Timestamp },
}

/// How a stored value is read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsText {
    /// UTF-8.
    Plain,
    /// An e-mail address; equal by the one form of addresses.
    Email,
    /// A code of [`crate::contact::gender`]; no value is 0.
    Gender,
    /// The currency of a CAC.
    Currency,
}

/// How a stored value is read as a number: times are milliseconds, others are [`number::units`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// The 64 bits of a score.
    Score,
    /// The amount of a CAC.
    Amount,
    /// A birthday.
    Day,
    /// A text that is a number.
    TextNumber,
    /// A text that is a day or a time.
    TextTime,
    /// It stands in the header.
    Header,
}

impl AsText {
    fn read(self, value: Option<&[u8]>) -> Result<Option<&str>, Malformed> {
        match (self, value) {
            (Self::Gender, None) => Ok(Some("0")),
            (Self::Gender, Some(bytes)) => Ok(match bytes {
                [1] => Some("1"),
                [2] => Some("2"),
                [9] => Some("9"),
                _ => None,
            }),
            (_, None) => Ok(None),
            (Self::Currency, Some(bytes)) => {
                Cac::from_bytes(bytes).map(|cac| Some(cac.currency.as_str())).ok_or(Malformed)
            }
            (_, Some(bytes)) => std::str::from_utf8(bytes).map(Some).map_err(|_| Malformed),
        }
    }

    /// The form under which texts are equal.
    pub fn form(self, text: &str) -> Cow<'_, str> {
        if self == Self::Email { email::form(text) } else { Cow::Borrowed(text) }
    }
}

impl Scalar {
    fn read(self, value: Option<&[u8]>) -> Result<Option<i128>, Malformed> {
        let Some(bytes) = value else { return Ok(None) };
        let text = || std::str::from_utf8(bytes).map_err(|_| Malformed);
        Ok(match self {
            Self::Score => {
                let score = i64::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?);
                Some(i128::from(score) * number::UNITS_PER_ONE)
            }
            Self::Amount => {
                let cac = Cac::from_bytes(bytes).ok_or(Malformed)?;
                Some(i128::try_from(cac.value.to_units()).map_err(|_| Malformed)?)
            }
            Self::Day => Some(i128::from(Date::from_bytes(bytes).ok_or(Malformed)?.start().millis())),
            Self::TextNumber => number::units(text()?),
            Self::TextTime => time_of(text()?).map(|time| i128::from(time.millis())),
            Self::Header => None,
        })
    }
}

impl Compare {
    /// Whether it holds for a stored value.
    ///
    /// # Errors
    /// [`Malformed`] where the value does not read.
    pub fn holds(&self, value: Option<&[u8]>) -> Result<bool, Malformed> {
        Ok(match self {
            Self::Present(wanted) => value.is_some() == *wanted,
            Self::Source { numbers, negate } => {
                let number = value.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
                number.is_some_and(|number| numbers.contains(&number)) != *negate
            }
            Self::Equal { as_text, texts, negate } => {
                let is = as_text.read(value)?.is_some_and(|text| {
                    let form = as_text.form(text);
                    texts.binary_search_by(|known| known.as_str().cmp(&form)).is_ok()
                });
                is != *negate
            }
            Self::Contains(as_text, part) => as_text.read(value)?.is_some_and(|text| contains(text, part)),
            Self::BeginsWith(as_text, part) => as_text.read(value)?.is_some_and(|text| begins(text, part)),
            Self::Ranges { scalar, ranges, negate } => {
                let number = scalar.read(value)?;
                number.is_some_and(|number| is_within(ranges, number)) != *negate
            }
            Self::Days { scalar, days, now } => {
                let number = scalar.read(value)?;
                number.is_some_and(|number| is_in_last(number, *days, *now))
            }
        })
    }

    /// Whether it holds for a time of the header.
    pub fn holds_at(&self, time: Timestamp) -> bool {
        let number = i128::from(time.millis());
        match self {
            Self::Ranges { ranges, negate, .. } => is_within(ranges, number) != *negate,
            Self::Days { days, now, .. } => is_in_last(number, *days, *now),
            _ => false,
        }
    }

    /// When it may hold otherwise than now, for an unchanged value or a time of the header.
    ///
    /// # Errors
    /// [`Malformed`] where the value does not read.
    pub fn next_change(
        &self,
        value: Option<&[u8]>,
        time: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Malformed> {
        let Self::Days { scalar, days, now } = self else { return Ok(None) };
        let number = match time {
            Some(time) => Some(i128::from(time.millis())),
            None => scalar.read(value)?,
        };
        let Some(number) = number else { return Ok(None) };
        let now = i128::from(now.millis());
        let end = number + i128::from(*days) * i128::from(DAY);
        let next = Some(if number > now { number } else { end }).filter(|next| *next > now);
        Ok(next.and_then(|next| i64::try_from(next).ok()).map(Timestamp::from_millis))
    }
}

fn is_within(ranges: &[(i128, i128)], number: i128) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&number))
}

fn is_in_last(number: i128, days: u32, now: Timestamp) -> bool {
    let now = i128::from(now.millis());
    number <= now && number > now - i128::from(days) * i128::from(DAY)
}

/// Whether a text contains a part in lower case, in any case. Plain ASCII, which most texts are, costs no allocation.
fn contains(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    let part = part.as_bytes();
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn begins(text: &str, part: &str) -> bool {
    let head = text.as_bytes().get(..part.len());
    if head.is_some_and(|head| head.is_ascii() && head.eq_ignore_ascii_case(part.as_bytes())) {
        return true;
    }
    !text.is_ascii() && text.to_lowercase().starts_with(part)
}
