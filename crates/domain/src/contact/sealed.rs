//! A contact as it lies in a store: its document (see [`super::document`]) behind a checksum of its own. Databases do not
//! notice every page that the disk has changed, and a flipped bit in a text reads as well as what it was.
//!
//! A mark, the CRC-32 of the document, the document. The mark is no version of a document, and differs from each in
//! several bits, so that no flipped bit makes the one of the other. Documents of before have no checksum; they are read,
//! and get one when they are written.

use super::document;

const MARK: u8 = 0xf4;

/// Bytes before the document.
pub const PREFIX: usize = 5;

/// Appends a document with its checksum.
pub fn put(out: &mut Vec<u8>, document: &[u8]) {
    out.reserve(PREFIX + document.len());
    out.push(MARK);
    out.extend_from_slice(&crc32fast::hash(document).to_le_bytes());
    out.extend_from_slice(document);
}

/// A document with its checksum.
pub fn sealed(document: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, document);
    out
}

/// The document of what is stored; of what the disk has damaged no bytes, which do not read.
pub fn open(stored: &[u8]) -> &[u8] {
    match stored {
        [MARK, a, b, c, d, document @ ..] if crc32fast::hash(document).to_le_bytes() == [*a, *b, *c, *d] => {
            document
        }
        [version, ..] if document::is_version(*version) => stored,
        _ => &[],
    }
}

/// The same of the first bytes of what is stored: a checksum is of all of it, and is not compared.
pub fn open_head(stored: &[u8]) -> &[u8] {
    match stored {
        [MARK, _, _, _, _, document @ ..] => document,
        _ => open(stored),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTHING: &[u8] = &[];

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(rest in prop::collection::vec(any::<u8>(), 0..300), bit: prop::sample::Index) {
            let mut document = vec![2];
            document.extend(rest);
            let mut stored = Vec::new();
            put(&mut stored, &document);
            prop_assert_eq!(open(&stored), &document[..]);
            prop_assert_eq!(open_head(&stored), &document[..]);
            let bit = bit.index(stored.len() * 8);
            stored[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(open(&stored), NOTHING);
            // What has no checksum is read as it is.
            prop_assert_eq!(open(&document), &document[..]);
        }
    }

    #[test]
    fn what_is_cut_short_or_of_no_known_form_does_not_read() {
        let mut stored = Vec::new();
        put(&mut stored, &[2, 0, 0, 0, 0]);
        for length in 0..stored.len() {
            assert_eq!(open(&stored[..length]), NOTHING);
        }
        for version in (0..=255).filter(|version| !(1..=2).contains(version)) {
            assert_eq!(open(&[version, 1, 2, 3, 4, 5]), NOTHING);
        }
    }
}
