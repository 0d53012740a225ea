//! Orders of contacts: by what they are sorted, and the place of a contact in an order. Pure.

use crate::contact::document::Document;
use crate::contact::field::Field;
use crate::contact::record::Malformed;
use crate::journal::ContactNo;
use crate::search::fold::fold;

/// Bytes of a text that decide its place. Texts that begin with the same are in the order of the contacts' numbers.
const MAX_TEXT: usize = 48;

/// By what contacts are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// When they last changed.
    Changed,
    /// When they were made: the order of their numbers.
    Created,
    /// The e-mail address.
    Email,
    /// What they are called (see [`Document::called`]), as searches compare names.
    Name,
    /// The score.
    Score,
}

/// An order of contacts. Contacts without a value come last in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: By,
    /// Whether the greatest come first.
    pub descending: bool,
}

/// The words for orders. A minus turns an order round.
pub const WORDS: [&str; 10] =
    ["created", "-created", "changed", "-changed", "email", "-email", "name", "-name", "score", "-score"];

impl Sort {
    /// Those made first are the first.
    pub const OLDEST: Self = Self { by: By::Created, descending: false };
    /// Those made last are the first.
    pub const NEWEST: Self = Self { by: By::Created, descending: true };

    /// The order that a word of [`WORDS`] names.
    pub fn parse(word: &str) -> Option<Self> {
        let (name, descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        let by = match name {
            "changed" => By::Changed,
            "created" => By::Created,
            "email" => By::Email,
            "name" => By::Name,
            "score" => By::Score,
            _ => return None,
        };
        Some(Self { by, descending })
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        WORDS.into_iter().find(|word| Self::parse(word) == Some(self)).unwrap_or_default()
    }

    /// The place of a contact in the order.
    ///
    /// # Errors
    /// The contact does not read.
    pub fn place(self, number: ContactNo, document: &Document<'_>) -> Result<Place, Malformed> {
        let value = match self.by {
            By::Created => Some(Vec::new()),
            By::Changed => Some(number_key(document.header.updated_at.millis())),
            By::Score => document.get(Field::ContactScore.key())?.map(score_key).transpose()?,
            By::Email => document.text(Field::Email)?.map(text_key),
            By::Name => document.called()?.map(|name| text_key(&name)),
        };
        let Some(mut value) = value.filter(|value| !value.is_empty() || self.by == By::Created) else {
            return Ok(Place { key: vec![1], number });
        };
        if self.descending {
            // The end of a text is greater than any byte: of two texts, the longer one comes first.
            value.iter_mut().for_each(|byte| *byte = !*byte);
            value.push(u8::MAX);
        }
        value.insert(0, 0);
        Ok(Place { key: value, number })
    }
}

fn text_key(text: &str) -> Vec<u8> {
    let mut key = fold(text).into_bytes();
    key.truncate(MAX_TEXT);
    key
}

/// The bytes of a number whose order is that of numbers.
fn number_key(number: i64) -> Vec<u8> {
    (number ^ i64::MIN).to_be_bytes().to_vec()
}

fn score_key(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    bytes.try_into().map(|bytes| number_key(i64::from_le_bytes(bytes))).map_err(|_| Malformed)
}

/// The place of a contact in an order: places are compared by their bytes, then by the number of the contact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    key: Vec<u8>,
    /// The contact.
    pub number: ContactNo,
}

/// Where a page of a sorted list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first contact.
    First,
    /// Behind that place.
    Behind(Place),
    /// It ends in front of that place.
    Before(Place),
}

impl Start {
    /// Whether the page goes back.
    pub const fn is_back(&self) -> bool {
        matches!(self, Self::Before(_))
    }

    /// Whether a place can be on the page.
    pub fn has(&self, place: &Place) -> bool {
        match self {
            Self::First => true,
            Self::Behind(from) => place > from,
            Self::Before(from) => place < from,
        }
    }
}

impl Place {
    /// Its text, for the order that it is of: hexadecimal digits.
    pub fn text(&self, sort: Sort) -> String {
        let number = self.number.0.to_be_bytes();
        let bytes = [tag(sort)].into_iter().chain(number).chain(self.key.iter().copied());
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the text of a place in that order.
    pub fn read(text: &str, sort: Sort) -> Option<Self> {
        if !text.is_ascii() || !text.len().is_multiple_of(2) || text.len() > 2 * (MAX_TEXT + 16) {
            return None;
        }
        let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        let (tagged, rest) = bytes.split_first()?;
        let (number, key) = rest.split_first_chunk()?;
        (*tagged == tag(sort))
            .then(|| Self { key: key.to_vec(), number: ContactNo(u64::from_be_bytes(*number)) })
    }
}

/// The byte that names an order in the text of a place.
fn tag(sort: Sort) -> u8 {
    (sort.by as u8) << 1 | u8::from(sort.descending)
}

/// The first places of those that are offered, in bounded memory.
#[derive(Debug)]
pub struct Best {
    from: Start,
    limit: usize,
    places: Vec<Place>,
    /// The last of the page so far, once it is full.
    last: Option<Place>,
}

impl Best {
    /// Of a page that begins there, with at most so many contacts.
    pub const fn new(from: Start, limit: usize) -> Self {
        Self { from, limit, places: Vec::new(), last: None }
    }

