//! How far an account webhook has come: in the changes of contacts, in the suppressions that were added, and in the
//! events of segments. Pure.

use domain::contact::record::{Reader, put_number};
use storage::{ChangeCursor, ChangesFrom, WebhookProgress};

/// The first byte of a position that has a number of suppressions; no cursor of changes begins with it.
const WITH_SUPPRESSED: u8 = 0xf5;

/// A position, as it is stored with a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The stored form of the cursor behind the last change; empty to begin at the oldest.
    pub changes: Vec<u8>,
    /// The number of the last change that added suppressions. `None` if the webhook has no event about them.
    pub suppressed: Option<u64>,
    /// The number of the last event of segments. `None` if the webhook has none of these events.
    pub segments: Option<u64>,
}

impl Position {
    /// That of a webhook.
    pub fn of(progress: &WebhookProgress) -> Self {
        Self { segments: progress.segments, ..Self::from_bytes(&progress.cursor) }
    }

    /// Stores it with a webhook.
    pub fn store(&self, progress: &mut WebhookProgress) {
        progress.cursor = self.to_bytes();
        progress.segments = self.segments;
    }

    /// Reads its stored form, which has no number of events of segments.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let with_number = |bytes| {
            let mut reader = Reader::new(bytes);
            let first = reader.byte().ok()?;
            let number = reader.number().ok().filter(|_| first == WITH_SUPPRESSED)?;
            let rest = bytes.get(1 + length(number)..)?;
            Some(Self { changes: rest.to_vec(), suppressed: Some(number), segments: None })
        };
        with_number(bytes).unwrap_or_else(|| Self { changes: bytes.to_vec(), ..Self::default() })
    }

    /// Its stored form, but for the number of events of segments, which earlier versions do not read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.changes.len() + 11);
        if let Some(number) = self.suppressed {
            out.push(WITH_SUPPRESSED);
            put_number(&mut out, number);
        }
        out.extend_from_slice(&self.changes);
        out
    }

    /// Where the next changes begin.
    pub fn from(&self) -> ChangesFrom {
        match self.changes.as_slice() {
            [] => ChangesFrom::Start,
            bytes => ChangeCursor::from_bytes(bytes).map_or(ChangesFrom::Start, ChangesFrom::After),
        }
    }
}

/// Bytes of a number.
fn length(number: u64) -> usize {
    let mut out = Vec::with_capacity(10);
    put_number(&mut out, number);
    out.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_reads_as_it_was_written(changes: Vec<u8>, suppressed: Option<u64>) {
            prop_assume!(changes.first() != Some(&WITH_SUPPRESSED));
            let position = Position { changes, suppressed, segments: None };
            prop_assert_eq!(Position::from_bytes(&position.to_bytes()), position);
        }
    }
}
