//! What is stored of the search index, and what it is asked.

use domain::journal::{ContactNo, ListNo};
use domain::search::Entry;

/// How far the index of a list has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchState {
    /// The version of the words, see [`domain::search::VERSION`].
    pub version: u32,
    /// The changes behind this cursor are not in the index yet: the bytes of a
    /// [`ChangeCursor`](super::ChangeCursor).
    pub cursor: Vec<u8>,
    /// While the index is built from the contacts: the number of the last one that is in it.
    pub scanned: Option<ContactNo>,
}

/// A step of the index of a list.
#[derive(Clone, Debug)]
pub struct SearchWrite {
    /// The list.
    pub list: ListNo,
    /// The state that the step was made from: if the stored one is another, nothing is stored.
    pub before: Option<SearchState>,
    /// The state behind the step.
    pub after: SearchState,
    /// Contacts, each once and in the order of their numbers, with what is indexed of them; `None` deletes.
    pub entries: Vec<(ContactNo, Option<Entry>)>,
    /// The step has all contacts behind the first number, up to the second. Any other in the index goes.
    pub range: Option<(ContactNo, ContactNo)>,
    /// A person was erased: what is left of former words has to go too, see
    /// [`SearchIndex::tidy_search`](crate::SearchIndex::tidy_search).
    pub erased: bool,
}

/// What is looked up in the index of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Contacts that have all of these words.
    Words(Vec<String>),
    /// Contacts that have, for each of these, a word that begins with it. Of long ones the first letters are looked up:
    /// the caller compares the rest.
    Beginnings(Vec<String>),
    /// Contacts whose phone number has these last digits, see [`Phone::end`](domain::search::Phone::end). The caller
    /// compares the rest.
    PhoneEnd(String),
}
