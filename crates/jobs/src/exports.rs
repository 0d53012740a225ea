//! Exports of the console: files that are written as fast as the store reads, and sent as fast as a client takes them.
//! A client that was cut off continues by range while the file is stored.

use std::sync::{Mutex, PoisonError};

use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::AccountNo;
use domain::secret;
use files::key::hex;
use files::spool::{Reader, Spool};

/// Exports of an account that are stored at a time.
const OF_ACCOUNT: usize = 4;

/// Exports of all accounts that are stored at a time.
const ALL: usize = 32;

/// Minutes that an export without a reader is stored.
const IDLE_MINUTES: u8 = 10;

/// What an export is of. The same request of the same user continues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The account.
    pub account: AccountNo,
    /// The user.
    pub user: ObjectId,
    /// The list, the filter and the form.
    pub text: String,
}

struct Entry {
    question: Question,
    tag: String,
    spool: Spool,
    made_at: Timestamp,
    idle_minutes: u8,
}

/// The exports of this process.
#[derive(Default)]
pub struct Exports(Mutex<Vec<Entry>>);

impl Exports {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an export, and returns its entity tag and a reader. An export without a reader makes room. `None` if all have
    /// readers.
    pub fn add(&self, question: Question, spool: &Spool, now: Timestamp) -> Option<(String, Reader)> {
        let reader = spool.reader();
        let mut entries = self.lock();
        let same = |entry: &Entry| entry.question == question;
        remove(&mut entries, |entry| same(entry) && !entry.spool.is_read());
        let of_account = |entry: &Entry| entry.question.account == question.account;
        if entries.iter().filter(|entry| of_account(entry)).count() >= OF_ACCOUNT {
            make_room(&mut entries, of_account)?;
        }
        if entries.len() >= ALL {
            make_room(&mut entries, |_| true)?;
        }
        let tag = hex(&secret::random::<16>());
        entries.push(Entry {
            question,
            tag: tag.clone(),
            spool: spool.clone(),
            made_at: now,
            idle_minutes: 0,
        });
        Some((tag, reader))
    }

    /// The last export of that request, if it is stored and has that tag; any tag will do if there is none.
    pub fn find(&self, question: &Question, tag: Option<&str>) -> Option<(String, Reader)> {
        let entries = self.lock();
        let mut found = entries.iter().rev().filter(|entry| entry.question == *question);
        let found = found.find(|entry| tag.is_none_or(|tag| entry.tag == tag) && !entry.spool.is_broken())?;
        Some((found.tag.clone(), found.spool.reader()))
    }

    /// Deletes what no client has read for a while. Called once a minute.
    pub fn sweep(&self) {
        let mut entries = self.lock();
        for entry in entries.iter_mut() {
            entry.idle_minutes = if entry.spool.is_read() { 0 } else { entry.idle_minutes + 1 };
        }
        remove(&mut entries, |entry| entry.spool.is_broken() || entry.idle_minutes > IDLE_MINUTES);
    }

    /// Deletes the exports of an account that were made until a person was erased.
    pub fn forget(&self, account: AccountNo, until: Timestamp) {
        remove(&mut self.lock(), |entry| entry.question.account == account && entry.made_at <= until);
    }

    /// The accounts that have exports.
    pub fn accounts(&self) -> Vec<AccountNo> {
        self.lock().iter().map(|entry| entry.question.account).collect()
    }

    /// Ends all: the server stops.
    pub fn close(&self) {
        remove(&mut self.lock(), |_| true);
    }
}

/// Removes the oldest one without a reader, if there is one.
fn make_room(entries: &mut Vec<Entry>, which: impl Fn(&Entry) -> bool) -> Option<()> {
    let place = entries.iter().position(|entry| which(entry) && !entry.spool.is_read())?;
    entries.remove(place).spool.break_off();
    Some(())
}

fn remove(entries: &mut Vec<Entry>, which: impl Fn(&Entry) -> bool) {
    entries.retain(|entry| {
        let goes = which(entry);
        if goes {
            entry.spool.break_off();
        }
        !goes
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn question(account: i64, text: &str) -> Question {
        Question { account: AccountNo(account), user: ObjectId::from_bytes([1; 12]), text: text.to_owned() }
    }

    fn spool() -> Spool {
        Spool::new(std::fs::File::open("/dev/null").unwrap())
    }

    #[test]
    fn an_export_continues_under_its_tag_and_goes_when_idle() {
        let (exports, first) = (Exports::default(), spool());
        let now = Timestamp::from_millis(5);
        let (tag, reader) = exports.add(question(1, "a"), &first, now).unwrap();
        assert_eq!(exports.find(&question(1, "a"), Some(&tag)).unwrap().0, tag);
        assert_eq!(exports.find(&question(1, "a"), None).unwrap().0, tag);
        assert!(exports.find(&question(1, "a"), Some("other")).is_none());
        assert!(exports.find(&question(1, "b"), None).is_none());
        assert!(exports.find(&question(2, "a"), None).is_none());
        for _ in 0..20 {
            exports.sweep();
        }
        assert!(exports.find(&question(1, "a"), None).is_some(), "it is read");
        drop(reader);
        for _ in 0..=IDLE_MINUTES {
            exports.sweep();
        }
        assert!(exports.find(&question(1, "a"), None).is_none());
        assert!(first.is_broken(), "what writes it stops");
    }

    #[test]
    fn an_account_has_its_share_and_those_that_are_read_stay() {
        let exports = Exports::default();
        let now = Timestamp::from_millis(5);
        let add = |account, text: &str| exports.add(question(account, text), &spool(), now);
        let readers: Vec<_> = ["a", "b", "c", "d"].map(|text| add(1, text).unwrap()).into();
        assert!(add(1, "e").is_none(), "all four are read");
        assert!(add(2, "e").is_some());
        drop(readers);
        assert!(add(1, "e").is_some());
        assert!(exports.find(&question(1, "a"), None).is_none(), "the oldest made room");
        exports.forget(AccountNo(1), Timestamp::from_millis(4));
        assert!(exports.find(&question(1, "e"), None).is_some());
        exports.forget(AccountNo(1), now);
        assert!(exports.find(&question(1, "e"), None).is_none());
        assert_eq!(exports.accounts(), [AccountNo(2)]);
    }
}
