//! Addresses that must not be written to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use domain::clock::Timestamp;
use domain::contact::suppression::{Channel, Reason};

/// The most suppressions of one account.
pub const MAX_SUPPRESSIONS_PER_ACCOUNT: u64 = 10_000_000;

/// An address of a channel, in any spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The channel.
    pub channel: Channel,
    /// The e-mail address or the phone number.
    pub text: String,
}

/// A suppression that is to be added.
#[derive(Clone, Debug)]
pub struct NewSuppression {
    /// The address, in the spelling that is shown later.
    pub address: String,
    /// Why; this is also the channel.
    pub reason: Reason,
    /// What the receiving server answered.
    pub raw_log: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; `None` for ever.
    pub expires_at: Option<Timestamp>,
}

/// A stored suppression. An address has one for each reason at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The keyed hash of the account and the address.
    pub hash: [u8; 16],
    /// The address; `None` after the person was erased.
    pub address: Option<String>,
    /// Why; this is also the channel.
    pub reason: Reason,
    /// What the receiving server answered.
    pub raw_log: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; `None` for ever.
    pub expires_at: Option<Timestamp>,
}

impl Suppression {
    /// Its place in the order of suppressions.
    pub const fn place(&self) -> SuppressionPlace {
        SuppressionPlace { created_at: self.created_at, hash: self.hash, reason: self.reason }
    }
}

/// Suppressions in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedSuppressions {
    /// Each with the number of the change that added it; those of one change are together.
    pub rows: Vec<(u64, Suppression)>,
    /// The number of the last change that was read.
    pub next: u64,
}

/// The place of a suppression in the order of an account's suppressions, which is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SuppressionPlace {
    /// Since when.
    pub created_at: Timestamp,
    /// The keyed hash of the account and the address.
    pub hash: [u8; 16],
    /// Why.
    pub reason: Reason,
}

impl SuppressionPlace {
    const LENGTH: usize = 25;

    /// As text: 34 characters of base64url.
    pub fn to_text(self) -> String {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.created_at.millis().to_be_bytes());
        bytes[8..24].copy_from_slice(&self.hash);
        bytes[24] = u8::try_from(self.reason.code()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads that text.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self {
            created_at: Timestamp::from_millis(i64::from_be_bytes(bytes[..8].try_into().ok()?)),
            hash: bytes[8..24].try_into().ok()?,
            reason: Reason::of_code(bytes[24].into())?,
        })
    }
}

/// Which suppressions: those that all of these fit.
#[derive(Clone, Debug, Default)]
pub struct SuppressionFilter {
    /// Those of this address.
    pub address: Option<Address>,
    /// Those of this channel.
    pub channel: Option<Channel>,
    /// Those for this reason.
    pub reason: Option<Reason>,
}

impl SuppressionFilter {
    /// The lowest and the highest code of a reason that fits. The first is above the second if none does.
    pub fn codes(&self) -> [i64; 2] {
        let channels = [self.channel, self.address.as_ref().map(|address| address.channel)];
        let ranges = channels.into_iter().flatten().map(Channel::codes);
        let ranges = ranges.chain(self.reason.map(|reason| [reason.code(); 2]));
        ranges.fold([i64::MIN, i64::MAX], |[low, high], range| [low.max(range[0]), high.min(range[1])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written_and_orders_by_time() {
        let place = |millis, byte, reason| SuppressionPlace {
            created_at: Timestamp::from_millis(millis),
            hash: [byte; 16],
            reason,
        };
        let places = [
            place(-5, 9, Reason::Hard),
            place(1_700_000_000_000, 0, Reason::Hard),
            place(1_700_000_000_000, 0, Reason::Undeliverable),
            place(1_700_000_000_000, 1, Reason::Hard),
        ];
        for place in places {
            assert_eq!(SuppressionPlace::parse(&place.to_text()), Some(place));
        }
        assert!(places.is_sorted());
        for wrong in ["", "AA", &"A".repeat(35), &"=".repeat(34), &"_".repeat(34)] {
            assert_eq!(SuppressionPlace::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_filter_of_two_channels_fits_nothing() {
        let address = Address { channel: Channel::Email, text: "user@example.com".to_owned() };
        let of = |reason| SuppressionFilter { reason, ..SuppressionFilter::default() };
        let both = SuppressionFilter { address: Some(address), ..of(Some(Reason::Invalid)) };
        let [low, high] = both.codes();
        assert!(low > high);
        assert_eq!(of(Some(Reason::Complaint)).codes(), [1, 1]);
        assert_eq!(of(None).codes(), [i64::MIN, i64::MAX]);
    }
}
