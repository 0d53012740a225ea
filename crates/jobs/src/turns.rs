//! Which job is next: accounts take turns, and none keeps another waiting for long.

use std::collections::HashMap;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::journal::AccountNo;
use storage::JobKey;

/// How long a job may run while a job of an account that runs none waits.
pub const SLICE: Duration = Duration::from_secs(300);

/// A job that could run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is known by.
    pub key: JobKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// What a claim names.
    pub lease: u64,
}

/// A job that runs here, and for how long it has.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// What it is known by.
    pub key: JobKey,
    /// For how long.
    pub age: Duration,
}

/// Which account was served when.
#[derive(Debug, Default)]
pub struct Served {
    last: u64,
    by: HashMap<AccountNo, u64>,
}

impl Served {
    /// It is this account's turn.
    pub fn serve(&mut self, account: AccountNo) {
        self.last += 1;
        self.by.insert(account, self.last);
    }

    /// Forgets accounts that have no job that waits or runs.
    pub fn keep(&mut self, has_jobs: impl Fn(AccountNo) -> bool) {
        self.by.retain(|account, _| has_jobs(*account));
    }

    /// The job that is next: of the account that runs the fewest (on any node), then of the one that was served
    /// longest ago, its oldest first.
    pub fn next(&self, waiting: &[Candidate], running: &HashMap<AccountNo, usize>) -> Option<Candidate> {
        let rank = |candidate: &&Candidate| {
            let account = candidate.key.account;
            let runs = running.get(&account).copied().unwrap_or_default();
            let served = self.by.get(&account).copied().unwrap_or_default();
            (runs, served, candidate.created_at, candidate.key.id)
        };
        waiting.iter().min_by_key(rank).copied()
    }
}

/// The job here that makes room for an account that waits and runs none: the youngest of an account that runs several,
/// at once, or else the oldest, after its slice.
pub fn gives_way(
    here: &[Running],
    waiting: &[Candidate],
    running: &HashMap<AccountNo, usize>,
) -> Option<JobKey> {
    let runs = |account: AccountNo| running.get(&account).copied().unwrap_or_default();
    if !waiting.iter().any(|candidate| runs(candidate.key.account) == 0) {
        return None;
    }
    let several = here.iter().filter(|job| runs(job.key.account) > 1).min_by_key(|job| job.age);
    let longest = || here.iter().filter(|job| job.age >= SLICE).max_by_key(|job| job.age);
    several.or_else(longest).map(|job| job.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::ObjectId;
    use domain::journal::ListNo;

    fn key(account: i64, id: u8) -> JobKey {
        JobKey { account: AccountNo(account), list: ListNo(1), id: ObjectId::from_bytes([id; 12]) }
    }

    fn candidate(account: i64, id: u8) -> Candidate {
        Candidate { key: key(account, id), created_at: Timestamp::from_millis(id.into()), lease: 0 }
    }

    fn running(accounts: &[(i64, usize)]) -> HashMap<AccountNo, usize> {
        accounts.iter().map(|(account, count)| (AccountNo(*account), *count)).collect()
    }

    #[test]
    fn accounts_take_turns_whatever_each_has_waiting() {
        let mut served = Served::default();
        let mut waiting: Vec<_> = (1..=4).map(|id| candidate(1, id)).collect();
        waiting.extend([candidate(2, 5), candidate(2, 6), candidate(3, 7)]);
        let mut order = Vec::new();
        while let Some(next) = served.next(&waiting, &running(&[])) {
            waiting.retain(|candidate| *candidate != next);
            served.serve(next.key.account);
            order.push(next.key.account.0);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1, 1]);
        // One that runs a job already comes behind one that runs none.
        let waiting = [candidate(1, 1), candidate(2, 2)];
        let next = Served::default().next(&waiting, &running(&[(1, 1)]));
        assert_eq!(next.map(|next| next.key.account), Some(AccountNo(2)));
    }

    #[test]
    fn an_account_that_runs_several_gives_way_at_once_and_others_after_their_slice() {
        let here = |ages: &[(i64, u8, u64)]| -> Vec<_> {
            let job = |(account, id, age): &(i64, u8, u64)| Running {
                key: key(*account, *id),
                age: Duration::from_secs(*age),
            };
            ages.iter().map(job).collect()
        };
        let two = running(&[(1, 2)]);
        assert_eq!(gives_way(&here(&[(1, 1, 9), (1, 2, 1)]), &[candidate(2, 3)], &two), Some(key(1, 2)));
        assert_eq!(gives_way(&here(&[(1, 1, 9), (1, 2, 1)]), &[candidate(1, 3)], &two), None);
        let each = running(&[(1, 1), (2, 1)]);
        let waits = [candidate(3, 3)];
        assert_eq!(gives_way(&here(&[(1, 1, 299), (2, 2, 10)]), &waits, &each), None);
        assert_eq!(gives_way(&here(&[(1, 1, 300), (2, 2, 400)]), &waits, &each), Some(key(2, 2)));
        assert_eq!(gives_way(&here(&[(1, 1, 300), (2, 2, 400)]), &[candidate(1, 3)], &each), None);
    }
}
