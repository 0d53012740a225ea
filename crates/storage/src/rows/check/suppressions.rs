//! Whether each suppression is found by its address.

use crate::Address;
use crate::rows::check::Report;
use crate::rows::suppressions::hash;
use domain::contact::identifier::HashKey;
use domain::contact::suppression::Reason;
use domain::journal::AccountNo;

/// What a walk along suppressions has seen.
#[derive(Debug, Default)]
pub struct Seen {
    lost: u64,
    unknown: u64,
}

impl Seen {
    /// Looks at a row. One without an address has the hash alone, and nothing to compare it with.
    pub fn look(
        &mut self,
        key: &HashKey,
        account: AccountNo,
        stored: &[u8],
        reason: i64,
        address: Option<&str>,
    ) {
        let Some(reason) = Reason::of_code(reason) else {
            self.unknown += 1;
            return;
        };
        let Some(text) = address else { return };
        let address = Address { channel: reason.channel(), text: text.to_owned() };
        self.lost += u64::from(hash(key, account, &address).as_slice() != stored);
    }

    /// Reports what is wrong.
    pub fn tell(&self, report: &mut Report) {
        report.add_count("suppressions that are not found by their address", self.lost, None);
        report.add_count("suppressions with an unknown reason", self.unknown, None);
    }
}
