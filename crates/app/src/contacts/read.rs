//! Reading contacts of a list.

use crate::find::{self, Bounds, Filter, Found, Sorted, Sorting};
use crate::person::Identifiers;
use crate::{Caller, Operation, Queries, Reach};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use storage::Counted;
use storage::{Contact, Error, History, List, Suppression, Way, Window};

/// Reads a contact.
pub static GET: Operation = Operation::read("/v3/contact/get", Reach::List);
/// Reads the changes of a contact.
pub static HISTORY: Operation = Operation::read("/v3/contact/history", Reach::List);
/// Reads the contacts of a list, a page at a time.
pub static FIND: Operation = Operation::read("/v3/contacts/find", Reach::Seen);

/// Contacts that one page looks at: with a filter that few fit, others are answered in between.
const MAX_LOOKED_AT: usize = 20_000;

/// Bytes of stored contacts after which a page ends.
pub const MAX_BYTES: usize = 4 << 20;

/// The bounds of a page of at most `limit` contacts.
pub const fn bounds(limit: u32) -> Bounds {
    Bounds { found: limit, looked_at: MAX_LOOKED_AT, bytes: MAX_BYTES }
}

/// Contacts that follow each other in a list.
#[derive(Debug)]
pub struct ContactsFound {
    /// Each with its number and the suppressions of its addresses.
    pub rows: Vec<(ContactNo, Contact, Vec<Suppression>)>,
    /// Those between them that are damaged on disk.
    pub damaged: Vec<ContactNo>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Way>,
}

impl Queries {
    /// Contacts of a list that fit a filter, along `way`, with the suppressions of their addresses.
    ///
    /// # Errors
    /// The store fails.
    pub async fn contacts_with_suppressions(
        &self,
        caller: &Caller,
        list: &List,
        way: Way,
        filter: &Filter,
        bounds: Bounds,
    ) -> Result<ContactsFound, Error> {
        let Found { rows, damaged, next, .. } = self.find_contacts(caller, list, way, filter, bounds).await?;
        let suppressed = self.suppressions_of(caller, rows.iter().map(|(_, contact)| contact)).await?;
        let rows = rows.into_iter().zip(suppressed);
        let rows = rows.map(|((number, contact), suppressed)| (number, contact, suppressed)).collect();
        Ok(ContactsFound { rows, damaged, next })
    }

    /// The first contact of a list that has one of the identifiers, with its number.
    ///
    /// # Errors
    /// The store fails.
    pub async fn contact(
        &self,
        caller: &Caller,
        list: &List,
        identifiers: Identifiers,
    ) -> Result<Option<(ContactNo, Contact)>, Error> {
        self.0.storage.find_contact(caller.scope.account, list.no, identifiers).await
    }

    /// The contact of a list with that number.
    ///
    /// # Errors
    /// The store fails, or the contact is damaged.
    pub async fn contact_by_number(
        &self,
        caller: &Caller,
        list: &List,
        number: ContactNo,
    ) -> Result<Option<Contact>, Error> {
        find::contact_by_number(&*self.0.storage, caller.scope.account, list.no, number).await
    }

    /// The contacts of a list that a request created or changed, as they are now; removed ones are left out.
    ///
    /// # Errors
    /// The store fails, or a contact is damaged.
    pub async fn contacts_of_request(
        &self,
        caller: &Caller,
        list: &List,
        request: ObjectId,
    ) -> Result<Vec<(ContactNo, Contact)>, Error> {
        let mut contacts = Vec::new();
        for number in self.0.storage.contacts_of_request(list.no, request).await? {
            let contact = self.contact_by_number(caller, list, number).await?;
            contacts.extend(contact.map(|contact| (number, contact)));
        }
        Ok(contacts)
    }

    /// The changes of the contact that has, or had last, one of the identifiers.
    ///
    /// # Errors
    /// The store fails.
    pub async fn history(
        &self,
        caller: &Caller,
        list: &List,
        identifiers: Identifiers,
        window: Window,
    ) -> Result<Option<History>, Error> {
        self.0.storage.find_history(caller.scope.account, list.no, identifiers, window).await
    }

    /// For each of these contacts whether it matches a filter.
    ///
    /// # Errors
    /// The store fails.
    pub async fn fit(
        &self,
        caller: &Caller,
        filter: &Filter,
        contacts: &[(ContactNo, Contact)],
    ) -> Result<Vec<Result<bool, Malformed>>, Error> {
        filter.fit(&*self.0.storage, caller.scope.account, contacts).await
    }

    /// How many contacts of a list match a filter.
    ///
    /// # Errors
    /// The store fails.
    pub async fn count(&self, caller: &Caller, list: &List, filter: &Filter) -> Result<Counted, Error> {
        find::count(self.0.storage.as_ref(), caller.scope.account, list.no, filter).await
    }

    /// A page of the contacts of a list that fit a filter, in an order.
    ///
    /// # Errors
    /// The store fails.
    pub async fn sorted_contacts(
        &self,
        caller: &Caller,
        list: &List,
        filter: &Filter,
        sorting: Sorting,
    ) -> Result<Sorted, Error> {
        find::sorted(self.0.storage.as_ref(), caller.scope.account, list.no, filter, sorting).await
    }

    /// Contacts of a list that fit a filter, along `way`, within bounds.
    ///
    /// # Errors
    /// The store fails.
    pub async fn find_contacts(
        &self,
        caller: &Caller,
        list: &List,
        way: Way,
        filter: &Filter,
        bounds: Bounds,
    ) -> Result<Found, Error> {
        find::collect(self.0.storage.as_ref(), caller.scope.account, list.no, way, filter, bounds).await
    }
}
