//! Access tokens: a public key part and a secret part in one string that a header can carry.
//!
//! `rb_<key>_<secret>`: 16 and 43 characters. Only a hash of the secret is stored. The secret has 256 random
//! bits, so one round of SHA-256 keeps it; a slow hash is for what people think up.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "rb_";
const KEY_LENGTH: usize = 16;
const SECRET_LENGTH: usize = 43;

/// SHA-256 of a secret part.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// No secret is known that has this one.
    pub const NONE: Self = Self([0; 32]);

    /// From stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To stored bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Of a secret part.
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether this is the secret's hash; takes the same time whatever differs.
    pub fn fits(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// A token that was just made: the only moment at which its text is known.
pub struct FreshToken {
    /// The public part.
    pub key: String,
    /// The hash of the secret part.
    pub secret_hash: SecretHash,
    /// The whole token, to be shown once.
    pub text: String,
}

impl FreshToken {
    /// A new token from the system's randomness.
    pub fn generate() -> Self {
        // The key's alphabet is hex, so that no separator and no look-alike stands in it.
        let key: String = crate::secret::random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = BASE64_URL_SAFE_NO_PAD.encode(crate::secret::random::<32>());
        let text = format!("{PREFIX}{key}_{secret}");
        Self { key, secret_hash: SecretHash::of(&secret), text }
    }
}

/// A token as a caller sent it, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PresentedToken<'a> {
    /// The public part.
    pub key: &'a str,
    /// The secret part.
    pub secret: &'a str,
}

impl<'a> PresentedToken<'a> {
    /// `None` where the text is not of our form.
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (key, secret) = rest.split_at_checked(KEY_LENGTH)?;
        let secret = secret.strip_prefix('_')?;
        let of_our_form = key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            && secret.len() == SECRET_LENGTH
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        of_our_form.then_some(Self { key, secret })
    }

    /// What an error may say of it: the first 8 characters, which are public.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}…", &self.key[..8 - PREFIX.len()])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_token_is_of_our_form_and_fits_its_hash() {
        let fresh = FreshToken::generate();
        let presented = PresentedToken::parse(&fresh.text).unwrap();
        assert_eq!(presented.key, fresh.key);
        assert!(fresh.secret_hash.fits(presented.secret));
        assert!(!fresh.secret_hash.fits(&presented.secret.replace(&presented.secret[..1], "*")));
        assert_eq!(presented.shown().chars().count(), 9);
        assert!(fresh.text.starts_with(presented.shown().trim_end_matches('…')));
    }

    #[test]
    fn other_forms_are_not_tokens() {
        let fresh = FreshToken::generate().text;
        for text in ["", "rb_", "YOUR_API_KEY", &fresh[1..], &fresh[..fresh.len() - 1], &format!("{fresh}x")]
        {
            assert!(PresentedToken::parse(text).is_none(), "{text}");
        }
    }
}
