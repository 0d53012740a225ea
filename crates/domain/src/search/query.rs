//! What is searched for, and in which order contacts are found.

use super::entry::{END_DIGITS, Entry, Phone};
use super::fold;
use crate::contact::identifier::IdentifierKind;

/// Words of a search at most.
pub const MAX_WORDS: usize = 10;

/// Characters of a search at most.
pub const MAX_LENGTH: usize = 255;

/// The fewest digits at the end of a phone number that find it.
pub const MIN_PHONE_DIGITS: usize = END_DIGITS;

/// Letters of a word that stores look up as a beginning; the rest is compared with the contact.
pub const PREFIX_LETTERS: usize = 8;

/// The groups in which contacts are found, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// An identifier or the contact's id is exactly what was typed.
    Exact,
    /// The phone number ends with what was typed.
    Phone,
    /// All words that were typed are whole words of the contact.
    Whole,
    /// All words that were typed begin words of the contact.
    Beginning,
}

impl Tier {
    /// All, the best first.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Phone, Self::Whole, Self::Beginning];

    /// Its number in a cursor.
    pub const fn number(self) -> u8 {
        match self {
            Self::Exact => 1,
            Self::Phone => 2,
            Self::Whole => 3,
            Self::Beginning => 4,
        }
    }
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    typed: String,
    words: Vec<String>,
    /// The digits, where all that was typed is a phone number.
    phone: Option<String>,
}

/// Why a text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// It has neither letters nor digits.
    Empty,
    /// It has more than [`MAX_LENGTH`] characters or [`MAX_WORDS`] words.
    TooLong,
}

impl Query {
    /// Reads what was typed.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn parse(typed: &str) -> Result<Self, QueryError> {
        let typed = typed.trim();
        if typed.chars().count() > MAX_LENGTH {
            return Err(QueryError::TooLong);
        }
        let mut words = fold::words(typed);
        if words.is_empty() {
            return Err(QueryError::Empty);
        }
        if words.len() > MAX_WORDS {
            return Err(QueryError::TooLong);
        }
        words.sort_unstable();
        words.dedup();
        let phone = fold::phone_digits(typed).map(std::borrow::Cow::into_owned);
        Ok(Self { typed: typed.to_owned(), words, phone })
    }

    /// What was typed, without blanks around it.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The folded words, each once.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The first and the last phone number that end with what was typed.
    pub fn phones(&self) -> Option<(Phone, Phone)> {
        self.phone.as_deref().and_then(Phone::ends)
    }

    /// The last digits of such numbers, as they are looked up.
    pub fn phone_end(&self) -> Option<String> {
        self.phones().map(|(first, _)| first.end())
    }

    /// The identifiers that are exactly what was typed.
    pub fn identifiers(&self) -> Vec<(IdentifierKind, String)> {
        let mut found =
            vec![(IdentifierKind::UserId, self.typed.clone()), (IdentifierKind::Email, self.typed.clone())];
        let international = self.typed.starts_with('+') || self.typed.starts_with("00");
        let number = self.phone.as_ref().map(|digits| format!("+{digits}"));
        found.extend(number.filter(|_| international).map(|number| (IdentifierKind::PhoneNumber, number)));
        found
    }

    /// The best group in which a contact is found by what is indexed of it; `None` if it is not found.
    pub fn tier(&self, entry: &Entry) -> Option<Tier> {
        let by_phone = self.phones().zip(entry.phone);
        if by_phone.is_some_and(|((first, last), phone)| (first.0..=last.0).contains(&phone.0)) {
            return Some(Tier::Phone);
        }
        if self.words.iter().all(|word| entry.words.binary_search(word).is_ok()) {
            return Some(Tier::Whole);
        }
        // The words are sorted: the first that is not before the typed one begins with it, or none does.
        let begins = |word: &String| {
            let place = entry.words.partition_point(|other| other < word);
            entry.words.get(place).is_some_and(|other| other.starts_with(word.as_str()))
        };
        self.words.iter().all(begins).then_some(Tier::Beginning)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn entry(words: &str, phone: &str) -> Entry {
        let mut words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        words.sort();
        Entry { words, phone: Phone::of(phone) }
    }

    #[test]
    fn the_tier_says_how_well_a_contact_fits() {
        let anna = entry("anna muller mueller anna example com", "+491701234567");
        let tier = |typed: &str| Query::parse(typed).expect("a query").tier(&anna);
        assert_eq!(tier("Müller, Anna"), Some(Tier::Whole));
        assert_eq!(tier("an mül"), Some(Tier::Beginning));
        assert_eq!(tier("anna@exam"), Some(Tier::Beginning));
        assert_eq!(tier("0170 1234567"), Some(Tier::Phone));
        assert_eq!(tier("234567"), Some(Tier::Phone));
        assert_eq!(tier("34567"), None);
        assert_eq!(tier("anna schmidt"), None);
    }

    #[test]
    fn a_text_without_letters_or_with_too_many_words_is_no_search() {
        for text in ["", "  ", "--", "'’", "\u{301}"] {
            assert_eq!(Query::parse(text), Err(QueryError::Empty), "{text:?}");
        }
        assert_eq!(Query::parse("a b c d e f g h i j k"), Err(QueryError::TooLong));
        assert_eq!(Query::parse(&"a".repeat(256)), Err(QueryError::TooLong));
        assert!(Query::parse(&"ä".repeat(255)).is_ok());
    }

    #[test]
    fn an_identifier_is_what_was_typed() {
        let query = Query::parse(" +49 170 1234567 ").expect("a query");
        let phone = (IdentifierKind::PhoneNumber, "+491701234567".to_owned());
        assert_eq!(query.identifiers().last(), Some(&phone));
        assert_eq!(Query::parse("1701234567").expect("a query").identifiers().len(), 2);
    }
}
