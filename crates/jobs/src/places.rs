//! Places for files on their way in: a few for each account, so that no account takes them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::journal::AccountNo;

/// Files that are on their way at a time, on one node. Each holds one connection and one chunk of its file.
const ALL: usize = 64;

/// The same, of one account.
const OF_ACCOUNT: usize = 4;

/// Who holds places.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<HashMap<AccountNo, usize>>>);

/// A place. It is free again when this is dropped.
#[derive(Debug)]
pub struct Room {
    places: Places,
    account: AccountNo,
}

impl Places {
    /// A place for a file of that account; `None` if there is none.
    pub fn take(&self, account: AccountNo) -> Option<Room> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = held.values().sum();
        let own = held.get(&account).copied().unwrap_or_default();
        // When places get scarce, an account has one: sixty-four accounts find room at a time.
        let share = if all < ALL / 2 { OF_ACCOUNT } else { 1 };
        if all >= ALL || own >= share {
            return None;
        }
        held.insert(account, own + 1);
        Some(Room { places: self.clone(), account })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_account_cannot_take_all_places() {
        let places = Places::default();
        let mut held: Vec<_> = (0..OF_ACCOUNT).filter_map(|_| places.take(AccountNo(1))).collect();
        assert_eq!(held.len(), OF_ACCOUNT);
        assert!(places.take(AccountNo(1)).is_none());
        // The places are shared out to the last one, and half of them one by one.
        held.extend((2..1_000).filter_map(|account| places.take(AccountNo(account))));
        assert_eq!(held.len(), ALL);
        assert!(places.take(AccountNo(1_000)).is_none());
        drop(held);
        assert!(places.take(AccountNo(1)).is_some());
        assert!(places.0.lock().expect("it is not poisoned").is_empty());
    }
}
