//! Whether what is stored is as it must be: what is found, and how rows are judged by themselves.

pub mod forms;
pub mod index;
pub mod suppressions;
pub mod twins;

use std::collections::{BTreeMap, HashSet};

use self::index::{Sum, entries};
use super::group::JournalRow;
use domain::contact::document::Document;
use domain::contact::identifier::HashKey;
use domain::contact::record::{Malformed, Reader};
use domain::journal::{BatchKind, ContactNo, ListNo, read_items};

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

/// What a repair came to.
#[derive(Debug)]
pub struct Repaired {
    /// What is not wrong any more.
    pub mended: Vec<Finding>,
    /// The check after it.
    pub report: Report,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is as it must be, and asks for somebody's look: sentences that name no person.
    pub notes: Vec<String>,
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

    /// Adds what was found elsewhere.
    pub fn add_all(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.notes.extend(other.notes);
        self.contacts += other.contacts;
        self.requests += other.requests;
        self.batches += other.batches;
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

/// The contacts of one list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many there are.
    pub contacts: u64,
    /// The highest number of one, also of those that were removed: it must not be given out again.
    pub last: u64,
}

impl Seen {
    /// There was a contact of this number, which was removed.
    pub fn tombstone(&mut self, number: u64) {
        self.last = self.last.max(number);
    }
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

    /// Tells which contacts are not as they must be.
    pub fn tell(&self, report: &mut Report) {
        if self.unreadable.count > 0 {
            let named = self.unreadable.named();
            report.add(format!("contacts that the disk has damaged, and that take no change: {named}"), None);
        }
        if self.ahead.count > 0 {
            let named = self.ahead.named();
            report.add(format!("contacts that were changed by what was never applied: {named}"), None);
        }
    }

    /// Tells how many entries the index lacks, and how many it has too much.
    pub fn tell_index(&self, missing: u64, extra: u64, report: &mut Report) {
        let mend = self.can_mend_index().then_some(Mend::Index);
        report.add_count("identifiers by which their contact is not found", missing, mend);
        report.add_count("entries of the index that no contact bears", extra, mend);
    }

    /// Of too many contacts that do not read it is not known which entries are theirs, and these must not go.
    pub const fn can_mend_index(&self) -> bool {
        self.unreadable.count <= REMEMBERED as u64
    }

    /// The numbers of contacts that do not read: what the index says of them is all that is left, so that nobody claims
    /// that they are not there.
    pub fn damaged(&self) -> HashSet<i64> {
        self.unreadable.first.iter().map(|(_, number)| number.0.cast_signed()).collect()
    }
}

/// Compares what a list has with what it counts: the number of its next contact, and how many it has.
pub fn count(list: &str, seen: Seen, counted: Option<(u64, u64)>, report: &mut Report) {
    let mend = Some(Mend::Lists);
    let Some((next, contacts)) = counted else {
        if seen.contacts > 0 {
            report.add(format!("{list} has {} contacts, and no count of them", seen.contacts), mend);
        }
        return;
    };
    if contacts != seen.contacts {
        let has = match seen.contacts {
            0 => "no".to_owned(),
            count => count.to_string(),
        };
        report.add(format!("{list} has {has} contacts and counts {contacts}"), mend);
    }
    if next <= seen.last {
        report.add(format!("{list} would give number {next} out again"), mend);
    }
}

/// Batches that wait, in the order of their positions. These are given without gaps: one that is not there was lost.
#[derive(Debug, Default)]
pub struct WaitingBatches {
    next: Option<u64>,
    batches: u64,
    damaged: u64,
    missing: u64,
}

impl WaitingBatches {
    /// From that position on; elsewhere from the first that there is.
    pub const fn from(next: u64) -> Self {
        Self { next: Some(next), batches: 0, damaged: 0, missing: 0 }
    }

    /// Something that is no batch has this position.
    pub const fn passed(&mut self, position: u64) {
        if let Some(next) = self.next {
            self.missing += position.saturating_sub(next);
        }
        self.next = Some(position + 1);
    }

    /// Looks at the next.
    pub fn look(&mut self, row: &JournalRow) {
        self.passed(row.position);
        self.batches += 1;
        let intact = row.intact();
        let undo = row.kind == BatchKind::Undo.code();
        let reads = intact.head && intact.items && (undo || read_items(&row.items).is_ok());
        self.damaged += u64::from(!reads);
    }

    /// The position that was given last.
    pub const fn ends_at(&mut self, last: u64) {
        if self.next.is_some() {
            self.passed(last + 1);
        }
    }

    /// Tells what is wrong.
    pub fn tell(&self, report: &mut Report) {
        report.batches += self.batches;
        let damaged = "accepted batches that the disk has damaged, and that will end in STORE_DAMAGED";
        report.add_count(damaged, self.damaged, None);
        report.add_count("accepted batches that are missing from the journal", self.missing, None);
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
