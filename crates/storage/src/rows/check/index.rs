//! The index of identifiers against the contacts.

use std::collections::HashSet;

use domain::contact::document::Document;
use domain::contact::identifier::{HashKey, IdentifierKind};
use domain::journal::{ContactNo, ListNo};

/// Entries of the index that are compared at a time: 64 MiB of them.
const BUCKET: u64 = 4 << 20;

/// An entry of the index of identifiers: hash and contact, as they are stored.
pub type IndexEntry = (i64, i64);

/// What entries add up to, in any order: two of the same are of the same entries, unless chance has it otherwise once in
/// 2^64 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many there are.
    pub count: u64,
    sum: u64,
}

impl Sum {
    /// Adds an entry.
    pub const fn add(&mut self, (hash, number): IndexEntry) {
        let mut mixed = hash.cast_unsigned() ^ number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.sum = self.sum.wrapping_add(mixed ^ (mixed >> 31));
        self.count += 1;
    }
}

/// The entries that the index must hold of a contact; none where not even its identifiers read.
pub fn entries(
    key: &HashKey,
    (list, number): (ListNo, ContactNo),
    document: &[u8],
    mut visit: impl FnMut(IndexEntry),
) {
    let borne = Document::read(document).and_then(|document| document.identifiers()).unwrap_or_default();
    for kind in IdentifierKind::ALL {
        if let Some(text) = borne.get(kind) {
            let (hash, former) = key.index(list.0.cast_unsigned(), kind, text);
            visit((hash.cast_signed(), number.0.cast_signed()));
            former.into_iter().for_each(|hash| visit((hash.cast_signed(), number.0.cast_signed())));
        }
    }
}

/// Ranges of hashes, each of about as many entries as are compared at a time.
pub fn ranges(count: u64) -> impl Iterator<Item = (i64, i64)> {
    let buckets = i128::from(count / BUCKET + 1);
    let start = move |bucket: i128| i128::from(i64::MIN) + (bucket << 64) / buckets;
    let narrow = |bound: i128| i64::try_from(bound).unwrap_or(i64::MAX);
    (0..buckets).map(move |bucket| (narrow(start(bucket)), narrow(start(bucket + 1) - 1)))
}

/// What the index lacks and what it has too much, in a range of hashes: first it is told all contacts, then all entries in
/// their order. A range at a time, so that memory has a bound.
pub struct Compared<'a> {
    range: (i64, i64),
    /// Numbers of contacts whose entries are left as they are.
    kept: &'a HashSet<i64>,
    expected: Vec<IndexEntry>,
    /// Of those that are expected, how many were come to.
    reached: usize,
    missing: Vec<IndexEntry>,
    extra: Vec<IndexEntry>,
}

impl<'a> Compared<'a> {
    /// Nothing was told yet.
    pub const fn new(range: (i64, i64), kept: &'a HashSet<i64>) -> Self {
        Self { range, kept, expected: Vec::new(), reached: 0, missing: Vec::new(), extra: Vec::new() }
    }

    /// There is this contact.
    pub fn expect(&mut self, key: &HashKey, contact: (ListNo, ContactNo), document: &[u8]) {
        entries(key, contact, document, |entry| {
            if (self.range.0..=self.range.1).contains(&entry.0) {
                self.expected.push(entry);
            }
        });
    }

    /// These were all contacts.
    pub fn expects_no_more(&mut self) {
        self.expected.sort_unstable();
        self.expected.dedup();
    }

    /// The index has this entry next.
    pub fn found(&mut self, entry: IndexEntry) {
        while self.next().is_some_and(|next| next < entry) {
            self.missing.extend(self.next());
            self.reached += 1;
        }
        if self.next() == Some(entry) {
            self.reached += 1;
        } else if !self.kept.contains(&entry.1) {
            self.extra.push(entry);
        }
    }

    fn next(&self) -> Option<IndexEntry> {
        self.expected.get(self.reached).copied()
    }

    /// What is missing, and what is too much.
    pub fn finish(mut self) -> (Vec<IndexEntry>, Vec<IndexEntry>) {
        self.missing.extend_from_slice(&self.expected[self.reached..]);
        (self.missing, self.extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_no_hash_out() {
        for count in [0, BUCKET, 3 * BUCKET, 7 * BUCKET + 5] {
            let ranges: Vec<_> = ranges(count).collect();
            assert_eq!(ranges.len() as u64, count / BUCKET + 1);
            assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (i64::MIN, i64::MAX));
            assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{ranges:?}");
        }
    }

    #[test]
    fn what_differs_is_told_in_any_place() {
        let kept = HashSet::from([70]);
        let told = |expected: &[IndexEntry], found: &[IndexEntry]| {
            let mut compared = Compared::new((i64::MIN, i64::MAX), &kept);
            compared.expected = expected.to_vec();
            compared.expects_no_more();
            found.iter().for_each(|entry| compared.found(*entry));
            compared.finish()
        };
        let all = [(-3, 1), (-1, 2), (4, 3), (4, 5), (9, 6)];
        assert_eq!(told(&all, &all), (vec![], vec![]));
        assert_eq!(told(&[], &all), (vec![], all.to_vec()));
        assert_eq!(told(&all, &[]), (all.to_vec(), vec![]));
        for at in 0..all.len() {
            let mut less = all.to_vec();
            let one = less.remove(at);
            assert_eq!(told(&all, &less), (vec![one], vec![]));
            assert_eq!(told(&less, &all), (vec![], vec![one]));
        }
        assert_eq!(told(&all, &[(-3, 1), (-1, 2), (0, 70), (4, 3), (4, 5), (9, 6)]), (vec![], vec![]));
    }
}
