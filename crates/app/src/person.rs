//! One person in all lists: all data about them, and erasing them.

use std::sync::Arc;

use super::accept::{Accepted, Draft, Submission};
use super::{Caller, Commands, Operation, Queries, Reach, Result};
use crate::find::suppressed::addresses_of;
use domain::contact::identifier::IdentifierKind;
use domain::contact::suppression::Channel;
use domain::id::ObjectId;
use domain::journal::{BatchKind, ItemsWriter, ListNo, WebHook};
use storage::{Address, Error, List, Mention, Person, PersonContact, Subject, Suppression};

/// Erases a person from all lists.
pub static ERASE: Operation = Operation::batch("/v3/contact/erase", Reach::Account);

/// Reads all data about a person.
pub static EXPORT: Operation = Operation::read("/v3/contact/export", Reach::Account);

/// Identifiers of one person, in the order in which contacts are looked up by them.
pub type Identifiers = Vec<(IdentifierKind, String)>;

impl Commands {
    /// Erases the person with one of these identifiers, from all lists of the account.
    ///
    /// # Errors
    /// The caller may not, the key was used for another batch, or the batch could not be made durable.
    pub async fn erase(
        &self,
        caller: &Caller,
        submission: Submission,
        identifiers: &[(IdentifierKind, String)],
        webhook: Option<WebHook>,
    ) -> Result<Accepted> {
        let mut items = ItemsWriter::default();
        identifiers.iter().for_each(|(kind, text)| items.add(*kind, text, &[]));
        // Of no list, so no token that is limited to lists sees it.
        let list = (ListNo::NONE, ObjectId::from_bytes([0; 12]));
        let draft =
            Draft { kind: BatchKind::Erase, list, webhook, restore_erased: false, items: items.finish() };
        let request = submission.request;
        let work = self.accept(caller, submission, draft);
        let mut accepted = self.0.run_as(&ERASE, caller, request, work).await?;
        match self.filters_naming(caller.scope.account, identifiers).await {
            Ok(warnings) => accepted.warnings.extend(warnings),
            // The erasure is accepted all the same.
            Err(error) => tracing::error!(%error, "erase: reading saved filters failed"),
        }
        Ok(accepted)
    }
}

/// The most requests of an answer.
const MAX_REQUESTS: usize = 10_000;

/// All data about a person.
#[derive(Debug)]
pub struct PersonData {
    /// The person's contacts.
    pub contacts: Vec<PersonRecord>,
    /// The requests that mention the person, the oldest first.
    pub requests: Vec<Mention>,
    /// Whether these are all.
    pub requests_complete: bool,
    /// The suppressions of all addresses that the person is known by.
    pub suppressed: Vec<Suppression>,
    /// Whether a person with such an identifier was erased.
    pub erased: bool,
}

/// A contact of a person.
#[derive(Debug)]
pub struct PersonRecord {
    /// Its list.
    pub list: Arc<List>,
    /// The contact.
    pub found: PersonContact,
    /// The suppressions of its addresses.
    pub suppressed: Vec<Suppression>,
}

impl Queries {
    /// All data about the person with one of these identifiers.
    ///
    /// # Errors
    /// The caller may not, or the store fails.
    pub async fn person(&self, caller: &Caller, identifiers: Identifiers) -> Result<PersonData> {
        let (app, account) = (&self.0, caller.scope.account);
        let work = async {
            let person = app.storage.find_person(account, identifiers.clone()).await?;
            let numbers = person.contacts.iter().map(|found| (found.list, found.history.number)).collect();
            let suppressed = self.suppressions_of_person(caller, &identifiers, &person).await?;
            let mut contacts = Vec::with_capacity(person.contacts.len());
            for found in person.contacts {
                // Without those whose list went meanwhile.
                if let Some(list) = self.list(caller, &found.list_id.to_string()).await? {
                    let suppressed = self.suppressions_of(caller, &found.contact).await?;
                    let suppressed = suppressed.into_iter().next().unwrap_or_default();
                    contacts.push(PersonRecord { list, found, suppressed });
                }
            }
            let subject = Arc::new(Subject { identifiers, contacts: numbers });
            let (requests, requests_complete) = self.mentions(caller, subject).await?;
            Ok(PersonData { contacts, requests, requests_complete, suppressed, erased: person.erased })
        };
        app.run(&EXPORT, caller, work).await
    }

    async fn suppressions_of_person(
        &self,
        caller: &Caller,
        identifiers: &[(IdentifierKind, String)],
        person: &Person,
    ) -> Result<Vec<Suppression>, Error> {
        let given = Channel::ALL.into_iter().flat_map(|channel| {
            let of_channel = identifiers.iter().filter(move |(kind, _)| *kind == channel.kind());
            of_channel.map(move |(_, text)| Address { channel, text: text.clone() })
        });
        let contacts = person.contacts.iter().filter_map(|found| found.contact.as_ref());
        let addresses = given.chain(contacts.flat_map(addresses_of)).collect();
        self.suppressions_of_addresses(caller, addresses).await
    }

    /// The requests that mention a person, a chunk at a time, so that others are answered in between.
    async fn mentions(&self, caller: &Caller, subject: Arc<Subject>) -> Result<(Vec<Mention>, bool), Error> {
        let (mut requests, mut after) = (Vec::new(), 0);
        // One more than is returned shows that there are more.
        while requests.len() <= MAX_REQUESTS {
            let account = caller.scope.account;
            let chunk = self.0.storage.find_mentions(account, Arc::clone(&subject), after).await?;
            requests.extend(chunk.found);
            match chunk.next {
                // A store may return all at once.
                Some(next) => after = next,
                None => break,
            }
        }
        let complete = requests.len() <= MAX_REQUESTS;
        requests.truncate(MAX_REQUESTS);
        Ok((requests, complete))
    }
}
