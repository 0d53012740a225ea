//! What both stores do with their rows in the same way: which row to look at next, and what its bytes say. The
//! statements are each store's own.
//!
//! A view of rows blocks: it is used on threads where that is allowed. Whoever makes one sees to it that all it shows
//! is of one moment, or is kept from changing by a lock.

pub mod activity;
pub mod address_form;
pub mod attempts;
pub mod changed;
pub mod changes;
pub mod check;
pub mod consent;
pub mod contact_page;
pub mod contacts;
pub mod damage;
pub mod derived;
pub mod dry_run;
pub mod erase;
pub mod group;
pub mod history;
pub mod load;
pub mod matching;
pub mod merge;
pub mod merged;
pub mod person;
pub mod purge;
pub mod removal;
pub mod results;
pub mod row_checksum;
pub mod segments;
pub mod suppression_filter;
pub mod suppressions;
pub mod undo;

use std::collections::{HashMap, HashSet};

use crate::{Error, Place, Source, Way};
use domain::apply::plan::Waiting;
use domain::apply::unit_of_work::{EraseForm, Erased, ListState};
use domain::clock::Timestamp;
use domain::contact::amount::Cac;
use domain::contact::choice::Flags;
use domain::contact::identifier::HashKey;
use domain::id::ObjectId;
use domain::journal::{AccountNo, BatchKind, ContactNo, ListNo};

/// A contact: its list, and its number in it.
pub type ContactId = (ListNo, ContactNo);

/// A hash of an identifier, with the account from which its bearer was erased.
pub type ErasedHash = (AccountNo, [u8; 16]);

/// The identifiers that a contact had until an item changed them.
pub struct FormerRow {
    /// The contact.
    pub number: ContactNo,
    /// The position of the item's batch, and the item's place in it.
    pub place: (u64, u32),
    /// See [`domain::apply::unit_of_work::put_identifiers`].
    pub identifiers: Vec<u8>,
}

/// What a batch changed.
pub struct Entry {
    /// Its position.
    pub position: u64,
    /// Its request.
    pub request: ObjectId,
    /// What it asked for.
    pub kind: BatchKind,
    /// The public part of the token that sent it.
    pub token: String,
    /// When it was applied.
    pub applied_at: Timestamp,
    /// See [`domain::history`].
    pub changes: Vec<u8>,
}

/// What batches have changed.
pub trait Changes {
    /// What the batch at a place changed, where that is still kept.
    fn history_at(&self, place: Place) -> Result<Option<Entry>, Error>;
}

/// The rows of a store, to be read.
pub trait Rows: Changes {
    /// The store's own key.
    fn key(&self) -> &HashKey;

    /// What is to be known of a list before batches of it are applied.
    fn list_state(&self, list: ListNo) -> Result<ListState, Error>;

    /// Those of the sources that are there.
    fn known_sources(&self, sources: &[u64]) -> Result<HashSet<u64>, Error>;

    /// The account's source with that number.
    fn source(&self, account: AccountNo, no: u64) -> Result<Option<Source>, Error>;

    /// What a contact from the account's source with that number cost when the source was removed.
    fn removed_cac(&self, account: AccountNo, no: u64) -> Result<Option<Cac>, Error>;

    /// The names of a list's variables by their numbers.
    fn variable_names(&self, list: ListNo) -> Result<HashMap<u32, String>, Error>;

    /// Whether anybody was erased at all.
    fn has_erased(&self) -> Result<bool, Error>;

    /// Those of the hashes that are of people who were erased.
    fn known_erased(&self, hashes: Vec<ErasedHash>) -> Result<Erased, Error>;

    /// The contacts under the hashes, each with the hash: sorted.
    fn holders(&self, hashes: &[(u64, ListNo)]) -> Result<Vec<(ContactId, u64)>, Error>;

    /// Shows the stored forms of contacts, in any order, until `visit` has enough. What is not there is not shown.
    fn documents(
        &self,
        contacts: &[ContactId],
        visit: &mut dyn FnMut(ContactId, &[u8]) -> bool,
    ) -> Result<(), Error>;

    /// Shows the stored forms of the next contacts of a list on the way, at most `limit`, until `visit` has enough.
    fn documents_on(
        &self,
        list: ListNo,
        way: Way,
        limit: u32,
        visit: &mut dyn FnMut(ContactNo, &[u8]) -> bool,
    ) -> Result<(), Error>;

    /// The stored form of a contact.
    fn document(&self, contact: ContactId) -> Result<Option<Vec<u8>>, Error>;

