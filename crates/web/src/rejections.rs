//! Requests that were rejected: counted in memory, and written once a minute. A rejection costs no write of its own, so
//! a client that sends rejected requests all the time does not load the store.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::clock::{Clock, Timestamp};
use domain::journal::AccountNo;
use storage::{ApiActivity, HOUR, Rejection};

/// How often they are written: what a crash loses is no more than this.
const FLUSH: Duration = Duration::from_secs(60);

/// Counts between two writes; of further ones, the next minute has some.
const MAX: usize = 4_096;

/// Codes of one request that are counted.
const MAX_CODES: usize = 10;

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Group {
    account: AccountNo,
    hour: i64,
    token: String,
    method: &'static str,
    status: u16,
    code: Cow<'static, str>,
}

/// The counts since the last write.
#[derive(Debug, Default)]
pub struct Rejections(Mutex<HashMap<Group, (u64, Timestamp)>>);

impl Rejections {
    /// Counts a request of an account's token, once for each of its codes.
    pub fn note<'a>(
        &self,
        account: AccountNo,
        token: &str,
        method: &'static str,
        status: u16,
        codes: impl IntoIterator<Item = &'a Cow<'static, str>>,
        now: Timestamp,
    ) {
        let mut distinct: Vec<&Cow<'static, str>> = Vec::new();
        for code in codes {
            if distinct.len() < MAX_CODES && !distinct.contains(&code) {
                distinct.push(code);
            }
        }
        let hour = now.millis().div_euclid(HOUR);
        for code in distinct {
            let (token, code) = (token.to_owned(), code.clone());
            self.add(Group { account, hour, token, method, status, code }, 1, now);
        }
    }

    fn add(&self, group: Group, more: u64, now: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, last)) = counts.get_mut(&group) {
            (*count, *last) = (*count + more, now.max(*last));
        } else if counts.len() < MAX {
            counts.insert(group, (more, now));
        }
    }

    /// Writes once a minute, for ever.
    pub async fn keep(&self, storage: &dyn ApiActivity, clock: &dyn Clock) {
        loop {
            clock.sleep(FLUSH).await;
            self.flush(storage).await;
        }
    }

    /// Writes the counts. Those that certainly were not written are counted in the next time.
    pub async fn flush(&self, storage: &dyn ApiActivity) {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let row = |(group, (count, last_at)): (&Group, &(u64, Timestamp))| {
            let rejection = Rejection {
                hour: group.hour,
                token: group.token.clone(),
                method: group.method.to_owned(),
                status: group.status,
                code: group.code.clone().into_owned(),
                count: *count,
                last_at: *last_at,
            };
            (group.account, rejection)
        };
        if let Err(error) = storage.add_rejections(taken.iter().map(row).collect()).await {
            tracing::warn!(%error, "rejections: storing counts failed");
            if matches!(error, storage::Error::Unavailable(_)) {
                taken.into_iter().for_each(|(group, (count, last))| self.add(group, count, last));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn counts(rejections: &Rejections) -> Vec<(String, u64)> {
        let counts = rejections.0.lock().unwrap();
        let mut counts: Vec<_> =
            counts.iter().map(|(group, (count, _))| (group.code.clone().into_owned(), *count)).collect();
        counts.sort();
        counts
    }

    #[test]
    fn a_request_counts_once_for_each_code_and_what_is_counted_is_bounded() {
        let rejections = Rejections::default();
        let now = Timestamp::from_millis(HOUR);
        let codes = [Cow::Borrowed("A"), Cow::Borrowed("B"), Cow::Borrowed("A")];
        for _ in 0..2 {
            rejections.note(AccountNo(1), "key", "/v3/a", 400, &codes, now);
        }
        assert_eq!(counts(&rejections), [("A".to_owned(), 2), ("B".to_owned(), 2)]);
        for number in 0..MAX {
            rejections.note(AccountNo(1), &format!("key{number}"), "/v3/a", 400, &codes[..1], now);
        }
        assert_eq!(rejections.0.lock().unwrap().len(), MAX);
        rejections.note(AccountNo(1), "key", "/v3/a", 400, &codes[..1], now);
        assert!(counts(&rejections).contains(&("A".to_owned(), 3)), "what is there is counted on");
    }
}
