//! The stored forms of many contacts, one behind the other.

use std::ops::Range;

/// Bytes of places that were left that are not worth the copying of the others.
const MAX_STALE: usize = 32 << 20;

/// Bytes of a chunk, once there are as many: one buffer that doubles would hold everything twice at its last step, and
/// leave a hole that the store's page cache fills for good.
const CHUNK: usize = 256 << 10;

/// Where a form lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    chunk: u32,
    /// In the chunk. A contact is far below 4 GiB: at most 500 variables of 10,000 characters.
    start: u32,
    /// Bytes of the form.
    length: u32,
    /// Bytes that it may grow to without leaving its place.
    room: u32,
}

impl Place {
    fn bytes(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// Stored forms in chunks, in place of two allocations per contact. A form that was loaded, or has outgrown its place
/// once, has some room behind it: an update mostly changes its length by a few bytes, and a group of 100,000 of them
/// would hold every contact twice if each went to the end.
#[derive(Debug, Default)]
pub struct Documents {
    chunks: Vec<Vec<u8>>,
    /// How many bytes are in use.
    used: usize,
    /// How many of them are of places that were left.
    stale: usize,
}

impl Documents {
    /// Adds a form that nobody is expected to change soon, and returns its place.
    pub fn keep(&mut self, document: &[u8]) -> Place {
        self.put(document, 0)
    }

    /// Adds a form with room to grow in, and returns its place.
    pub fn keep_to_change(&mut self, document: &[u8]) -> Place {
        self.put(document, 16 + document.len() / 32)
    }

    fn put(&mut self, document: &[u8], more: usize) -> Place {
        let room = document.len() + more;
        if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < room) {
            // A group of one item needs no large one.
            self.chunks.push(Vec::with_capacity(room.max(self.used.min(CHUNK))));
        }
        self.used += room;
        // There is one: it was just added where there was none.
        let last = self.chunks.len() - 1;
        let chunk = &mut self.chunks[last];
        let start = chunk.len();
        chunk.extend_from_slice(document);
        chunk.resize(start + room, 0);
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Place {
            chunk: number(last),
            start: number(start),
            length: number(document.len()),
            room: number(room),
        }
    }

    /// Puts a form in the stead of the one at a place: there, or at the end where there is no room for it. Returns
    /// its place.
    pub fn replace(&mut self, old: Place, document: &[u8]) -> Place {
        match u32::try_from(document.len()) {
            Ok(length) if length <= old.room => {
                let place = Place { length, ..old };
                self.chunks[place.chunk as usize][place.bytes()].copy_from_slice(document);
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
        &self.chunks[place.chunk as usize][place.bytes()]
    }

    /// Forgets places that were left, once they are many; `places` are all others, and are changed. Short items
    /// that change one long contact again and again must not take the memory of a copy each.
    pub fn tidy<'a>(&mut self, places: impl Iterator<Item = &'a mut Place>) {
        if self.stale < MAX_STALE || self.stale < self.used / 2 {
            return;
        }
        let mut tidied = Self::default();
        for place in places {
            *place = tidied.put(self.get(*place), (place.room - place.length) as usize);
        }
        *self = tidied;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_replaced_again_and_again_take_no_room() {
        let mut documents = Documents::default();
        // Each is longer than the last of its contact by more than there is room for.
        let form =
            |contact: u8, context: u8| vec![contact ^ context; (1 << 20) + (usize::from(context) << 15)];
        let mut places: Vec<_> = (0..4).map(|contact| documents.keep_to_change(&form(contact, 0))).collect();
        let (mut most, mut left) = (0, 0);
        for context in 1..=200 {
            let contact = context % 3;
            let place = &mut places[usize::from(contact)];
            let old = *place;
            *place = documents.replace(old, &form(contact, context));
            left += usize::from((place.chunk, place.start) != (old.chunk, old.start));
            documents.tidy(places.iter_mut());
            let live: usize = places.iter().map(|place| place.room as usize).sum();
            most = most.max(documents.used - live);
            assert_eq!(documents.get(places[usize::from(contact)]), form(contact, context));
        }
        assert!(left > 50, "it left its place {left} times");
        assert!(most < 4 * MAX_STALE, "{most}");
        for (contact, context) in [(0, 198), (1, 199), (2, 200), (3, 0)] {
            assert_eq!(documents.get(places[usize::from(contact)]), form(contact, context));
        }
    }

    #[test]
    fn a_form_that_grows_a_little_stays_where_it_is_and_its_neighbours_as_they_are() {
        let mut documents = Documents::default();
        let places = [b'a', b'b', b'c'].map(|byte| documents.keep_to_change(&[byte; 100]));
        let before = documents.used;
        for length in [101, 119, 0, 5, 119] {
            let place = documents.replace(places[1], &vec![b'x'; length]);
            assert_eq!(documents.get(place), vec![b'x'; length]);
            assert_eq!(documents.used, before, "{length} bytes");
        }
        assert_eq!(documents.get(places[0]), [b'a'; 100]);
        assert_eq!(documents.get(places[2]), [b'c'; 100]);
        let moved = documents.replace(places[1], &[b'y'; 120]);
        assert_eq!(documents.get(moved), [b'y'; 120]);
        assert!(documents.used > before);
    }
}
