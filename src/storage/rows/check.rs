//! Whether what is stored is as it must be: what is found, and how rows are judged by themselves.

use std::collections::BTreeMap;

use crate::apply::outcome::{self, Outcome};
use crate::contact::document::Document;
use crate::contact::identifier::{HashKey, IdentifierKind};
use crate::contact::record::{Malformed, Reader};
use crate::history::{self, ChangeKind};
use crate::journal::{ContactNo, ListNo};

/// What takes a finding away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mend {
    /// The index of identifiers, entry by entry.
    Index,
    /// The index of identifiers, made anew from the contacts.
    IndexAnew,
    /// Indexes that the database can make anew from their tables.
    Derived,
    /// Pages that nothing uses.
    Pages,
    /// How many contacts a list has, and the number of its next.
    Lists,
    /// The number of a list's next variable.
    Variables,
    /// Rows that refer to nothing.
    Orphans,
    /// How many items of a request have failed.
    Failed,
}

/// Something that is wrong, in a sentence that names no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The sentence.
    pub sentence: String,
    /// What takes it away; `None` where nothing but a backup does.
    pub mend: Option<Mend>,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Contacts that were looked at.
    pub contacts: u64,
    /// Whether these are all: what is made of them is then whole.
    pub to_the_end: bool,
    /// Requests that were looked at.
    pub requests: u64,
    /// Batches of the journal that were looked at.
    pub batches: u64,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, sentence: impl Into<String>, mend: Option<Mend>) {
        self.findings.push(Finding { sentence: sentence.into(), mend });
    }

    /// Adds a finding of so many, unless there are none.
    pub fn add_count(&mut self, what: &str, count: u64, mend: Option<Mend>) {
        if count > 0 {
            self.add(format!("{what}: {count}"), mend);
        }
    }

    /// Whether anything is to be mended in that way.
    pub fn asks_for(&self, mend: Mend) -> bool {
        self.findings.iter().any(|finding| finding.mend == Some(mend))
    }
}

/// A few of many, and how many there are.
#[derive(Debug, Default)]
pub struct Few {
    /// The first of them.
    pub first: Vec<(ListNo, ContactNo)>,
    /// All of them.
    pub count: u64,
}

/// Contacts that are remembered one by one; of more than that only the number is.
pub const REMEMBERED: usize = 10_000;

/// Contacts that a sentence names.
const NAMED: usize = 5;

impl Few {
    fn add(&mut self, contact: (ListNo, ContactNo)) {
        self.count += 1;
        if self.first.len() < REMEMBERED {
            self.first.push(contact);
        }
    }

    /// The first of them by their numbers.
    pub fn named(&self) -> String {
        let named = self.first.iter().take(NAMED);
        let named: Vec<_> = named.map(|(list, number)| format!("{} of list {}", number.0, list.0)).collect();
        let more = if self.count > NAMED as u64 { " and others" } else { "" };
        format!("{} (contact {}{more})", self.count, named.join(", "))
    }
}

/// An entry of the index of identifiers: hash and contact, as they are stored.
pub type IndexEntry = (i64, i64);

/// What entries add up to, in any order: two of the same are of the same entries, unless chance has it otherwise once in
/// 2^64 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many there are.
    pub count: u64,
    sum: u64,
}

impl Sum {
    /// Adds an entry.
    pub const fn add(&mut self, (hash, number): IndexEntry) {
        let mut mixed = hash.cast_unsigned() ^ number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.sum = self.sum.wrapping_add(mixed ^ (mixed >> 31));
        self.count += 1;
    }
}

/// The contacts of one list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many there are.
    pub contacts: u64,
    /// The highest number of one.
    pub last: u64,
}

/// What a walk along all contacts has seen.
#[derive(Debug, Default)]
pub struct Walk {
    /// By list.
    pub lists: BTreeMap<i64, Seen>,
    /// What the index must hold.
    pub index: Sum,
    /// Those that do not read.
    pub unreadable: Few,
    /// Those that name a journal position that was never reached.
    pub ahead: Few,
}

impl Walk {
    /// Looks at a contact.
    pub fn visit(&mut self, key: &HashKey, applied: u64, contact: (ListNo, ContactNo), document: &[u8]) {
        let seen = self.lists.entry(contact.0.0).or_default();
        seen.contacts += 1;
        seen.last = seen.last.max(contact.1.0);
        match judge(document) {
            Ok(document) => {
                if document.header.changed_at.max(document.header.renamed_at) > applied {
                    self.ahead.add(contact);
                }
            }
            Err(Malformed) => self.unreadable.add(contact),
        }
        let index = &mut self.index;
        entries(key, contact, document, |entry| index.add(entry));
    }
}

/// Reads a contact to its end.
///
/// # Errors
/// [`Malformed`] where it does not read, or its fields are out of order.
pub fn judge(bytes: &[u8]) -> Result<Document<'_>, Malformed> {
    let document = Document::read(bytes)?;
    document.identifiers()?;
    let (mut reader, mut last) = (Reader::new(document.record), None);
    while let Some(entry) = reader.entry()? {
        if last.is_some_and(|last| last >= entry.key) {
            return Err(Malformed);
        }
        last = Some(entry.key);
    }
    Ok(document)
}

/// The entries that the index must hold of a contact; none where not even its identifiers read.
pub fn entries(
    key: &HashKey,
    (list, number): (ListNo, ContactNo),
    document: &[u8],
    mut visit: impl FnMut(IndexEntry),
) {
    let borne = Document::read(document).and_then(|document| document.identifiers()).unwrap_or_default();
    for kind in IdentifierKind::ALL {
        if let Some(text) = borne.get(kind) {
            let hash = key.hash(list.0.cast_unsigned(), kind, text);
            visit((hash.cast_signed(), number.0.cast_signed()));
        }
    }
}

/// How many items have failed by the results of a request.
///
/// # Errors
/// [`Malformed`] where they do not read.
pub fn failed(results: &[u8]) -> Result<u64, Malformed> {
    let outcomes = outcome::read(results)?;
    Ok(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(..))).count() as u64)
}

/// Whether a row of the histories reads to its end.
pub fn history_reads(changes: &[u8]) -> bool {
    let reads = |change: &history::Change<'_>| match change.kind {
        ChangeKind::Updated => history::fields(change.before).is_ok(),
        ChangeKind::Removed => judge(change.before).is_ok(),
        ChangeKind::Created | ChangeKind::Erased => true,
    };
    history::read(changes).is_ok_and(|changes| changes.iter().all(reads))
}
