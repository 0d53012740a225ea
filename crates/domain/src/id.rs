//! Identifiers that the server gives out: 24 lower-case hex digits, time first.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::Timestamp;

/// Twelve bytes: seconds since 1970 (4), a number of this process (5), a counter (3), all big-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId([u8; 12]);

impl ObjectId {
    /// From stored bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// To stored bytes.
    pub const fn to_bytes(self) -> [u8; 12] {
        self.0
    }

    /// Reads 24 hex digits, upper case tolerated; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return None;
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The public id of a contact: the list's time and counter, then the contact's number in the list.
    ///
    /// It is derived, so that nothing has to be stored and no index kept for it. It tells how many
    /// contacts its own list has made, and nothing of other lists.
    pub fn of_contact(list: ObjectId, number: u64) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&list.0[..4]);
        bytes[4..7].copy_from_slice(&list.0[9..]);
        bytes[7..].copy_from_slice(&number.to_be_bytes()[3..]);
        Self(bytes)
    }

    /// The number in the list of the contact with this public id; `None` where it is no contact's of that list.
    pub fn contact_number(self, list: ObjectId) -> Option<u64> {
        let mut number = [0; 8];
        number[3..].copy_from_slice(&self.0[7..]);
        let number = u64::from_be_bytes(number);
        (Self::of_contact(list, number) == self).then_some(number)
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for ObjectId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ObjectId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{24}$" })
    }
}

/// Makes ids that do not repeat: within a process by the counter, across processes by its number.
#[derive(Debug)]
pub struct Ids {
    process: [u8; 5],
    counter: AtomicU32,
}

impl Ids {
    /// `random` decides the process's number and where the counter starts.
    pub fn new(random: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = random;
        Self { process: [a, b, c, d, e], counter: AtomicU32::new(u32::from_be_bytes([0, f, g, h])) }
    }

    /// From the system's randomness.
    pub fn from_system() -> Self {
        Self::new(crate::secret::random())
    }

    /// The next id, made at `now`. More than 16 million in one second would repeat.
    pub fn next(&self, now: Timestamp) -> ObjectId {
        let mut bytes = [0; 12];
        let seconds = u32::try_from(now.seconds()).unwrap_or_default();
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.process);
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        bytes[9..].copy_from_slice(&count.to_be_bytes()[1..]);
        ObjectId(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written_and_starts_with_the_time() {
        let ids = Ids::new([1, 2, 3, 4, 5, 0xff, 0xff, 0xff]);
        let first = ids.next(Timestamp::from_millis(1_000));
        let second = ids.next(Timestamp::from_millis(1_000));
        assert_eq!(first.to_string(), "000000010102030405ffffff");
        assert_eq!(second.to_string(), "000000010102030405000000");
        assert_eq!(ObjectId::parse(&first.to_string()), Some(first));
        assert_eq!(ObjectId::parse("00000001010203040500000"), None);
        assert_eq!(ObjectId::parse("zz0000010102030405000000"), None);
    }

    #[test]
    fn contacts_of_two_lists_made_in_one_second_differ() {
        let ids = Ids::new([0; 8]);
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (one, other) = (ids.next(now), ids.next(now));
        assert_ne!(ObjectId::of_contact(one, 7), ObjectId::of_contact(other, 7));
        assert_ne!(ObjectId::of_contact(one, 7), ObjectId::of_contact(one, 8));
    }
}
