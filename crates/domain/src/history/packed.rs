//! The stored form of a batch's changes: compressed, where that saves room. A batch of new contacts takes a fifth, and one
//! of updates less than half, since the contacts of a batch resemble each other.

use std::borrow::Cow;
use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, get_frame_content_size};

/// The first byte of a compressed row. One that is not compressed begins with the kind of its first change.
const PACKED: u8 = 0x80;

/// Bytes below which a row is stored as it is: it lies beside others on a page of the file.
const SHORTEST: usize = 1_024;

/// Bytes of a row at most: more is not believed of a row that the disk has damaged.
const LONGEST: usize = 256 << 20;

/// zstd's fastest but for the negative ones: the next two levels take half as long again for 5 % less.
const LEVEL: i32 = 1;

thread_local! {
    // Their tables are larger than most rows: to make them takes longer than a row does.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(compressor());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
}

fn compressor() -> Option<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL).ok()?;
    compressor.set_parameter(CParameter::ChecksumFlag(true)).ok()?;
    Some(compressor)
}

/// Changes as they are stored.
pub fn pack(changes: &[u8]) -> Cow<'_, [u8]> {
    if !(SHORTEST..=LONGEST).contains(&changes.len()) {
        return Cow::Borrowed(changes);
    }
    let packed = COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(changes).ok());
    match packed {
        Some(packed) if packed.len() + 1 < changes.len() => {
            Cow::Owned([&[PACKED], packed.as_slice()].concat())
        }
        _ => Cow::Borrowed(changes),
    }
}

/// The changes of a stored row. A row that the disk has damaged is returned as it is: [`super::read`] reports it.
pub fn unpack(stored: Vec<u8>) -> Vec<u8> {
    stored.strip_prefix(&[PACKED]).and_then(decompress).unwrap_or(stored)
}

fn decompress(packed: &[u8]) -> Option<Vec<u8>> {
    let length = get_frame_content_size(packed).ok()??;
    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST)?;
    DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.as_mut()?.decompress(packed, length).ok())
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::{Change, ChangeKind, read};
    use crate::journal::ContactNo;

    fn changes(count: u64, text: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in 0..count {
            let change = Change {
                kind: ChangeKind::Created,
                number: ContactNo(number),
                previous: 0,
                before: &[],
                after: Some(text),
            };
            change.put(&mut bytes);
        }
        bytes
    }

    #[test]
    fn a_long_row_is_compressed_and_a_short_one_is_not() {
        let long = changes(100, b"customer of the spring sale");
        let packed = pack(&long).into_owned();
        assert!(packed.len() * 5 < long.len(), "{} of {}", packed.len(), long.len());
        assert_eq!(packed[0], PACKED);
        assert_eq!(unpack(packed), long);
        for short in [Vec::new(), changes(1, b"a")] {
            assert_eq!(pack(&short), short);
            assert_eq!(unpack(short.clone()), short);
        }
    }

    #[test]
    fn a_damaged_row_does_not_read() {
        let row = changes(100, b"customer of the spring sale");
        let packed = pack(&row).into_owned();
        for (place, bit) in (0..packed.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut damaged = packed.clone();
            damaged[place] ^= 1 << bit;
            let unpacked = unpack(damaged);
            // One bit of a frame's header means nothing.
            assert!(read(&unpacked).is_err() || unpacked == row, "bit {bit} of byte {place}");
        }
        for length in 1..packed.len() {
            assert!(read(&unpack(packed[..length].to_vec())).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_row_is_unpacked_as_it_was(count in 0..200_u64, text in any::<Vec<u8>>(), noise in any::<Vec<u8>>()) {
            let row = changes(count, &text);
            prop_assert_eq!(unpack(pack(&row).into_owned()), row);
            let _ = unpack([&[PACKED], noise.as_slice()].concat());
        }
    }
}
