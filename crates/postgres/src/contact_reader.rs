//! Reading contacts: see [`ContactReader`].

use super::{activity, erase, mentions, rows};
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::store::PostgresStore;
use domain::clock::Timestamp;
use domain::contact::identifier::IdentifierKind;
use domain::filter::Matcher;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ContactNo, ListNo};
use domain::sort::{Place, Sort, Start};
use storage::Counted;
use storage::rows::{consent, contact_page, contacts, history, matching, person, removal};
use storage::{
    Activities, ActivityWindow, Consents, Contact, ContactPage, ContactReader, Error, History, Mentions,
    Person, Removal, Subject, Way, Window,
};

#[async_trait]
impl ContactReader for PostgresStore {
    async fn find_contact(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<(ContactNo, Contact)>, Error> {
        self.view(move |view| contacts::find(view, account, list, &identifiers)).await
    }

    async fn find_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        wanted: Vec<Vec<(IdentifierKind, String)>>,
    ) -> Result<Vec<Option<(ContactNo, Contact)>>, Error> {
        self.view(move |view| contacts::find_many(view, account, list, &wanted)).await
    }

    async fn page_contacts(
        &self,
        account: AccountNo,
        list: ListNo,
        way: Way,
        limit: u32,
    ) -> Result<ContactPage, Error> {
        self.view(move |view| contact_page::page(view, account, list, way, limit)).await
    }

    async fn contacts_by_number(
        &self,
        account: AccountNo,
        list: ListNo,
        numbers: Vec<ContactNo>,
    ) -> Result<ContactPage, Error> {
        self.view(move |view| contact_page::load(view, account, list, &numbers)).await
    }

    async fn count_matching(
        &self,
        list: ListNo,
        after: ContactNo,
        until: ContactNo,
        matcher: Arc<Matcher>,
    ) -> Result<Counted, Error> {
        self.view(move |view| matching::count(view, list, after, until, &matcher)).await
    }

    async fn first_matching(
        &self,
        list: ListNo,
        range: (ContactNo, ContactNo),
        matcher: Arc<Matcher>,
        page: (Sort, Start, usize),
    ) -> Result<(Vec<Place>, Vec<ContactNo>), Error> {
        self.view(move |view| matching::first(view, list, range, &matcher, page.clone())).await
    }

    async fn count_contacts(&self, lists: Vec<ListNo>) -> Result<HashMap<ListNo, u64>, Error> {
        self.read(move |session, _| rows::count_contacts(session, &lists)).await
    }

    async fn count_all_contacts(&self, account: AccountNo) -> Result<u64, Error> {
        self.read(move |session, _| rows::count_all_contacts(session, account)).await
    }

    async fn activity(&self, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error> {
        self.read(move |session, _| activity::find(session, account, window)).await
    }

    async fn find_history(
        &self,
        account: AccountNo,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
        window: Window,
    ) -> Result<Option<History>, Error> {
        self.view(move |view| history::find(view, account, list, &identifiers, window)).await
    }

    async fn contacts_of_request(&self, list: ListNo, request: ObjectId) -> Result<Vec<ContactNo>, Error> {
        self.view(move |view| history::contacts_of(view, list, request)).await
    }

    async fn find_removal(&self, list: ListNo, contact: ContactNo) -> Result<Option<Removal>, Error> {
        self.view(move |view| removal::find(view, (list, contact))).await
    }

    async fn find_consents(
        &self,
        list: ListNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Option<Consents>, Error> {
        self.view(move |view| consent::find(view, list, &identifiers)).await
    }

    async fn last_erase(&self, account: AccountNo) -> Result<Option<Timestamp>, Error> {
        self.read(move |session, _| erase::last(session, account)).await
    }

    async fn find_person(
        &self,
        account: AccountNo,
        identifiers: Vec<(IdentifierKind, String)>,
    ) -> Result<Person, Error> {
        self.view(move |view| person::person(view, account, &identifiers)).await
    }

    async fn find_mentions(
        &self,
        account: AccountNo,
        subject: Arc<Subject>,
        _: u64,
    ) -> Result<Mentions, Error> {
        self.read(move |session, _| mentions::find(session, account, &subject)).await
    }
}
