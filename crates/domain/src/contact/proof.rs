//! How a flag was chosen, as the caller states it: stored with the patch of an item and in the consent ledger.

use super::field::Key;
use super::record::{self, Malformed, Reader, put_entry};
use crate::clock::Timestamp;

/// The longest text of a proof, in Unicode scalar values.
pub const MAX_TEXT: usize = 255;

/// What a caller says of how flags were chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Where the person chose: a word of the caller's own, such as `form` or `phone`.
    pub source: Option<String>,
    /// The form: its name or address.
    pub form: Option<String>,
    /// The IP address of the person.
    pub ip: Option<String>,
    /// The version or hash of the text that the person saw.
    pub wording: Option<String>,
    /// What the messages are for.
    pub purpose: Option<String>,
    /// When the person chose.
    pub at: Option<Timestamp>,
    /// When the person confirmed it: double opt-in.
    pub confirmed_at: Option<Timestamp>,
}

const SOURCE: Key = Key::of_number(1);
const FORM: Key = Key::of_number(2);
const IP: Key = Key::of_number(3);
const WORDING: Key = Key::of_number(4);
const PURPOSE: Key = Key::of_number(5);
const AT: Key = Key::of_number(6);
const CONFIRMED_AT: Key = Key::of_number(7);
/// Random bytes, so that nothing of a proof can be guessed from a digest once it is erased.
const SALT: Key = Key::of_number(8);

impl Proof {
    /// Its stored form.
    pub fn bytes(&self, salt: [u8; 16]) -> Vec<u8> {
        let mut out = Vec::new();
        let texts = [&self.source, &self.form, &self.ip, &self.wording, &self.purpose];
        for (key, text) in [SOURCE, FORM, IP, WORDING, PURPOSE].into_iter().zip(texts) {
            if let Some(text) = text {
                put_entry(&mut out, key, text.as_bytes());
            }
        }
        for (key, time) in [(AT, self.at), (CONFIRMED_AT, self.confirmed_at)] {
            if let Some(time) = time {
                put_entry(&mut out, key, &time.millis().to_le_bytes());
            }
        }
        put_entry(&mut out, SALT, &salt);
        out
    }

    /// From its stored form; an empty one says nothing. What a later version has added is left out.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut proof = Self::default();
        let mut reader = Reader::new(bytes);
        while let Some(entry) = reader.entry()? {
            let text =
                || std::str::from_utf8(entry.value).map(str::to_owned).map(Some).map_err(|_| Malformed);
            let time = || {
                let millis = entry.value.try_into().map(i64::from_le_bytes).map_err(|_| Malformed)?;
                Ok(Some(Timestamp::from_millis(millis)))
            };
            match entry.key {
                SOURCE => proof.source = text()?,
                FORM => proof.form = text()?,
                IP => proof.ip = text()?,
                WORDING => proof.wording = text()?,
                PURPOSE => proof.purpose = text()?,
                AT => proof.at = time()?,
                CONFIRMED_AT => proof.confirmed_at = time()?,
                _ => {}
            }
        }
        Ok(proof)
    }

    /// That of a patch; empty where it has none.
    ///
    /// # Errors
    /// [`Malformed`] where the patch does not read so far.
    pub fn of_patch(patch: &[u8]) -> Result<&[u8], Malformed> {
        Ok(record::get(patch, Key::PROOF)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_read_as_written_and_differ_by_their_salt() {
        let all = Proof {
            source: Some("form".to_owned()),
            form: Some("https://example.com/newsletter".to_owned()),
            ip: Some("192.0.2.1".to_owned()),
            wording: Some("2026-11".to_owned()),
            purpose: Some("news".to_owned()),
            at: Some(Timestamp::from_millis(1_000)),
            confirmed_at: Some(Timestamp::from_millis(2_000)),
        };
        for proof in [all, Proof::default()] {
            assert_eq!(Proof::read(&proof.bytes([1; 16])), Ok(proof.clone()));
            assert_ne!(proof.bytes([1; 16]), proof.bytes([2; 16]));
        }
        assert_eq!(Proof::read(&[]), Ok(Proof::default()));
    }
}
