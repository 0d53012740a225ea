//! Contacts, their histories, and what mentions a person.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Activities, ActivityWindow, Consents, Contact, ContactPage, Error, History, Mentions, Person, Removal,
    Subject, Way, Window,
};
use crate::Counted;
use domain::clock::Timestamp;
use domain::contact::identifier::IdentifierKind;
use domain::filter::Matcher;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use domain::sort::{Place, Sort, Start};

/// Reads contacts and their histories.
#[async_trait]
pub trait ContactReader: Send + Sync + 'static {
    /// The first contact of the list that bears one of the identifiers, in the order given, with its number.
    async fn find_contact(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<(ContactNo, Contact)>, Error>;

    /// The same for many contacts, all as of one moment: for each set of identifiers the contact, in order.
    async fn find_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        wanted: Vec<Vec<(IdentifierKind, String)>>,
    ) -> Result<Vec<Option<(ContactNo, Contact)>>, Error>;

    /// Contacts of a list on a way along their numbers: at most `limit`, and fewer where they are large (at least one, if
    /// there is one). It costs the same wherever in the list it begins.
    async fn page_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        way: Way,
        limit: u32,
    ) -> Result<ContactPage, Error>;

    /// The contacts of a list with these numbers, in the order of the numbers; what is not there is left out.
    async fn contacts_by_number(
        &self,
        account: AccountNo,
        list: ListNo,
        numbers: Vec<ContactNo>,
    ) -> Result<ContactPage, Error>;

    /// How many contacts of a list with numbers behind `after`, up to `until`, match by their bytes. All of one moment.
    async fn count_matching(
        &self,
        list: ListNo,
        after: ContactNo,
        until: ContactNo,
        matcher: Arc<Matcher>,
    ) -> Result<Counted, Error>;

    /// The contacts of a list with numbers behind `after`, up to `until`, that match by their bytes and come first in an
    /// order: at most `limit` places, the nearest to where the page begins first, and at most as many contacts that are
    /// damaged. All of one moment.
    async fn first_matching(
        &self,
        list: ListNo,
        range: (ContactNo, ContactNo),
        matcher: Arc<Matcher>,
        page: (Sort, Start, usize),
    ) -> Result<(Vec<Place>, Vec<ContactNo>), Error>;

    /// How many contacts lists have; those that never had one are left out.
    async fn count_contacts(&self, lists: Vec<ListNo>) -> Result<HashMap<ListNo, u64>, Error>;

    /// How many contacts all lists of an account have together.
    async fn count_all_contacts(&self, account: AccountNo) -> Result<u64, Error>;

    /// What the account has had done, exactly: what is counted is written with what was done. It is kept as long as
    /// requests are.
    async fn activity(&self, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error>;

    /// The history of the contact that bears one of the identifiers, or did last before it was removed or changed.
    async fn find_history(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
        window: Window,
    ) -> Result<Option<History>, Error>;

    /// The contacts that a request created, changed or removed, in its order; empty if its history is deleted.
    async fn contacts_of_request(&self, list: ListNo, request: ObjectId) -> Result<Vec<ContactNo>, Error>;

    /// How a contact of the list was removed; `None` if it is there or was erased. If its history is deleted, only a
    /// merge is known.
    async fn find_removal(&self, list: ListNo, contact: ContactNo) -> Result<Option<Removal>, Error>;

    /// The consent ledger of the contact that bears one of the identifiers.
    async fn find_consents(
        &self,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Consents>, Error>;

    /// When somebody of the account was erased last: what was kept beside the store before that may be about them.
    async fn last_erase(&self, account: AccountNo) -> Result<Option<Timestamp>, Error>;

    /// The contacts of a person in all lists of the account, with their histories.
    async fn find_person(
        &self,
        account: AccountNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Person, Error>;

    /// The requests behind a journal position that mention a person: a chunk of those that are processed or wait.
    async fn find_mentions(
        &self,
        account: AccountNo,
        subject: Arc<Subject>,
        after: u64,
    ) -> Result<Mentions, Error>;
}
