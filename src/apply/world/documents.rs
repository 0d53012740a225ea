//! The stored forms of many contacts in one buffer.

use std::ops::Range;

/// Bytes of replaced forms that are not worth the copying of the others.
const MAX_STALE: usize = 32 << 20;

/// Stored forms, one behind the other; a new form is put at the end. One growing buffer in place of two allocations
/// per contact.
#[derive(Debug, Default)]
pub struct Documents {
    bytes: Vec<u8>,
    /// How many of them are of forms that were replaced.
    stale: usize,
}

impl Documents {
    /// Adds a form, and returns its place.
    pub fn keep(&mut self, document: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(document);
        start..self.bytes.len()
    }

    /// Adds a form in the stead of the one at a place, and returns its own.
    pub fn replace(&mut self, old: &Range<usize>, document: &[u8]) -> Range<usize> {
        self.stale += old.len();
        self.keep(document)
    }

    /// The form at a place.
    pub fn get(&self, place: &Range<usize>) -> &[u8] {
        &self.bytes[place.clone()]
    }

    /// Forgets forms that were replaced, once they are many; `places` are all others, and are changed. Short items
    /// that change one long contact again and again must not take the memory of a copy each.
    pub fn tidy<'a>(&mut self, places: impl Iterator<Item = &'a mut Range<usize>>) {
        if self.stale < MAX_STALE || self.stale < self.bytes.len() / 2 {
            return;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.stale);
        for place in places {
            let start = bytes.len();
            bytes.extend_from_slice(&self.bytes[place.clone()]);
            *place = start..bytes.len();
        }
        *self = Self { bytes, stale: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_replaced_again_and_again_take_no_room() {
        let mut documents = Documents::default();
        let form = |contact: u8, turn: u8| vec![contact ^ turn; (1 << 20) + usize::from(contact)];
        let mut places: Vec<_> = (0..4).map(|contact| documents.keep(&form(contact, 0))).collect();
        for turn in 1..=200 {
            let contact = turn % 3;
            let place = &mut places[usize::from(contact)];
            *place = documents.replace(place, &form(contact, turn));
            documents.tidy(places.iter_mut());
            assert!(documents.bytes.capacity() < 4 * MAX_STALE, "{}", documents.bytes.capacity());
            assert_eq!(documents.get(&places[usize::from(contact)]), form(contact, turn));
        }
        for (contact, turn) in [(0, 198), (1, 199), (2, 200), (3, 0)] {
            assert_eq!(documents.get(&places[usize::from(contact)]), form(contact, turn));
        }
    }
}
