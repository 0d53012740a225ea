//! Rows between two stores, and what tells whether they are the same.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// A value, without the type that its column has in either store: a yes is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A number, a time, a yes or no.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row: a value for each column of the table.
pub type Row = Vec<Value>;

/// What both halves of a store know of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Its id: files beside the store lie under it, and so are found by the copy.
    pub store_id: Vec<u8>,
    /// The key of its hashes.
    pub hash_key: Vec<u8>,
    /// How often its catalogue was changed.
    pub catalogue_version: i64,
    /// How far time has come, see [`Reckoning`](crate::Reckoning).
    pub retention: Option<Vec<u8>>,
    /// Per table with numbers that are never given twice, the last that was given.
    pub numbers: Vec<(&'static str, i64)>,
}

/// A table of the store that is copied to.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Its name there.
    pub name: &'static str,
    /// Its columns there, all of them, with commas between.
    pub columns: &'static str,
}

impl Columns {
    /// Whether it has a column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.split(", ").any(|one| one == column)
    }
}

/// How many rows a table has, and the sum of their hashes: the order does not count. It finds what went wrong, and not
/// what somebody has forged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    /// How many.
    pub rows: u64,
    sum: u128,
}

impl Value {
    /// About how much memory it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl Checksum {
    /// Counts a row in.
    pub fn add(&mut self, row: &[Value]) {
        let mut hasher = SipHasher13::new();
        for value in row {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Number(number) => {
                    hasher.write_u8(1);
                    hasher.write_i64(*number);
                    continue;
                }
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(bytes) => (3, bytes),
            };
            hasher.write_u8(kind);
            hasher.write_u64(bytes.len() as u64);
            hasher.write(bytes);
        }
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hasher.finish128().as_u128());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Value]]) -> Checksum {
        let mut sum = Checksum::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    #[test]
    fn rows_that_differ_anywhere_have_another_sum_and_their_order_does_not_count() {
        let text = |text: &str| Value::Text(text.to_owned());
        let (one, two) = ([Value::Number(1), text("a")], [Value::Null, Value::Bytes(b"a".to_vec())]);
        assert_eq!(sum(&[&one, &two]), sum(&[&two, &one]));
        assert_ne!(sum(&[&one]), sum(&[&two]));
        assert_ne!(sum(&[&one]), sum(&[&one, &one]));
        assert_ne!(sum(&[&[text("ab"), text("c")]]), sum(&[&[text("a"), text("bc")]]));
        assert_ne!(sum(&[&[text("")]]), sum(&[&[Value::Null]]));
        assert_ne!(sum(&[&[text("a")]]), sum(&[&[Value::Bytes(b"a".to_vec())]]));
    }
}
