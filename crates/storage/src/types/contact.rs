//! Contacts, their histories, and all that is kept about a person.

use std::collections::{HashMap, HashSet};

use super::source::Source;
use domain::apply::ledger::How;
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::contact::choice::Flags;
use domain::contact::field::Field;
use domain::contact::identifier::{IdentifierKind, Identifiers};
use domain::contact::proof::Proof;
use domain::history::{ChangeKind, FieldChange};
use domain::id::ObjectId;
use domain::journal::{BatchKind, ContactNo, ListNo};

/// How a contact was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// The contact that is left, if it was merged. After more merges that is the last winner.
    pub merged_into: Option<ContactNo>,
    /// The flags that the person has turned off by a link since.
    pub opted_out: Flags,
    /// The identifiers that the contact had; none if its history is deleted.
    pub identifiers: Identifiers<Option<String>>,
}

/// A part of a contact's history.
#[derive(Clone, Debug)]
pub struct History {
    /// The contact's number in its list.
    pub number: ContactNo,
    /// Its changes, the newest first.
    pub changes: Vec<ContactChange>,
    /// How many there are in all; of very many only so many are counted as can be looked at.
    pub total: u64,
    /// Whether `total` counts all that are stored.
    pub complete: bool,
    /// The sources that the changes name, by number, as far as they are still there.
    pub sources: HashMap<u64, Source>,
}

/// One change of a contact.
#[derive(Clone, Debug)]
pub struct ContactChange {
    /// When it was applied.
    pub at: Timestamp,
    /// What was done.
    pub kind: ChangeKind,
    /// By which request.
    pub request: ObjectId,
    /// What that asked for.
    pub asked: BatchKind,
    /// The public part of the token that sent it.
    pub token: String,
    /// The fields that it changed, with their stored values.
    pub fields: Vec<FieldChange>,
}

/// What is kept about a person, but for the requests that mention them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The contacts that bear one of the identifiers, or bore it once.
    pub contacts: Vec<PersonContact>,
    /// Whether a keyed hash says that such a person was erased.
    pub erased: bool,
}

/// A contact of a person.
#[derive(Clone, Debug)]
pub struct PersonContact {
    /// The list's number.
    pub list: ListNo,
    /// The list's public id.
    pub list_id: ObjectId,
    /// The contact; `None` for one that was removed.
    pub contact: Option<Contact>,
    /// Its history, as far as it is kept and told.
    pub history: History,
    /// Its consent ledger.
    pub consents: Consents,
}

/// Whom requests may mention.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The identifiers.
    pub identifiers: Vec<(IdentifierKind, String)>,
    /// The contacts.
    pub contacts: HashSet<(ListNo, ContactNo)>,
}

/// Requests that mention a person: a chunk of them.
#[derive(Clone, Debug)]
pub struct Mentions {
    /// Those of the chunk.
    pub found: Vec<Mention>,
    /// Where the next chunk begins; `None` at the end.
    pub next: Option<u64>,
}

/// A request that mentions a person.
#[derive(Clone, Debug)]
pub struct Mention {
    /// Its id.
    pub request: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// The list's public id.
    pub list_id: ObjectId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Whether it is applied.
    pub processed: bool,
    /// The places of the items that do.
    pub positions: Vec<usize>,
}

/// What was said about a flag of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The flag.
    pub flag: Field,
    /// What it was to be.
    pub value: bool,
    /// When it was applied.
    pub at: Timestamp,
    /// By which request.
    pub request: ObjectId,
    /// What had it written down.
    pub how: How,
    /// The public part of the token, or `user:` and the id of the user.
    pub token: String,
    /// What the caller said of it.
    pub proof: Proof,
    /// The hash of the record in the contact's chain.
    pub hash: [u8; 16],
}

/// The consent ledger of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consents {
    /// The contact.
    pub number: ContactNo,
    /// Its records, the newest first.
    pub records: Vec<Consent>,
    /// Whether these are all.
    pub complete: bool,
}

/// A contact with what is needed to show it.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its stored form, see [`domain::contact::document`].
    pub document: Vec<u8>,
    /// Its source, where it has one that is still there.
    pub source: Option<Source>,
    /// What its source costs, or cost when it was removed.
    pub source_cac: Option<Cac>,
}

/// Contacts of a list that follow each other.
#[derive(Clone, Debug)]
pub struct ContactPage {
    /// Each with its number in the list, which rises.
    pub rows: Vec<(ContactNo, Contact)>,
    /// Those between them that are damaged on disk, in the same order.
    pub damaged: Vec<ContactNo>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// The way on which the contacts of a list are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those with higher numbers than this, in their order.
    Up(ContactNo),
    /// Those with lower numbers than this, the highest first.
    Down(ContactNo),
}

impl Way {
    /// The same way from another contact on.
    pub const fn from(self, number: ContactNo) -> Self {
        match self {
            Self::Up(_) => Self::Up(number),
            Self::Down(_) => Self::Down(number),
        }
    }

    /// Whether one contact is visited before another.
    pub const fn is_before(self, one: ContactNo, other: ContactNo) -> bool {
        match self {
            Self::Up(_) => one.0 < other.0,
            Self::Down(_) => one.0 > other.0,
        }
    }

    /// The contact that it begins at.
    pub const fn number(self) -> ContactNo {
        match self {
            Self::Up(number) | Self::Down(number) => number,
        }
    }
}
