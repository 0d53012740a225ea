//! When access tokens were used last: gathered in memory, and written once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::clock::{Clock, Timestamp};
use storage::Logins;

/// How often it is written: what a crash loses is no more than this.
const FLUSH: Duration = Duration::from_secs(60);

/// Tokens that are noted between two writings; of further ones it is noted the next time.
const MAX: usize = 4_096;

/// The times since the last writing.
#[derive(Debug, Default)]
pub struct LastUsed(Mutex<HashMap<String, Timestamp>>);

impl LastUsed {
    /// Notes that a token is used.
    pub fn note(&self, key: &str, now: Timestamp) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = used.get_mut(key) {
            *time = now.max(*time);
        } else if used.len() < MAX {
            used.insert(key.to_owned(), now);
        }
    }

    /// When a token was used, as far as it is not written yet.
    pub fn last(&self, key: &str) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    /// Writes once a minute, for ever.
    pub async fn keep(&self, storage: &dyn Logins, clock: &dyn Clock) {
        loop {
            clock.sleep(FLUSH).await;
            self.flush(storage).await;
        }
    }

    /// Writes what was noted. What cannot be written is noted for the next time, unless the token was used since.
    pub async fn flush(&self, storage: &dyn Logins) {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let tokens = taken.iter().map(|(key, time)| (key.clone(), *time)).collect();
        if let Err(error) = storage.note_used(tokens).await {
            tracing::warn!(%error, "tokens: storing last uses failed");
            for (key, time) in taken {
                self.note(&key, time);
            }
        }
    }
}
