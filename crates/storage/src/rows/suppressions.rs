//! What both stores do with suppressions in the same way.

use std::collections::BTreeMap;

use crate::{Address, NewSuppression};
use domain::contact::identifier::HashKey;
use domain::contact::suppression::Reason;
use domain::journal::AccountNo;

/// The hash under which an address of an account is stored.
pub fn hash(key: &HashKey, account: AccountNo, address: &Address) -> [u8; 16] {
    key.erased(account.0.unsigned_abs(), address.channel.kind(), &address.text)
}

/// The suppressions under their keys, in the order of keys. Of two with one key the first counts.
pub fn by_key(
    key: &HashKey,
    account: AccountNo,
    suppressions: Vec<NewSuppression>,
) -> BTreeMap<([u8; 16], Reason), NewSuppression> {
    let mut rows = BTreeMap::new();
    for suppression in suppressions {
        let address = Address { channel: suppression.reason.channel(), text: suppression.address.clone() };
        rows.entry((hash(key, account, &address), suppression.reason)).or_insert(suppression);
    }
    rows
}

/// Hashes are spread evenly: those below this are one of 256.
pub const SAMPLE_END: [u8; 1] = [1];

/// Whether an account with so many rows in the sample may be near its limit, so that all rows are to be counted. Counting
/// millions at each change would cost more than the change.
pub fn may_be_full(sample: u64, added: usize, max: u64) -> bool {
    // A sample of tens of thousands is off by a few percent at most; a small one may be off by a few rows.
    let estimate = sample.saturating_add(8).saturating_mul(256).saturating_add(added as u64);
    estimate >= max - max / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_are_counted_near_the_limit_alone() {
        assert!(may_be_full(0, 1, 3));
        assert!(may_be_full(0, 1, 2_000));
        assert!(!may_be_full(0, 100, 10_000_000));
        assert!(!may_be_full(20_000, 100, 10_000_000));
        assert!(may_be_full(35_000, 100, 10_000_000));
        assert!(may_be_full(u64::MAX, 1, 10_000_000));
    }
}
