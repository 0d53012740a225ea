//! The names of requests, by which the same batch of the same import is known again.

use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

use domain::clock::{Clock as _, SystemClock};
use domain::id::ObjectId;

/// What an import is known by: random, and kept for as long as it is not at its end. The same file may be imported
/// again later, and is then another import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportId(String);

impl ImportId {
    /// A new one. It begins with the time, as ids do: histories list imports by it.
    pub fn new() -> Self {
        let seconds = u32::try_from(SystemClock.now().millis() / 1_000).unwrap_or_default();
        Self(format!("{}{}", hex(&seconds.to_be_bytes()), hex(&domain::secret::random::<12>())))
    }

    /// The id of the import in the history; `None` if an earlier release began it.
    pub fn id(&self) -> Option<ObjectId> {
        ObjectId::parse(self.0.get(..24)?)
    }

    /// One that was kept.
    pub const fn kept(text: String) -> Self {
        Self(text)
    }

    /// To keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `Idempotency-Key` of a batch. Its body counts: what is sent again without a row that was refused is
    /// another request.
    pub fn key(&self, batch: u64, body: &[u8]) -> String {
        let hash = Sha256::new()
            .chain_update(self.0.as_bytes())
            .chain_update(batch.to_le_bytes())
            .chain_update(body)
            .finalize();
        format!("import-{}", hex(&hash))
    }
}

impl Default for ImportId {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes in hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Maps by numbers that are hashes already.
pub type IdentityHash = BuildHasherDefault<IdentityHasher>;

/// The number itself is its hash.
#[derive(Debug, Default)]
pub struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
