//! What both stores share about the members of segments.

use sha2::{Digest as _, Sha256};

use crate::SegmentList;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};

/// Rows that one transaction deletes.
pub const CHUNK: i64 = 5_000;

/// A list with one of its segments: that has an id, and a time of its last change.
pub type SegmentRow = ((AccountNo, ListNo, ObjectId), ([u8; 12], i64));

/// The lists of segments, which are sorted by list, each with a checksum of its segments.
pub fn checksum(rows: Vec<SegmentRow>) -> Vec<SegmentList> {
    let mut lists: Vec<(SegmentList, Sha256)> = Vec::new();
    for ((account, list, id), (segment, updated_at)) in rows {
        if lists.last().is_none_or(|(last, _)| last.list != list) {
            lists.push((SegmentList { account, list, id, saved: 0 }, Sha256::new()));
        }
        if let Some((_, hash)) = lists.last_mut() {
            hash.update(segment);
            hash.update(updated_at.to_le_bytes());
        }
    }
    lists.into_iter().map(|(list, hash)| SegmentList { saved: number(hash), ..list }).collect()
}

/// A checksum of the text of a filter.
pub fn filter_hash(text: &str) -> i64 {
    number(Sha256::new_with_prefix(text))
}

fn number(hash: Sha256) -> i64 {
    let hash = hash.finalize();
    hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

/// The day of a time, since 1970 by UTC.
pub const fn day(at: Timestamp) -> i64 {
    at.millis().div_euclid(86_400_000)
}
