//! What waits, in memory: of each account, the places of its batches in the journal.
//!
//! The journal is written by this process and by commands beside it. Each row is counted once, by its position. Which
//! are applied next is chosen here: accounts take turns, and each goes on in the order in which its batches were
//! accepted.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::Shared;
use super::marks::Marks;
use domain::journal::AccountNo;
use storage::Backlog;
use storage::rows::group::MAX_BYTES;

/// A batch that waits.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its place in the journal.
    pub position: u64,
    /// The length of its items.
    pub bytes: u64,
    /// Whether it is applied in a transaction of its own.
    pub alone: bool,
}

/// The batches of one account, in their order.
#[derive(Debug, Default)]
struct Queue {
    rows: VecDeque<Row>,
    bytes: u64,
}

/// All that waits.
#[derive(Debug, Default)]
pub struct Counted {
    reached: u64,
    total: Backlog,
    queues: BTreeMap<AccountNo, Queue>,
    /// The account that had its turn last.
    last: Option<AccountNo>,
}

/// The account of a batch that is to be applied, and its position.
pub type Chosen = (AccountNo, u64);

impl Counted {
    /// Nothing waits up to a position, and nothing above it is counted.
    pub fn from(reached: u64) -> Self {
        Self { reached, ..Self::default() }
    }

    /// The position up to which rows were counted, by whomever they were appended.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// What waits.
    pub const fn backlog(&self) -> Backlog {
        self.total
    }

    /// What waits of an account.
    pub fn backlog_of(&self, account: AccountNo) -> Backlog {
        let queue = self.queues.get(&account);
        queue.map_or(Backlog::default(), |queue| Backlog {
            batches: queue.rows.len() as u64,
            bytes: queue.bytes,
        })
    }

    /// A row waits; rows must come in rising order.
    pub fn appended(&mut self, account: AccountNo, row: Row) {
        if row.position <= self.reached {
            return;
        }
        self.reached = row.position;
        self.total.batches += 1;
        self.total.bytes += row.bytes;
        let queue = self.queues.entry(account).or_default();
        queue.bytes += row.bytes;
        queue.rows.push_back(row);
    }

    /// What is applied waits no more.
    pub fn applied(&mut self, marks: &Marks) {
        let total = &mut self.total;
        self.queues.retain(|account, queue| {
            let done = marks.of(*account);
            while let Some(row) = queue.rows.pop_front_if(|row| row.position <= done) {
                queue.bytes -= row.bytes;
                total.batches -= 1;
                total.bytes -= row.bytes;
            }
            !queue.rows.is_empty()
        });
    }

    /// What the next transaction applies, at most `max` batches, in the order of positions. The account whose turn it is
    /// comes first. If its next batch stands alone, that is all; else the others join in, a batch of each at a time.
    pub fn choose(&mut self, max: usize) -> Vec<Chosen> {
        let from = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.queues.range((from, Bound::Unbounded));
        let others = self.queues.range((
            Bound::Unbounded,
            self.last.map_or(Bound::Excluded(AccountNo(i64::MIN)), Bound::Included),
        ));
        let mut taking: Vec<_> =
            behind.chain(others).map(|(account, queue)| (*account, queue.rows.iter())).collect();
        let Some((first, next)) = taking.first().map(|(account, rows)| (*account, rows.clone().next()))
        else {
            return Vec::new();
        };
        self.last = Some(first);
        if let Some(row) = next.filter(|row| row.alone && max > 0) {
            return vec![(first, row.position)];
        }
        let (mut chosen, mut bytes) = (Vec::new(), 0);
        while !taking.is_empty() {
            taking.retain_mut(|(account, rows)| match rows.next() {
                Some(row) if !row.alone && chosen.len() < max && fits(&chosen, bytes + row.bytes) => {
                    bytes += row.bytes;
                    chosen.push((*account, row.position));
                    true
                }
                _ => false,
            });
        }
        chosen.sort_unstable_by_key(|(_, position)| *position);
        chosen
    }

