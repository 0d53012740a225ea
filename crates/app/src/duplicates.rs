//! Contacts that may be one person.

use std::collections::BTreeMap;

use super::accept::{Accepted, Draft, Submission};
use super::{Caller, Commands, Operation, Queries, Reach, Result};
use domain::apply::merge::Asked;
use domain::contact::document::Document;
use domain::contact::identifier::Identifiers;
use domain::contact::likeness::{self, Reason};
use domain::journal::{BatchKind, ContactNo, WebHook};
use storage::{Contact, Error, List, Way};

/// Looks for contacts that may be one person.
pub static DUPLICATES: Operation = Operation::read("/v3/contacts/duplicates", Reach::List);
/// Merges two contacts.
pub static MERGE: Operation = Operation::batch("/v3/contacts/merge", Reach::List);

/// A reason, the first contacts that share it, and how many share it in all.
type Found = (Reason, Vec<ContactNo>, u64);

/// Contacts that are read at once.
const CHUNK: u32 = 1_000;

/// Keys that are compared in one walk along the list: some 10 MB. The keys behind them are of the next page.
const MAX_KEYS: usize = 100_000;

/// Contacts that one group tells.
const MAX_GROUP: usize = 50;

/// Contacts that share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Why they may be one person.
    pub reason: Reason,
    /// The contacts: the oldest first, at most 50.
    pub contacts: Vec<Alike>,
    /// How many share the key.
    pub count: u64,
}

/// A contact of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Its number.
    pub number: ContactNo,
    /// Its identifiers.
    pub identifiers: Identifiers<Option<String>>,
}

/// A part of the groups of a list, in the order of a hash of their keys.
#[derive(Debug, Default)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<u64>,
}

/// Two contacts to merge.
#[derive(Debug)]
pub struct Merge<'a> {
    /// Their list.
    pub list: &'a List,
    /// The contacts, and from which of them fields come.
    pub asked: Asked,
    /// Where the result is sent.
    pub webhook: Option<WebHook>,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl Commands {
    /// Merges two contacts.
    ///
    /// # Errors
    /// The caller may not, the key was used for another batch, or the batch could not be made durable.
    pub async fn merge_contacts(
        &self,
        caller: &Caller,
        submission: Submission,
        merge: Merge<'_>,
    ) -> Result<Accepted> {
        let Merge { list, asked, webhook, dry_run } = merge;
        let (kind, list, items) = (BatchKind::Merge, (list.no, list.id), asked.items());
        let draft = Draft { kind, list, webhook, restore_erased: false, items };
        self.submit(&MERGE, caller, submission, draft, dry_run).await
    }
}

impl Queries {
    /// Groups of contacts of a list that may be one person, behind `after`. It walks along the whole list: groups that
    /// change meanwhile may be reported as they were.
    ///
    /// # Errors
    /// The store fails.
    pub async fn duplicates(
        &self,
        caller: &Caller,
        list: &List,
        after: u64,
        limit: usize,
    ) -> Result<Groups, Error> {
        let (storage, account) = (&self.0.storage, caller.scope.account);
        let mut keys = Shared::after(after);
        let mut from = ContactNo(0);
        loop {
            let page = storage.page_contacts(account, list.no, Way::Up(from), CHUNK).await?;
            for (number, contact) in &page.rows {
                // Other rooms report a contact that does not read.
                let Ok(found) = Document::read(&contact.document).and_then(|it| likeness::keys(&it)) else {
                    continue;
                };
                found.iter().for_each(|(reason, text)| keys.add(*reason, text, *number));
            }
            let last = page.rows.iter().map(|(number, _)| *number).chain(page.damaged.iter().copied()).max();
            match last.filter(|_| page.more) {
                Some(last) => from = last,
                None => break,
            }
        }
        let (found, next) = keys.groups(limit);
        let mut groups = Vec::with_capacity(found.len());
        for (reason, numbers, count) in found {
            let mut contacts = Vec::with_capacity(numbers.len());
            for number in numbers {
                let found = crate::find::contact_by_number(&**storage, account, list.no, number).await?;
                contacts.extend(found.and_then(|contact| alike(number, &contact)));
            }
            // Some may have gone meanwhile.
            if contacts.len() > 1 {
                groups.push(Group { reason, contacts, count });
            }
        }
        Ok(Groups { groups, next })
    }
}

