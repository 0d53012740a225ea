//! The stored forms of many contacts in one buffer.

/// Bytes of places that were left that are not worth the copying of the others.
const MAX_STALE: usize = 32 << 20;

/// Where a form lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    start: usize,
    /// Bytes of the form. A contact is far below 4 GiB: at most 500 variables of 10,000 characters.
    length: u32,
    /// Bytes that it may grow to without leaving its place.
    room: u32,
}

impl Place {
    const fn end(self) -> usize {
        self.start + self.length as usize
    }
}

/// Stored forms, one behind the other: one growing buffer in place of two allocations per contact. A form that was
/// loaded, or has outgrown its place once, has some room behind it: an update mostly changes its length by a few
/// bytes, and a group of 100,000 of them would hold every contact twice if each went to the end.
#[derive(Debug, Default)]
pub struct Documents {
    bytes: Vec<u8>,
    /// How many of them are of places that were left.
    stale: usize,
}

impl Documents {
    /// Room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds a form that nobody is expected to change soon, and returns its place.
    pub fn keep(&mut self, document: &[u8]) -> Place {
        self.put(document, 0)
    }

    /// Adds a form with room to grow in, and returns its place.
    pub fn keep_to_change(&mut self, document: &[u8]) -> Place {
        self.put(document, 32 + document.len() / 16)
    }

    fn put(&mut self, document: &[u8], room: usize) -> Place {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(document);
        self.bytes.resize(self.bytes.len() + room, 0);
        let bytes = |length| u32::try_from(length).unwrap_or(u32::MAX);
        Place { start, length: bytes(document.len()), room: bytes(document.len() + room) }
    }

    /// Puts a form in the stead of the one at a place: there, or at the end where there is no room for it. Returns
    /// its place.
    pub fn replace(&mut self, old: Place, document: &[u8]) -> Place {
        match u32::try_from(document.len()) {
            Ok(length) if length <= old.room => {
                let place = Place { length, ..old };
                self.bytes[place.start..place.end()].copy_from_slice(document);
                place
            }
            _ => {
                self.stale += old.room as usize;
                self.keep_to_change(document)
            }
        }
    }

    /// The form at a place.
    pub fn get(&self, place: Place) -> &[u8] {
        &self.bytes[place.start..place.end()]
    }

    /// Forgets places that were left, once they are many; `places` are all others, and are changed. Short items
    /// that change one long contact again and again must not take the memory of a copy each.
    pub fn tidy<'a>(&mut self, places: impl Iterator<Item = &'a mut Place>) {
        if self.stale < MAX_STALE || self.stale < self.bytes.len() / 2 {
            return;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.stale);
        for place in places {
            let start = bytes.len();
            bytes.extend_from_slice(&self.bytes[place.start..place.start + place.room as usize]);
            place.start = start;
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
        // Each is longer than the last of its contact by more than there is room for.
        let form = |contact: u8, turn: u8| vec![contact ^ turn; (1 << 20) + (usize::from(turn) << 15)];
        let mut places: Vec<_> = (0..4).map(|contact| documents.keep_to_change(&form(contact, 0))).collect();
        let (mut most, mut left) = (0, 0);
        for turn in 1..=200 {
            let contact = turn % 3;
            let place = &mut places[usize::from(contact)];
            let old = place.start;
            *place = documents.replace(*place, &form(contact, turn));
            left += usize::from(place.start != old);
            documents.tidy(places.iter_mut());
            let live: usize = places.iter().map(|place| place.room as usize).sum();
            most = most.max(documents.bytes.len() - live);
            assert_eq!(documents.get(places[usize::from(contact)]), form(contact, turn));
        }
        assert!(left > 50, "it left its place {left} times");
        assert!(most < 4 * MAX_STALE, "{most}");
        for (contact, turn) in [(0, 198), (1, 199), (2, 200), (3, 0)] {
            assert_eq!(documents.get(places[usize::from(contact)]), form(contact, turn));
        }
    }

    #[test]
    fn a_form_that_grows_a_little_stays_where_it_is_and_its_neighbours_as_they_are() {
        let mut documents = Documents::default();
        let places = [b'a', b'b', b'c'].map(|byte| documents.keep_to_change(&[byte; 100]));
        let before = documents.bytes.len();
        for length in [101, 138, 0, 5, 138] {
            let place = documents.replace(places[1], &vec![b'x'; length]);
            assert_eq!(documents.get(place), vec![b'x'; length]);
            assert_eq!(documents.bytes.len(), before, "{length} bytes");
        }
        assert_eq!(documents.get(places[0]), [b'a'; 100]);
        assert_eq!(documents.get(places[2]), [b'c'; 100]);
        let moved = documents.replace(places[1], &[b'y'; 139]);
        assert_eq!(documents.get(moved), [b'y'; 139]);
        assert!(documents.bytes.len() > before);
    }
}
