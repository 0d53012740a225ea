//! What is indexed of a contact.

use super::fold;
use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::record::Malformed;

/// Words of one contact at most: what is behind them is not found by.
const MAX_WORDS: usize = 128;

/// Digits of the longest phone number (E.164).
const PHONE_DIGITS: usize = 15;

/// Last digits of a number that are looked up at least and at most: the caller compares the others.
pub const END_DIGITS: usize = 6;

/// A phone number with its last digit first, filled up with zeros to 15 digits: numbers that end alike lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone(pub i64);

impl Phone {
    /// From its digits. `None` if it has none, or too many.
    pub fn of(number: &str) -> Option<Self> {
        Self::ends(&digits(number)).map(|(first, _)| first)
    }

    /// The first and the last number that end with these digits. `None` for more digits than a number has.
    pub fn ends(digits: &str) -> Option<(Self, Self)> {
        if digits.is_empty() || digits.len() > PHONE_DIGITS {
            return None;
        }
        let reversed: String = digits.chars().rev().collect();
        let missing = u32::try_from(PHONE_DIGITS - digits.len()).ok()?;
        let step = 10_i64.checked_pow(missing)?;
        let first = reversed.parse::<i64>().ok()?.checked_mul(step)?;
        Some((Self(first), Self(first + step - 1)))
    }

    /// Its last [`END_DIGITS`] digits, the last one first.
    pub fn end(self) -> String {
        let mut digits = format!("{:0PHONE_DIGITS$}", self.0);
        digits.truncate(END_DIGITS);
        digits
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What is indexed of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Folded words, each once, sorted.
    pub words: Vec<String>,
    /// The phone number.
    pub phone: Option<Phone>,
}

impl Entry {
    /// Of a stored contact.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn of(document: &Document<'_>) -> Result<Self, Malformed> {
        let mut words = Vec::new();
        for field in Field::ALL.into_iter().filter(|field| field.is_searched()) {
            let text = document.text(field)?.unwrap_or_default();
            match field {
                Field::Email => words.extend(fold::address_words(text)),
                Field::PhoneNumber => {}
                _ => words.extend(fold::name_words(text)),
            }
        }
        words.truncate(MAX_WORDS);
        words.sort_unstable();
        words.dedup();
        let phone = document.text(Field::PhoneNumber)?.and_then(Phone::of);
        Ok(Self { words, phone })
    }

    /// The words as one text.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    /// Whether there is nothing to find it by.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.phone.is_none()
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_end_alike_lie_side_by_side() {
        let phone = Phone::of("+491701234560").expect("a number");
        for end in ["234560", "1701234560", "491701234560"] {
            let (first, last) = Phone::ends(end).expect("digits");
            assert!((first.0..=last.0).contains(&phone.0), "{end}");
        }
        for end in ["234561", "91701234560491701", "8491701234560"] {
            assert!(
                Phone::ends(end).is_none_or(|(first, last)| !(first.0..=last.0).contains(&phone.0)),
                "{end}"
            );
        }
        assert_eq!(Phone::of("+"), None);
        assert_eq!(Phone::of("1234567890123456"), None);
    }
}