fn alike(number: ContactNo, contact: &Contact) -> Option<Alike> {
    let borne = Document::read(&contact.document).and_then(|document| document.identifiers()).ok()?;
    Some(Alike { number, identifiers: borne.map(|text| text.map(str::to_owned)) })
}

/// The contacts of some keys: those with the lowest hashes behind a bound, as many as there is room for.
struct Shared {
    after: u64,
    /// Keys from here on are of the next page.
    until: Option<u64>,
    keys: BTreeMap<u64, (Reason, Vec<ContactNo>, u64)>,
}

impl Shared {
    const fn after(after: u64) -> Self {
        Self { after, until: None, keys: BTreeMap::new() }
    }

    fn add(&mut self, reason: Reason, text: &str, number: ContactNo) {
        let hash = hash(reason, text);
        if hash <= self.after || self.until.is_some_and(|until| hash >= until) {
            return;
        }
        let (_, numbers, count) = self.keys.entry(hash).or_insert((reason, Vec::new(), 0));
        *count += 1;
        if numbers.len() < MAX_GROUP {
            numbers.push(number);
        }
        if self.keys.len() > MAX_KEYS {
            self.until = self.keys.pop_last().map(|(hash, _)| hash);
        }
    }

    /// The first groups, and the hash behind which the next ones are.
    fn groups(self, limit: usize) -> (Vec<Found>, Option<u64>) {
        let mut found = Vec::new();
        let until = self.until;
        for (hash, (reason, numbers, count)) in self.keys {
            if count < 2 {
                continue;
            }
            found.push((reason, numbers, count));
            if found.len() == limit {
                return (found, Some(hash));
            }
        }
        (found, until.map(|until| until - 1))
    }
}

/// A hash of a key, the same in every process: pages begin behind one.
fn hash(reason: Reason, text: &str) -> u64 {
    use std::hash::Hasher as _;
    let mut hasher = siphasher::sip::SipHasher13::new();
    hasher.write_u8(reason as u8);
    hasher.write(text.as_bytes());
    // 0 is before the first.
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_told_once_however_small_a_page_is() {
        let text = |n: u64| format!("a{}@example.com", n / 2);
        let all = |after| {
            let mut keys = Shared::after(after);
            (0..100).for_each(|n| keys.add(Reason::Email, &text(n), ContactNo(n + 1)));
            keys
        };
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let (groups, next) = all(after).groups(7);
            told.extend(groups.into_iter().map(|(_, numbers, count)| (numbers, count)));
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        told.sort_unstable_by_key(|(numbers, _)| numbers.first().map(|number| number.0));
        let expected = (0..50).map(|n| (vec![ContactNo(2 * n + 1), ContactNo(2 * n + 2)], 2));
        assert!(told.into_iter().eq(expected));
    }

    #[test]
    fn keys_that_have_no_room_are_of_the_next_page() {
        let mut keys = Shared::after(0);
        let count = MAX_KEYS as u64 + 10;
        for n in 0..count {
            keys.add(Reason::Phone, &n.to_string(), ContactNo(n + 1));
        }
        assert_eq!(keys.keys.len(), MAX_KEYS);
        let (groups, next) = keys.groups(10);
        assert!(groups.is_empty() && next.is_some());
        let mut rest = Shared::after(next.unwrap_or_default());
        for n in 0..count {
            rest.add(Reason::Phone, &n.to_string(), ContactNo(n + 1));
        }
        assert_eq!(rest.keys.len(), 10);
    }
}