    /// Offers a place.
    pub fn offer(&mut self, place: Place) {
        let is_behind = |last: &Place| if self.from.is_back() { place < *last } else { place > *last };
        if !self.from.has(&place) || self.last.as_ref().is_some_and(is_behind) {
            return;
        }
        self.places.push(place);
        if self.places.len() >= 2 * self.limit + 64 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        match self.from.is_back() {
            true => self.places.sort_unstable_by(|one, other| other.cmp(one)),
            false => self.places.sort_unstable(),
        }
        self.places.truncate(self.limit);
        self.last = self.places.last().filter(|_| self.places.len() == self.limit).cloned();
    }

    /// Those on the page: the nearest to where it begins come first.
    pub fn into_places(mut self) -> Vec<Place> {
        self.cut();
        self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(sort: Sort, value: Option<&str>, number: u64) -> Place {
        let mut key = value.map(text_key).unwrap_or_default();
        let number = ContactNo(number);
        if value.is_none() {
            return Place { key: vec![1], number };
        }
        if sort.descending {
            key.iter_mut().for_each(|byte| *byte = !*byte);
            key.push(u8::MAX);
        }
        key.insert(0, 0);
        Place { key, number }
    }

    #[test]
    fn every_word_names_an_order_and_no_other_does() {
        for word in WORDS {
            assert_eq!(Sort::parse(word).map(Sort::word), Some(word));
        }
        for word in ["", "-", "--name", "Name", "id"] {
            assert_eq!(Sort::parse(word), None, "{word}");
        }
    }

    #[test]
    fn texts_are_in_their_order_in_both_directions_and_absence_is_last() {
        let names = [Some("Ångström"), Some("Anna"), Some("anna b"), Some("Zoë"), None];
        for (descending, expected) in [(false, [0, 1, 2, 3, 4]), (true, [3, 2, 1, 0, 4])] {
            let sort = Sort { by: By::Name, descending };
            let mut places: Vec<_> =
                names.iter().zip(0..).map(|(name, number)| place(sort, *name, number)).collect();
            places.sort();
            let numbers: Vec<_> = places.iter().map(|place| place.number.0).collect();
            assert_eq!(numbers, expected, "descending: {descending}");
        }
        let numbers = [i64::MIN, -2, 0, 1, 300, i64::MAX];
        assert!(numbers.windows(2).all(|two| number_key(two[0]) < number_key(two[1])));
    }

    #[test]
    fn a_place_reads_in_its_own_order_alone() {
        let sort = Sort { by: By::Name, descending: true };
        let place = place(sort, Some(&"x".repeat(100)), 7);
        assert_eq!(Place::read(&place.text(sort), sort), Some(place.clone()));
        let other = Sort { by: By::Email, descending: true };
        for (text, sort) in [
            (place.text(sort), other),
            (place.text(sort)[1..].to_owned(), sort),
            (String::new(), sort),
            ("é".repeat(9), sort),
            ("07".repeat(400), sort),
        ] {
            assert_eq!(Place::read(&text, sort), None, "{text}");
        }
    }

    #[test]
    fn the_best_are_those_of_a_sorted_list() {
        let number = |number: u64| Place { key: vec![0, (number * 7 % 5) as u8], number: ContactNo(number) };
        let mut all: Vec<_> = (0..1_000).map(number).collect();
        all.sort();
        for (from, limit) in [
            (Start::First, 10),
            (Start::Behind(all[500].clone()), 100),
            (Start::Before(all[500].clone()), 100),
            (Start::Before(all[3].clone()), 10),
            (Start::Behind(all[999].clone()), 10),
        ] {
            let mut best = Best::new(from.clone(), limit);
            (0..1_000).map(number).for_each(|place| best.offer(place));
            let mut expected: Vec<_> = all.iter().filter(|place| from.has(place)).cloned().collect();
            if from.is_back() {
                expected.reverse();
            }
            expected.truncate(limit);
            assert_eq!(best.into_places(), expected);
        }
    }
}
