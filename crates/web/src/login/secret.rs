//! The random texts of sessions and of first links.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use storage::TextHash;

/// A random text that lets somebody in; the store knows its hash only.
pub struct Secret(pub String);

impl Secret {
    /// 256 bits from the system.
    pub fn generate() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(domain::secret::random::<32>()))
    }

    /// What the store knows of it.
    pub fn hash(&self) -> TextHash {
        hash(&self.0)
    }
}

/// What the store knows of a text. The text has 256 random bits, so one round of SHA-256 keeps it.
pub fn hash(text: &str) -> TextHash {
    Sha256::digest(text).into()
}
