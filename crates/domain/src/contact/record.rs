//! The stored form of a contact and of a change to one: entries of key, length and value, in the order of keys.
//!
//! A patch has the same form; there an empty value means "clear". So a merge is one walk along two sorted
//! lists, and a field that nobody sent is copied without being looked at.

use super::field::Key;

/// A stored form that does not read: damaged, or of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stored record does not read")
    }
}

impl std::error::Error for Malformed {}

/// Appends an unsigned number, seven bits a byte, low bits first.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends bytes behind their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a key.
pub fn put_key(out: &mut Vec<u8>, key: Key) {
    put_number(out, u64::from(key.0));
}

/// Appends an entry; keys must come in rising order.
pub fn put_entry(out: &mut Vec<u8>, key: Key, value: &[u8]) {
    put_key(out, key);
    put_bytes(out, value);
}

/// Reads what the `put_` functions wrote, front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// From the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Malformed`] at the end.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    /// The next number.
    ///
    /// # Errors
    /// [`Malformed`] where it ends early or does not fit 64 bits.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Malformed`] where there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Malformed`] where there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// The next bytes behind their length.
    ///
    /// # Errors
    /// [`Malformed`] where there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    /// The next text behind its length.
    ///
    /// # Errors
    /// [`Malformed`] where it is short or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// The key of the next entry; its value is then read by [`Reader::bytes`] or [`Reader::text`].
    ///
    /// # Errors
    /// [`Malformed`] where it is cut short.
    pub fn key(&mut self) -> Result<Key, Malformed> {
        u32::try_from(self.number()?).map(Key).map_err(|_| Malformed)
    }

    /// The next entry, or `None` at the end.
    ///
    /// # Errors
    /// [`Malformed`] where it is cut short.
    pub fn entry(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        if self.is_empty() {
            return Ok(None);
        }
        let start = self.0;
        let key = self.key()?;
        let value = self.bytes()?;
        let raw = &start[..start.len() - self.0.len()];
        Ok(Some(Entry { key, value, raw }))
    }
}

/// One entry of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is about.
    pub key: Key,
    /// Its value; empty in a patch means "clear".
    pub value: &'a [u8],
    raw: &'a [u8],
}

/// The value under `key`, if the record holds one.
///
/// # Errors
/// [`Malformed`] where the record does not read as far as the key.
pub fn get(record: &[u8], key: Key) -> Result<Option<&[u8]>, Malformed> {
    let mut reader = Reader::new(record);
    while let Some(entry) = reader.entry()? {
        if entry.key >= key {
            return Ok((entry.key == key).then_some(entry.value));
        }
    }
    Ok(None)
}

/// Appends `record` changed by `patch` to `out`, and to `undo` the patch that changes it back: for each key whose
/// value differs, what it was. Nothing differs where nothing is appended to `undo`.
///
/// # Errors
/// [`Malformed`] where either does not read; `out` and `undo` are then of no use.
pub fn merge(record: &[u8], patch: &[u8], out: &mut Vec<u8>, undo: &mut Vec<u8>) -> Result<(), Malformed> {
    walk(record, patch, out, |key, was, value| {
        // Two that are empty need no call: `memcmp` of no bytes at an address that is not mapped takes long.
        if was.len() != value.len() || !was.is_empty() && was != value {
            put_entry(undo, key, was);
        }
    })
}

/// The same without the patch that changes it back.
///
/// # Errors
/// [`Malformed`] where either does not read; `out` is then of no use.
pub fn lay_over(record: &[u8], patch: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    walk(record, patch, out, |_, _, _| {})
}

/// Calls `each` with the key, the old and the new value of each entry of the patch.
fn walk(
    record: &[u8],
    patch: &[u8],
    out: &mut Vec<u8>,
    mut each: impl FnMut(Key, &[u8], &[u8]),
) -> Result<(), Malformed> {
    let (mut old, mut new) = (Reader::new(record), Reader::new(patch));
    let mut have = old.entry()?;
    while let Some(change) = new.entry()? {
        while let Some(entry) = have.filter(|entry| entry.key < change.key) {
            out.extend_from_slice(entry.raw);
            have = old.entry()?;
        }
        let before = have.filter(|entry| entry.key == change.key);
        if before.is_some() {
            have = old.entry()?;
        }
        each(change.key, before.map_or(&[][..], |entry| entry.value), change.value);
        if !change.value.is_empty() {
            out.extend_from_slice(change.raw);
        }
    }
    if let Some(entry) = have {
        out.extend_from_slice(entry.raw);
        let rest = old.rest();
        // What is damaged behind the last key of the patch must not be carried on as if it read.
        while old.entry()?.is_some() {}
        out.extend_from_slice(rest);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Model = BTreeMap<u32, Vec<u8>>;

    fn write(model: &Model) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, value) in model {
            put_entry(&mut out, Key(*key), value);
        }
        out
    }

    fn read(record: &[u8]) -> Model {
        let mut reader = Reader::new(record);
        let mut model = Model::new();
        while let Some(entry) = reader.entry().unwrap() {
            model.insert(entry.key.0, entry.value.to_vec());
        }
        model
    }

    fn values(shortest: usize) -> impl Strategy<Value = Model> {
        let value = prop::collection::vec(any::<u8>(), shortest..200);
        prop::collection::btree_map(prop_oneof![1_u32..30, 60_u32..600], value, 0..12)
    }

    proptest! {
        #[test]
        fn a_merge_is_what_a_map_would_do(record in values(1), patch in values(0)) {
            let mut expected = record.clone();
            for (key, value) in &patch {
                if value.is_empty() { expected.remove(key); } else { expected.insert(*key, value.clone()); }
            }
            let (mut out, mut undo, mut back) = (Vec::new(), Vec::new(), Vec::new());
            merge(&write(&record), &write(&patch), &mut out, &mut undo).unwrap();
            prop_assert_eq!(read(&out), expected.clone());
            prop_assert_eq!(undo.is_empty(), expected == record);
            merge(&out, &undo, &mut back, &mut Vec::new()).unwrap();
            prop_assert_eq!(read(&back), record.clone());
            let mut laid = Vec::new();
            lay_over(&write(&record), &write(&patch), &mut laid).unwrap();
            prop_assert_eq!(laid, out.clone());
            for key in 1..600 {
                let found = get(&out, Key(key)).unwrap().map(<[u8]>::to_vec);
                prop_assert_eq!(found, expected.get(&key).cloned());
            }
        }

        #[test]
        fn numbers_read_as_written(number: u64) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_a_reader_panic_and_what_merges_reads(bytes in prop::collection::vec(any::<u8>(), 0..60), other in values(0)) {
            for (record, patch) in [(&bytes, &write(&other)), (&write(&other), &bytes)] {
                let (mut out, mut undo) = (Vec::new(), Vec::new());
                if merge(record, patch, &mut out, &mut undo).is_ok() {
                    read(&out);
                    read(&undo);
                }
            }
            let _ = get(&bytes, Key(7));
        }
    }
}
