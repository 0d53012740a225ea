//! The token of a link: 16 bytes, and so 22 characters of base64url, the last of which is always a letter.
//!
//! One byte has the version, the channel and the length of the list's number. Seven bytes have the numbers of the list
//! and the contact. Eight bytes are the beginning of an HMAC-SHA256 over them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use domain::contact::field::Field;
use domain::journal::{ContactNo, ListNo};

/// Characters of a token.
pub const TOKEN: usize = 22;

/// Bytes of what is signed, and of its signature.
const SIGNED: usize = 8;

/// Bytes of both numbers.
const NUMBERS: usize = SIGNED - 1;

/// The version: the two highest bits of the first byte.
const VERSION: u8 = 0;

/// The channels of links by their numbers, which must not change.
pub const CHANNELS: [(&str, Field); 6] = [
    ("email", Field::EmailSubscribe),
    ("sms", Field::SmsSubscribe),
    ("desktopWebPush", Field::DesktopWebPushSubscribe),
    ("mobileWebPush", Field::MobileWebPushSubscribe),
    ("telegram", Field::TelegramSubscribe),
    ("viber", Field::ViberSubscribe),
];

/// The channel of a contact that a link turns off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The number of the list.
    pub list: ListNo,
    /// The number of the contact in it.
    pub contact: ContactNo,
    /// The channel's flag: one of [`CHANNELS`].
    pub channel: Field,
}

impl Link {
    fn encode(&self) -> Option<[u8; SIGNED]> {
        let channel = CHANNELS.iter().position(|(_, field)| *field == self.channel)?;
        let list = u64::try_from(self.list.0).ok()?.to_be_bytes();
        let skipped = list.iter().position(|byte| *byte != 0)?;
        let list = &list[skipped..];
        let room = NUMBERS.checked_sub(list.len())?;
        let contact = self.contact.0.to_be_bytes();
        let (zeros, contact) = contact.split_at(contact.len() - room);
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mut bytes = [0; SIGNED];
        bytes[0] = VERSION << 6 | u8::try_from(channel << 3 | list.len()).ok()?;
        bytes[1..=list.len()].copy_from_slice(list);
        bytes[1 + list.len()..].copy_from_slice(contact);
        Some(bytes)
    }

    fn decode(bytes: [u8; SIGNED]) -> Option<Self> {
        let [head, numbers @ ..] = bytes;
        if head >> 6 != VERSION {
            return None;
        }
        let (_, channel) = CHANNELS.get(usize::from(head >> 3 & 0b111))?;
        let (list, contact) = numbers.split_at_checked(usize::from(head & 0b111))?;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let list = ListNo(i64::try_from(number(list)).ok()?);
        Some(Self { list, contact: ContactNo(number(contact)), channel: *channel })
    }
}

/// Signs links and verifies them.
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// With the key of the store.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn mac(&self, signed: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(signed);
        Some(mac)
    }

    /// The token of a link; `None` where its numbers need more than seven bytes: a list above 16,777,215 together with a
    /// contact above 4,294,967,295.
    pub fn sign(&self, link: &Link) -> Option<String> {
        let signed = link.encode()?;
        let tag = self.mac(&signed)?.finalize().into_bytes();
        let mut bytes = [0; 2 * SIGNED];
        bytes[..SIGNED].copy_from_slice(&signed);
        bytes[SIGNED..].copy_from_slice(&tag[..SIGNED]);
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The link of a token that [`LinkKey::sign`] has made. Compared in constant time.
    pub fn verify(&self, token: &str) -> Option<Link> {
        let bytes: [u8; 2 * SIGNED] = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (signed, tag) = bytes.split_at(SIGNED);
        self.mac(signed)?.verify_truncated_left(tag).ok()?;
        Link::decode(signed.try_into().ok()?)
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(list: i64, contact: u64, channel: usize) -> Link {
        Link { list: ListNo(list), contact: ContactNo(contact), channel: CHANNELS[channel].1 }
    }

    const KEY: LinkKey = LinkKey::new([7; 32]);

    #[test]
    fn the_longest_numbers_fit_22_characters() {
        for link in [
            link(1, 1, 0),
            link(255, (1 << 48) - 1, 5),
            link(65_535, (1 << 40) - 1, 1),
            link(16_777_215, u64::from(u32::MAX), 2),
            link((1 << 32) - 1, (1 << 24) - 1, 3),
        ] {
            let token = KEY.sign(&link).unwrap();
            assert_eq!((token.len(), KEY.verify(&token)), (TOKEN, Some(link)), "{link:?}");
        }
        for link in [link(256, 1 << 40, 0), link(16_777_216, 1 << 32, 0), link(0, 1, 0), link(-1, 1, 0)] {
            assert_eq!(KEY.sign(&link), None, "{link:?}");
        }
    }

    #[test]
    fn no_other_token_is_one() {
        let token = KEY.sign(&link(3, 5, 0)).unwrap();
        assert_eq!(LinkKey::new([8; 32]).verify(&token), None);
        for place in 0..TOKEN {
            for other in ['A', 'z', '0', '_', '-', '.', '%'] {
                let mut changed: Vec<char> = token.chars().collect();
                if std::mem::replace(&mut changed[place], other) == other {
                    continue;
                }
                let changed: String = changed.into_iter().collect();
                assert_eq!(KEY.verify(&changed), None, "{changed}");
            }
        }
        for wrong in ["", "A", &token[1..], &format!("{token}="), &format!("{token}A"), &token.to_lowercase()]
        {
            assert_eq!(KEY.verify(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn tokens_come_back_and_end_in_a_letter(list in 1_i64..1 << 24, contact in 0_u64..1 << 32, channel in 0_usize..6) {
            let link = link(list, contact, channel);
            let token = KEY.sign(&link).unwrap();
            prop_assert_eq!(KEY.verify(&token), Some(link));
            prop_assert!(token.ends_with(['A', 'Q', 'g', 'w']), "{}", token);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9_-]{20,24}") {
            KEY.verify(&text);
        }
    }
}
