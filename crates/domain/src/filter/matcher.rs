//! A filter that is ready to be asked: it reads the stored bytes of contacts.

mod compare;
mod compile;

use std::collections::HashMap;

use self::compare::Compare;
use super::tree::Tree;
use crate::clock::Timestamp;
use crate::contact::document::{Document, Header};
use crate::contact::field::Key;
use crate::contact::record::{Malformed, Reader};
use crate::id::ObjectId;

/// What the ids of a tree stand for, and the time.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The time of `inLast`.
    pub now: Timestamp,
    /// The numbers of sources. One that is not here matches no contact.
    pub sources: HashMap<ObjectId, u64>,
    /// The filters of segments. One that is not here matches no contact.
    pub segments: HashMap<ObjectId, Tree>,
}

/// Whether a contact matches, as far as its bytes decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It matches, or does not.
    Sure(bool),
    /// It matches if one of its addresses is suppressed, or if none is.
    IfSuppressed(bool),
}

/// A filter over the stored bytes of contacts. The default matches all.
#[derive(Debug, Default)]
pub struct Matcher {
    /// `None` matches all.
    check: Option<Check>,
    /// The entries that are read, in their order.
    keys: Vec<Key>,
    asks_suppressed: bool,
}

#[derive(Debug)]
enum Check {
    All(Vec<Check>),
    Any(Vec<Check>),
    Suppressed(bool),
    /// A comparison with the entry at that place of `keys`.
    Entry(usize, Compare),
    CreatedAt(Compare),
    UpdatedAt(Compare),
}

/// Entries that are looked up without an allocation.
const FEW: usize = 16;

impl Matcher {
    /// Whether it matches every contact.
    pub const fn takes_all(&self) -> bool {
        self.check.is_none()
    }

    /// Whether it depends on suppressions, which contacts do not hold.
    pub const fn asks_suppressed(&self) -> bool {
        self.asks_suppressed
    }

    /// Whether a contact matches.
    ///
    /// # Errors
    /// [`Malformed`] where the contact does not read.
    pub fn fit(&self, document: &Document<'_>) -> Result<Fit, Malformed> {
        let Some(check) = &self.check else { return Ok(Fit::Sure(true)) };
        self.with_entries(document, |entries| {
            let contact = Entries { header: &document.header, entries };
            let without = holds(check, &contact, false)?;
            if !self.asks_suppressed || holds(check, &contact, true)? == without {
                return Ok(Fit::Sure(without));
            }
            Ok(Fit::IfSuppressed(!without))
        })
    }

    /// When the contact, unchanged, may match otherwise than now: where a time enters or leaves the last days.
    ///
    /// # Errors
    /// [`Malformed`] where the contact does not read.
    pub fn next_change(&self, document: &Document<'_>) -> Result<Option<Timestamp>, Malformed> {
        let Some(check) = &self.check else { return Ok(None) };
        self.with_entries(document, |entries| {
            let contact = Entries { header: &document.header, entries };
            let (mut open, mut first) = (vec![check], None);
            while let Some(check) = open.pop() {
                let next = match check {
                    Check::All(checks) | Check::Any(checks) => {
                        open.extend(checks);
                        None
                    }
                    Check::Suppressed(_) => None,
                    Check::Entry(place, compare) => compare.next_change(contact.entries[*place], None)?,
                    Check::CreatedAt(compare) => {
                        compare.next_change(None, Some(contact.header.created_at))?
                    }
                    Check::UpdatedAt(compare) => {
                        compare.next_change(None, Some(contact.header.updated_at))?
                    }
                };
                first = match (first, next) {
                    (Some(first), Some(next)) => Some(std::cmp::min(first, next)),
                    (first, next) => first.or(next),
                };
            }
            Ok(first)
        })
    }

    /// Reads the entries that are asked for in one walk, which ends behind the last of them.
    fn with_entries<T>(
        &self,
        document: &Document<'_>,
        ask: impl FnOnce(&[Option<&[u8]>]) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let (mut few, mut many) = ([None; FEW], Vec::new());
        let entries = match few.get_mut(..self.keys.len()) {
            Some(entries) => entries,
            None => {
                many.resize(self.keys.len(), None);
                &mut many[..]
            }
        };
        let (mut reader, mut place) = (Reader::new(document.record), 0);
        while place < self.keys.len()
            && let Some(entry) = reader.entry()?
        {
            while self.keys.get(place).is_some_and(|key| *key < entry.key) {
                place += 1;
            }
            if self.keys.get(place) == Some(&entry.key) {
                entries[place] = Some(entry.value);
                place += 1;
            }
        }
        ask(entries)
    }
}

/// A contact, as far as it is asked for.
struct Entries<'a> {
    header: &'a Header,
    entries: &'a [Option<&'a [u8]>],
}

fn holds(check: &Check, contact: &Entries<'_>, suppressed: bool) -> Result<bool, Malformed> {
    match check {
        Check::All(checks) => {
            for check in checks {
                if !holds(check, contact, suppressed)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Check::Any(checks) => {
            for check in checks {
                if holds(check, contact, suppressed)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Check::Suppressed(wanted) => Ok(*wanted == suppressed),
        Check::Entry(place, compare) => compare.holds(contact.entries[*place]),
        Check::CreatedAt(compare) => Ok(compare.holds_at(contact.header.created_at)),
        Check::UpdatedAt(compare) => Ok(compare.holds_at(contact.header.updated_at)),
    }
}
