//! What a [`UnitOfWork`](super::UnitOfWork) holds, and what it reports.

use std::collections::HashSet;

use super::Hashes;
use super::documents::Place;
use crate::contact::choice::Flags;
use crate::contact::identifier::{IdentifierKind, Identifiers};
use crate::contact::record::put_bytes;
use crate::journal::{ContactNo, ListNo};

/// What the rule must know of a list.
#[derive(Debug, Default)]
pub struct ListState {
    /// Whether it is (still) there.
    pub alive: bool,
    /// The number that the next new contact gets.
    pub next: u64,
    /// The numbers of its variables.
    pub variables: HashSet<u32>,
    /// How many contacts were made since it was loaded, or came back.
    pub made: u64,
    /// How many were removed since it was loaded.
    pub removed: u64,
}

/// A contact, as it stands after the items so far.
#[derive(Debug)]
pub struct Slot {
    /// Its list.
    pub list: ListNo,
    /// Its number.
    pub number: ContactNo,
    /// Where its stored form lies among the [`UnitOfWork`]'s documents.
    pub(super) document: Place,
    /// Whether the store has it not yet.
    pub new: bool,
    /// Whether the store's form is out of date.
    pub dirty: bool,
    /// Whether it was removed once and has come back.
    pub returned: bool,
    /// The position of the batch that removed it, where one did.
    pub removed_at: Option<u64>,
    /// The position of the last batch that changed flags of it, and which.
    pub(super) flags: (u64, Flags),
    /// The hashes under which the store has it, once they may differ from those that it should have; one that is new
    /// has none.
    pub(super) indexed: Option<Box<Hashes>>,
}

/// The identifiers that a contact had until an item changed them.
#[derive(Debug, PartialEq, Eq)]
pub struct Former {
    /// The contact's list.
    pub list: ListNo,
    /// The contact.
    pub number: ContactNo,
    /// The journal position of the batch that changed them.
    pub position: u64,
    /// The item's place in the batch.
    pub item: u32,
    /// What they were, see [`put_identifiers`].
    pub identifiers: Vec<u8>,
}

/// An identifier that a contact bore until a batch: how those are found who bore it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerHolder {
    /// The identifier.
    pub entry: IndexEntry,
    /// The position of that batch.
    pub position: u64,
}

/// A contact that was merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The list of both.
    pub list: ListNo,
    /// The contact that was removed.
    pub loser: ContactNo,
    /// The contact that is left.
    pub winner: ContactNo,
}

/// A merge that an undo ends, or that the undo of that undo renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeUndone {
    /// The list of both contacts.
    pub list: ListNo,
    /// The contact that was removed by the merge. If it was never merged, there is nothing to do.
    pub loser: ContactNo,
    /// The position of the undo that has ended the merge so far; 0 while the merge holds.
    pub before: u64,
    /// The same afterwards.
    pub after: u64,
}

/// What a person has turned off by the link of a contact that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptedOut {
    /// The list of the contact.
    pub list: ListNo,
    /// The contact.
    pub number: ContactNo,
    /// The flags that stay off if an undo restores the contact.
    pub flags: Flags,
    /// The position of the last record in its consent ledger.
    pub consent: u64,
}

/// A change to the index of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// See [`HashKey::hash`].
    pub hash: u64,
    /// The contact's list.
    pub list: ListNo,
    /// The contact.
    pub number: ContactNo,
}

/// Appends three identifiers, an absent one as an empty text (no contact has an empty identifier).
pub fn put_identifiers(out: &mut Vec<u8>, identifiers: &Identifiers<Option<&str>>) {
    for kind in IdentifierKind::ALL {
        put_bytes(out, identifiers.get(kind).unwrap_or_default().as_bytes());
    }
}