    /// The stored forms of contacts of a list; of long ones the head (see [`domain::contact::document::HEAD`]).
    fn heads(&self, list: ListNo, numbers: &[ContactNo]) -> Result<HashMap<ContactNo, Vec<u8>>, Error>;

    /// What contacts of a list were called until items changed it: at this position, and at the next one behind it.
    /// Sorted by contact and place.
    fn former_identifiers(
        &self,
        list: ListNo,
        numbers: &[ContactNo],
        position: u64,
    ) -> Result<Vec<FormerRow>, Error>;

    /// The account's lists.
    fn lists_of(&self, account: AccountNo) -> Result<Vec<(ListNo, ObjectId)>, Error>;

    /// What a request changed in a list, where that is still kept.
    fn history_of(&self, list: ListNo, request: ObjectId) -> Result<Option<Entry>, Error>;

    /// The position where the history of a contact begins that was removed; 0 where nothing of it is kept.
    fn removed_at(&self, contact: ContactId) -> Result<u64, Error>;

    /// The row of the consent ledger of the batch at a place.
    fn consent_at(&self, place: Place) -> Result<Option<Vec<u8>>, Error>;

    /// The position where the consent ledger of a contact begins that was removed; 0 where it has none.
    fn tombstone_consent(&self, contact: ContactId) -> Result<u64, Error>;

    /// The flags that the person has turned off by a link since the contact was removed.
    fn opted_out(&self, contact: ContactId) -> Result<Flags, Error>;

    /// The contacts of a list into which some were merged, each with its loser first. A merge that was undone does not
    /// count.
    fn winners(&self, list: ListNo, losers: &[ContactNo]) -> Result<Vec<(ContactNo, ContactNo)>, Error>;

    /// The contacts of a list that may have borne what has this hash, each with the position of the batch that took it
    /// from them: the last first.
    fn former_holders(&self, list: ListNo, hash: u64) -> Result<Vec<(ContactNo, u64)>, Error>;
}

/// The rows of a store, to be written where a person is erased.
pub trait Erasing: Rows {
    /// Puts other changes in the place of those of a batch.
    fn put_changes(&self, place: Place, changes: &[u8]) -> Result<(), Error>;

    /// The positions of all rows of the consent ledger of a list.
    fn consent_positions(&self, list: ListNo) -> Result<Vec<u64>, Error>;

    /// Puts another row of the consent ledger in the place of that of a batch.
    fn put_consent(&self, place: Place, records: &[u8]) -> Result<(), Error>;

    /// Deletes a contact, and its entries in the index.
    fn remove_contact(&self, contact: ContactId, document: &[u8]) -> Result<(), Error>;

    /// Forgets what a contact was called before, and that it was there.
    fn forget_traces(&self, contact: ContactId) -> Result<(), Error>;

    /// Forgets who bore what has this hash.
    fn forget_former_holders(&self, list: ListNo, hash: u64) -> Result<(), Error>;

    /// Leaves tombstones of erased contacts of a list, at the position that the erase has there; `token` is the public
    /// part of the token that sent it.
    fn put_tombstones(
        &self,
        batch: &Waiting,
        token: &str,
        list: ListNo,
        numbers: &[ContactNo],
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Remembers that the bearer of an identifier was erased.
    fn add_erased(&self, hash: ErasedHash, form: EraseForm, now: Timestamp) -> Result<(), Error>;

    /// Removes the address and the log of suppressions, and leaves them under their hash.
    fn forget_suppressed(&self, hash: ErasedHash) -> Result<(), Error>;

    /// Whether nodes of the first version may be beside this one: they know people by former forms alone.
    fn has_earlier_nodes(&self) -> bool {
        false
    }

    /// Shows all former identifiers of a list.
    fn all_former_identifiers(
        &self,
        list: ListNo,
        visit: &mut dyn FnMut(FormerRow) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Puts other identifiers in the place of these.
    fn put_former_identifiers(&self, list: ListNo, row: &FormerRow) -> Result<(), Error>;

    /// Shows the results of the account's requests of which items have failed.
    fn failed_results(&self, account: AccountNo, visit: &mut dyn FnMut(Place, &[u8])) -> Result<(), Error>;

    /// Puts other results in the place of those of a request.
    fn put_results(&self, place: Place, results: &[u8]) -> Result<(), Error>;

    /// Deletes all answers of receivers from the account's delivery log.
    fn forget_answers(&self, account: AccountNo) -> Result<(), Error>;
}