    /// How far the store is once those of `chosen` are applied that stand at `last` or before it.
    pub fn marks_after(&self, before: &Marks, chosen: &[Chosen], last: u64) -> Marks {
        let mut ahead = before.ahead.clone();
        ahead.extend(chosen.iter().take_while(|(_, position)| *position <= last).copied());
        let first_left = self.queues.iter().filter_map(|(account, queue)| {
            let done = ahead.get(account).map_or(before.applied, |done| before.applied.max(*done));
            let left = queue.rows.partition_point(|row| row.position <= done);
            queue.rows.get(left).map(|row| row.position)
        });
        let applied = first_left.min().map_or(self.reached, |first| first - 1);
        ahead.retain(|_, position| *position > applied);
        Marks { applied, ahead }
    }
}

/// Whether a transaction has room for one more, with so many bytes then. The first always has.
fn fits(chosen: &[Chosen], bytes: u64) -> bool {
    chosen.is_empty() || bytes <= MAX_BYTES as u64
}

/// What waits, for as short as it takes.
pub fn counted(shared: &Shared) -> std::sync::MutexGuard<'_, Counted> {
    super::lock(&shared.counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(rows: &[(i64, bool)]) -> Counted {
        let mut counted = Counted::default();
        for (position, (account, alone)) in (1..).zip(rows) {
            counted.appended(AccountNo(*account), Row { position, bytes: 10, alone: *alone });
        }
        counted
    }

    /// The positions of each transaction until nothing is left, with the marks after it.
    fn transactions(counted: &mut Counted, max: usize) -> Vec<(Vec<u64>, u64)> {
        let (mut marks, mut done) = (Marks::default(), Vec::new());
        loop {
            let chosen = counted.choose(max);
            let Some((_, last)) = chosen.last() else { return done };
            marks = counted.marks_after(&marks, &chosen, *last);
            counted.applied(&marks);
            done.push((chosen.iter().map(|(_, position)| *position).collect(), marks.applied));
        }
    }

    #[test]
    fn a_row_is_counted_once() {
        let mut counted = Counted::from(3);
        let row = |position| Row { position, bytes: 5, alone: false };
        for position in [3, 4, 4, 5] {
            counted.appended(AccountNo(1), row(position));
        }
        assert_eq!((counted.reached(), counted.backlog()), (5, Backlog { batches: 2, bytes: 10 }));
        assert_eq!(counted.backlog_of(AccountNo(1)).batches, 2);
        counted.applied(&Marks { applied: 5, ahead: BTreeMap::new() });
        assert_eq!(counted.backlog(), Backlog::default());
        assert_eq!(counted.backlog_of(AccountNo(1)), Backlog::default());
    }

    #[test]
    fn one_account_is_applied_in_its_order_as_far_as_a_transaction_goes() {
        let mut counted = waiting(&[(1, false), (1, false), (1, true), (1, false)]);
        let expected = [(vec![1, 2], 2), (vec![3], 3), (vec![4], 4)];
        assert_eq!(transactions(&mut counted, 100), expected);
    }

    #[test]
    fn those_that_stand_alone_of_one_account_let_others_by() {
        let mut counted =
            waiting(&[(1, true), (1, true), (1, true), (2, false), (1, true), (2, false), (3, true)]);
        let expected =
            [(vec![1], 1), (vec![4, 6], 1), (vec![7], 1), (vec![2], 2), (vec![3], 4), (vec![5], 7)];
        assert_eq!(transactions(&mut counted, 100), expected);
    }

    #[test]
    fn accounts_share_a_transaction() {
        let mut rows = vec![(1, false); 10];
        rows.extend([(2, false), (3, false)]);
        let mut counted = waiting(&rows);
        let first = &transactions(&mut counted, 4)[0];
        assert_eq!(*first, (vec![1, 2, 11, 12], 2));
    }

    #[test]
    fn a_transaction_has_a_bound_in_bytes_and_takes_one_that_is_larger() {
        let mut counted = Counted::default();
        for (position, bytes) in [(1, 2 * MAX_BYTES as u64), (2, 5), (3, MAX_BYTES as u64)] {
            counted.appended(AccountNo(1), Row { position, bytes, alone: false });
        }
        assert_eq!(transactions(&mut counted, 100), [(vec![1], 1), (vec![2], 2), (vec![3], 3)]);
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_next() {
        let mut counted = waiting(&[(1, false), (2, false), (1, false)]);
        let chosen = counted.choose(100);
        let marks = counted.marks_after(&Marks::default(), &chosen, 2);
        assert_eq!(marks, Marks { applied: 2, ahead: BTreeMap::new() });
        assert_eq!(counted.choose(0), []);
    }
}
